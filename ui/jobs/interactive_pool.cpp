#include "ui/jobs/interactive_pool.hpp"

#include <QElapsedTimer>
#include <algorithm>

namespace scriptorium::ui {

InteractivePool::InteractivePool(int threads, QObject* parent) : QObject(parent) {
  threads_.setMaxThreadCount(std::max(1, threads));
}

InteractivePool::~InteractivePool() {
  for (const auto& job : std::as_const(current_)) job->stop.request_stop();
  current_.clear();
  threads_.waitForDone();
}

bool InteractivePool::isCurrent(const QString& key, const Job& job) const {
  const auto found = current_.find(key);
  return found != current_.end() && (*found)->number == job.number && !job.receiver.isNull();
}

void InteractivePool::start(const QString& key, Job made) {
  if (const auto old = current_.find(key); old != current_.end()) (*old)->stop.request_stop();
  auto job = std::make_shared<Job>(std::move(made));
  job->number = ++last_;
  current_[key] = job;
  threads_.start([this, key, job] { run(key, job); });
  emit busyChanged();
}

void InteractivePool::cancel(const QString& key) {
  const auto found = current_.find(key);
  if (found == current_.end()) return;
  const std::shared_ptr<Job> job = *found;
  job->stop.request_stop();
  current_.erase(found);
  if (job->cancelled && job->receiver) job->cancelled();
  emit busyChanged();
}

void InteractivePool::run(const QString& key, const std::shared_ptr<Job>& job) {
  QElapsedTimer since;
  RunControl control;
  control.stop = job->stop.get_token();
  control.report = [&](const Progress& progress) {
    if (!job->progressed || (since.isValid() && since.elapsed() < 50)) return;
    since.start();
    QMetaObject::invokeMethod(this, [this, key, job, progress] {
      if (isCurrent(key, *job)) job->progressed(progress);
    });
  };
  JobError error;
  bool stopped = false;
  try {
    control.check();
    job->work(control);
  } catch (const Cancelled&) {
    stopped = true;
  } catch (...) {
    error = describeCurrentException();
  }
  QMetaObject::invokeMethod(this, [this, key, job, error, stopped] {
    const auto found = current_.find(key);
    if (found == current_.end() || (*found)->number != job->number) return;  // a newer request has its place
    const bool wanted = isCurrent(key, *job);
    current_.erase(found);
    if (wanted && stopped && job->cancelled) job->cancelled();
    if (wanted && !stopped && error.empty()) job->done();
    if (wanted && !stopped && !error.empty() && job->failed) job->failed(error);
    emit busyChanged();
  });
}

}  // namespace scriptorium::ui
