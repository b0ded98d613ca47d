#include "ui/workspaces/perturbation/screening_form.hpp"

#include <QAbstractItemView>
#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QLocale>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/workspaces/page.hpp"

namespace scriptorium::ui {
namespace {

using namespace perturbation;

QComboBox* choice(const QString& name) {
  auto* box = new QComboBox;
  help::describe(box, name);
  box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  box->setMinimumContentsLength(12);
  box->view()->setTextElideMode(Qt::ElideMiddle);
  return box;
}

QCheckBox* tick(const QString& text, const QString& name) {
  auto* box = new QCheckBox(text);
  help::describe(box, name);
  return box;
}

/// Chooses the item of a key; one that is not there is shown as what it is.
void setChoice(QComboBox& box, const QString& key, const QString& shown) {
  if (box.findData(key) < 0) box.addItem(shown, key);
  box.setCurrentIndex(box.findData(key));
}

}  // namespace

ScreeningForm::ScreeningForm(Session& session, QWidget* parent) : QWidget(parent), session_(session) {
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 4, 0);
  box->addWidget(makeColumns());
  says_ = new QLabel;
  says_->setObjectName("screenSays");
  says_->setWordWrap(true);
  says_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  box->addWidget(says_);
  QWidget* method = makeMethod();
  auto* fold = makeFold(tr("Method"), "screenMethod", method);
  box->addWidget(fold);
  box->addWidget(method);
  box->addStretch();
  connect(fold, &QToolButton::toggled, this, &ScreeningForm::unfolded);
  connect(&session.screening, &ScreeningState::optionsChanged, this, &ScreeningForm::show);
  connect(&session.screening, &ScreeningState::checked, this, &ScreeningForm::showCheck);
  connect(&session.data, &DataState::stageChanged, this, &ScreeningForm::fillRepresentations);
  fillRepresentations();
  showCheck();
}

QWidget* ScreeningForm::makeColumns() {
  target_ = choice("screenTarget");
  control_ = choice("screenControl");
  guide_ = choice("screenGuide");
  split_ = choice("screenSplit");
  auto* made = new QWidget;
  auto* form = new QFormLayout(made);
  form->setContentsMargins(0, 0, 0, 0);
  form->setVerticalSpacing(4);
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  form->addRow(tr("Target column"), target_);
  form->addRow(tr("Control label"), control_);
  form->addRow(tr("Guide column"), guide_);
  form->addRow(tr("Groups"), split_);
  for (QComboBox* one : {target_, control_, guide_, split_})
    connect(one, &QComboBox::activated, this, [this, one] { columnsChanged(one->accessibleName()); });
  return made;
}

QWidget* ScreeningForm::makeMethod() {
  rule_ = choice("screenRule");
  rule_->addItem(tr("as pertpy"), "py");
  rule_->addItem(tr("as Seurat and Mixscale"), "r");
  reference_ = choice("screenReference");
  reference_->addItem(tr("nearest controls"), "nn");
  reference_->addItem(tr("mean of the group's controls"), "split_by");
  representation_ = choice("screenRepresentation");
  test_ = choice("screenTest");
  for (const auto& [text, test] : {std::pair{tr("rank sum"), Test::RankSum}, std::pair{tr("Welch's t"), Test::Welch},
                                   std::pair{tr("t, variance overestimated"), Test::WelchOverestimated},
                                   std::pair{tr("likelihood ratio"), Test::LikelihoodRatio}})
    test_->addItem(text, QString::fromStdString(to_string(test)));
  neighbours_ = makeWholeNumber("screenNeighbours", 1, 1000, 20, 1);
  dims_ = makeWholeNumber("screenDims", 1, 1000, 15, 1);
  p_ = makeNumber("screenPval", 0, 1, 0.05, 0.01, 6);
  log2fc_ = makeNumber("screenLogfc", 0, 20, 0.25, 0.05, 3);
  min_genes_ = makeWholeNumber("screenMinGenes", 1, 10'000, 5, 1);
  max_genes_ = makeWholeNumber("screenMaxGenes", 1, 10'000, 100, 10);
  iterations_ = makeWholeNumber("screenIterations", 1, 1000, 10, 1);
  min_cells_ = makeWholeNumber("screenMinCells", 1, 100'000, 5, 1);
  components_ = makeWholeNumber("screenComponents", 1, 100, 10, 1);
  seed_ = makeWholeNumber("screenSeed", 0, 2'000'000'000, 0, 1);
  scale_ = tick(tr("Scale the markers"), "screenScale");
  fine_ = tick(tr("Markers guide by guide"), "screenFine");
  harmonize_ = tick(tr("Controls drawn to the target's groups"), "screenHarmonize");
  discriminant_ = tick(tr("Discriminant axes"), "screenDiscriminant");
  auto* made = new QWidget;
  auto* form = new QFormLayout(made);
  form->setContentsMargins(10, 0, 0, 0);
  form->setVerticalSpacing(4);
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  form->addRow(tr("Choices"), rule_);
  form->addRow(tr("Compared with"), reference_);
  form->addRow(tr("Neighbours"), neighbours_);
  form->addRow(tr("Found in"), representation_);
  form->addRow(tr("Dimensions"), dims_);
  form->addRow(tr("Marker test"), test_);
  form->addRow(tr("Adjusted p below"), p_);
  form->addRow(tr("|log2 fold change|"), log2fc_);
  form->addRow(tr("Markers, fewest"), min_genes_);
  form->addRow(tr("Markers, most"), max_genes_);
  form->addRow(scale_);
  form->addRow(fine_);
  form->addRow(harmonize_);
  form->addRow(tr("Seed of the draw"), seed_);
  form->addRow(tr("Rounds of calls"), iterations_);
  form->addRow(tr("Perturbed, fewest"), min_cells_);
  form->addRow(discriminant_);
  form->addRow(tr("Components each"), components_);
  connect(rule_, &QComboBox::activated, this, &ScreeningForm::ruleChanged);
  for (QComboBox* one : {reference_, representation_, test_})
    connect(one, &QComboBox::activated, this, [this, one] { methodChanged(one->accessibleName()); });
  for (QSpinBox* one : {neighbours_, dims_, min_genes_, max_genes_, iterations_, min_cells_, components_, seed_})
    connect(one, &QSpinBox::valueChanged, this, [this, one] { methodChanged(one->accessibleName()); });
  for (QDoubleSpinBox* one : {p_, log2fc_})
    connect(one, &QDoubleSpinBox::valueChanged, this, [this, one] { methodChanged(one->accessibleName()); });
  for (QCheckBox* one : {scale_, fine_, harmonize_, discriminant_})
    connect(one, &QCheckBox::clicked, this, [this, one] { methodChanged(one->accessibleName()); });
  return made;
}

void ScreeningForm::fillRepresentations() {
  representation_->clear();
  representation_->addItem(tr("principal components"), "");
  representation_->addItem(tr("the genes themselves"), "X");
  if (const auto opened = session_.data.opened())
    for (const data::Embedding& one : opened->dataset->embeddings)
      representation_->addItem(QString::fromStdString(one.name), QString::fromStdString(one.name));
  show();
}

void ScreeningForm::columnsChanged(const QString& what) {
  if (showing_) return;
  ChainOptions options = session_.screening.options();
  Columns& columns = options.columns;
  const auto key = [](const QComboBox* box) { return box->currentData().toString().toStdString(); };
  const bool another = columns.target != key(target_);
  columns = {key(target_), another ? std::string() : key(control_), key(guide_), key(split_)};
  if (columns.split.empty()) {
    options.score.harmonize = false;
    options.signature.reference = Reference::Neighbours;
  }
  session_.screening.setOptions(options, what);
}

void ScreeningForm::ruleChanged() {
  ChainOptions options = session_.screening.options();
  const Rule rule = rule_from_string(rule_->currentData().toString().toStdString());
  const bool harmonize = options.score.harmonize;
  options.score = score_defaults(rule);
  options.score.harmonize = harmonize;
  options.call = call_defaults(rule);
  session_.screening.setOptions(options, rule_->accessibleName());
}

void ScreeningForm::methodChanged(const QString& what) {
  if (showing_) return;
  ChainOptions options = session_.screening.options();
  options.signature.reference = reference_from_string(reference_->currentData().toString().toStdString());
  options.signature.representation = representation_->currentData().toString().toStdString();
  options.signature.neighbours = neighbours_->value();
  options.signature.dims = dims_->value();
  for (MarkerOptions* markers : {&options.score.markers, &options.call.markers}) {
    markers->test = test_from_string(test_->currentData().toString().toStdString());
    markers->pval_cutoff = p_->value();
    markers->logfc_threshold = log2fc_->value();
    markers->min_de_genes = min_genes_->value();
    markers->max_de_genes = max_genes_->value();
  }
  options.score.scale = options.call.scale = scale_->isChecked();
  options.score.fine_mode = fine_->isChecked();
  options.score.harmonize = harmonize_->isChecked();
  options.score.seed = static_cast<std::uint64_t>(seed_->value());
  options.call.iterations = iterations_->value();
  options.call.min_cells = min_cells_->value();
  options.with_discriminant = discriminant_->isChecked();
  options.discriminant.components = components_->value();
  session_.screening.setOptions(options, what);
}

void ScreeningForm::show() {
  showing_ = true;
  const ChainOptions& options = session_.screening.options();
  const auto text = [](const std::string& from) { return QString::fromStdString(from); };
  const Columns& columns = options.columns;
  setChoice(*target_, text(columns.target), columns.target.empty() ? tr("choose a column") : text(columns.target));
  setChoice(*control_, text(columns.control),
            columns.control.empty() ? tr("choose a label") : tr("%1 (no cells)").arg(text(columns.control)));
  setChoice(*guide_, text(columns.guide), columns.guide.empty() ? tr("none") : text(columns.guide));
  setChoice(*split_, text(columns.split), columns.split.empty() ? tr("none") : text(columns.split));
  setChoice(*rule_, text(to_string(options.score.rule)), {});
  setChoice(*reference_, text(to_string(options.signature.reference)), {});
  setChoice(*representation_, text(options.signature.representation), text(options.signature.representation));
  setChoice(*test_, text(to_string(options.score.markers.test)), {});
  neighbours_->setValue(options.signature.neighbours);
  dims_->setValue(options.signature.dims);
  p_->setValue(options.score.markers.pval_cutoff);
  log2fc_->setValue(options.score.markers.logfc_threshold);
  min_genes_->setValue(static_cast<int>(options.score.markers.min_de_genes));
  max_genes_->setValue(static_cast<int>(options.score.markers.max_de_genes));
  iterations_->setValue(options.call.iterations);
  min_cells_->setValue(static_cast<int>(options.call.min_cells));
  components_->setValue(options.discriminant.components);
  seed_->setValue(static_cast<int>(options.score.seed));
  scale_->setChecked(options.score.scale);
  fine_->setChecked(options.score.fine_mode);
  harmonize_->setChecked(options.score.harmonize);
  discriminant_->setChecked(options.with_discriminant);
  const bool groups = !columns.split.empty(), near = options.signature.reference == Reference::Neighbours;
  harmonize_->setEnabled(groups);
  seed_->setEnabled(groups && options.score.harmonize);
  reference_->setEnabled(groups || !near);
  for (QWidget* one :
       {static_cast<QWidget*>(neighbours_), static_cast<QWidget*>(dims_), static_cast<QWidget*>(representation_)})
    one->setEnabled(near);
  fine_->setEnabled(!columns.guide.empty());
  components_->setEnabled(options.with_discriminant);
  showing_ = false;
}

void ScreeningForm::showCheck() {
  const auto check = session_.screening.check();
  showing_ = true;
  for (QComboBox* one : {target_, control_, guide_, split_}) one->clear();
  for (QComboBox* one : {guide_, split_}) one->addItem(tr("none"), QString());
  if (check) {
    for (const std::string& column : check->columns)
      for (QComboBox* one : {target_, guide_, split_})
        one->addItem(QString::fromStdString(column), QString::fromStdString(column));
    const QLocale words(QLocale::English);
    for (const LabelCount& label : check->labels) {
      const QString name = QString::fromStdString(label.label);
      control_->addItem(tr("%1 (%2 cells)").arg(name, words.toString(static_cast<qlonglong>(label.cells))), name);
    }
  }
  says_->setText(!check ? QString()
                 : check->error.empty()
                     ? check->words
                     : QString("<span style='color:#d55e00'>%1</span><br>%2")
                           .arg(check->error.message.toHtmlEscaped(), check->error.remedy.toHtmlEscaped()));
  showing_ = false;
  show();
}

}  // namespace scriptorium::ui
