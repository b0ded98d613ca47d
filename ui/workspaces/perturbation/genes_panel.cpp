#include "ui/workspaces/perturbation/genes_panel.hpp"

#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSplitter>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

namespace scriptorium::ui {

using namespace perturbation;

GenesPanel::GenesPanel(Session& session, charts::FigureView* figure, TablePanel* table, QWidget* parent)
    : QWidget(parent),
      session_(session),
      figure_(figure),
      table_(table),
      link_(new SelectionLink(*table, session.selection, Axis::Genes)),
      view_(new QComboBox),
      run_(new QPushButton(tr("Test genes"))),
      cancel_(new QPushButton(tr("Cancel"))),
      sets_button_(new QPushButton(tr("Read gene sets…"))),
      progress_(new QProgressBar),
      says_(new QLabel) {
  help::describe(view_, "screenGenesView");
  help::describe(run_, "screenGenesRun");
  help::describe(cancel_, "screenGenesCancel");
  help::describe(sets_button_, "screenGeneSets");
  view_->addItem(tr("volcano"), "volcano");
  view_->addItem(tr("Z matrix of all targets"), "z");
  view_->addItem(tr("gene sets"), "sets");
  progress_->setObjectName("screenGenesProgress");
  progress_->setTextVisible(false);
  progress_->setMaximumWidth(120);
  says_->setObjectName("screenGenesSays");
  says_->setWordWrap(true);
  auto* row = new QHBoxLayout;
  for (QWidget* one : {static_cast<QWidget*>(view_), static_cast<QWidget*>(run_), static_cast<QWidget*>(cancel_),
                       static_cast<QWidget*>(progress_)})
    row->addWidget(one);
  row->addStretch();
  row->addWidget(sets_button_);
  auto* top = new QWidget;
  auto* top_box = new QVBoxLayout(top);
  top_box->setContentsMargins(0, 4, 0, 0);
  top_box->addLayout(row);
  top_box->addWidget(says_);
  top_box->addWidget(figure_, 1);
  auto* parts = new QSplitter(Qt::Vertical);
  parts->addWidget(top);
  parts->addWidget(table_);
  parts->setSizes({400, 170});
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  box->addWidget(parts);
  figure_->setToolTip(tr("On the volcano, drag a box with Ctrl to select genes."));
  connect(run_, &QPushButton::clicked, this, &GenesPanel::run);
  connect(cancel_, &QPushButton::clicked, this, [this] { session_.pool.cancel("screening genes"); });
  connect(view_, &QComboBox::activated, this, &GenesPanel::show);
  connect(figure_, &charts::FigureView::shapeDrawn, this, &GenesPanel::selectInside);
  connect(sets_button_, &QPushButton::clicked, this, [this] {
    const QString path =
        QFileDialog::getOpenFileName(this, tr("Read gene sets"), {}, tr("Gene sets (*.gmt);;All files (*)"));
    if (!path.isEmpty()) readSets(path);
  });
  connect(&session.screening, &ScreeningState::changed, this, &GenesPanel::resultChanged);
  connect(&session.selection, &SelectionState::changed, this, [this](Axis of) {
    if (of == Axis::Genes && tested_ && view_->currentData() == "volcano") show();
  });
  setBusy(false);
  resultChanged();
}

void GenesPanel::setBusy(bool busy) {
  run_->setVisible(!busy);
  cancel_->setVisible(busy);
  progress_->setVisible(busy);
}

void GenesPanel::resultChanged() {
  session_.pool.cancel("screening genes");
  tested_.reset();
  target_ = -1;
  run_->setEnabled(session_.screening.now() != nullptr);
  show();
}

void GenesPanel::choose(std::int32_t target) {
  target_ = target;
  show();
}

void GenesPanel::run() {
  const auto now = session_.screening.now();
  const auto of = session_.screening.dataOfResult();
  if (!now || !of) return;
  setBusy(true);
  progress_->setRange(0, 0);
  says_->setText(tr("Regression of every gene on the scores of the cells …"));
  using Made = std::shared_ptr<const Tested>;
  Answer<Made> answer;
  answer.progressed = [this](const Progress& progress) {
    progress_->setRange(0, progress.fraction >= 0 ? 1000 : 0);
    progress_->setValue(static_cast<int>(std::lround(1000 * progress.fraction)));
    says_->setText(QString::fromStdString(progress.message));
  };
  answer.done = [this](Made made) {
    setBusy(false);
    if (made->of != session_.screening.now()) return;
    tested_ = std::move(made);
    show();
  };
  answer.failed = [this](const JobError& error) {
    setBusy(false);
    show();
    says_->setText(error.text());
  };
  answer.cancelled = [this] {
    setBusy(false);
    show();
  };
  session_.pool.request<Made>(
      "screening genes", this,
      [now, of](const RunControl& control) {
        auto made = std::make_shared<Tested>();
        made->of = now;
        for (const TargetSummary& one : now->targets) made->targets.push_back(one.target);
        made->tables = weighted_de_of(*now, of->dataset->counts, made->targets, {}, control);
        CleanOptions options;
        options.mask_target = false;
        made->z = zFigure(clean(z_matrices(made->tables, now->screen.genes), options));
        return Made(made);
      },
      std::move(answer));
}

const WeightedDe* GenesPanel::table() const {
  if (!tested_) return nullptr;
  const auto at = std::find(tested_->targets.begin(), tested_->targets.end(), target_);
  return at == tested_->targets.end() ? nullptr
                                      : &tested_->tables[static_cast<std::size_t>(at - tested_->targets.begin())];
}

void GenesPanel::show() {
  const QString view = view_->currentData().toString();
  sets_button_->setVisible(view == "sets");
  if (session_.pool.busy("screening genes")) return;
  says_->clear();
  run_->setText(tested_ ? tr("Test again") : tr("Test genes"));
  const WeightedDe* de = table();
  if (!de) {
    figure_->setMessage(
        tr("Test genes asks of every gene whether it changes with the scores of the cells: a "
           "negative-binomial regression, for all targets."));
    table_->setMessage(tr("Not tested yet."));
    session_.exports.touch();
    return;
  }
  const auto& genes = tested_->of->screen.genes;
  if (view == "sets") return showSets(*de);
  table_->setTable(tableOf("weighted_de", de_table(*de, genes)));
  std::vector<std::int64_t> rows;
  for (const std::int64_t gene : de->gene)
    rows.push_back(session_.screening.geneRows()[static_cast<std::size_t>(gene)]);
  link_->setRows(std::move(rows));
  QStringList notes;
  for (const std::string& note : de->notes) notes << QString::fromStdString(note);
  if (!de->weight.empty() &&
      std::none_of(de->weight.begin(), de->weight.end(), [](DeWeight one) { return one == DeWeight::Score; }))
    notes << tr("Its cells have no scores: they all weigh 1.");
  says_->setText(notes.join(' '));
  if (view == "z") {
    if (tested_->z.empty())
      figure_->setMessage(
          tr("No gene of two targets or more is beyond the threshold (p ≤ 0.05/30,000 and a log2 fold "
             "change of 0.2)."));
    else
      figure_->setFigure(tested_->z, true);
  } else {
    std::vector<std::uint8_t> selected;
    if (const auto& flags = session_.selection.flags(Axis::Genes))
      for (const std::int64_t row : session_.screening.geneRows())
        selected.push_back(row >= 0 ? (*flags)[static_cast<std::size_t>(row)] : std::uint8_t{0});
    charts::Figure made = volcanoFigure(*de, genes, selected.empty() ? nullptr : &selected);
    if (made.empty())
      figure_->setMessage(
          tr("No gene of %1 is expressed in enough cells to be tested.").arg(QString::fromStdString(de->target)));
    else
      figure_->setFigure(std::move(made), true);
  }
  session_.exports.touch();
}

void GenesPanel::showSets(const WeightedDe& de) {
  if (!sets_) {
    figure_->setMessage(
        tr("Read gene sets (a GMT file: name, description and genes of a set in each line) to hold the "
           "genes that go up and down against them."));
    table_->setMessage(tr("No gene sets yet."));
    return;
  }
  Answer<std::vector<SetResults>> answer;
  answer.done = [this, name = QString::fromStdString(de.target)](const std::vector<SetResults>& made) {
    if (view_->currentData() != "sets") return;
    charts::Figure figure = setFigure(made);
    if (figure.empty()) {
      figure_->setMessage(
          tr("%1 has no five genes that go the same way (adjusted p ≤ 0.05 and a log2 fold change above "
             "0.25).")
              .arg(name));
      table_->setMessage(tr("No list to test."));
    } else {
      figure_->setFigure(std::move(figure));
      table_->setTable(setTable(made));
      link_->setRows(std::vector<std::int64_t>(table_->model().table()->rows(), -1));
    }
    session_.exports.touch();
  };
  answer.failed = [this](const JobError& error) { figure_->setMessage(error.text()); };
  session_.pool.request<std::vector<SetResults>>(
      "screening sets", this,
      [tested = tested_, of = &de, sets = sets_](const RunControl& control) {  // `tested` keeps the table alive
        std::vector<SetResults> made;
        for (DeList& list : changed_genes(*of, tested->of->screen.genes)) {
          control.check();
          auto results = fisher_tests(list.genes, list.background, *sets);
          made.push_back({std::move(list), std::move(results)});
        }
        return made;
      },
      std::move(answer));
}

void GenesPanel::readSets(const QString& path) {
  using Made = std::shared_ptr<const std::vector<GeneSet>>;
  Answer<Made> answer;
  answer.done = [this, path](Made made) {
    sets_ = std::move(made);
    view_->setCurrentIndex(view_->findData("sets"));
    show();
    says_->setText(tr("%1 sets of %2.").arg(sets_->size()).arg(QFileInfo(path).fileName()));
  };
  answer.failed = [this](const JobError& error) { emit session_.errorReported(error); };
  session_.pool.request<Made>(
      "gene sets", this,
      [path](const RunControl&) { return std::make_shared<const std::vector<GeneSet>>(read_gmt(path.toStdString())); },
      std::move(answer));
}

void GenesPanel::selectInside(int panel, const QPolygonF& shape, Qt::KeyboardModifiers) {
  const WeightedDe* de = table();
  if (!de || view_->currentData() != "volcano" || panel < 0 ||
      static_cast<std::size_t>(panel) >= figure_->figure().panels.size())
    return;
  const charts::Mark& points = figure_->figure().panels[static_cast<std::size_t>(panel)].marks[0];
  IndexSet chosen;
  for (std::size_t r = 0; r < points.x.size() && r < de->rows(); ++r)
    if (shape.containsPoint({points.x[r], points.y[r]}, Qt::OddEvenFill))
      if (const auto row = session_.screening.geneRows()[static_cast<std::size_t>(de->gene[r])]; row >= 0)
        chosen.push_back(row);
  session_.selection.select(Axis::Genes, std::move(chosen), Combine::Replace, tr("genes on the volcano"));
}

}  // namespace scriptorium::ui
