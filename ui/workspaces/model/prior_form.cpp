#include "ui/workspaces/model/prior_form.hpp"

#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QToolButton>

#include "ui/workspaces/model/prior_figure.hpp"

namespace scriptorium::ui {

PriorForm::PriorForm(Session& session, charts::FigureView& densities, QWidget* parent)
    : QWidget(parent), session_(session), densities_(densities), grid_(new QGridLayout(this)) {
  grid_->setContentsMargins(0, 0, 0, 0);
  grid_->setHorizontalSpacing(6);
  connect(&session_.model, &ModelState::changed, this, [this] {
    if (!typing_) rebuild();
  });
  rebuild();
}

void PriorForm::rebuild() {
  std::vector<model::Site> sites;
  try {
    sites = model::layout(session_.model.model());
  } catch (...) {
    return;  // the choice that made it so shows the message
  }
  while (QLayoutItem* item = grid_->takeAt(0)) {
    if (QWidget* old = item->widget()) {
      old->setParent(nullptr);  // out of sight and of reach at once; it may be what was clicked, so deleted later
      old->deleteLater();
    }
    delete item;
  }
  rows_.clear();
  order_.clear();
  int line = 0;
  for (const model::Site& site : sites) {
    if (site.support == model::Support::Simplex) continue;  // the form of the mixture has its prior
    const QString name = QString::fromStdString(site.name), symbol = QString::fromStdString(site.symbol);
    const std::vector<std::string> arguments = model::argument_names(site.prior.law);
    auto* label = new QLabel(
        QString("<b>%1</b> %2")
            .arg(symbol.toHtmlEscaped(), QString::fromStdString(site.descriptive).replace('_', ' ').toHtmlEscaped()));
    label->setToolTip("<qt>" + QString::fromStdString(site.meaning).toHtmlEscaped() + "</qt>");
    auto* law = new QLabel(QString::fromStdString(model::to_string(site.prior)).section('(', 0, 0));
    Row row{site, new QLineEdit(QString::number(site.prior.a, 'g', 12)),
            new QLineEdit(QString::number(site.prior.b, 'g', 12)), new QLabel};
    int column = 1;
    for (auto [edit, argument] : {std::pair{row.a, arguments[0]}, std::pair{row.b, arguments[1]}}) {
      help::Entry entry{tr("%1 of the prior of %2").arg(QString::fromStdString(argument), symbol),
                        tr("%1 The number is %2 of its prior.")
                            .arg(QString::fromStdString(site.meaning), QString::fromStdString(argument)),
                        tr("that of the catalogue"),
                        {}};
      help::describe(edit, QString("prior_%1_%2").arg(name, column == 1 ? "a" : "b"), entry);
      edit->setPlaceholderText(QString::fromStdString(argument));
      edit->setMinimumWidth(58);
      edit->setMaximumWidth(110);
      connect(edit, &QLineEdit::textEdited, this, [this, key = site.name] { typed(key); });
      grid_->addWidget(edit, line + 1, column++);
    }
    auto* reset = new QToolButton;
    reset->setText("↺");
    help::describe(
        reset, "prior_" + name + "_reset",
        {tr("Default prior of %1").arg(symbol), tr("Puts the prior of %1 back to its default.").arg(symbol), {}, {}});
    connect(reset, &QToolButton::clicked, this, [this, key = site.name, symbol] {
      model::Model model = session_.model.model();
      model.priors.erase(key);
      session_.model.setModel(model, tr("default prior of %1").arg(symbol));
    });
    row.says->setObjectName("prior_" + name + "_says");
    row.says->setWordWrap(true);
    grid_->addWidget(label, line, 0, 1, 4);
    grid_->addWidget(law, line + 1, 0);
    grid_->addWidget(reset, line + 1, 3);
    grid_->addWidget(row.says, line + 2, 1, 1, 3);
    line += 3;
    rows_.emplace(site.name, row);
    order_.push_back(site.name);
  }
  grid_->setColumnStretch(1, 1);
  grid_->setColumnStretch(2, 1);
  draw();
}

void PriorForm::typed(const std::string& key) {
  Row& row = rows_.at(key);
  bool a_ok = false, b_ok = false;
  const double a = row.a->text().toDouble(&a_ok), b = row.b->text().toDouble(&b_ok);  // the same in every language
  model::Model model = session_.model.model();
  const model::Prior prior{row.site.prior.law, a, b};
  model.priors[key] = prior;
  QString wrong;
  try {
    if (!a_ok || !b_ok) throw Error(ErrorCode::BadInput, "Two numbers are needed, with a point for decimals.");
    model::validate(model);
  } catch (...) {
    wrong = describeCurrentException().text();
  }
  const QString mark = wrong.isEmpty() ? QString() : "QLineEdit { border: 1px solid #d55e00; }";
  row.a->setStyleSheet(mark);
  row.b->setStyleSheet(mark);
  if (!wrong.isEmpty()) {
    row.says->setText(QString("<span style='color:#d55e00'>%1</span>").arg(wrong.toHtmlEscaped()));
    return;
  }
  row.site.prior = prior;
  typing_ = true;
  session_.model.setModel(model, tr("prior of %1").arg(QString::fromStdString(row.site.symbol)));
  typing_ = false;
  draw();
}

charts::Figure PriorForm::figure() const {
  return densities_.figure();
}

void PriorForm::draw() {
  std::vector<model::Site> sites;
  for (const std::string& key : order_) sites.push_back(rows_.at(key).site);
  Answer<PriorPicture> answer;
  answer.done = [this](PriorPicture picture) {
    for (const auto& [key, text] : picture.interval)
      if (const auto row = rows_.find(key); row != rows_.end()) row->second.says->setText(text);
    if (picture.figure.empty())
      densities_.setMessage(tr("These priors cannot be drawn."));
    else
      densities_.setFigure(std::move(picture.figure));
    session_.exports.touch();
  };
  answer.failed = [this](const JobError& error) { densities_.setMessage(error.text()); };
  session_.pool.request<PriorPicture>(
      "priors", this, [sites](const RunControl& control) { return drawPriors(sites, control); }, std::move(answer));
}

}  // namespace scriptorium::ui
