#include "ui/workspaces/model/mixture_form.hpp"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QSpinBox>
#include <QVBoxLayout>

#include "ui/workspaces/page.hpp"

namespace scriptorium::ui {
namespace {

constexpr int kMostComponents = static_cast<int>(model::most_components);

/// Columns that may hold labels: text, labels, flags and whole numbers.
bool mayAnnotate(const data::Column& column) {
  return column.type() != "number";
}

}  // namespace

MixtureForm::MixtureForm(Session& session, QWidget* parent) : QWidget(parent), session_(session) {
  components_ = makeWholeNumber("components", 1, kMostComponents, 1, 1);
  components_->setSpecialValueText(tr("none: one population"));
  restarts_ = makeWholeNumber("restarts", 1, 1000, 1, 1);
  min_cells_ = makeWholeNumber("annotationMinCells", 0, 1'000'000, 0, 10);
  concentration_ = makeNumber("mixingPrior", 1e-3, 1e6, 1, 0.5, 3);
  confidence_ = makeNumber("annotationConfidence", 0.01, 100, 3, 0.5, 2);
  start_ = new QComboBox;
  start_->addItem(tr("clusters of the cells"), static_cast<int>(inference::Start::Data));
  start_->addItem(tr("SCRIBE's: all alike"), static_cast<int>(inference::Start::Scribe));
  help::describe(start_, "mixtureStart");
  annotation_ = new QComboBox;
  help::describe(annotation_, "annotation");
  says_ = new QLabel;
  says_->setObjectName("mixtureSays");
  says_->setWordWrap(true);

  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  const auto group = [&](QWidget*& widget) {
    widget = new QWidget;
    auto* form = new QFormLayout(widget);
    form->setContentsMargins(0, 0, 0, 0);
    form->setRowWrapPolicy(QFormLayout::WrapLongRows);
    box->addWidget(widget);
    return form;
  };
  QWidget* top = nullptr;
  group(top)->addRow(tr("Components"), components_);
  QFormLayout* form = group(more_);
  form->addRow(tr("Weights ~ Dirichlet"), concentration_);
  form->addRow(tr("Start from"), start_);
  form->addRow(tr("Restarts"), restarts_);
  form->addRow(tr("Labels of cells"), annotation_);
  form = group(labelled_);
  form->addRow(tr("Confidence (logit)"), confidence_);
  form->addRow(tr("Cells a label at least"), min_cells_);
  box->addWidget(says_);

  for (QSpinBox* spin : {components_, restarts_, min_cells_})
    connect(spin, &QSpinBox::valueChanged, this, [this, spin] { changed(spin->accessibleName()); });
  for (QDoubleSpinBox* spin : {concentration_, confidence_})
    connect(spin, &QDoubleSpinBox::valueChanged, this, [this, spin] { changed(spin->accessibleName()); });
  connect(start_, &QComboBox::activated, this, [this] { changed(start_->accessibleName()); });
  connect(annotation_, &QComboBox::activated, this, &MixtureForm::annotated);
  connect(&session_.model, &ModelState::changed, this, &MixtureForm::show);
  connect(&session_.data, &DataState::stageChanged, this, &MixtureForm::fillColumns);
  connect(&session_.data, &DataState::preparedChanged, this, &MixtureForm::show);
  fillColumns();
}

void MixtureForm::fillColumns() {
  annotation_->clear();
  annotation_->addItem(tr("none"), QString());
  if (const auto opened = session_.data.opened())
    for (const data::Column& column : opened->dataset->cells.columns)
      if (mayAnnotate(column))
        annotation_->addItem(QString::fromStdString(column.name), QString::fromStdString(column.name));
  show();
}

void MixtureForm::annotated() {
  changed(annotation_->accessibleName());
  // As many components as there are labels, if that is more.
  FitRequest request{{}, session_.model.model(), {}, session_.data.prepared(), {}, "auto", session_.model.annotation()};
  if (request.annotation.columns.empty() || !request.data) return session_.pool.cancel("labels");
  request.model.components = kMostComponents;
  Answer<int> answer;
  answer.done = [this, columns = request.annotation.columns](int labels) {
    if (columns == session_.model.annotation().columns && labels > components_->value()) components_->setValue(labels);
  };  // sayComponents() tells what fails
  session_.pool.request<int>(
      "labels", this,
      [request](const RunControl&) {
        const auto names = request.annotate().names;
        return static_cast<int>(std::count_if(
            names.begin(), names.end(), [](const std::string& name) { return !name.starts_with("unlabelled "); }));
      },
      std::move(answer));
}

void MixtureForm::changed(const QString& what) {
  if (showing_) return;
  model::Model model = session_.model.model();
  inference::FitOptions options = session_.model.options();
  analysis::AnnotationOptions annotation = session_.model.annotation();
  model.components = components_->value();
  const double a = concentration_->value();
  model.mixing_prior = model.components > 1 && a != 1 ? std::vector<double>{a} : std::vector<double>{};
  if (model.components < 2) model.mixture_params.clear();
  options.restarts = restarts_->value();
  options.start = static_cast<inference::Start>(start_->currentData().toInt());
  annotation.columns.clear();
  if (const QString column = annotation_->currentData().toString(); !column.isEmpty())
    annotation.columns.push_back(column.toStdString());
  annotation.confidence = confidence_->value();
  annotation.min_cells = min_cells_->value();
  try {
    model::validate(model);
    session_.model.setMixture(model, options, annotation, what.isEmpty() ? tr("mixture") : what);
  } catch (...) {
    emit session_.errorReported(describeCurrentException());
    show();  // back to what holds
  }
}

void MixtureForm::show() {
  showing_ = true;
  const model::Model& model = session_.model.model();
  const analysis::AnnotationOptions& annotation = session_.model.annotation();
  components_->setValue(static_cast<int>(model.components));
  concentration_->setValue(model.mixing_prior.empty() ? 1 : model.mixing_prior.front());
  restarts_->setValue(session_.model.options().restarts);
  start_->setCurrentIndex(start_->findData(static_cast<int>(session_.model.options().start)));
  const QString column = annotation.columns.empty() ? QString() : QString::fromStdString(annotation.columns.front());
  annotation_->setCurrentIndex(std::max(0, annotation_->findData(column)));
  confidence_->setValue(annotation.confidence);
  min_cells_->setValue(static_cast<int>(annotation.min_cells));
  const bool mixture = model.components > 1;
  more_->setVisible(mixture);
  labelled_->setVisible(mixture && !column.isEmpty());
  showing_ = false;
  sayComponents();
}

void MixtureForm::sayComponents() {
  const FitRequest request{{},     session_.model.model(),     session_.model.options(), session_.data.prepared(), {},
                           "auto", session_.model.annotation()};
  if (request.model.components < 2 || request.annotation.columns.empty() || !request.data) {
    session_.pool.cancel("annotation");
    says_->clear();
    return;
  }
  Answer<QStringList> answer;
  answer.done = [this](const QStringList& names) {
    says_->setText("<small>" + tr("Components: %1.").arg(names.join(", ")) + "</small>");
  };
  answer.failed = [this](const JobError& error) {
    says_->setText("<span style='color:#d55e00'>" + error.text().toHtmlEscaped() + "</span>");
  };
  session_.pool.request<QStringList>(
      "annotation", this,
      [request](const RunControl&) {
        QStringList names;
        for (const std::string& name : request.annotate().names) names << QString::fromStdString(name).toHtmlEscaped();
        return names;
      },
      std::move(answer));
}

}  // namespace scriptorium::ui
