#pragma once
#include <QHash>
#include <QObject>
#include <QPointer>
#include <QThreadPool>
#include <functional>
#include <memory>

#include "core/progress.hpp"
#include "ui/jobs/job_error.hpp"

namespace scriptorium::ui {

/// What becomes of a request. All are called on the window's thread, exactly one of done, failed and cancelled once,
/// and none of them after a newer request with the same key has come.
template <class Result>
struct Answer {
  std::function<void(Result)> done;
  std::function<void(const JobError&)> failed;
  std::function<void()> cancelled;
  std::function<void(const Progress&)> progressed;  ///< at most 20 a second
};

/// Work for panels and tables, off the window's thread. The newest request of a key wins: older ones are stopped and
/// their results dropped. Deleting the pool stops everything and waits, so no worker outlives what it reads.
class InteractivePool : public QObject {
  Q_OBJECT
 public:
  explicit InteractivePool(int threads, QObject* parent = nullptr);
  ~InteractivePool() override;

  /// Answers only while `receiver` lives.
  template <class Result>
  void request(const QString& key, QObject* receiver, std::function<Result(const RunControl&)> work,
               Answer<Result> answer) {
    auto kept = std::make_shared<std::unique_ptr<Result>>();
    Job job;
    job.receiver = receiver;
    job.work = [work = std::move(work), kept](const RunControl& control) {
      *kept = std::make_unique<Result>(work(control));
    };
    job.done = [done = std::move(answer.done), kept] {
      if (done) done(std::move(**kept));
    };
    job.failed = std::move(answer.failed);
    job.cancelled = std::move(answer.cancelled);
    job.progressed = std::move(answer.progressed);
    start(key, std::move(job));
  }

  /// Answers `cancelled` at once; the worker stops on its own time and its result is dropped.
  void cancel(const QString& key);
  bool busy(const QString& key) const { return current_.contains(key); }
  bool busy() const { return !current_.isEmpty(); }

 signals:
  void busyChanged();

 private:
  struct Job {
    quint64 number = 0;
    QPointer<QObject> receiver;
    std::stop_source stop;
    std::function<void(const RunControl&)> work;
    std::function<void()> done, cancelled;
    std::function<void(const JobError&)> failed;
    std::function<void(const Progress&)> progressed;
  };
  void start(const QString& key, Job job);
  void run(const QString& key, const std::shared_ptr<Job>& job);
  /// The job of `key` if it is still the newest and somebody waits for it.
  bool isCurrent(const QString& key, const Job& job) const;

  QHash<QString, std::shared_ptr<Job>> current_;
  quint64 last_ = 0;
  QThreadPool threads_;
  std::stop_source closing_;
};

}  // namespace scriptorium::ui
