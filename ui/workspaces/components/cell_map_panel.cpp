#include "ui/workspaces/components/cell_map_panel.hpp"

#include <QAbstractItemView>
#include <QComboBox>
#include <QCompleter>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalBlocker>
#include <QStringListModel>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "ui/workspaces/components/map_colors.hpp"

namespace scriptorium::ui {
CellMapPanel::CellMapPanel(Session& session, charts::FigureView* map, QWidget* parent)
    : QWidget(parent),
      session_(session),
      map_(map),
      which_(new QComboBox),
      by_(new QComboBox),
      gene_(new QLineEdit),
      compute_(new QPushButton(tr("Compute"))),
      cancel_(new QPushButton(tr("Cancel"))),
      progress_(new QProgressBar),
      says_(new QLabel) {
  help::describe(which_, "mapChoice");
  help::describe(by_, "mapColor");
  help::describe(gene_, "mapGene");
  help::describe(compute_, "mapCompute");
  help::describe(cancel_, "mapCancel");
  gene_->setPlaceholderText(tr("gene"));
  gene_->setMaximumWidth(110);
  progress_->setObjectName("mapProgress");
  progress_->setMaximumWidth(110);
  says_->setObjectName("mapSays");
  says_->setWordWrap(true);
  for (QComboBox* box : {which_, by_}) {
    box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    box->setMinimumContentsLength(9);
    box->view()->setTextElideMode(Qt::ElideMiddle);
  }
  auto* layout_row = new QHBoxLayout;
  auto* row = layout_row;
  const auto label = [&row](const QString& text, QWidget* of) {
    auto* made = new QLabel(text);
    made->setBuddy(of);
    row->addWidget(made);
    row->addWidget(of);
  };
  label(tr("Map"), which_);
  row->addWidget(compute_);
  row->addWidget(progress_);
  row->addWidget(cancel_);
  row->addStretch();
  row = new QHBoxLayout;
  auto* color_row = row;
  by_->setMinimumContentsLength(16);
  label(tr("Colour"), by_);
  row->addWidget(gene_);
  row->addStretch();
  addDragTools(*row, *map_, "map");
  map_->setReadout([this](int, int, int point) { return wordsOf(static_cast<std::size_t>(point)); });
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  box->addLayout(layout_row);
  box->addLayout(color_row);
  box->addWidget(map_, 1);
  box->addWidget(says_);

  connect(which_, &QComboBox::activated, this, &CellMapPanel::choose);
  connect(by_, &QComboBox::activated, this, [this] {
    color_chosen_ = true;
    gene_->setVisible(by_->currentData().toString() == "gene");
    color();
  });
  connect(gene_, &QLineEdit::returnPressed, this, &CellMapPanel::color);
  connect(compute_, &QPushButton::clicked, this, &CellMapPanel::compute);
  connect(cancel_, &QPushButton::clicked, this, [this] { session_.pool.cancel("map"); });
  connect(map_, &charts::FigureView::shapeDrawn, this,
          [this](int, const QPolygonF& shape, Qt::KeyboardModifiers keys) { selectInside(shape, keys); });
  connect(&session.data, &DataState::stageChanged, this, &CellMapPanel::dataChanged);
  connect(&session.data, &DataState::preparedChanged, this, &CellMapPanel::keptChanged);
  connect(&session.selection, &SelectionState::changed, this, [this](Axis of) {
    if (of == Axis::Cells) draw();
  });
  connect(&session.selection, &SelectionState::setsChanged, this, &CellMapPanel::fillColors);
  connect(&session.columns, &CellColumns::changed, this, [this] {
    fillColors();
    if (by_->currentData().toString().startsWith("column:")) color();
  });
  connect(&session.assignments, &AssignmentState::changed, this, [this] {
    fillColors();
    color();
  });
  progress_->hide();
  cancel_->hide();
  gene_->hide();
  dataChanged();
}

std::shared_ptr<const data::Dataset> CellMapPanel::dataset() const {
  return session_.data.opened() ? session_.data.opened()->dataset : nullptr;
}

void CellMapPanel::dataChanged() {
  const auto now = dataset();
  if (now == of_ && now) return;
  of_ = now;
  session_.pool.cancel("map");
  known_.clear();
  latest_.clear();
  looked_up_.clear();
  failed_ = color_chosen_ = false;
  places_.reset();
  colors_ = {};
  fillMaps();
  fillColors();
  choose();
}

void CellMapPanel::fillColors() {
  const QSignalBlocker quiet(by_);
  const QString before = by_->currentData().toString();
  by_->clear();
  const auto add = [this](const QString& text, const QString& key) { by_->addItem(text, key); };
  const auto& assignments = session_.assignments.now();
  assigned_of_point_.clear();
  if (assignments && of_) {
    const auto point_of_assigned = session_.selection.rowsOf(Axis::Cells, assignments->cells);
    assigned_of_point_.assign(of_->cells.size(), -1);
    for (std::size_t i = 0; i < point_of_assigned.size(); ++i)
      if (point_of_assigned[i] >= 0)
        assigned_of_point_[static_cast<std::size_t>(point_of_assigned[i])] = static_cast<std::int64_t>(i);
    add(tr("assignment"), "assignment");
    add(tr("entropy"), "entropy");
    for (int k = 0; k < assignments->components; ++k)
      add(tr("probability of %1").arg(assignments->names[static_cast<std::size_t>(k)]), QString("p:%1").arg(k));
  }
  add(tr("counts per cell"), "total");
  add(tr("genes per cell"), "genes");
  add(tr("a gene"), "gene");
  if (of_)
    for (const CellColumn& column : session_.columns.all()) add(column.title, "column:" + column.key);
  for (const NamedSet& set : session_.selection.sets())
    if (set.of == Axis::Cells) add(tr("set %1").arg(set.name), QString("set:%1").arg(set.id));
  const int at = by_->findData(before);
  by_->setCurrentIndex(color_chosen_ ? std::max(0, at) : 0);  // components where there are some
  gene_->setVisible(by_->currentData().toString() == "gene");
  if (of_ && !gene_->completer()) {
    auto* completer = new QCompleter(gene_);
    completer->setCaseSensitivity(Qt::CaseInsensitive);
    completer->setModel(new QStringListModel(completer));
    gene_->setCompleter(completer);
  }
  if (of_ && session_.data.opened() && session_.data.opened()->dataset == of_) {
    QStringList genes;
    for (const std::string& name : of_->genes.names) genes << QString::fromStdString(name);
    static_cast<QStringListModel*>(gene_->completer()->model())->setStringList(genes);
  }
}

void CellMapPanel::color() {
  if (!of_ || !places_) return;
  const QString key = by_->currentData().toString();
  says_->clear();
  Answer<MapColors> answer;
  answer.done = [this](MapColors made) {
    colors_ = std::move(made);
    draw();
  };
  answer.failed = [this](const JobError& error) { says_->setText(error.text().toHtmlEscaped()); };
  if (!map_->figure().empty()) map_->setStale(true);
  ColorRequest request{
      key, gene_->text().trimmed(), session_.data.opened(), session_.assignments.now(), assigned_of_point_, {}, {}, {}};
  if (key.startsWith("column:")) request.column = session_.columns.find(key.mid(7));
  if (const NamedSet* set = key.startsWith("set:") ? session_.selection.find(key.mid(4).toInt()) : nullptr) {
    request.members = set->members;
    request.set_name = set->name;
  }
  session_.pool.request<MapColors>(
      "map colours", this, [request](const RunControl& control) { return colorsFor(request, control); },
      std::move(answer));
}

void CellMapPanel::draw() {
  if (!places_ || colors_.values.size() != places_->x.size()) return;
  charts::Figure figure = cellMap(*places_, colors_, session_.selection.flags(Axis::Cells));
  const bool old = isOld();
  if (old) figure.panels[0].name += tr(", before others were kept");
  map_->setFigure(std::move(figure), true);
  if (old) {
    map_->setStale(true);
    says_->setText(tr("This map was laid out before other cells or genes were kept. Compute lays out those of now."));
  }
  session_.exports.touch();
}

void CellMapPanel::selectInside(const QPolygonF& shape, Qt::KeyboardModifiers keys) {
  if (!places_) return;
  const Combine how = combineOf(keys);
  Answer<IndexSet> answer;
  answer.done = [this, how](IndexSet inside) {
    session_.selection.select(Axis::Cells, std::move(inside), how, tr("cells on the map"));
  };
  session_.pool.request<IndexSet>(
      "lasso", this,
      [places = places_, shape](const RunControl& control) {
        IndexSet inside;
        const QRectF around = shape.boundingRect();
        for (std::size_t i = 0; i < places->x.size(); ++i) {
          if (i % 4096 == 0) control.check();
          const QPointF at(places->x[i], places->y[i]);
          if (around.contains(at) && shape.containsPoint(at, Qt::OddEvenFill))
            inside.push_back(static_cast<std::int64_t>(i));
        }
        return inside;
      },
      std::move(answer));
}

QStringList CellMapPanel::wordsOf(std::size_t cell) const {
  if (!of_ || cell >= of_->cells.size() || cell >= colors_.values.size()) return {};
  QStringList lines{QString::fromStdString(of_->cells.names[cell])};
  const double value = colors_.values[cell];
  if (!colors_.groups.isEmpty())
    lines << QString("%1: %2").arg(
        colors_.title, std::isfinite(value) ? colors_.groups.value(static_cast<qsizetype>(value)) : tr("none"));
  else
    lines << QString("%1: %2").arg(colors_.title, charts::shortNumber(value));
  const auto& of = session_.assignments.now();
  if (!of || cell >= assigned_of_point_.size() || assigned_of_point_[cell] < 0) return lines;
  const auto row = static_cast<std::size_t>(assigned_of_point_[cell]);
  std::vector<int> order(static_cast<std::size_t>(of->components));
  for (int k = 0; k < of->components; ++k) order[static_cast<std::size_t>(k)] = k;
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return of->at(row, a) > of->at(row, b); });
  order.resize(std::min<std::size_t>(order.size(), 4));
  for (const int k : order)
    lines << QString("p(%1) = %2").arg(of->names[static_cast<std::size_t>(k)], charts::shortNumber(of->at(row, k)));
  return lines;
}

}  // namespace scriptorium::ui
