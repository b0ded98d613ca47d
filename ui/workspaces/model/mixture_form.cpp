#include "ui/workspaces/model/mixture_form.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/workspaces/model/annotation_form.hpp"
#include "ui/workspaces/page.hpp"

namespace scriptorium::ui {
namespace {

constexpr int kMostComponents = static_cast<int>(model::most_components);

QString textOf(const std::vector<double>& concentrations) {
  QStringList numbers;
  for (const double a : concentrations) numbers << QString::number(a, 'g', 12);
  return numbers.isEmpty() ? QString("1") : numbers.join(", ");
}

}  // namespace

std::vector<std::string> mixtureParams(model::Model model) {
  model.components = std::max<std::int64_t>(2, model.components);
  model.mixture_params.clear();
  model.mixing_prior.clear();
  std::vector<std::string> names;
  for (const model::Site& site : model::layout(model))
    if (site.by_component && site.support != model::Support::Simplex) names.push_back(site.name);
  return names;
}

MixtureForm::MixtureForm(Session& session, QWidget* parent) : QWidget(parent), session_(session) {
  components_ = makeWholeNumber("components", 1, kMostComponents, 1, 1);
  components_->setSpecialValueText(tr("none: one population"));
  restarts_ = makeWholeNumber("restarts", 1, 1000, 1, 1);
  weights_ = new QLineEdit("1");
  help::describe(weights_, "mixingPrior");
  weights_say_ = new QLabel;
  weights_say_->setObjectName("mixingPriorSays");
  weights_say_->setWordWrap(true);
  weights_say_->hide();
  start_ = new QComboBox;
  start_->addItem(tr("clusters of the cells"), static_cast<int>(inference::Start::Data));
  start_->addItem(tr("SCRIBE's: all alike"), static_cast<int>(inference::Start::Scribe));
  help::describe(start_, "mixtureStart");
  params_ = new QWidget;
  auto* params_box = new QVBoxLayout(params_);
  params_box->setContentsMargins(0, 0, 0, 0);
  params_box->setSpacing(1);
  labels_ = new AnnotationForm(session);

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
  form->addRow(tr("Differ in"), params_);
  form->addRow(tr("Weights ~ Dirichlet"), weights_);
  form->addRow(weights_say_);
  form->addRow(tr("Start from"), start_);
  form->addRow(tr("Restarts"), restarts_);
  box->addWidget(labels_);

  for (QSpinBox* spin : {components_, restarts_})
    connect(spin, &QSpinBox::valueChanged, this, [this, spin] { changed(spin->accessibleName()); });
  connect(weights_, &QLineEdit::editingFinished, this, &MixtureForm::typedWeights);
  connect(start_, &QComboBox::activated, this, [this] { changed(start_->accessibleName()); });
  connect(&session_.model, &ModelState::changed, this, &MixtureForm::show);
  show();
}

void MixtureForm::changed(const QString& what) {
  if (showing_) return;
  model::Model model = session_.model.model();
  inference::FitOptions options = session_.model.options();
  analysis::AnnotationOptions annotation = session_.model.annotation();
  if (components_->value() != model.components) {
    model.components = components_->value();
    annotation.components = !annotation.columns.empty() && model.components > 1 ? model.components : 0;  // set by hand
    if (model.mixing_prior.size() > 1 || model.components < 2) model.mixing_prior.clear();  // one a component before
  }
  model.mixture_params.clear();
  for (std::size_t i = 0; i < differ_.size() && model.components > 1; ++i)
    if (differ_[i]->isChecked()) model.mixture_params.push_back(params_shown_[i]);
  if (model.mixture_params.size() == params_shown_.size()) model.mixture_params.clear();  // all: as without a word
  options.restarts = restarts_->value();
  options.start = static_cast<inference::Start>(start_->currentData().toInt());
  try {
    model::validate(model);
    session_.model.setMixture(model, options, annotation, what.isEmpty() ? tr("mixture") : what);
  } catch (...) {
    emit session_.errorReported(describeCurrentException());
    show();  // back to what holds
  }
}

void MixtureForm::typedWeights() {
  if (showing_) return;
  model::Model model = session_.model.model();
  if (weights_->text() == textOf(model.mixing_prior)) return;
  std::vector<double> numbers;
  bool good = true;
  for (const QString& part : weights_->text().split(',')) {
    bool number = false;
    numbers.push_back(part.trimmed().toDouble(&number));
    good = good && number;
  }
  if (!good && weights_->text().trimmed().isEmpty()) {
    numbers = {1};
    good = true;
  }
  model.mixing_prior = numbers == std::vector<double>{1} ? std::vector<double>{} : numbers;
  QString wrong = good ? QString() : tr("Give one number, or one a component, separated by commas.");
  if (good) try {
      model::validate(model);
    } catch (...) {
      wrong = describeCurrentException().text();
    }
  weights_say_->setText("<span style='color:#d55e00'>" + wrong.toHtmlEscaped() + "</span>");
  weights_say_->setVisible(!wrong.isEmpty());
  if (wrong.isEmpty())
    session_.model.setMixture(model, session_.model.options(), session_.model.annotation(), weights_->accessibleName());
}

void MixtureForm::show() {
  showing_ = true;
  const model::Model& model = session_.model.model();
  components_->setValue(static_cast<int>(model.components));
  weights_->setText(textOf(model.mixing_prior));
  weights_say_->hide();
  restarts_->setValue(session_.model.options().restarts);
  start_->setCurrentIndex(start_->findData(static_cast<int>(session_.model.options().start)));
  more_->setVisible(model.components > 1);
  showParams();
  showing_ = false;
}

void MixtureForm::showParams() {
  const model::Model& model = session_.model.model();
  const auto names = mixtureParams(model);
  if (names != params_shown_) {
    params_shown_ = names;
    for (QCheckBox* old : differ_) {
      old->setParent(nullptr);
      old->deleteLater();
    }
    differ_.clear();
    for (const model::ParameterNames& known : model::parameter_names()) {
      if (std::find(names.begin(), names.end(), known.internal) == names.end()) continue;
      const QString symbol = QString::fromStdString(known.symbol),
                    words = QString::fromStdString(known.descriptive).replace('_', ' ');
      auto* box = new QCheckBox(QString("%1 %2").arg(symbol, words));
      help::describe(box, "mixtureParam_" + QString::fromStdString(known.internal),
                     {tr("%1 differs between components").arg(symbol),
                      tr("%1 Each component has its own; without the mark all share one.")
                          .arg(QString::fromStdString(known.meaning)),
                      tr("its own in each"),
                      {}});
      params_->layout()->addWidget(box);
      differ_.push_back(box);
      connect(box, &QCheckBox::toggled, this, [this] {
        if (showing_) return;
        if (std::none_of(differ_.begin(), differ_.end(), [](const QCheckBox* one) { return one->isChecked(); })) {
          emit session_.noted(tr("Components must differ in something."));
          return show();
        }
        changed(tr("parameters of the components"));
      });
    }
    // In the order of the boxes, which is that of the names of all parameters.
    params_shown_.clear();
    for (const model::ParameterNames& known : model::parameter_names())
      if (std::find(names.begin(), names.end(), known.internal) != names.end()) params_shown_.push_back(known.internal);
  }
  for (std::size_t i = 0; i < differ_.size(); ++i)
    differ_[i]->setChecked(model.mixture_params.empty() ||
                           std::find(model.mixture_params.begin(), model.mixture_params.end(), params_shown_[i]) !=
                               model.mixture_params.end());
}

}  // namespace scriptorium::ui
