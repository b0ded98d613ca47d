#include "ui/workspaces/diagnose/diagnose_page.hpp"

#include <QAbstractItemView>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QSplitter>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace scriptorium::ui {
namespace {

enum Rank { ByMisfit, ByMean, ByTable, Chosen, Selected };

struct Grid {
  const char* text;
  int rows, gene_columns;
};
constexpr Grid kGrids[] = {{"2 × 1", 2, 1}, {"3 × 2", 3, 2}, {"4 × 3", 4, 3}, {"1 × 1", 1, 1}};

/// Bins from which on the first counts are too narrow to be seen on a linear axis.
constexpr int kLongTail = 20;

QString whole(qlonglong n) {
  return QLocale(QLocale::English).toString(n);
}

}  // namespace

DiagnosePage::DiagnosePage(Session& session, QWidget* parent) : Page("diagnose", tr("Diagnose"), session, parent) {
  setContent(makeContent());
  link_ = new SelectionLink(*table_, session.selection, Axis::Genes);
  connect(&session.data, &DataState::stageChanged, this, &DiagnosePage::showSelection);
  connect(&session.data, &DataState::preparedChanged, this, &DiagnosePage::fillCells);
  connect(&session.selection, &SelectionState::changed, this, [this](Axis of) {
    if (of == Axis::Genes && rank_->currentIndex() == Selected) ranked();
  });
  connect(&session.fits, &FitStore::changed, this, &DiagnosePage::fillFits);
  connect(&session.fits, &FitStore::currentChanged, this, [this] {
    fillFits();
    showFit();
  });
  session.exports.addFigure({"ppc", tr("Predictive checks (page shown)"), [this] { return figure_->figure(); }});
  session.exports.addTable({"diagnose", tr("Diagnosis of every gene"), [this]() -> ExportList::TableMaker {
                              if (!shown_ || known_.empty()) return {};
                              return [fit = shown_, known = known_](const RunControl&) {
                                return diagnosisTable(*fit, known);
                              };
                            }});
  showFit();
}

QWidget* DiagnosePage::makeBar() {
  const auto choice = [](const QString& name) {
    auto* box = new QComboBox;
    help::describe(box, name);
    return box;
  };
  fit_ = choice("diagnoseFit");
  fit_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  fit_->setMinimumContentsLength(9);
  which_ = choice("diagnoseCells");
  which_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  which_->setMinimumContentsLength(8);
  which_->view()->setTextElideMode(Qt::ElideMiddle);
  rank_ = choice("rankGenes");
  rank_->addItems({tr("misfit"), tr("mean count"), tr("as in the table"), tr("chosen genes"), tr("selected genes")});
  grid_ = choice("panelGrid");
  for (const Grid& grid : kGrids) grid_->addItem(QString::fromUtf8(grid.text));
  grid_->setCurrentIndex(1);
  shares_ = choice("sharesScale");
  shares_->addItems({tr("linear"), tr("log")});
  counts_ = choice("countsScale");
  counts_->addItems({tr("automatic"), tr("linear"), tr("log1p"), tr("log")});
  draws_ = makeWholeNumber("predictiveDraws", 100, 10'000, 500, 100);
  previous_ = new QPushButton("◂");
  next_ = new QPushButton("▸");
  help::describe(previous_, "previousPage");
  help::describe(next_, "nextPage");
  for (QPushButton* button : {previous_, next_}) button->setFixedWidth(36);
  page_label_ = new QLabel;
  page_label_->setObjectName("pageLabel");
  auto* bar = new QWidget;
  auto* rows = new QVBoxLayout(bar);  // two, so that a window of 1280 pixels holds them beside its docks
  rows->setContentsMargins(0, 0, 0, 0);
  rows->setSpacing(2);
  const auto addRow = [&](std::initializer_list<std::pair<QString, QWidget*>> controls) {
    auto* row = new QHBoxLayout;
    row->setSpacing(4);
    for (const auto& [text, widget] : controls) {
      auto* label = new QLabel(text);
      label->setBuddy(widget);
      row->addWidget(label);
      row->addWidget(widget);
    }
    row->addStretch();
    rows->addLayout(row);
    return row;
  };
  addRow({{tr("Fit"), fit_}, {tr("Cells"), which_}, {tr("Draws"), draws_}});
  auto* row = addRow({{tr("Rank by"), rank_}, {tr("Grid"), grid_}, {tr("Counts"), counts_}, {tr("Shares"), shares_}});
  row->addWidget(previous_);
  row->addWidget(page_label_);
  row->addWidget(next_);
  connect(fit_, &QComboBox::activated, this,
          [this](int index) { session().fits.setCurrent(fit_->itemData(index).toInt()); });
  connect(which_, &QComboBox::activated, this, &DiagnosePage::chooseCells);
  connect(rank_, &QComboBox::currentIndexChanged, this, &DiagnosePage::ranked);
  connect(grid_, &QComboBox::currentIndexChanged, this, [this] {
    page_ = 0;
    drawPage();
  });
  for (QComboBox* axis : {counts_, shares_})
    connect(axis, &QComboBox::currentIndexChanged, this, &DiagnosePage::redraw);
  connect(draws_, &QSpinBox::valueChanged, this, &DiagnosePage::drawPage);
  connect(previous_, &QPushButton::clicked, this, [this] {
    page_ = std::max(0, page_ - 1);
    drawPage();
  });
  connect(next_, &QPushButton::clicked, this, [this] {
    page_ = std::min(pages() - 1, page_ + 1);
    drawPage();
  });
  return bar;
}

QWidget* DiagnosePage::makeContent() {
  auto* bar = makeBar();
  figure_ = makeFigure("predictiveFigure", tr("Observed counts against predictions"), "ppc");
  table_ = new TablePanel("geneTable", tr("Diagnosis of every gene"));
  verdict_ = new QLabel;
  verdict_->setObjectName("overallVerdict");
  verdict_->setWordWrap(true);
  verdict_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  check_ = new QPushButton(tr("Check all genes"));
  help::describe(check_, "checkAllButton");
  cancel_ = new QPushButton(tr("Cancel"));
  help::describe(cancel_, "cancelCheckButton");
  progress_ = new QProgressBar;
  progress_->setObjectName("checkProgress");
  genes_ = new QLineEdit;
  genes_->setPlaceholderText(tr("Paste genes: MALAT1, CD3D; LYZ"));
  help::describe(genes_, "geneList");
  not_found_ = new QLabel;
  not_found_->setObjectName("notFoundLabel");
  not_found_->setWordWrap(true);
  not_found_->hide();
  auto* right = new QWidget;
  auto* box = new QVBoxLayout(right);
  box->setContentsMargins(0, 0, 0, 0);
  box->addWidget(verdict_);
  auto* row = new QHBoxLayout;
  row->addWidget(check_);
  row->addWidget(progress_, 1);
  row->addWidget(cancel_);
  row->addStretch();
  box->addLayout(row);
  box->addWidget(genes_);
  box->addWidget(not_found_);
  box->addWidget(table_, 1);
  progress_->hide();
  cancel_->hide();
  connect(check_, &QPushButton::clicked, this, [this] { check(true); });
  connect(cancel_, &QPushButton::clicked, this, [this] { session().pool.cancel("diagnose"); });
  connect(genes_, &QLineEdit::returnPressed, this, &DiagnosePage::paste);
  connect(table_, &TablePanel::rowActivated, this, &DiagnosePage::showGene);
  connect(table_, &TablePanel::failed, this, [this](const QString& what, const QString& remedy) {
    emit session().errorReported({what, remedy});
  });
  connect(&table_->model(), &QAbstractItemModel::layoutChanged, this, [this] {
    if (rank_->currentIndex() == ByTable) ranked();
  });
  connect(&table_->model(), &QAbstractItemModel::modelReset, this, [this] {
    if (rank_->currentIndex() == ByTable && !filling_) ranked();
  });
  connect(figure_, &charts::FigureView::panelClicked, this, [this](int panel) {
    const auto i = static_cast<std::size_t>(panel / 2);
    if (i < panels_.map.size()) table_->selectRow(static_cast<int>(panels_.map[i].gene));
  });

  auto* across = new QSplitter;
  across->addWidget(figure_);
  across->addWidget(right);
  across->setStretchFactor(0, 1);
  across->setSizes({620, 370});
  auto* content = new QWidget;
  auto* all = new QVBoxLayout(content);
  all->setContentsMargins(0, 0, 0, 0);
  all->addWidget(bar);
  all->addWidget(across, 1);
  return content;
}

void DiagnosePage::fillFits() {
  fit_->clear();
  for (const FitStore::Entry& entry : session().fits.entries()) fit_->addItem(entry.name, entry.id);
  if (const auto* current = session().fits.current()) fit_->setCurrentIndex(fit_->findData(current->id));
}

void DiagnosePage::showFit() {
  const FitStore::Entry* entry = session().fits.current();
  if (!entry) {
    session().pool.cancel("diagnose cells");
    whole_ = shown_ = nullptr;
    showWords(tr("<h2>No fit to check yet</h2><p>Here observed counts are laid over what the fitted model predicts, "
                 "gene by gene, "
                 "with a verdict and what to try. It needs one finished fit, or a fit file.</p>"),
              {{tr("Choose a model"), [this] { emit pageWanted("model"); }}});
    session().exports.touch();
    return;
  }
  showContent();
  if (whole_ == entry->fit) return;
  whole_ = entry->fit;
  chosen_.clear();
  which_->clear();
  shown_ = whole_;
  fillCells();
  look(whole_, {});
}

void DiagnosePage::showSelection() {
  if (shown_) link_->setRows(session().selection.rowsOf(Axis::Genes, shown_->genes));
}

int DiagnosePage::genesPerPage() const {
  const Grid& grid = kGrids[std::max(0, grid_->currentIndex())];
  return grid.rows * grid.gene_columns;
}

int DiagnosePage::pages() const {
  return std::max(1, (static_cast<int>(order_.size()) + genesPerPage() - 1) / genesPerPage());
}

void DiagnosePage::ranked() {
  if (!shown_) return;
  order_.clear();
  switch (rank_->currentIndex()) {
    case ByMisfit:
      for (const auto& [gene, diagnosis] : known_) order_.push_back(gene);
      std::stable_sort(order_.begin(), order_.end(),
                       [&](auto a, auto b) { return misfit(known_.at(a)) > misfit(known_.at(b)); });
      break;
    case ByMean:
      order_.resize(shown_->genes.size());
      std::iota(order_.begin(), order_.end(), std::int64_t{0});
      std::stable_sort(order_.begin(), order_.end(), [&](auto a, auto b) {
        return shown_->summary.gene_total[static_cast<std::size_t>(a)] >
               shown_->summary.gene_total[static_cast<std::size_t>(b)];
      });
      break;
    case ByTable:
      order_.assign(table_->model().shown().begin(), table_->model().shown().end());
      break;
    case Chosen:
      order_ = chosen_;
      break;
    case Selected: {
      const auto& flags = session().selection.flags(Axis::Genes);
      const auto rows = session().selection.rowsOf(Axis::Genes, shown_->genes);
      for (std::size_t g = 0; flags && g < rows.size(); ++g)
        if (rows[g] >= 0 && (*flags)[static_cast<std::size_t>(rows[g])] != 0)
          order_.push_back(static_cast<std::int64_t>(g));
      break;
    }
  }
  page_ = 0;
  drawPage();
}

void DiagnosePage::drawPage() {
  page_ = std::clamp(page_, 0, pages() - 1);
  page_label_->setText(tr("page %1 of %2").arg(whole(page_ + 1), whole(pages())));
  previous_->setEnabled(page_ > 0);
  next_->setEnabled(page_ + 1 < pages());
  if (!shown_ || order_.empty()) {
    if (shown_)
      figure_->setMessage(
          rank_->currentIndex() == Chosen     ? tr("Paste gene names at the right, or double-click a row of the table.")
          : rank_->currentIndex() == Selected ? tr("Select genes in any table or plot: they are shown here.")
                                              : tr("No genes to show."));
    return;
  }
  const auto first = order_.begin() + page_ * genesPerPage();
  const std::vector<std::int64_t> genes(first, std::min(first + genesPerPage(), order_.end()));
  figure_->setStale(true);
  Answer<PredictivePage> answer;
  answer.done = [this](PredictivePage page) {
    panels_ = std::move(page);
    redraw();
  };
  answer.failed = [this](const JobError& error) { figure_->setMessage(error.text()); };
  session().pool.request<PredictivePage>(
      "ppc", this,
      [fit = shown_, shares = cell_shares_, genes, draws = draws_->value()](const RunControl& control) {
        result::PredictiveOptions options;
        options.shares = shares;
        options.draws = draws;
        options.kind = result::PredictiveKind::Map;
        options.mean_point = false;
        PredictivePage page;
        page.map = result::predictive(*fit, genes, options, control);
        options.kind = result::PredictiveKind::Posterior;
        page.posterior = result::predictive(*fit, genes, options, control);
        return page;
      },
      std::move(answer));
}

void DiagnosePage::redraw() {
  if (!shown_ || panels_.map.empty()) return;
  const int columns =
      std::min<int>(kGrids[std::max(0, grid_->currentIndex())].gene_columns, static_cast<int>(panels_.map.size()));
  constexpr charts::Scale scales[] = {charts::Scale::Linear, charts::Scale::Log1p, charts::Scale::Log};
  const bool tail =
      std::any_of(panels_.map.begin(), panels_.map.end(), [](const auto& gene) { return gene.bins() > kLongTail; });
  const int axis = counts_->currentIndex() > 0 ? counts_->currentIndex() - 1 : tail ? 1 : 0;
  figure_->setFigure(rescaled(predictiveFigure(panels_, shown_->genes, known_, columns, shares_->currentIndex() == 1),
                              scales[axis], std::nullopt));
  session().exports.touch();
}

void DiagnosePage::showGene(int gene) {
  chosen_ = {gene};
  if (rank_->currentIndex() == Chosen)
    ranked();
  else
    rank_->setCurrentIndex(Chosen);
}

void DiagnosePage::paste() {
  if (!shown_) return;
  Answer<GeneList> answer;
  answer.done = [this](GeneList list) {
    not_found_->setVisible(!list.not_found.isEmpty());
    not_found_->setText(tr("Not found: %1").arg(list.not_found.join(", ")));
    if (list.found.empty()) return;
    chosen_ = std::move(list.found);
    if (rank_->currentIndex() == Chosen)
      ranked();
    else
      rank_->setCurrentIndex(Chosen);
  };
  session().pool.request<GeneList>(
      "gene list", this,
      [text = genes_->text(), fit = shown_](const RunControl&) { return readGeneList(text, fit->genes); },
      std::move(answer));
}

}  // namespace scriptorium::ui
