// Where things are on the page, and what it offers for export.
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QCompleter>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QScrollArea>
#include <QSplitter>
#include <QStackedWidget>
#include <QStringListModel>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>

#include "core/error.hpp"
#include "ui/workspaces/perturbation/genes_panel.hpp"
#include "ui/workspaces/perturbation/perturbation_page.hpp"
#include "ui/workspaces/perturbation/screen_command.hpp"
#include "ui/workspaces/perturbation/screening_form.hpp"

namespace scriptorium::ui {
namespace {

QComboBox* choice(const QString& name, const std::vector<std::pair<QString, QString>>& items = {}) {
  auto* box = new QComboBox;
  help::describe(box, name);
  for (const auto& [text, key] : items) box->addItem(text, key);
  return box;
}

QLabel* words(const QString& name) {
  auto* label = new QLabel;
  label->setObjectName(name);
  label->setWordWrap(true);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  return label;
}

QWidget* stacked(std::initializer_list<std::pair<QWidget*, int>> parts) {
  auto* made = new QSplitter(Qt::Vertical);
  QList<int> sizes;
  for (const auto& [part, size] : parts) {
    made->addWidget(part);
    sizes << size;
  }
  made->setSizes(sizes);
  return made;
}

QWidget* under(std::initializer_list<QWidget*> row, QWidget* below) {
  auto* made = new QWidget;
  auto* box = new QVBoxLayout(made);
  box->setContentsMargins(0, 4, 0, 0);
  auto* line = new QHBoxLayout;
  for (QWidget* one : row) line->addWidget(one);
  line->addStretch();
  box->addLayout(line);
  box->addWidget(below, 1);
  return made;
}

}  // namespace

TablePanel* PerturbationPage::makeTable(const QString& name, const QString& title) {
  auto* made = new TablePanel(name, title);
  connect(made, &TablePanel::failed, this, [this](const QString& what, const QString& remedy) {
    emit session().errorReported({what, remedy});
  });
  return made;
}

std::vector<charts::FigureView*> PerturbationPage::figures() const {
  return {scores_, posterior_, knock_down_, heat_map_, guides_, discriminant_, genes_figure_};
}

QWidget* PerturbationPage::makeContent() {
  scores_ = makeFigure("scoreFigure", tr("Perturbation scores against controls"), "perturbation_score");
  posterior_ = makeFigure("posteriorFigure", tr("Probabilities of being perturbed"), "perturbation_probability");
  knock_down_ = makeFigure("knockDownFigure", tr("The target's own expression by score"), "knock_down");
  heat_map_ = makeFigure("markerFigure", tr("Marker genes, cells by rising score"), "marker_heat_map");
  guides_ = makeFigure("guideFigure", tr("Shares of perturbed cells by guide"), "guides");
  discriminant_ = makeFigure("discriminantFigure", tr("Perturbed cells and controls along axes that part the targets"),
                             "discriminant");
  genes_figure_ = makeFigure("screenGenesFigure", tr("Genes that change with a target"), "screen_genes");
  targets_ = makeTable("targetTable", tr("Targets and verdicts"));
  cells_ = makeTable("screenCellTable", tr("Scores and calls of the cells"));
  markers_ = makeTable("markerTable", tr("Genes of the target against controls"));
  guide_table_ = makeTable("guideTable", tr("Guides"));
  genes_table_ = makeTable("screenGenesTable", tr("Weighted differential expression of the target"));
  genes_ = new GenesPanel(session(), genes_figure_, genes_table_);
  cells_link_ = new SelectionLink(*cells_, session().selection, Axis::Cells);
  genes_link_ = new SelectionLink(*markers_, session().selection, Axis::Genes);
  auto* across = new QSplitter;
  across->addWidget(makeLeft());
  across->addWidget(makeRight());
  across->setStretchFactor(1, 1);
  across->setSizes({440, 500});
  return across;
}

QWidget* PerturbationPage::makeLeft() {
  auto* form = new ScreeningForm(session());
  auto* scroll = new QScrollArea;
  scroll->setWidget(form);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  run_ = new QPushButton(tr("Run"));
  cancel_ = new QPushButton(tr("Cancel"));
  help::describe(run_, "screenRun");
  help::describe(cancel_, "screenCancel");
  copy_ = new QPushButton(tr("Copy as command"));
  help::describe(copy_, "screenCopyCommand");
  progress_ = new QProgressBar;
  progress_->setObjectName("screenProgress");
  progress_->setTextVisible(false);
  run_says_ = words("screenRunSays");
  result_ = words("screenResult");
  reason_ = words("targetReason");
  auto* below = new QWidget;
  auto* box = new QVBoxLayout(below);
  box->setContentsMargins(0, 0, 4, 0);
  auto* row = new QHBoxLayout;
  row->addWidget(run_);
  row->addWidget(cancel_);
  row->addWidget(progress_, 1);
  row->addStretch();
  row->addWidget(copy_);
  box->addLayout(row);
  box->addWidget(run_says_);
  box->addWidget(result_);
  box->addWidget(targets_, 1);
  box->addWidget(reason_);
  left_ = new QSplitter(Qt::Vertical);
  left_->addWidget(scroll);
  left_->addWidget(below);
  left_->setSizes({190, 485});
  left_->setMinimumWidth(270);
  connect(form, &ScreeningForm::unfolded, this, [this](bool open) {
    left_->setSizes(open ? QList<int>{430, 245} : QList<int>{190, 485});
  });
  connect(run_, &QPushButton::clicked, this, [this] { session().screening.run(); });
  connect(cancel_, &QPushButton::clicked, this, [this] { session().screening.cancel(); });
  connect(copy_, &QPushButton::clicked, this, [this] {
    QApplication::clipboard()->setText(commandFor(session().screening.options(), session().data.choice()));
    emit session().noted(tr("The command is on the clipboard."));
  });
  connect(targets_, &TablePanel::selectionChanged, this, [this] {
    const auto rows = targets_->selectedRows();
    const auto& now = session().screening.now();
    if (now && rows.size() == 1) choose(now->targets[static_cast<std::size_t>(rows.front())].target);
  });
  connect(targets_, &TablePanel::rowActivated, this, [this] { selectKind("target"); });
  return left_;
}

QWidget* PerturbationPage::makeScores() {
  facets_ = choice("scoreFacets", {{tr("all cells together"), "together"},
                                   {tr("guide by guide"), "guides"},
                                   {tr("group by group"), "splits"},
                                   {tr("all targets under each other"), "ridges"}});
  connect(facets_, &QComboBox::activated, this, &PerturbationPage::drawTarget);
  scores_->setDrag(charts::FigureView::Drag::Brush);
  scores_->setToolTip(tr("Drag across to select the target's cells with scores between; Ctrl adds, Alt takes away."));
  scores_->setReadout([this](int panel, int mark, int point) { return wordsOfScore(panel, mark, point); });
  connect(
      scores_, &charts::FigureView::brushed, this,
      [this](int panel, double low, double high, Qt::KeyboardModifiers keys) {
        if (facets_->currentData() == "ridges" || panel < 0 || static_cast<std::size_t>(panel) >= shown_.facets.size())
          return;
        std::vector<std::int64_t> cells;
        for (const auto& curve : shown_.facets[static_cast<std::size_t>(panel)].curves)
          for (std::size_t i = 0; i < curve.cells.size(); ++i)
            if (curve.kind != perturbation::CellKind::Control && curve.value[i] >= low && curve.value[i] <= high)
              cells.push_back(curve.cells[i]);
        select(cells, combineOf(keys), tr("cells by perturbation score"));
      });
  auto* label = new QLabel(tr("Show"));
  label->setBuddy(facets_);
  return under({label, facets_}, scores_);
}

QWidget* PerturbationPage::makeCalls() {
  gene_ = new QLineEdit;
  help::describe(gene_, "callsGene");
  gene_->setPlaceholderText(tr("none: probability"));
  gene_->setClearButtonEnabled(true);
  gene_->setMaximumWidth(180);
  auto* names = new QStringListModel(gene_);
  auto* completer = new QCompleter(names, gene_);
  completer->setCaseSensitivity(Qt::CaseInsensitive);
  gene_->setCompleter(completer);
  connect(&session().screening, &ScreeningState::changed, this, [this, names] {
    QStringList genes;
    if (const auto& now = session().screening.now())
      for (const std::string& gene : now->screen.genes) genes << QString::fromStdString(gene);
    names->setStringList(genes);
  });
  connect(gene_, &QLineEdit::editingFinished, this, [this] {
    if (gene_->text().trimmed() != shown_.gene) drawTarget();
  });
  auto* label = new QLabel(tr("Gene by class"));
  label->setBuddy(gene_);
  return stacked({{under({label, gene_}, posterior_), 300}, {cells_, 270}});
}

QWidget* PerturbationPage::makeGuides() {
  guides_of_ = choice("guidesOf", {{tr("this target"), "one"}, {tr("all targets"), "all"}});
  connect(guides_of_, &QComboBox::activated, this, &PerturbationPage::drawTarget);
  auto* label = new QLabel(tr("Guides of"));
  label->setBuddy(guides_of_);
  return stacked({{under({label, guides_of_}, guides_), 430}, {guide_table_, 140}});
}

QWidget* PerturbationPage::makeDiscriminant() {
  axes_ = choice("discriminantMap", {{tr("axes 1 and 2"), "axes"}, {tr("UMAP of all axes"), "umap"}});
  axes_say_ = words("discriminantSays");
  connect(axes_, &QComboBox::activated, this, &PerturbationPage::drawDiscriminant);
  auto* label = new QLabel(tr("Show"));
  label->setBuddy(axes_);
  auto* row = new QHBoxLayout;
  row->addWidget(label);
  row->addWidget(axes_);
  row->addStretch();
  addDragTools(*row, *discriminant_, "discriminant");
  discriminant_->setReadout([this](int, int, int point) -> QStringList {
    const auto& now = session().screening.now();
    if (!now || !now->discriminant || static_cast<std::size_t>(point) >= now->discriminant->cells.size()) return {};
    const auto i = static_cast<std::size_t>(point);
    return {cellName(now->discriminant->cells[i]), targetName(*now, now->discriminant->label[i])};
  });
  connect(discriminant_, &charts::FigureView::shapeDrawn, this,
          [this](int, const QPolygonF& shape, Qt::KeyboardModifiers keys) { selectInside(shape, combineOf(keys)); });
  auto* made = new QWidget;
  auto* box = new QVBoxLayout(made);
  box->setContentsMargins(0, 4, 0, 0);
  box->addLayout(row);
  box->addWidget(discriminant_, 1);
  box->addWidget(axes_say_);
  return made;
}

QWidget* PerturbationPage::makeRight() {
  target_ = choice("perturbationTarget");
  target_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  target_->setMinimumContentsLength(14);
  connect(target_, &QComboBox::activated, this, [this](int index) { choose(target_->itemData(index).toInt()); });
  select_ = choice("perturbationSelect", {{tr("Select cells …"), {}},
                                          {tr("all of the target"), "target"},
                                          {tr("called perturbed"), "perturbed"},
                                          {tr("not perturbed"), "not"},
                                          {tr("controls"), "control"}});
  connect(select_, &QComboBox::activated, this, [this](int index) {
    selectKind(select_->itemData(index).toString());
    select_->setCurrentIndex(0);
  });
  heat_map_->setReadout([this](int, int mark, int pixel) { return wordsOfMap(mark, pixel); });
  tabs_ = new QTabWidget;
  tabs_->setObjectName("perturbationTabs");
  tabs_->addTab(makeScores(), tr("Score"));
  tabs_->addTab(makeCalls(), tr("Calls"));
  tabs_->addTab(knock_down_, tr("Knock-down"));
  tabs_->addTab(stacked({{heat_map_, 440}, {markers_, 130}}), tr("Markers"));
  tabs_->addTab(makeGuides(), tr("Guides"));
  tabs_->addTab(makeDiscriminant(), tr("LDA"));
  tabs_->addTab(genes_, tr("Genes"));
  auto* label = new QLabel(tr("Target"));
  label->setBuddy(target_);
  auto* with = new QWidget;
  auto* box = new QVBoxLayout(with);
  box->setContentsMargins(0, 0, 0, 0);
  auto* row = new QHBoxLayout;
  row->addWidget(label);
  row->addWidget(target_);
  row->addStretch();
  row->addWidget(select_);
  box->addLayout(row);
  box->addWidget(tabs_, 1);
  needs_ = words("perturbationNeed");
  needs_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  needs_->setMargin(12);
  needs_->setText(
      tr("<b>How strongly each cell answers its perturbation</b><p>Choose the column that says what each cell's guide "
         "aims at, and the label of the cells whose guide has no target. A column of guides shows whether they agree; "
         "a column of groups (replicates, cell types, conditions) has each cell compared with controls of its own "
         "group.</p><p><b>Run</b> compares every cell with its nearest controls, finds the genes that differ in each "
         "target, scores the cells along them, calls which cells are perturbed, and judges every target in words.</p>"
         "<p>Scores and calls become columns of the cells: the map of the Components page can be coloured by them, and "
         "saved copies hold them.</p>"));
  right_ = new QStackedWidget;
  right_->addWidget(needs_);
  right_->addWidget(with);
  return right_;
}

void PerturbationPage::offerForExport() {
  for (const auto& [key, title, view] :
       {std::tuple{"perturbation_score", tr("Perturbation scores"), scores_},
        std::tuple{"perturbation_probability", tr("Probabilities of calls"), posterior_},
        std::tuple{"knock_down", tr("Knock-down by score"), knock_down_},
        std::tuple{"marker_heat_map", tr("Heat map of markers"), heat_map_},
        std::tuple{"guides_figure", tr("Guides"), guides_},
        std::tuple{"discriminant", tr("Discriminant axes"), discriminant_},
        std::tuple{"screen_genes", tr("Genes that change with a target"), genes_figure_}})
    session().exports.addFigure({key, title, [view = view] { return view->figure(); }});
  for (const auto& [key, title, panel] :
       {std::tuple{"targets", tr("Targets of the screen"), targets_},
        std::tuple{"screen_cells", tr("Scores and calls of the cells"), cells_},
        std::tuple{"markers", tr("Genes of the target shown"), markers_},
        std::tuple{"guides", tr("Guides of the screen"), guide_table_},
        std::tuple{"screen_genes_table", tr("Genes that change with the target shown"), genes_table_}})
    session().exports.addTable({key, title, [panel = panel]() -> ExportList::TableMaker {
                                  auto table = panel->model().sharedTable();
                                  if (!table) return {};
                                  return [table](const RunControl&) { return table; };
                                }});
  genes_->offerForExport();
  for (const auto& [key, title, layer] :
       {std::tuple{"screening", tr("Data with scores and calls"), perturbation::LayerType::None},
        std::tuple{"screening_signature", tr("Data with the signature (layer X_pert)"),
                   perturbation::LayerType::Float32}})
    session().exports.addFile({key, title, "h5ad", false, [this, layer = layer]() -> ExportList::FileMaker {
                                 const auto now = session().screening.now();
                                 const auto of = session().screening.dataOfResult();
                                 if (!now || !of) return {};
                                 return [now, of, layer](const QString& path, const RunControl& control) {
                                   perturbation::write_screening_h5ad(*of->dataset, *now, layer, path.toStdString(),
                                                                      control);
                                 };
                               }});
}

}  // namespace scriptorium::ui
