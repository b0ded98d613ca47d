#include "ui/workspaces/data/data_page.hpp"

#include <QComboBox>
#include <QFileInfo>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "ui/project/selection_link.hpp"
#include "ui/workspaces/data/filter_form.hpp"
#include "ui/workspaces/data/layer_words.hpp"
#include "ui/workspaces/data/missing_form.hpp"
#include "ui/workspaces/data/preview_panel.hpp"

namespace scriptorium::ui {
namespace {

charts::Figure withThreshold(charts::Figure figure, double threshold) {
  if (figure.empty() || threshold <= 0) return figure;
  figure.panels[0].marks.push_back({charts::MarkKind::GuideX,
                                    QObject::tr("kept from"),
                                    charts::Tone::Vermillion,
                                    {threshold},
                                    {},
                                    {},
                                    1,
                                    2,
                                    false,
                                    {}});
  return figure;
}

/// The selected cells as bars before those of all cells.
charts::Figure withSelected(charts::Figure figure, const std::vector<double>& values, const IndexSet& selected) {
  if (figure.empty() || selected.empty()) return figure;
  charts::Mark bars = figure.panels[0].marks[0];
  bars.name = QObject::tr("selected");
  bars.tone = charts::Tone::Orange;
  bars.opacity = 1;
  bars.in_legend = true;
  std::fill(bars.y.begin(), bars.y.end(), 0.0);
  const auto last = static_cast<std::ptrdiff_t>(bars.y.size()) - 1;
  for (const std::int64_t cell : selected) {
    const double value = values[static_cast<std::size_t>(cell)];
    const auto above = std::upper_bound(bars.x.begin(), bars.x.end(), value) - bars.x.begin();
    bars.y[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(above - 1, 0, last))] += 1;
  }
  figure.panels[0].marks.insert(figure.panels[0].marks.begin() + 1, std::move(bars));
  return figure;
}

}  // namespace

DataPage::DataPage(Session& session, QWidget* parent) : Page("data", tr("Data"), session, parent) {
  sheets_ = new QStackedWidget;
  sheets_->addWidget(makeContent());
  sheets_->addWidget(preview_ = new PreviewPanel(session));
  setContent(sheets_);
  connect(&session.data, &DataState::stageChanged, this, &DataPage::showStage);
  connect(&session.data, &DataState::progressed, this, [this] {
    if (auto* words = findChild<QLabel*>("dataWords");
        words && this->session().data.stage() == DataState::Stage::Loading) {
      const Progress& p = this->session().data.progress();
      words->setText(tr("<h3>Opening %1</h3>%2%3")
                         .arg(QFileInfo(this->session().data.path()).fileName().toHtmlEscaped(),
                              QString::fromStdString(p.message).toHtmlEscaped(),
                              p.fraction >= 0 ? QString(", %1 %").arg(std::lround(100 * p.fraction)) : QString()));
    }
  });
  connect(&session.data, &DataState::filterChanged, this, &DataPage::showFigures);
  for (const auto& [key, view, title] :
       {std::tuple{"counts_per_cell", counts_, tr("Counts per cell")},
        std::tuple{"genes_per_cell", genes_seen_, tr("Genes seen per cell")},
        std::tuple{"mean_variance", mean_variance_, tr("Mean and variance of each gene")}})
    session.exports.addFigure({key, title, [view = view] { return view->figure(); }});
  const auto offer = [this](const QString& key, const QString& title, auto member) {
    this->session().exports.addTable({key, title, [this, member]() -> ExportList::TableMaker {
                                        const auto opened = this->session().data.opened();
                                        if (!opened) return {};
                                        return [opened, member](const RunControl&) { return (*opened).*member; };
                                      }});
  };
  offer("cells", tr("Cell table"), &OpenedData::cells);
  offer("genes", tr("Gene table"), &OpenedData::genes);
  showStage();
}

QWidget* DataPage::makeContent() {
  facts_ = new QLabel;
  facts_->setObjectName("factsLabel");
  facts_->setWordWrap(true);
  facts_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  layers_ = new QLabel;
  layers_->setObjectName("layersLabel");
  layers_->setWordWrap(true);
  layer_ = new QComboBox;
  help::describe(layer_, "layerChoice");
  connect(layer_, &QComboBox::activated, this, [this](int index) {
    const QString path = layer_->itemData(index).toString();
    if (path == session().data.layer()) return;
    DataChoice choice = session().data.choice();
    choice.layer = path;
    choice.filter = {};
    session().data.open(choice, DataState::Look::Never);
  });
  counts_ = makeFigure("countsPerCellFigure", tr("Histogram of counts per cell"), "counts_per_cell");
  genes_seen_ = makeFigure("genesPerCellFigure", tr("Histogram of genes seen per cell"), "genes_per_cell");
  mean_variance_ = makeFigure("meanVarianceFigure", tr("Mean and variance of each gene"), "mean_variance");
  for (auto* figure : {counts_, genes_seen_}) figure->setDrag(charts::FigureView::Drag::Brush);
  for (auto* figure : {counts_, genes_seen_})
    figure->setToolTip(tr("Drag across the bars to keep the cells from there on; with Ctrl to select those cells."));
  mean_variance_->setToolTip(tr("Ctrl and drag selects genes."));
  connect(counts_, &charts::FigureView::brushed, this,
          [this](int, double low, double high, Qt::KeyboardModifiers keys) {
            if (keys & Qt::ControlModifier) return selectCells(1, low, high);
            data::Filter filter = session().data.filter();
            filter.min_counts_per_cell = std::max(0.0, std::ceil(low));
            session().data.setFilter(filter);
          });
  connect(genes_seen_, &charts::FigureView::brushed, this,
          [this](int, double low, double high, Qt::KeyboardModifiers keys) {
            if (keys & Qt::ControlModifier) return selectCells(2, low, high);
            data::Filter filter = session().data.filter();
            filter.min_genes_per_cell = static_cast<std::int64_t>(std::max(0.0, std::ceil(low)));
            session().data.setFilter(filter);
          });
  connect(mean_variance_, &charts::FigureView::shapeDrawn, this,
          [this](int, const QPolygonF& shape, Qt::KeyboardModifiers) {
            if (!shown_) return;
            IndexSet inside;
            const charts::Panel& panel = shown_->mean_variance.panels[0];
            const charts::Mark& points = panel.marks[0];
            for (std::size_t i = 0; i < points.x.size(); ++i)
              if (shape.containsPoint(
                      {charts::toAxis(panel.x.scale, points.x[i]), charts::toAxis(panel.y.scale, points.y[i])},
                      Qt::OddEvenFill))
                inside.push_back(shown_->gene_of_point[i]);
            session().selection.select(Axis::Genes, std::move(inside), Combine::Replace, tr("genes in a box"));
          });
  connect(&session().selection, &SelectionState::changed, this, &DataPage::showFigures);
  cells_ = new TablePanel("cellTable", tr("Cells"));
  genes_ = new TablePanel("dataGeneTable", tr("Genes"));
  for (TablePanel* table : {cells_, genes_})
    connect(table, &TablePanel::failed, this, [this](const QString& what, const QString& remedy) {
      emit session().errorReported({what, remedy});
    });

  new SelectionLink(*cells_, session().selection, Axis::Cells);
  new SelectionLink(*genes_, session().selection, Axis::Genes);
  auto* tabs = new QTabWidget;
  tabs->setObjectName("dataTables");
  tabs->addTab(cells_, tr("Cells"));
  tabs->addTab(genes_, tr("Genes"));
  auto* figures = new QWidget;
  auto* row = new QHBoxLayout(figures);
  row->setContentsMargins(0, 0, 0, 0);
  for (auto* figure : {counts_, genes_seen_, mean_variance_}) row->addWidget(figure, 1);
  auto* left = new QSplitter(Qt::Vertical);
  left->addWidget(figures);
  left->addWidget(tabs);
  left->setStretchFactor(0, 1);
  left->setStretchFactor(1, 1);
  auto* across = new QSplitter;
  across->addWidget(left);
  across->addWidget(makeSide());
  across->setStretchFactor(0, 1);
  across->setSizes({700, 290});
  auto* content = new QWidget;
  auto* box = new QVBoxLayout(content);
  box->setContentsMargins(0, 0, 0, 0);
  box->addWidget(facts_);
  box->addWidget(across, 1);
  return content;
}

QWidget* DataPage::makeSide() {
  auto* side = new QWidget;
  auto* side_box = new QVBoxLayout(side);
  side_box->setContentsMargins(0, 0, 0, 0);
  auto* layer_row = new QHBoxLayout;
  auto* layer_label = new QLabel(tr("Layer"));
  layer_label->setBuddy(layer_);
  layer_row->addWidget(layer_label);
  layer_row->addWidget(layer_, 1);
  side_box->addLayout(layer_row);
  side_box->addWidget(layers_);
  side_box->addSpacing(8);
  side_box->addWidget(new MissingForm(session()));
  side_box->addWidget(new FilterForm(session()), 1);
  auto* onward = new QPushButton(tr("Choose a model ▸"));
  help::describe(onward, "toModelButton");
  connect(onward, &QPushButton::clicked, this, [this] { emit pageWanted("model"); });
  side_box->addWidget(onward);
  auto* scroll = new QScrollArea;
  scroll->setWidget(side);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  side->setMinimumWidth(250);
  scroll->setMinimumWidth(270);
  return scroll;
}

void DataPage::showStage() {
  const DataState& state = session().data;
  const QString file = QFileInfo(state.path()).fileName().toHtmlEscaped();
  switch (state.stage()) {
    case DataState::Stage::Empty:
      showWords(tr("<h2>Open counts</h2><p>Drop a file or folder here: h5ad, h5mu, loom, Zarr, 10x HDF5, a "
                   "MatrixMarket folder, a table of text (CSV, TSV, also gzipped), or an RDS file of R.</p>"
                   "<p>Nothing is sent anywhere, and the file is never changed.</p>"),
                {{tr("Open…"), [this] { emit openWanted(); }}, {tr("Example data"), [this] { emit exampleWanted(); }}});
      shown_ = nullptr;
      break;
    case DataState::Stage::Loading:
      showWords(tr("<h3>Opening %1</h3>%2").arg(file, QString::fromStdString(state.progress().message)),
                {{tr("Cancel"), [this] { session().data.cancelOpening(); }}});
      break;
    case DataState::Stage::Failed: {
      std::vector<std::pair<QString, std::function<void()>>> buttons{
          {tr("Open another…"), [this] { emit openWanted(); }}, {tr("Example data"), [this] { emit exampleWanted(); }}};
      showWords(tr("<h3>%1 could not be opened</h3><p><b>%2</b></p><p>%3</p>")
                    .arg(file, state.error().message.toHtmlEscaped(), state.error().remedy.toHtmlEscaped()),
                buttons);
      shown_ = nullptr;
      break;
    }
    case DataState::Stage::Preview:
      preview_->show(*state.preview());
      sheets_->setCurrentWidget(preview_);
      showContent();
      break;
    case DataState::Stage::Ready:
      sheets_->setCurrentIndex(0);
      showContent();
      if (shown_ != state.opened().get()) {
        shown_ = state.opened().get();
        facts_->setText(shown_->facts);
        fillLayers(*shown_->dataset, *layer_, *layers_);
        showFigures();
        cells_->setTable(shown_->cells);
        genes_->setTable(shown_->genes);
      }
      break;
  }
  session().exports.touch();
}

void DataPage::showFigures() {
  if (!shown_ || shown_ != session().data.opened().get()) return;  // other data are on their way
  const data::Filter& filter = session().data.filter();
  const IndexSet& cells = session().selection.selected(Axis::Cells);
  counts_->setFigure(withSelected(withThreshold(shown_->counts_per_cell, filter.min_counts_per_cell),
                                  shown_->cells->columns[1].numbers, cells),
                     true);
  genes_seen_->setFigure(
      withSelected(withThreshold(shown_->genes_per_cell, static_cast<double>(filter.min_genes_per_cell)),
                   shown_->cells->columns[2].numbers, cells),
      true);
  if (shown_->mean_variance.empty()) return mean_variance_->setMessage(tr("No gene has a positive count."));
  charts::Figure figure = shown_->mean_variance;
  if (const auto& flags = session().selection.flags(Axis::Genes)) {
    auto emphasis = std::make_shared<std::vector<std::uint8_t>>();
    for (const std::int64_t gene : shown_->gene_of_point) emphasis->push_back((*flags)[static_cast<std::size_t>(gene)]);
    figure.panels[0].marks[0].emphasis = std::move(emphasis);
  }
  mean_variance_->setFigure(std::move(figure), true);
}

void DataPage::selectCells(std::size_t column, double low, double high) {
  if (!shown_ || shown_ != session().data.opened().get()) return;
  const std::vector<double>& values = shown_->cells->columns[column].numbers;
  IndexSet inside;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] >= low && values[i] <= high) inside.push_back(static_cast<std::int64_t>(i));
  session().selection.select(Axis::Cells, std::move(inside), Combine::Replace,
                             tr("cells by %1").arg(shown_->cells->columns[column].name));
}

}  // namespace scriptorium::ui
