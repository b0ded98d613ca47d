#include "ui/jobs/fit_queue.hpp"

#include <QDir>
#include <QFile>
#include <QSaveFile>
#include <QThreadPool>
#include <algorithm>

#include "core/data/filter.hpp"
#include "core/data/formats/names.hpp"
#include "core/report/table.hpp"
#include "core/result/new_fit.hpp"

namespace scriptorium::ui {

QString toText(FitState state) {
  switch (state) {
    case FitState::Waiting:
      return "waiting";
    case FitState::Running:
      return "running";
    case FitState::Done:
      return "done";
    case FitState::Kept:
      return "stopped and kept";
    case FitState::Cancelled:
      return "cancelled";
    case FitState::Failed:
      return "failed";
  }
  return {};
}

FitQueue::FitQueue(QString folder, QObject* parent) : QObject(parent), folder_(std::move(folder)) {
  clock_.setInterval(66);
  connect(&clock_, &QTimer::timeout, this, &FitQueue::fetch);
}

FitQueue::~FitQueue() {
  keep_ = {};
  worker_.request_stop();
  if (worker_.joinable()) worker_.join();
}

const FitItem* FitQueue::find(int id) const {
  const auto at = std::find_if(items_.begin(), items_.end(), [&](const auto& one) { return one->id == id; });
  return at == items_.end() ? nullptr : at->get();
}
FitItem* FitQueue::item(int id) {
  return const_cast<FitItem*>(find(id));
}

int FitQueue::waiting() const {
  return static_cast<int>(
      std::count_if(items_.begin(), items_.end(), [](const auto& one) { return one->state == FitState::Waiting; }));
}

void FitQueue::note(FitItem& item, const QString& line) {
  item.log << QTime::currentTime().toString("HH:mm:ss") + "  " + line;
}

int FitQueue::add(FitRequest request) {
  auto made = std::make_unique<FitItem>();
  made->id = ++last_id_;
  made->request = std::move(request);
  made->checkpoint_path = made->request.resume_from;
  note(*made, tr("added to the queue"));
  items_.push_back(std::move(made));
  emit queueChanged();
  startNext();
  return last_id_;
}

void FitQueue::cancel(int id) {
  FitItem* one = item(id);
  if (!one || one->finished()) return;
  if (one->state == FitState::Running) {
    one->stopping = true;
    worker_.request_stop();
  }
  one->state = FitState::Cancelled;
  note(*one, tr("cancelled"));
  emit itemChanged(id);
  emit queueChanged();
}

void FitQueue::stopAndKeep(int id) {
  FitItem* one = item(id);
  if (!one || one->state != FitState::Running) return;
  keep_.request_stop();
  note(*one, tr("asked to stop and keep what there is"));
  emit itemChanged(id);
}

void FitQueue::move(int id, int by) {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (items_[i]->id != id) continue;
    const auto j = static_cast<std::ptrdiff_t>(i) + by;
    if (j < 0 || j >= static_cast<std::ptrdiff_t>(items_.size())) return;
    auto& other = items_[static_cast<std::size_t>(j)];
    if (items_[i]->state != FitState::Waiting || other->state != FitState::Waiting) return;
    std::swap(items_[i], other);
    emit queueChanged();
    return;
  }
}

void FitQueue::remove(int id) {
  const FitItem* one = find(id);
  if (!one || id == running_) return;
  if (!one->checkpoint_path.isEmpty()) discard(one->checkpoint_path);
  std::erase_if(items_, [&](const auto& other) { return other->id == id; });
  emit queueChanged();
}

int FitQueue::resume(int id) {
  const FitItem* one = find(id);
  if (!one || !one->resumable()) return 0;
  FitRequest request = one->request;
  request.resume_from = one->checkpoint_path;
  item(id)->checkpoint_path.clear();  // the new one has it now
  return add(std::move(request));
}

QString FitQueue::freePath(const QString& name) const {
  QString plain;
  for (const QChar c : name) plain += c.isLetterOrNumber() || c == '-' || c == '_' ? c : QChar('_');
  if (plain.isEmpty()) plain = "fit";
  const auto taken = [&](const QString& path) {
    if (QFile::exists(path)) return true;
    return std::any_of(items_.begin(), items_.end(), [&](const auto& one) { return one->fit_path == path; });
  };
  QString path = folder_ + '/' + plain + ".fit.h5";
  for (int k = 2; taken(path); ++k) path = QString("%1/%2-%3.fit.h5").arg(folder_, plain).arg(k);
  return path;
}

void FitQueue::startNext() {
  if (running_) return;
  const auto next =
      std::find_if(items_.begin(), items_.end(), [](const auto& one) { return one->state == FitState::Waiting; });
  if (next == items_.end()) return;
  if (worker_.joinable()) worker_.join();  // its last act was to post end()
  FitItem& one = **next;
  running_ = one.id;
  one.state = FitState::Running;
  one.started = QDateTime::currentDateTime();
  one.fit_path = freePath(one.request.name);
  note(one, one.request.resume_from.isEmpty() ? tr("started") : tr("goes on from its checkpoint"));
  mailbox_ = std::make_shared<Mailbox>();
  keep_ = std::stop_source();
  const QString checkpoint = one.request.resume_from.isEmpty() ? one.fit_path + ".checkpoint" : one.request.resume_from;
  worker_ = std::jthread([this, id = one.id, request = one.request, path = one.fit_path, checkpoint, box = mailbox_,
                          keep = keep_.get_token()](std::stop_token stop) {
    const Outcome outcome = work(request, path, checkpoint, stop, keep, *box);
    QMetaObject::invokeMethod(
        this,
        [this, id, outcome, checkpoint] {
          if (FitItem* ended = item(id)) ended->checkpoint_path = outcome.checkpoint_left ? checkpoint : QString();
          end(id, outcome);
        },
        Qt::QueuedConnection);
  });
  clock_.start();
  emit queueChanged();
}

FitQueue::Outcome FitQueue::work(const FitRequest& request, const QString& fit_path, const QString& checkpoint_path,
                                 std::stop_token stop, std::stop_token keep, Mailbox& mailbox) {
  Outcome outcome;
  const QString request_path = checkpoint_path + ".json";
  const auto log = [&](const QString& line) {
    const std::lock_guard lock(mailbox.mutex);
    mailbox.log << QTime::currentTime().toString("HH:mm:ss") + "  " + line;
  };
  const auto clear = [&] {
    QFile::remove(checkpoint_path);
    QFile::remove(request_path);
  };
  try {
    QDir().mkpath(QFileInfo(fit_path).path());
    inference::FitControl control;
    control.stop = stop;
    control.keep = keep;
    control.report = [&](const Progress& progress) {
      const std::lock_guard lock(mailbox.mutex);
      mailbox.progress = progress;
      mailbox.told = true;
    };
    control.on_loss = [&](const inference::LossPoint& point) {
      const std::lock_guard lock(mailbox.mutex);
      mailbox.loss.push_back(point);
    };
    bool warned = false;
    control.on_checkpoint = [&](const inference::Checkpoint& checkpoint) {
      try {
        QSaveFile file(request_path);
        const QByteArray json = requestToJson(request);
        if (file.open(QIODevice::WriteOnly) && file.write(json) == json.size()) file.commit();
        result::save_checkpoint(checkpoint, checkpoint_path.toStdString());
        outcome.checkpoint_left = true;
        const std::lock_guard lock(mailbox.mutex);
        mailbox.checkpointed = true;
      } catch (...) {  // the fit goes on without
        if (!warned) log(QObject::tr("no checkpoint could be written: ") + describeCurrentException().message);
        warned = true;
      }
    };
    std::optional<inference::Checkpoint> resume;
    if (!request.resume_from.isEmpty()) {
      resume = result::load_checkpoint(request.resume_from.toStdString());
      outcome.checkpoint_left = true;
    }
    const analysis::Annotation annotation = request.annotate();
    inference::FitInput input;
    input.model = request.model;
    if (annotation.components > 0) input.model.components = annotation.components;  // as many as there are labels
    input.cell_logits = annotation.logits;
    input.summary = request.data->summary.get();
    input.counts = &request.data->dataset->counts;
    std::shared_ptr<const compute::Backend> backend;
    if (inference::uses_backend(input.model, request.options, input.summary->n_cells)) {
      const auto choice = compute::choose_backend(request.device.toStdString(), request.options.threads);
      backend = choice.backend;
      input.backend = backend.get();
      if (!choice.told.empty() && request.device != "auto") log(QString::fromStdString(choice.told));
    } else if (request.device.startsWith("cuda")) {
      log(QObject::tr("Nothing in this fit is done on a GPU; the CPU does it."));
    }
    auto fit = std::make_shared<result::Fit>(result::new_fit(
        *request.data->dataset, {*request.data->summary, request.data->id}, input.model, request.options));
    if (backend) fit->device = backend->name();
    fit->component_names = annotation.names;
    if (!annotation.names.empty())
      fit->annotation = data::listed(request.annotation.columns, 8) + ", confidence " +
                        report::number_text(request.annotation.confidence);
    fit->result = inference::fit(input, request.options, resume ? &*resume : nullptr, control);
    for (const auto& note : annotation.notes) fit->result.convergence.notes.push_back(note);
    if (backend)
      for (const auto& note : backend->notes()) fit->result.convergence.notes.push_back(note);
    fit->name = request.name.toStdString();
    fit->data_path = request.data->choice.path.toStdString();
    fit->data_filter = request.data->choice.treatment();
    outcome.fit = fit;
    outcome.state = fit->result.convergence.stopped_early && keep.stop_requested() ? FitState::Kept : FitState::Done;
    log(QString::fromStdString(fit->result.convergence.verdict));
    for (const std::string& text : fit->result.convergence.notes) log(QString::fromStdString(text));
    try {
      result::save_fit(*fit, fit_path.toStdString());
      outcome.fit_path = fit_path;
      log(QObject::tr("saved as ") + fit_path);
      if (!fit->result.convergence.resumable) {
        outcome.checkpoint_left = false;
        clear();
      }
    } catch (...) {  // the result is still here: say so instead of losing it
      outcome.error = describeCurrentException();
      log(QObject::tr("not saved: ") + outcome.error.message);
    }
  } catch (const Cancelled&) {
    outcome.state = FitState::Cancelled;
  } catch (...) {
    outcome.error = describeCurrentException();
    log(QObject::tr("failed: ") + outcome.error.text());
  }
  return outcome;
}

void FitQueue::fetch() {
  FitItem* one = item(running_);
  if (!one || !mailbox_) return;
  bool changed = false;
  {
    const std::lock_guard lock(mailbox_->mutex);
    changed = !mailbox_->loss.empty() || mailbox_->told || !mailbox_->log.isEmpty() || mailbox_->checkpointed;
    one->trace.insert(one->trace.end(), mailbox_->loss.begin(), mailbox_->loss.end());
    mailbox_->loss.clear();
    one->log << mailbox_->log;
    mailbox_->log.clear();
    if (mailbox_->told) {
      one->fraction = mailbox_->progress.fraction;
      one->step = QString::fromStdString(mailbox_->progress.message);
    }
    if (mailbox_->checkpointed) one->checkpointed = QDateTime::currentDateTime();
    mailbox_->told = mailbox_->checkpointed = false;
  }
  if (changed) emit itemChanged(one->id);
}

void FitQueue::end(int id, const Outcome& outcome) {
  fetch();
  clock_.stop();
  running_ = 0;
  FitItem* one = item(id);
  if (one) {
    one->stopping = false;
    if (one->state != FitState::Cancelled) one->state = outcome.state;  // cancelled in its last moment stays cancelled
    one->error = outcome.error;
    one->fit_path = outcome.fit_path;
    if (one->state == FitState::Done || one->state == FitState::Kept) {
      one->fit = outcome.fit;
      one->fraction = 1;
      one->trace = outcome.fit->result.trace;
    }
    emit itemChanged(id);
    emit queueChanged();
    if (one->fit) emit fitFinished(id);
    if (one->state == FitState::Failed) emit fitFailed(id);
  }
  startNext();
}

void FitQueue::discard(const QString& checkpoint) {
  QThreadPool::globalInstance()->start([checkpoint] {
    QFile::remove(checkpoint);
    QFile::remove(checkpoint + ".json");
  });
}

QList<QPair<QString, QString>> FitQueue::leftBehind(const QString& folder) {
  QList<QPair<QString, QString>> found;
  const QDir dir(folder);
  for (const QString& name : dir.entryList({"*.checkpoint.json"}, QDir::Files, QDir::Time)) {
    const QString request = dir.filePath(name), checkpoint = request.chopped(5);
    if (QFile::exists(checkpoint)) found.append({request, checkpoint});
  }
  return found;
}

}  // namespace scriptorium::ui
