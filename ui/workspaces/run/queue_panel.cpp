#include "ui/workspaces/run/queue_panel.hpp"

#include <QGridLayout>
#include <QHeaderView>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>
#include <cmath>

#include "ui/help/help_texts.hpp"

namespace scriptorium::ui {
namespace {

QString stateText(const FitItem& item) {
  if (item.state == FitState::Running)
    return item.fraction >= 0 ? QObject::tr("running %1 %").arg(std::lround(100 * item.fraction))
                              : QObject::tr("running");
  if (item.stopping) return QObject::tr("cancelled, stopping");
  return toText(item.state);
}

void fill(QTreeWidgetItem& row, const FitItem& item) {
  row.setText(0, item.request.name);
  row.setText(1, stateText(item));
  const QString words = item.error.empty() ? item.step : item.error.text();
  for (int column : {0, 1}) row.setToolTip(column, words);
  const QColor red(0xd5, 0x5e, 0x00), green(0x00, 0x9e, 0x73);
  row.setForeground(1, item.state == FitState::Failed ? QBrush(red) : item.fit ? QBrush(green) : QBrush());
}

}  // namespace

QueuePanel::QueuePanel(Session& session, QWidget* parent) : QWidget(parent), session_(session), list_(new QTreeWidget) {
  help::describe(list_, "queueList");
  list_->setColumnCount(2);
  list_->setHeaderLabels({tr("Fit"), tr("State")});
  list_->setRootIsDecorated(false);
  list_->header()->setSectionResizeMode(0, QHeaderView::Stretch);
  list_->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
  list_->header()->setStretchLastSection(false);
  const auto button = [&](const QString& text, const QString& name, auto act) {
    auto* made = new QPushButton(text);
    help::describe(made, name);
    connect(made, &QPushButton::clicked, this, act);
    return made;
  };
  FitQueue& queue = session.queue;
  cancel_ = button(tr("Cancel"), "cancelFitButton", [this, &queue] { queue.cancel(chosen()); });
  keep_ = button(tr("Stop and keep"), "stopAndKeepButton", [this, &queue] { queue.stopAndKeep(chosen()); });
  resume_ = button(tr("Resume"), "resumeButton", [this, &queue] { choose(queue.resume(chosen())); });
  up_ = button(tr("Earlier"), "queueUpButton", [this, &queue] { queue.move(chosen(), -1); });
  down_ = button(tr("Later"), "queueDownButton", [this, &queue] { queue.move(chosen(), 1); });
  remove_ = button(tr("Remove"), "queueRemoveButton", [this, &queue] { queue.remove(chosen()); });
  auto* buttons = new QGridLayout;
  int place = 0;
  for (QPushButton* one : {cancel_, keep_, resume_, up_, down_, remove_}) {
    buttons->addWidget(one, place / 3, place % 3);
    ++place;
  }
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  box->addWidget(list_, 1);
  box->addLayout(buttons);
  connect(&queue, &FitQueue::queueChanged, this, &QueuePanel::rebuild);
  connect(&queue, &FitQueue::itemChanged, this, &QueuePanel::refresh);
  connect(list_, &QTreeWidget::currentItemChanged, this, [this] {
    if (rebuilding_) return;
    enableButtons();
    emit chosenChanged(chosen());
  });
  rebuild();
}

int QueuePanel::chosen() const {
  const QTreeWidgetItem* row = list_->currentItem();
  return row ? row->data(0, Qt::UserRole).toInt() : 0;
}

void QueuePanel::choose(int id) {
  for (int i = 0; i < list_->topLevelItemCount(); ++i)
    if (list_->topLevelItem(i)->data(0, Qt::UserRole).toInt() == id) list_->setCurrentItem(list_->topLevelItem(i));
}

void QueuePanel::rebuild() {
  const int before = chosen();
  rebuilding_ = true;
  list_->clear();
  for (const auto& item : session_.queue.items()) {
    auto* row = new QTreeWidgetItem(list_);
    row->setData(0, Qt::UserRole, item->id);
    fill(*row, *item);
  }
  choose(before);
  if (chosen() == 0 && list_->topLevelItemCount() > 0)
    choose(session_.queue.running() ? session_.queue.running()->id : session_.queue.items().back()->id);
  const int running = session_.queue.running() ? session_.queue.running()->id : 0;
  if (const FitItem* shown = session_.queue.find(chosen());
      running && running != running_ && shown && shown->finished())
    choose(running);  // look at what has just begun
  running_ = running;
  rebuilding_ = false;
  enableButtons();
  if (chosen() != before) emit chosenChanged(chosen());
}

void QueuePanel::refresh(int id) {
  const FitItem* item = session_.queue.find(id);
  for (int i = 0; item && i < list_->topLevelItemCount(); ++i)
    if (list_->topLevelItem(i)->data(0, Qt::UserRole).toInt() == id) fill(*list_->topLevelItem(i), *item);
  enableButtons();
}

void QueuePanel::enableButtons() {
  const FitItem* item = session_.queue.find(chosen());
  cancel_->setEnabled(item && !item->finished());
  keep_->setEnabled(item && item->state == FitState::Running);
  resume_->setEnabled(item && item->resumable());
  up_->setEnabled(item && item->state == FitState::Waiting);
  down_->setEnabled(item && item->state == FitState::Waiting);
  remove_->setEnabled(item && item != session_.queue.running());
}

}  // namespace scriptorium::ui
