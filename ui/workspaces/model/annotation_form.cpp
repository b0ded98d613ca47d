#include "ui/workspaces/model/annotation_form.hpp"

#include <QCheckBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QListWidget>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/workspaces/page.hpp"

namespace scriptorium::ui {
namespace {

/// Columns that may hold labels: text, labels, flags and whole numbers.
bool mayAnnotate(const data::Column& column) {
  return column.type() != "number";
}

/// So many lines of a list are in sight.
void showLines(QListWidget& list, int most) {
  const int lines = std::clamp(list.count(), 1, most);
  list.setFixedHeight(lines * std::max(16, list.sizeHintForRow(0)) + 2 * list.frameWidth() + 2);
}

}  // namespace

AnnotationForm::AnnotationForm(Session& session, QWidget* parent)
    : QWidget(parent), session_(session), columns_(new QListWidget), order_(new QListWidget), says_(new QLabel) {
  help::describe(columns_, "annotation");
  help::describe(order_, "annotationOrder");
  order_->setDragDropMode(QAbstractItemView::InternalMove);
  as_labels_ = new QCheckBox(tr("as many components as labels"));
  help::describe(as_labels_, "annotationAsLabels");
  min_cells_ = makeWholeNumber("annotationMinCells", 0, 1'000'000, 0, 10);
  confidence_ = makeNumber("annotationConfidence", 0.01, 100, 3, 0.5, 2);
  says_->setObjectName("mixtureSays");
  says_->setWordWrap(true);
  const auto mover = [this](const QString& text, const QString& name, int by) {
    auto* button = new QToolButton;
    button->setText(text);
    help::describe(button, name);
    connect(button, &QToolButton::clicked, this, [this, by] {
      const int row = order_->currentRow(), to = row + by;
      if (row < 0 || to < 0 || to >= order_->count()) return;
      order_->model()->moveRow({}, row, {}, by > 0 ? to + 1 : to);  // ordered() hears of it
      order_->setCurrentRow(to);
    });
    return button;
  };
  auto* up = mover("▴", "annotationUp", -1);
  auto* down = mover("▾", "annotationDown", 1);

  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  auto* title = new QLabel(tr("Labels of cells"));
  title->setBuddy(columns_);
  box->addWidget(title);
  box->addWidget(columns_);
  box->addWidget(says_);
  labelled_ = new QWidget;
  auto* form = new QFormLayout(labelled_);
  form->setContentsMargins(0, 0, 0, 0);
  form->setRowWrapPolicy(QFormLayout::WrapLongRows);
  form->addRow(as_labels_);
  form->addRow(tr("Confidence (logit)"), confidence_);
  form->addRow(tr("Cells a label at least"), min_cells_);
  ordering_ = new QWidget;
  auto* ordering = new QVBoxLayout(ordering_);
  ordering->setContentsMargins(0, 0, 0, 0);
  auto* row = new QHBoxLayout;
  auto* order_title = new QLabel(tr("Order of the components"));
  order_title->setBuddy(order_);
  row->addWidget(order_title, 1);
  row->addWidget(up);
  row->addWidget(down);
  ordering->addLayout(row);
  ordering->addWidget(order_);
  form->addRow(ordering_);
  box->addWidget(labelled_);

  connect(columns_, &QListWidget::itemChanged, this, &AnnotationForm::marked);
  connect(order_->model(), &QAbstractItemModel::rowsMoved, this, &AnnotationForm::ordered);
  connect(as_labels_, &QCheckBox::toggled, this, [this] { changed(as_labels_->accessibleName()); });
  connect(min_cells_, &QSpinBox::valueChanged, this, [this] { changed(min_cells_->accessibleName()); });
  connect(confidence_, &QDoubleSpinBox::valueChanged, this, [this] { changed(confidence_->accessibleName()); });
  connect(&session_.model, &ModelState::changed, this, &AnnotationForm::show);
  connect(&session_.data, &DataState::stageChanged, this, &AnnotationForm::fillColumns);
  connect(&session_.data, &DataState::preparedChanged, this, &AnnotationForm::show);
  connect(&session_.columns, &CellColumns::changed, this, &AnnotationForm::fillColumns);
  connect(&session_.selection, &SelectionState::setsChanged, this, &AnnotationForm::fillColumns);
  fillColumns();
}

void AnnotationForm::fillColumns() {
  {
    const QSignalBlocker quiet(columns_);
    columns_->clear();
    const auto add = [this](const QString& title, const QString& name) {
      if (!columns_->findItems(title, Qt::MatchExactly).isEmpty()) return;
      auto* item = new QListWidgetItem(title, columns_);
      item->setData(Qt::UserRole, name);
      item->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable);
      item->setCheckState(Qt::Unchecked);
    };
    // What was made comes first and hides a column of the file with its name, here as in a saved copy of the data.
    for (const NamedSet& set : session_.selection.sets())
      if (set.of == Axis::Cells) add(tr("set %1").arg(set.name), set.name);
    for (const CellColumn& one : session_.columns.all()) {
      const QString name = QString::fromStdString(one.column->name);
      if (mayAnnotate(*one.column) && one.title == name) add(name, name);
    }
    showLines(*columns_, 5);
  }
  show();
}

void AnnotationForm::marked() {
  if (showing_) return;
  analysis::AnnotationOptions annotation = session_.model.annotation();
  // The columns that were chosen before stay in their order; a new one comes behind them.
  const auto checked = [this](const std::string& name) {
    for (int i = 0; i < columns_->count(); ++i)
      if (columns_->item(i)->data(Qt::UserRole).toString().toStdString() == name)
        return columns_->item(i)->checkState() == Qt::Checked;
    return false;
  };
  std::erase_if(annotation.columns, [&](const std::string& name) { return !checked(name); });
  for (int i = 0; i < columns_->count(); ++i) {
    const std::string name = columns_->item(i)->data(Qt::UserRole).toString().toStdString();
    if (checked(name) && std::count(annotation.columns.begin(), annotation.columns.end(), name) == 0)
      annotation.columns.push_back(name);
  }
  annotation.order.clear();  // of other labels
  if (annotation.columns.empty()) annotation.components = 0;
  set(annotation, session_.model.model().components, columns_->accessibleName());
}

void AnnotationForm::ordered() {
  if (showing_) return;
  analysis::AnnotationOptions annotation = session_.model.annotation();
  annotation.order.clear();
  for (int i = 0; i < order_->count(); ++i) annotation.order.push_back(order_->item(i)->text().toStdString());
  if (std::is_sorted(annotation.order.begin(), annotation.order.end())) annotation.order.clear();
  set(annotation, session_.model.model().components, order_->accessibleName());
}

void AnnotationForm::changed(const QString& what) {
  if (showing_) return;
  analysis::AnnotationOptions annotation = session_.model.annotation();
  annotation.confidence = confidence_->value();
  if (annotation.min_cells != min_cells_->value()) annotation.order.clear();
  annotation.min_cells = min_cells_->value();
  const std::int64_t components = session_.model.model().components;
  annotation.components = as_labels_->isChecked() ? 0 : components;
  set(annotation, components, what);
}

void AnnotationForm::set(const analysis::AnnotationOptions& annotation, std::int64_t components, const QString& what) {
  model::Model model = session_.model.model();
  if (components != model.components && model.mixing_prior.size() > 1) model.mixing_prior.clear();
  model.components = components;
  session_.model.setMixture(model, session_.model.options(), annotation, what);
}

void AnnotationForm::show() {
  showing_ = true;
  const analysis::AnnotationOptions& annotation = session_.model.annotation();
  for (int i = 0; i < columns_->count(); ++i) {
    const std::string name = columns_->item(i)->data(Qt::UserRole).toString().toStdString();
    const bool on = std::count(annotation.columns.begin(), annotation.columns.end(), name) > 0;
    columns_->item(i)->setCheckState(on ? Qt::Checked : Qt::Unchecked);
  }
  confidence_->setValue(annotation.confidence);
  min_cells_->setValue(static_cast<int>(annotation.min_cells));
  as_labels_->setChecked(annotation.components == 0);
  const bool mixture = session_.model.model().components > 1;
  setVisible(mixture);
  labelled_->setVisible(mixture && !annotation.columns.empty());
  showing_ = false;
  askLabels();
}

void AnnotationForm::askLabels() {
  const FitRequest request = session_.request();
  if (request.model.components < 2 || request.annotation.columns.empty() || !request.data) {
    session_.pool.cancel("annotation");
    says_->clear();
    order_->clear();
    ordering_->hide();
    return;
  }
  struct Made {
    QStringList names;
    int labels = 0;  ///< how many of them, first, are labels
  };
  Answer<Made> answer;
  answer.done = [this](const Made& made) {
    showing_ = true;
    if (QStringList shown; order_->count() != made.labels || [&] {
          for (int i = 0; i < order_->count(); ++i) shown << order_->item(i)->text();
          return shown != made.names.first(made.labels);
        }()) {
      order_->clear();
      order_->addItems(made.names.first(made.labels));
    }
    showLines(*order_, 8);
    ordering_->setVisible(made.labels > 1);
    showing_ = false;
    QStringList escaped;
    for (const QString& name : made.names) escaped << name.toHtmlEscaped();
    says_->setText("<small>" + tr("%1 components: %2.").arg(escaped.size()).arg(escaped.join(", ")) + "</small>");
    // As many components as there are labels: the same step as the choice of the columns.
    if (made.names.size() != session_.model.model().components)
      set(session_.model.annotation(), made.names.size(), columns_->accessibleName());
  };
  answer.failed = [this](const JobError& error) {
    order_->clear();
    ordering_->hide();
    says_->setText("<span style='color:#d55e00'>" + error.text().toHtmlEscaped() + "</span>");
  };
  session_.pool.request<Made>(
      "annotation", this,
      [request](const RunControl&) {
        const analysis::Annotation found = request.annotate();
        Made made;
        for (const std::string& name : found.names) made.names << QString::fromStdString(name);
        if (!found.label.empty()) made.labels = 1 + *std::max_element(found.label.begin(), found.label.end());
        return made;
      },
      std::move(answer));
}

}  // namespace scriptorium::ui
