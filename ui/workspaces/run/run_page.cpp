#include "ui/workspaces/run/run_page.hpp"

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QGroupBox>
#include <QLabel>
#include <QMenu>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QSplitter>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "ui/workspaces/run/command_text.hpp"
#include "ui/workspaces/run/device_panel.hpp"
#include "ui/workspaces/run/queue_panel.hpp"

namespace scriptorium::ui {
namespace {

QComboBox* makeChoice(const QString& name, const QStringList& texts) {
  auto* box = new QComboBox;
  box->addItems(texts);
  help::describe(box, name);
  return box;
}

}  // namespace

RunPage::RunPage(Session& session, QWidget* parent) : Page("run", tr("Run"), session, parent) {
  setContent(makeContent());
  connect(&session.queue, &FitQueue::itemChanged, this, [this](int id) {
    if (id == shown_) showItem();
  });
  connect(&session.queue, &FitQueue::queueChanged, this, [this] {
    fillOverlays();
    showItem();
  });
  connect(queue_, &QueuePanel::chosenChanged, this, [this](int id) {
    shown_ = id;
    drawn_ = 0;
    showItem();
  });
  session.exports.addFigure({"loss", tr("Loss"), [this] { return loss_->figure(); }});
  showItem();
}

QWidget* RunPage::makeContent() {
  loss_ = makeFigure("lossFigure", tr("Loss by iteration"), "loss");
  curve_ = makeChoice("lossCurve", {tr("raw and smooth"), tr("raw"), tr("smooth")});
  scale_ = makeChoice("lossScale", {tr("linear"), tr("log")});
  part_ = makeChoice("lossPart", {tr("all"), tr("last half"), tr("last tenth"), tr("last 2,000")});
  for (QComboBox* box : {curve_, scale_, part_})
    connect(box, &QComboBox::currentIndexChanged, this, [this] {
      drawn_ = 0;
      showLoss();
    });
  overlays_ = new QToolButton;
  overlays_->setText(tr("Overlays"));
  overlays_->setPopupMode(QToolButton::InstantPopup);
  help::describe(overlays_, "lossOverlays");
  overlay_menu_ = new QMenu(overlays_);
  overlays_->setMenu(overlay_menu_);
  verdict_ = new QLabel;
  verdict_->setObjectName("verdictLabel");
  verdict_->setWordWrap(true);
  verdict_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  step_ = new QLabel;
  step_->setObjectName("stepLabel");
  step_->setWordWrap(true);
  log_ = new QPlainTextEdit;
  log_->setReadOnly(true);
  log_->setMaximumBlockCount(5000);
  help::describe(log_, "runLog");
  queue_ = new QueuePanel(session());
  auto* copy = new QPushButton(tr("Copy as command"));
  help::describe(copy, "copyCommandButton");
  connect(copy, &QPushButton::clicked, this, [this] {
    if (const FitItem* item = session().queue.find(shown_)) {
      QApplication::clipboard()->setText(commandFor(item->request));
      emit session().noted(tr("The command is on the clipboard."));
    }
  });
  onward_ = new QPushButton(tr("Is it right? Diagnose ▸"));
  help::describe(onward_, "toDiagnoseButton");
  connect(onward_, &QPushButton::clicked, this, [this] { emit pageWanted("diagnose"); });

  auto* controls = new QHBoxLayout;
  controls->addWidget(new QLabel(tr("<b>Loss</b>")));
  for (QWidget* control : std::initializer_list<QWidget*>{curve_, scale_, part_, overlays_})
    controls->addWidget(control);
  controls->addStretch();
  auto* upper = new QWidget;
  auto* upper_box = new QVBoxLayout(upper);
  upper_box->setContentsMargins(0, 0, 0, 0);
  upper_box->addLayout(controls);
  upper_box->addWidget(loss_, 1);
  upper_box->addWidget(verdict_);
  auto* left = new QSplitter(Qt::Vertical);
  left->addWidget(upper);
  left->addWidget(log_);
  left->setStretchFactor(0, 3);
  left->setStretchFactor(1, 1);
  left->setSizes({460, 140});
  auto* right = new QWidget;
  auto* right_box = new QVBoxLayout(right);
  right_box->setContentsMargins(0, 0, 0, 0);
  right_box->addWidget(new QLabel(tr("<b>Queue</b>")));
  right_box->addWidget(queue_, 1);
  right_box->addWidget(step_);
  right_box->addWidget(new DevicePanel(session()));
  right_box->addWidget(copy);
  right_box->addWidget(onward_);
  auto* across = new QSplitter;
  across->addWidget(left);
  across->addWidget(right);
  across->setStretchFactor(0, 1);
  across->setSizes({680, 310});
  return across;
}

void RunPage::showItem() {
  const FitItem* item = session().queue.find(shown_);
  if (!item) {
    showWords(tr("<h2>No fit yet</h2><p>Here the loss is drawn while a fit runs, with the queue, the log and a verdict "
                 "in words "
                 "on whether it has converged.</p>"),
              {{tr("Choose a model"), [this] { emit pageWanted("model"); }}});
    return;
  }
  showContent();
  showLoss();
  verdict_->setText(verdict(*item));
  QString step = item->state == FitState::Running ? item->step : QString();
  if (item->checkpointed.isValid() && item->state == FitState::Running)
    step += (step.isEmpty() ? "" : "<br>") +
            tr("Checkpoint %1 s ago").arg(item->checkpointed.secsTo(QDateTime::currentDateTime()));
  step_->setText(step);
  onward_->setEnabled(item->fit != nullptr);
  const QString text = item->log.join('\n');
  if (text != log_->toPlainText()) {
    log_->setPlainText(text);
    log_->verticalScrollBar()->setValue(log_->verticalScrollBar()->maximum());
  }
}

QString RunPage::verdict(const FitItem& item) const {
  switch (item.state) {
    case FitState::Waiting:
      return tr("Waits for its turn.");
    case FitState::Running: {
      if (item.trace.empty()) return tr("Starting.");
      const inference::LossPoint& last = item.trace.back();
      QString text = tr("Iteration %1, loss %2 nats, %3 s.")
                         .arg(last.iteration)
                         .arg(last.loss, 0, 'f', 3)
                         .arg(last.seconds, 0, 'f', 1);
      if (last.decrement >= 0)
        text += tr(" About %1 nats are still to gain (the Newton decrement); it stops below %2.")
                    .arg(charts::shortNumber(last.decrement), charts::shortNumber(item.request.options.tolerance));
      return text;
    }
    case FitState::Cancelled:
      return item.resumable() ? tr("Cancelled. A checkpoint is kept: Resume goes on with the same numbers.")
                              : tr("Cancelled before there was anything to keep.");
    case FitState::Failed:
      return QString("<span style='color:#d55e00'><b>%1</b></span><br>%2")
          .arg(item.error.message.toHtmlEscaped(), item.error.remedy.toHtmlEscaped());
    case FitState::Done:
    case FitState::Kept: {
      const inference::Convergence& c = item.fit->result.convergence;
      QString text =
          QString("<b>%1 %2</b>").arg(c.converged ? "✓" : "△", QString::fromStdString(c.verdict).toHtmlEscaped());
      if (item.state == FitState::Kept) text += tr(" Stopped and kept: a partial result.");
      if (!c.advice.empty()) text += "<br>" + QString::fromStdString(c.advice).toHtmlEscaped();
      for (const std::string& note : c.notes) text += "<br>" + QString::fromStdString(note).toHtmlEscaped();
      return text;
    }
  }
  return {};
}

void RunPage::showLoss() {
  const FitItem* item = session().queue.find(shown_);
  if (!item) return;
  if (item->trace.empty()) {
    loss_->setMessage(item->state == FitState::Failed    ? tr("This fit failed before its first iteration.")
                      : item->state == FitState::Waiting ? tr("The loss is drawn here once this fit runs.")
                                                         : tr("Waiting for the first iteration."));
    drawn_ = 0;
    return;
  }
  if (drawn_ == item->trace.size() && !item->finished()) return;
  drawn_ = item->trace.size();
  const int n = static_cast<int>(item->trace.size());
  LossView view;
  view.raw = curve_->currentIndex() != 2;
  view.smooth = curve_->currentIndex() != 1;
  view.logarithmic = scale_->currentIndex() == 1;
  view.last = part_->currentIndex() == 1   ? n / 2
              : part_->currentIndex() == 2 ? n / 10
              : part_->currentIndex() == 3 ? 2000
                                           : 0;
  std::vector<LossRun> others;
  for (const int id : overlaid_)
    if (const FitItem* other = session().queue.find(id); other && id != shown_ && !other->trace.empty())
      others.push_back({other->request.name, &other->trace});
  loss_->setFigure(lossFigure({item->request.name, &item->trace}, others, view), true);
  session().exports.touch();
}

void RunPage::fillOverlays() {
  overlay_menu_->clear();
  for (const auto& item : session().queue.items()) {
    if (!item->finished() || item->trace.empty()) continue;
    QAction* action = overlay_menu_->addAction(QString("%1 (%2)").arg(item->request.name, toText(item->state)));
    action->setCheckable(true);
    action->setChecked(std::find(overlaid_.begin(), overlaid_.end(), item->id) != overlaid_.end());
    connect(action, &QAction::toggled, this, [this, id = item->id](bool on) {
      std::erase(overlaid_, id);
      if (on) overlaid_.push_back(id);
      drawn_ = 0;
      showLoss();
    });
  }
  overlays_->setEnabled(!overlay_menu_->isEmpty());
}

}  // namespace scriptorium::ui
