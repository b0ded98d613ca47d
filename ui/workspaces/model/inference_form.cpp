#include "ui/workspaces/model/inference_form.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QSpinBox>
#include <QVBoxLayout>

#include "ui/workspaces/page.hpp"

namespace scriptorium::ui {
namespace {

QComboBox* makeChoice(const QString& name, std::initializer_list<std::pair<QString, QString>> choices) {
  auto* box = new QComboBox;
  for (const auto& [key, text] : choices) box->addItem(text, key);
  help::describe(box, name);
  return box;
}

/// A group of rows without a frame, shown and hidden as one.
QFormLayout* makeGroup(QWidget*& widget, QVBoxLayout* into) {
  widget = new QWidget;
  auto* form = new QFormLayout(widget);
  form->setContentsMargins(0, 0, 0, 0);
  into->addWidget(widget);
  return form;
}

}  // namespace

InferenceForm::InferenceForm(Session& session, QWidget* parent) : QWidget(parent), session_(session) {
  method_ = makeChoice("method",
                       {{"exact", tr("exact (recommended)")}, {"structured", tr("structured")}, {"svi", tr("svi")}});
  mode_ = makeChoice("sviMode", {{"ours", tr("ours")}, {"scribe", tr("SCRIBE's loop")}});
  optimizer_ = makeChoice("optimizer", {{"adam", "adam"},
                                        {"clipped_adam", "clipped_adam"},
                                        {"adagrad", "adagrad"},
                                        {"rmsprop", "rmsprop"},
                                        {"sgd", "sgd"},
                                        {"momentum", "momentum"}});
  method_says_ = new QLabel;
  method_says_->setWordWrap(true);
  method_says_->setObjectName("methodSays");
  tolerance_ = makeNumber("tolerance", 1e-9, 100, 1e-4, 1e-4, 9);
  iterations_ = makeWholeNumber("maxIterations", 1, 100'000, 500, 50);
  nodes_ = makeWholeNumber("structuredNodes", 3, 201, 21, 2);
  steps_ = makeWholeNumber("steps", 1, 100'000'000, 50'000, 1000);
  batch_ = makeWholeNumber("batchSize", 0, 100'000'000, 0, 256);
  batch_->setSpecialValueText(tr("all cells"));
  draws_ = makeWholeNumber("sviDraws", 1, 1000, 4, 1);
  rate_ = makeNumber("learningRate", 1e-7, 10, 1e-3, 1e-3, 7);
  stopping_ = new QCheckBox(tr("Stop when it no longer falls"));
  help::describe(stopping_, "earlyStopping");
  patience_ = makeWholeNumber("patience", 1, 100'000'000, 500, 100);
  seed_ = makeWholeNumber("seed", 0, 2'000'000'000, 42, 1);
  seed_->setGroupSeparatorShown(false);
  threads_ = makeWholeNumber("threads", 0, 1024, 0, 1);
  threads_->setSpecialValueText(tr("all cores"));

  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  QWidget *top = nullptr, *common = nullptr;
  makeGroup(top, box)->addRow(tr("Method"), method_);
  box->addWidget(method_says_);
  QFormLayout* form = makeGroup(deterministic_, box);
  form->addRow(tr("Tolerance (nats)"), tolerance_);
  form->addRow(tr("Iterations at most"), iterations_);
  makeGroup(structured_, box)->addRow(tr("Grid points"), nodes_);
  form = makeGroup(svi_, box);
  form->addRow(tr("Loop"), mode_);
  form->addRow(tr("Steps"), steps_);
  form->addRow(tr("Cells a step"), batch_);
  form->addRow(tr("Draws a step"), draws_);
  form->addRow(tr("Optimiser"), optimizer_);
  form->addRow(tr("Learning rate"), rate_);
  form->addRow(stopping_);
  form->addRow(tr("Patience (steps)"), patience_);
  form = makeGroup(common, box);
  form->addRow(tr("Seed"), seed_);
  form->addRow(tr("Threads"), threads_);

  for (QSpinBox* spin : {iterations_, nodes_, steps_, batch_, draws_, seed_, threads_, patience_})
    connect(spin, &QSpinBox::valueChanged, this, [this, spin] { changed(spin->accessibleName()); });
  for (QDoubleSpinBox* spin : {tolerance_, rate_})
    connect(spin, &QDoubleSpinBox::valueChanged, this, [this, spin] { changed(spin->accessibleName()); });
  for (QComboBox* choice : {method_, mode_, optimizer_})
    connect(choice, &QComboBox::currentIndexChanged, this, [this, choice] { changed(choice->accessibleName()); });
  connect(stopping_, &QCheckBox::toggled, this, [this] { changed(stopping_->accessibleName()); });
  connect(&session_.model, &ModelState::changed, this, [this] { show(session_.model.options()); });
  show(session_.model.options());
}

void InferenceForm::show(const inference::FitOptions& options) {
  showing_ = true;
  method_->setCurrentIndex(method_->findData(methodKey(options.method)));
  mode_->setCurrentIndex(options.svi.mode == inference::SviMode::Scribe ? 1 : 0);
  optimizer_->setCurrentIndex(std::max(0, optimizer_->findData(QString::fromStdString(options.svi.optimizer))));
  tolerance_->setValue(options.tolerance);
  iterations_->setValue(options.max_iterations);
  nodes_->setValue(options.structured_nodes);
  steps_->setValue(static_cast<int>(options.svi.steps));
  batch_->setValue(static_cast<int>(options.svi.batch_size));
  draws_->setValue(options.svi.draws);
  rate_->setValue(options.svi.learning_rate);
  stopping_->setChecked(options.svi.stopping.enabled);
  patience_->setValue(static_cast<int>(options.svi.stopping.patience));
  seed_->setValue(static_cast<int>(options.seed));
  threads_->setValue(options.threads);
  const bool svi = options.method == inference::Method::Svi;
  svi_->setVisible(svi);
  deterministic_->setVisible(!svi);
  structured_->setVisible(options.method == inference::Method::Structured);
  patience_->setEnabled(options.svi.stopping.enabled);
  draws_->setEnabled(options.svi.mode == inference::SviMode::Ours);
  method_says_->setText(
      "<small>" + help::find(QString("method_") + methodKey(options.method)).sentence.toHtmlEscaped() + "</small>");
  showing_ = false;
}

inference::FitOptions InferenceForm::read() const {
  inference::FitOptions options = session_.model.options();
  options.method = methodFromKey(method_->currentData().toString());
  options.tolerance = tolerance_->value();
  options.max_iterations = iterations_->value();
  options.structured_nodes = nodes_->value();
  options.svi.mode = mode_->currentIndex() == 1 ? inference::SviMode::Scribe : inference::SviMode::Ours;
  options.svi.optimizer = optimizer_->currentData().toString().toStdString();
  options.svi.steps = steps_->value();
  options.svi.batch_size = batch_->value();
  options.svi.draws = draws_->value();
  options.svi.learning_rate = rate_->value();
  options.svi.stopping.enabled = options.svi.stopping.restore_best = stopping_->isChecked();
  options.svi.stopping.patience = patience_->value();
  options.seed = static_cast<std::uint64_t>(seed_->value());
  options.threads = threads_->value();
  return options;
}

void InferenceForm::changed(const QString& what) {
  if (!showing_) session_.model.setOptions(read(), what.isEmpty() ? tr("inference") : what);
}

}  // namespace scriptorium::ui
