#pragma once
#include <QCoreApplication>
#include <QPointer>
#include <QThreadPool>
#include <functional>
#include <memory>

#include "ui/jobs/job_error.hpp"

namespace scriptorium::ui {

/// Runs `work` on a worker, then `done` with its result on the window's thread, or `failed` with what it threw; neither
/// when `owner` is gone by then. For small work that nobody cancels; panels ask the InteractivePool.
template <class Result>
void onWorker(QObject* owner, std::function<Result()> work, std::function<void(Result)> done,
              std::function<void(const JobError&)> failed) {
  QThreadPool::globalInstance()->start(
      [owner = QPointer<QObject>(owner), work = std::move(work), done = std::move(done), failed = std::move(failed)] {
        auto result = std::make_shared<std::unique_ptr<Result>>();
        JobError error;
        try {
          *result = std::make_unique<Result>(work());
        } catch (...) {
          error = describeCurrentException();
        }
        // By way of the application: the worker must not touch an owner that may be on its way out.
        QMetaObject::invokeMethod(
            qApp,
            [owner, result, error, done, failed] {
              if (!owner) return;
              if (*result)
                done(std::move(**result));
              else
                failed(error);
            },
            Qt::QueuedConnection);
      });
}

}  // namespace scriptorium::ui
