#include "ui/workspaces/components/entropy_map_panel.hpp"

#include <QButtonGroup>
#include <QComboBox>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

namespace scriptorium::ui {
namespace {

constexpr int kMapPanel = 1;  ///< of the figure; above it are the bars

/// Whether the map of one also is the map of the other: names and colours may differ.
bool sameCells(const Assignments& a, const Assignments& b) {
  return &a == &b || (a.fit == b.fit && a.assigned == b.assigned && a.probability == b.probability);
}

}  // namespace

EntropyMapPanel::EntropyMapPanel(Session& session, charts::FigureView* figure, QWidget* parent)
    : QWidget(parent), session_(session), figure_(figure) {
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 4, 0, 0);
  box->addWidget(makeControls());
  box->addWidget(figure_, 1);
  auto* below = new QHBoxLayout;
  below->addWidget(says_, 1);
  for (QWidget* one : std::initializer_list<QWidget*>{progress_, compute_, cancel_}) below->addWidget(one);
  box->addLayout(below);
  figure_->setReadout([this](int panel, int mark, int index) { return wordsOf(panel, mark, index); });
  closer_.setSingleShot(true);
  closer_.setInterval(120);  // a turn of the wheel is several steps
  connect(&closer_, &QTimer::timeout, this, &EntropyMapPanel::lookCloser);
  connect(figure_, &charts::FigureView::zoomed, &closer_, qOverload<>(&QTimer::start));
  connect(figure_, &charts::FigureView::shapeDrawn, this,
          [this](int panel, const QPolygonF& shape, Qt::KeyboardModifiers keys) {
            choose(panel, shape.boundingRect(), keys);
          });
  connect(figure_, &charts::FigureView::placeClicked, this, [this](int panel, QPointF at, Qt::KeyboardModifiers keys) {
    choose(panel, {at, at}, keys);
  });
  connect(measure_, &QComboBox::activated, this, [this] { draw(true); });
  connect(genes_, &QSpinBox::valueChanged, this, &EntropyMapPanel::refresh);
  connect(compute_, &QPushButton::clicked, this, &EntropyMapPanel::compute);
  connect(cancel_, &QPushButton::clicked, this, [this] {
    session_.pool.cancel("entropy map");
    session_.pool.cancel("entropy detail");
  });
  connect(&session.assignments, &AssignmentState::changed, this, &EntropyMapPanel::refresh);
  connect(&session.data, &DataState::preparedChanged, this, &EntropyMapPanel::refresh);
  connect(&session.selection, &SelectionState::changed, this, [this](Axis of) {
    if (of == Axis::Cells) draw(true);
  });
  setRunning(false);
}

QWidget* EntropyMapPanel::makeControls() {
  measure_ = new QComboBox;
  measure_->addItem(tr("entropy"), static_cast<int>(EntropyMeasure::Entropy));
  measure_->addItem(tr("evidence"), static_cast<int>(EntropyMeasure::Evidence));
  help::describe(measure_, "entropyMeasure");
  genes_ = makeWholeNumber("entropyGenes", 1, 5000, 500, 50);
  compute_ = new QPushButton(tr("Compute"));
  help::describe(compute_, "entropyCompute");
  cancel_ = new QPushButton(tr("Cancel"));
  help::describe(cancel_, "entropyCancel");
  progress_ = new QProgressBar;
  progress_->setObjectName("entropyProgress");
  progress_->setMaximumWidth(90);
  says_ = new QLabel;
  says_->setObjectName("entropySays");
  says_->setWordWrap(true);
  auto* controls = new QWidget;
  auto* row = new QHBoxLayout(controls);
  row->setContentsMargins(0, 0, 0, 0);
  const auto label = [row](const QString& text, QWidget* of) {
    auto* made = new QLabel(text);
    made->setBuddy(of);
    row->addWidget(made);
    row->addWidget(of);
  };
  label(tr("Show"), measure_);
  label(tr("Genes"), genes_);
  row->addStretch();
  auto* tools = new QButtonGroup(this);
  using Drag = charts::FigureView::Drag;
  for (const auto& [text, name, drag, genes] : {std::tuple{tr("Zoom"), "entropyZoom", Drag::Zoom, false},
                                                std::tuple{tr("Cells"), "entropyCells", Drag::Box, false},
                                                std::tuple{tr("Genes"), "entropyPickGenes", Drag::Box, true}}) {
    auto* tool = new QToolButton;
    tool->setText(text);
    tool->setCheckable(true);
    tool->setChecked(drag == Drag::Zoom);
    help::describe(tool, name);
    tools->addButton(tool);
    row->addWidget(tool);
    connect(tool, &QToolButton::clicked, this, [this, drag = drag, genes = genes] {
      figure_->setDrag(drag);
      picks_genes_ = genes;
    });
  }
  return controls;
}

void EntropyMapPanel::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  refresh();
}

QString EntropyMapPanel::whyNot() const {
  const auto& of = session_.assignments.now();
  if (!of) return tr("No components.");
  if (!of->fit)
    return tr(
        "These probabilities come without a model. What a gene says of the component needs the fit of a mixture: "
        "choose one above, or undo the merging of components.");
  if (!session_.data.preparedAs(of->fit->data_id)) return dataMissing(session_.data, *of->fit, tr("this fit")).text();
  return {};
}

bool EntropyMapPanel::isCurrent() const {
  const auto& of = session_.assignments.now();
  if (!ground_ || !whole_ || !of || !sameCells(*ground_->of, *of)) return false;
  const auto genes = static_cast<std::int64_t>(ground_->evidence.order.size());
  return whole_->last_gene == std::min<std::int64_t>(genes_->value(), genes);
}

void EntropyMapPanel::refresh() {
  if (!isVisible()) {
    if (!isCurrent()) figure_->setMessage(tr("This map is made when somebody looks at it."));  // nor exported before
    return;
  }
  if (const QString why = whyNot(); !why.isEmpty()) {
    session_.pool.cancel("entropy map");
    session_.pool.cancel("entropy detail");
    ground_.reset();
    whole_ = detail_ = nullptr;
    figure_->setMessage(why);
    says_->clear();
    setRunning(false);
    compute_->hide();
    session_.exports.touch();
  } else if (isCurrent()) {
    draw(!figure_->figure().empty());
  } else {
    compute();
  }
}

void EntropyMapPanel::setRunning(bool running) {
  progress_->setVisible(running);
  cancel_->setVisible(running);
  compute_->setVisible(!running && !isCurrent());
}

void EntropyMapPanel::compute() {
  if (!whyNot().isEmpty()) return refresh();
  const auto& of = session_.assignments.now();
  const auto its_data = session_.data.preparedAs(of->fit->data_id);
  struct Made {
    std::shared_ptr<const EntropyGround> ground;
    std::shared_ptr<const EntropyPiece> whole;
  };
  session_.pool.cancel("entropy detail");
  progress_->setRange(0, 0);
  if (figure_->figure().empty())
    figure_->setMessage(tr("Asking every gene …"));
  else
    figure_->setStale(true);
  Answer<Made> answer;
  answer.progressed = [this](const Progress& progress) {
    progress_->setRange(0, progress.fraction >= 0 ? 100 : 0);
    progress_->setValue(static_cast<int>(std::lround(100 * progress.fraction)));
  };
  answer.done = [this](Made made) {
    ground_ = std::move(made.ground);
    whole_ = std::move(made.whole);
    detail_ = nullptr;
    setRunning(false);
    draw(false);
  };
  answer.failed = [this](const JobError& error) {
    setRunning(false);
    figure_->setMessage(error.text());
  };
  answer.cancelled = [this] {
    setRunning(false);
    if (figure_->figure().empty()) figure_->setMessage(tr("This map is not computed."));
  };
  auto known = ground_ && sameCells(*ground_->of, *of) ? ground_ : nullptr;  // only the number of genes is another
  session_.pool.request<Made>(
      "entropy map", this,
      [of, its_data, known, genes = std::int64_t{genes_->value()}](const RunControl& control) {
        Made made{known, nullptr};
        if (!made.ground) made.ground = std::make_shared<const EntropyGround>(entropyGround(of, its_data, control));
        const auto cells = static_cast<std::int64_t>(made.ground->cells.size()),
                   all = static_cast<std::int64_t>(made.ground->evidence.order.size());
        made.whole = std::make_shared<const EntropyPiece>(
            entropyPiece(*made.ground, 0, cells, 0, std::min(genes, all), control));
        return made;
      },
      std::move(answer));
  setRunning(true);
}

void EntropyMapPanel::lookCloser() {
  if (!isCurrent() || figure_->figure().panels.size() <= kMapPanel) return;
  const QRectF range = figure_->shownRange(kMapPanel);
  const auto cells = static_cast<std::int64_t>(ground_->cells.size()), genes = whole_->last_gene;
  const auto inside = [](double value, std::int64_t most) {
    return std::clamp(static_cast<std::int64_t>(value), std::int64_t{0}, most);
  };
  const auto first_cell = inside(std::floor(range.left()), cells), last_cell = inside(std::ceil(range.right()), cells);
  // The gene of rank k is drawn from genes − 1.5 − k to genes − 0.5 − k.
  const double top = static_cast<double>(genes) - 0.5;
  const auto first_gene = inside(std::floor(top - range.bottom()), genes),
             last_gene = inside(std::ceil(top - range.top()), genes);
  const bool finer = !whole_->single() || whole_->map.sampled;
  if (!finer || (first_cell == 0 && last_cell == cells) || first_cell >= last_cell || first_gene >= last_gene) {
    session_.pool.cancel("entropy detail");
    if (std::exchange(detail_, nullptr)) draw(true);
    return;
  }
  using Made = std::shared_ptr<const EntropyPiece>;
  Answer<Made> answer;
  answer.done = [this, ground = ground_](Made made) {
    if (ground != ground_) return;
    detail_ = std::move(made);
    draw(true);
  };
  answer.failed = [this](const JobError& error) { emit session_.errorReported(error); };
  session_.pool.request<Made>(
      "entropy detail", this,
      [ground = ground_, first_cell, last_cell, first_gene, last_gene](const RunControl& control) {
        return std::make_shared<const EntropyPiece>(
            entropyPiece(*ground, first_cell, last_cell, first_gene, last_gene, control));
      },
      std::move(answer));
}

void EntropyMapPanel::draw(bool keep_zoom) {
  if (!isCurrent()) return;
  const Assignments& names = *session_.assignments.now();
  const auto& flags = session_.selection.flags(Axis::Cells);
  std::vector<std::uint8_t> selected;
  if (flags)
    for (const std::int64_t row : session_.selection.rowsOf(Axis::Cells, names.cells))
      selected.push_back(
          row >= 0 && static_cast<std::size_t>(row) < flags->size() ? (*flags)[static_cast<std::size_t>(row)] : 0);
  figure_->setFigure(
      entropyMapFigure(*ground_, names, *whole_, detail_.get(),
                       static_cast<EntropyMeasure>(measure_->currentData().toInt()), flags ? &selected : nullptr),
      keep_zoom);
  says_->setText(entropyCaption(*ground_, *whole_, detail_.get()));
  session_.exports.touch();
}

void EntropyMapPanel::choose(int panel, const QRectF& place, Qt::KeyboardModifiers keys) {
  if (!isCurrent() || (picks_genes_ && panel != kMapPanel)) return;
  const Combine how = combineOf(keys);
  const auto things = static_cast<std::int64_t>(picks_genes_ ? whole_->last_gene : ground_->cells.size());
  double low = place.left(), high = place.right();
  if (picks_genes_) {  // ranks go down
    const double top = static_cast<double>(things) - 0.5;
    low = top - place.bottom();
    high = top - place.top();
  }
  const auto first = std::max(std::int64_t{0}, static_cast<std::int64_t>(std::floor(low))),
             last = std::min(things, static_cast<std::int64_t>(std::floor(high)) + 1);
  if (first >= last) return;
  std::vector<std::string> chosen;
  const result::Fit& fit = *ground_->of->fit;
  for (std::int64_t i = first; i < last; ++i)
    chosen.push_back(picks_genes_
                         ? fit.genes[static_cast<std::size_t>(ground_->evidence.order[static_cast<std::size_t>(i)])]
                         : fit.cells[static_cast<std::size_t>(ground_->cells[static_cast<std::size_t>(i)])]);
  const Axis of = picks_genes_ ? Axis::Genes : Axis::Cells;
  IndexSet rows = session_.selection.rowsOf(of, chosen);
  session_.selection.select(of, std::move(rows), how,
                            picks_genes_ ? tr("genes on the entropy map") : tr("cells on the entropy map"));
}

QStringList EntropyMapPanel::wordsOf(int panel, int mark, int index) const {
  if (panel != kMapPanel || mark > (detail_ ? 1 : 0) || !isCurrent()) return {};
  const EntropyPiece& piece = mark == 1 ? *detail_ : *whole_;
  return entropyWords(*ground_, *session_.assignments.now(), piece, static_cast<std::size_t>(index));
}

}  // namespace scriptorium::ui
