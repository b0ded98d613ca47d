#include "ui/shell/status_strip.hpp"

#include <QFileInfo>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QTimer>
#include <cmath>

#include "ui/help/help_texts.hpp"

namespace scriptorium::ui {

StatusStrip::StatusStrip(Session& session, QWidget* parent)
    : QWidget(parent),
      session_(session),
      what_(new QLabel),
      queue_(new QLabel),
      note_(new QLabel),
      bar_(new QProgressBar),
      cancel_(new QPushButton(tr("Cancel"))) {
  what_->setObjectName("statusWhat");
  queue_->setObjectName("statusQueue");
  note_->setObjectName("statusNote");
  bar_->setObjectName("statusProgress");
  bar_->setFixedWidth(140);
  bar_->setMaximumHeight(16);
  help::describe(cancel_, "statusCancel");
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(8, 0, 8, 0);
  row->addWidget(what_);
  row->addWidget(bar_);
  row->addWidget(cancel_);
  row->addWidget(queue_);
  row->addWidget(note_, 1);
  connect(cancel_, &QPushButton::clicked, this, &StatusStrip::cancelCurrent);
  connect(&session.queue, &FitQueue::queueChanged, this, &StatusStrip::refresh);
  connect(&session.queue, &FitQueue::itemChanged, this, &StatusStrip::refresh);
  connect(&session.data, &DataState::stageChanged, this, &StatusStrip::refresh);
  connect(&session.data, &DataState::progressed, this, &StatusStrip::refresh);
  connect(&session.pool, &InteractivePool::busyChanged, this, &StatusStrip::refresh);
  refresh();
}

void StatusStrip::note(const QString& text) {
  note_->setText(text);
  QTimer::singleShot(8000, note_, [label = note_, text] {
    if (label->text() == text) label->clear();
  });
}

void StatusStrip::cancelCurrent() {
  if (session_.data.stage() == DataState::Stage::Loading)
    session_.data.cancelOpening();
  else if (const FitItem* item = session_.queue.running())
    session_.queue.cancel(item->id);
}

void StatusStrip::refresh() {
  double fraction = -1;
  QString what;
  bool cancellable = true;
  const FitItem* item = session_.queue.running();
  if (session_.data.stage() == DataState::Stage::Loading) {
    what = tr("Opening %1").arg(QFileInfo(session_.data.path()).fileName());
    fraction = session_.data.progress().fraction;
  } else if (item && !item->stopping) {
    what = tr("▶ %1").arg(item->request.name);
    if (!item->trace.empty()) what += tr(", iteration %1").arg(item->trace.back().iteration);
    fraction = item->fraction;
    if (fraction > 0.03 && item->started.isValid()) {
      const double left =
          static_cast<double>(item->started.msecsTo(QDateTime::currentDateTime())) / 1000 * (1 - fraction) / fraction;
      if (left > 2)
        what += left < 90 ? tr(", %1 s left").arg(std::ceil(left)) : tr(", %1 min left").arg(std::ceil(left / 60));
    }
  } else if (item) {
    what = tr("%1 is stopping").arg(item->request.name);
    cancellable = false;
  } else if (session_.pool.busy()) {
    what = tr("Working …");
    cancellable = false;
  }
  const bool busy = !what.isEmpty();
  what_->setText(busy ? what : tr("Ready"));
  bar_->setVisible(busy);
  cancel_->setVisible(busy && cancellable);
  bar_->setRange(0, fraction >= 0 ? 100 : 0);
  if (fraction >= 0) bar_->setValue(static_cast<int>(std::lround(100 * fraction)));
  const int waiting = session_.queue.waiting();
  queue_->setText(waiting > 0 ? tr("│ queue %1").arg(waiting) : QString());
}

}  // namespace scriptorium::ui
