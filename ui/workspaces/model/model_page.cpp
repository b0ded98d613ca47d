#include "ui/workspaces/model/model_page.hpp"

#include <QButtonGroup>
#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QGroupBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QRadioButton>
#include <QRegularExpression>
#include <QScrollArea>
#include <QSplitter>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "ui/workspaces/model/inference_form.hpp"
#include "ui/workspaces/model/mixture_form.hpp"
#include "ui/workspaces/model/prior_form.hpp"
#include "ui/workspaces/model/prior_predictive_view.hpp"

namespace scriptorium::ui {
namespace {

QString str(const std::string& text) {
  return QString::fromStdString(text);
}

QGroupBox* makeBox(const QString& title, QWidget* inside) {
  auto* box = new QGroupBox(title);
  auto* layout = new QVBoxLayout(box);
  layout->setContentsMargins(8, 6, 8, 6);
  layout->addWidget(inside);
  return box;
}

QScrollArea* makeColumn(std::initializer_list<QWidget*> widgets, int width) {
  auto* inside = new QWidget;
  auto* box = new QVBoxLayout(inside);
  box->setContentsMargins(0, 0, 6, 0);
  for (QWidget* widget : widgets) box->addWidget(widget);
  box->addStretch();
  auto* scroll = new QScrollArea;
  scroll->setWidget(inside);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setMinimumWidth(width);
  return scroll;
}

/// u_gc as u with a lower gc; a letter with a hat as one with a line over it, which every font can draw.
QString prettyFormula(const QString& formula) {
  static const QRegularExpression index("_([A-Za-z]+)"),
      hat("(.)\\x{0302}", QRegularExpression::UseUnicodePropertiesOption);
  return formula.toHtmlEscaped()
      .replace(hat, "<span style='text-decoration:overline'>\\1</span>")
      .replace(index, "<sub>\\1</sub>");
}

QString priorText(const model::Site& site) {
  if (site.support != model::Support::Simplex) return str(model::to_string(site.prior));
  const auto& all = site.concentration;
  if (all.size() > 4 && std::count(all.begin(), all.end(), all[0]) == static_cast<std::ptrdiff_t>(all.size()))
    return QObject::tr("Dirichlet(%1 in each)").arg(charts::shortNumber(all[0]));
  QStringList numbers;
  for (const double a : all) numbers << charts::shortNumber(a);
  return QObject::tr("Dirichlet(%1)").arg(numbers.join(", "));
}

/// Parameters that another likelihood does not have cannot differ between components either.
void keepKnownMixtureParams(model::Model& model) {
  if (model.mixture_params.empty()) return;
  const auto known = mixtureParams(model);
  std::erase_if(model.mixture_params,
                [&](const std::string& name) { return std::find(known.begin(), known.end(), name) == known.end(); });
}

QString inTime(double seconds) {
  if (seconds < 1) return QObject::tr("under a second");
  if (seconds < 90) return QObject::tr("about %1 s").arg(std::ceil(seconds), 0, 'f', 0);
  return seconds < 5400 ? QObject::tr("about %1 min").arg(seconds / 60, 0, 'f', 0)
                        : QObject::tr("about %1 h").arg(seconds / 3600, 0, 'f', 1);
}

}  // namespace

ModelPage::ModelPage(Session& session, QWidget* parent) : Page("model", tr("Model"), session, parent) {
  formula_ = new QLabel;
  formula_->setObjectName("formulaLabel");
  formula_->setWordWrap(true);
  formula_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  densities_ = makeFigure("priorFigure", tr("Densities of the priors"), "priors");
  priors_ = new PriorForm(session, *densities_);
  predictive_ = new PriorPredictiveView(
      session,
      makeFigure("priorPredictiveFigure", tr("Data drawn from the priors against the data"), "prior_predictive"));
  estimate_ = new QLabel;
  estimate_->setObjectName("estimateLabel");
  estimate_->setWordWrap(true);
  run_ = new QPushButton(tr("Run ▶"));
  help::describe(run_, "runButton");
  add_ = new QPushButton(tr("Add to queue"));
  help::describe(add_, "addToQueueButton");
  connect(add_, &QPushButton::clicked, this, [this] { this->session().addToQueue(); });
  connect(run_, &QPushButton::clicked, this, [this] {
    if (this->session().addToQueue()) emit pageWanted("run");
  });

  auto* left = makeColumn({makeBox(tr("Likelihood"), makeChoices()), makeBox(tr("Mixture"), new MixtureForm(session)),
                           makeBox(tr("Inference"), new InferenceForm(session))},
                          290);
  auto* middle =
      makeColumn({makeBox(tr("In symbols and words"), formula_), makeBox(tr("Priors"), priors_), makeCapture()}, 300);
  auto* right = new QWidget;
  auto* right_box = new QVBoxLayout(right);
  right_box->setContentsMargins(0, 0, 0, 0);
  auto* pictures = new QSplitter(Qt::Vertical);
  pictures->addWidget(densities_);
  pictures->addWidget(predictive_);
  pictures->setChildrenCollapsible(false);
  right_box->addWidget(pictures, 1);
  right_box->addWidget(estimate_);
  auto* buttons = new QHBoxLayout;
  buttons->addStretch();
  buttons->addWidget(add_);
  buttons->addWidget(run_);
  right_box->addLayout(buttons);
  auto* across = new QSplitter;
  for (QWidget* column : std::initializer_list<QWidget*>{left, middle, right}) across->addWidget(column);
  across->setStretchFactor(2, 1);
  across->setSizes({280, 300, 360});
  across->setChildrenCollapsible(false);
  setContent(across);
  session.exports.addFigure({"priors", tr("Prior densities"), [this] { return densities_->figure(); }});
  session.exports.addFigure(
      {"prior_predictive", tr("Prior predictive against data"), [this] { return predictive_->figure(); }});
  connect(&session.model, &ModelState::changed, this, &ModelPage::show);
  connect(&session.data, &DataState::preparedChanged, this, &ModelPage::estimate);
  connect(&session.data, &DataState::stageChanged, this, &ModelPage::estimate);
  show();
}

QWidget* ModelPage::makeChoices() {
  auto* inside = new QWidget;
  auto* box = new QVBoxLayout(inside);
  box->setContentsMargins(0, 0, 0, 0);
  likelihood_ = new QButtonGroup(this);
  int id = 0;
  for (const model::LikelihoodInfo& info : model::likelihoods()) {
    auto* radio = new QRadioButton(str(info.key) + ": " + str(info.title));
    help::describe(radio, "likelihood_" + str(info.key), {str(info.title), str(info.words), {}, {}});
    auto* row = new QWidget;  // a radio button's text does not wrap: name here, title beside it
    auto* line = new QHBoxLayout(row);
    line->setContentsMargins(0, 0, 0, 0);
    radio->setText(str(info.key));
    auto* title = new QLabel(str(info.title));
    title->setWordWrap(true);
    title->setBuddy(radio);
    line->addWidget(radio);
    line->addWidget(title, 1);
    box->addWidget(row);
    likelihood_->addButton(radio, id++);
  }
  connect(likelihood_, &QButtonGroup::idClicked, this, [this](int chosen) {
    setModel(
        [&](model::Model& m) {
          const model::LikelihoodInfo& info = model::likelihoods()[static_cast<std::size_t>(chosen)];
          m.likelihood = info.key;
          m.priors.clear();
          if (!info.variable_capture) m.capture_prior.reset();
        },
        tr("likelihood"));
  });
  parameterization_ = new QComboBox;
  help::describe(parameterization_, "parameterization");
  for (const model::ParameterizationInfo& info : model::parameterizations())
    parameterization_->addItem(str(info.key), str(info.key));
  connect(parameterization_, &QComboBox::activated, this, [this] {
    setModel(
        [&](model::Model& m) {
          m.parameterization = parameterization_->currentData().toString().toStdString();
          m.priors.clear();
        },
        tr("parameterization"));
  });
  parameterization_says_ = new QLabel;
  parameterization_says_->setWordWrap(true);
  parameterization_says_->setObjectName("parameterizationSays");
  unconstrained_ = new QCheckBox(tr("Unconstrained (Normal on a transformed axis)"));
  unconstrained_->setText(tr("Unconstrained"));
  help::describe(unconstrained_, "unconstrained");
  connect(unconstrained_, &QCheckBox::toggled, this, [this](bool on) {
    if (!showing_)
      setModel(
          [&](model::Model& m) {
            m.unconstrained = on;
            m.priors.clear();
          },
          tr("unconstrained"));
  });
  transform_ = new QComboBox;
  transform_->addItem(tr("softplus"), "softplus");
  transform_->addItem(tr("exp"), "exp");
  help::describe(transform_, "positiveTransform");
  connect(transform_, &QComboBox::activated, this, [this](int index) {
    setModel(
        [&](model::Model& m) {
          m.positive_transform = index == 1 ? model::Transform::Exp : model::Transform::Softplus;
        },
        tr("positive transform"));
  });
  auto* form = new QFormLayout;
  form->addRow(tr("Parameterization"), parameterization_);
  box->addLayout(form);
  box->addWidget(parameterization_says_);
  box->addWidget(unconstrained_);
  transform_row_ = new QWidget;
  auto* row = new QFormLayout(transform_row_);
  row->setContentsMargins(0, 0, 0, 0);
  row->addRow(tr("Positive values by"), transform_);
  box->addWidget(transform_row_);
  return inside;
}

QWidget* ModelPage::makeCapture() {
  auto* inside = new QWidget;
  auto* form = new QFormLayout(inside);
  form->setContentsMargins(0, 0, 0, 0);
  organism_ = new QComboBox;
  help::describe(organism_, "organism");
  organism_->addItem(tr("none: flat in every cell"), "");
  for (const char* name : {"human", "mouse", "yeast", "ecoli"}) organism_->addItem(name, name);
  organism_->addItem(tr("own numbers"), "own");
  log_m0_ = new QLineEdit;
  help::describe(log_m0_, "captureLogM0");
  sigma_m_ = new QLineEdit;
  help::describe(sigma_m_, "captureSigma");
  capture_says_ = new QLabel;
  capture_says_->setWordWrap(true);
  capture_says_->setObjectName("captureSays");
  form->addRow(tr("Organism"), organism_);
  form->addRow(tr("log M₀"), log_m0_);
  form->addRow(tr("σ on the log axis"), sigma_m_);
  form->addRow(capture_says_);
  connect(organism_, &QComboBox::activated, this, [this] {
    setModel(
        [&](model::Model& m) {
          const QString choice = organism_->currentData().toString();
          if (choice.isEmpty()) {
            m.capture_prior.reset();
          } else if (choice == "own") {
            m.capture_prior = m.capture_prior.value_or(model::organism_capture_prior("human"));
            m.capture_prior->organism.clear();
          } else {
            m.capture_prior = model::organism_capture_prior(choice.toStdString());
          }
          m.priors.clear();
        },
        tr("capture prior"));
  });
  for (QLineEdit* edit : {log_m0_, sigma_m_})
    connect(edit, &QLineEdit::editingFinished, this, &ModelPage::captureTyped);
  capture_ = makeBox(tr("Prior of capture from biology"), inside);
  return capture_;
}

void ModelPage::captureTyped() {
  if (!session().model.model().capture_prior) return;
  bool first = false, second = false;
  const double log_m0 = log_m0_->text().toDouble(&first), sigma = sigma_m_->text().toDouble(&second);
  if (!first || !second || !(sigma > 0)) {
    capture_says_->setText(
        QString("<span style='color:#d55e00'>%1</span>").arg(tr("Two numbers are needed; σ above 0.")));
    return;
  }
  const model::CapturePrior& now = *session().model.model().capture_prior;
  if (now.log_m0 == log_m0 && now.sigma_m == sigma) return;
  setModel([&](model::Model& m) { m.capture_prior = model::CapturePrior{log_m0, sigma, {}}; }, tr("capture prior"));
}

void ModelPage::setModel(const std::function<void(model::Model&)>& change, const QString& what) {
  if (showing_) return;
  model::Model model = session().model.model();
  try {
    change(model);
    keepKnownMixtureParams(model);
    model::validate(model);
    session().model.setModel(model, what);
  } catch (...) {
    emit session().errorReported(describeCurrentException());
    show();  // back to what holds
  }
}

void ModelPage::show() {
  showing_ = true;
  const model::Model& model = session().model.model();
  const model::LikelihoodInfo& info = model::find_likelihood(model.likelihood);
  const auto& all = model::likelihoods();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].key == info.key) likelihood_->button(static_cast<int>(i))->setChecked(true);
  const model::ParameterizationInfo& parameters = model::find_parameterization(model.parameterization);
  parameterization_->setCurrentIndex(parameterization_->findData(str(parameters.key)));
  parameterization_says_->setText("<small>" + str(parameters.words).toHtmlEscaped() + "</small>");
  unconstrained_->setChecked(model.unconstrained);
  transform_row_->setVisible(model.unconstrained);
  transform_->setCurrentIndex(model.positive_transform == model::Transform::Exp ? 1 : 0);
  QString words = QString("<p style='font-size:large'>%1</p><p>%2</p>")
                      .arg(prettyFormula(str(info.formula)), str(info.words).toHtmlEscaped());
  try {
    if (model.components > 1)
      words +=
          tr("<p>Every cell belongs to one of %1 components with parameters of their own; how likely it is in each "
             "is part of the fit.</p>")
              .arg(model.components);
    for (const model::Site& site : model::layout(model))
      words += QString("<b>%1</b> %2 ~ %3: %4<br>")
                   .arg(str(site.symbol).toHtmlEscaped(), str(site.descriptive).replace('_', ' ').toHtmlEscaped(),
                        priorText(site).toHtmlEscaped(), str(site.meaning).toHtmlEscaped());
  } catch (...) {
    words += describeCurrentException().text().toHtmlEscaped();
  }
  formula_->setText(words);
  capture_->setVisible(info.variable_capture);
  const bool with_capture = model.capture_prior.has_value();
  organism_->setCurrentIndex(
      !with_capture ? 0
                    : std::max(model.capture_prior->organism.empty() ? organism_->count() - 1 : 0,
                               organism_->findData(str(with_capture ? model.capture_prior->organism : ""))));
  for (QLineEdit* edit : {log_m0_, sigma_m_}) edit->setEnabled(with_capture);
  log_m0_->setText(with_capture ? QString::number(model.capture_prior->log_m0, 'g', 12) : QString());
  sigma_m_->setText(with_capture ? QString::number(model.capture_prior->sigma_m, 'g', 12) : QString());
  capture_says_->setText(with_capture ? tr("A cell holds about %1 mRNA molecules in all.")
                                            .arg(charts::shortNumber(std::exp(model.capture_prior->log_m0)))
                                      : QString());
  showing_ = false;
  estimate();
}

void ModelPage::estimate() {
  const QString why = session().cannotFit();
  run_->setEnabled(why.isEmpty());
  add_->setEnabled(why.isEmpty());
  if (!why.isEmpty()) {
    estimate_->setText(why);
    return;
  }
  Answer<inference::FitEstimate> answer;
  answer.done = [this](inference::FitEstimate estimate) {
    estimate_->setText(tr("Will take %1 and %2 of memory.").arg(inTime(estimate.seconds), inBytes(estimate.bytes)));
  };
  answer.failed = [this](const JobError& error) { estimate_->setText(error.text()); };
  session().pool.request<inference::FitEstimate>(
      "estimate", this,
      [data = session().data.prepared(), model = session().model.model(),
       options = session().model.options()](const RunControl&) {
        return inference::estimate({model, data->summary.get(), &data->dataset->counts}, options);
      },
      std::move(answer));
}

}  // namespace scriptorium::ui
