#pragma once
#include <QObject>
#include <QTimer>
#include <mutex>
#include <thread>

#include "ui/jobs/fit_item.hpp"

namespace scriptorium::ui {

/// The queue of fits: one runs at a time, in order; a failed one is marked and the rest go on. Every fit is saved when
/// it ends, and a checkpoint lies beside it while it runs, so that a crash loses nothing. Deleting the queue stops the
/// running fit and waits for it.
class FitQueue : public QObject {
  Q_OBJECT
 public:
  /// Fits and checkpoints go to `folder`, which is made when needed.
  explicit FitQueue(QString folder, QObject* parent = nullptr);
  ~FitQueue() override;

  int add(FitRequest request);  ///< returns the id of the new item
  void cancel(int id);          ///< answers at once, also before the start; a checkpoint stays for `resume`
  void stopAndKeep(int id);     ///< the running fit ends with what it has
  void move(int id, int by);    ///< among the waiting ones; −1 is up
  void remove(int id);          ///< a waiting or finished one
  int resume(int id);           ///< a cancelled or failed one with a checkpoint; returns the id of the new item

  const std::vector<std::unique_ptr<FitItem>>& items() const { return items_; }
  const FitItem* find(int id) const;
  const FitItem* running() const { return find(running_); }
  int waiting() const;
  QString folder() const { return folder_; }

  /// Requests whose checkpoint was left behind by a program that ended: (request file, checkpoint file). Reads the
  /// folder: call from a worker.
  static QList<QPair<QString, QString>> leftBehind(const QString& folder);

  /// Removes a checkpoint and its request, on a worker.
  static void discard(const QString& checkpoint);

 signals:
  void queueChanged();       ///< items came, went, moved or changed state
  void itemChanged(int id);  ///< progress, loss or log of one item; at most 15 a second
  void fitFinished(int id);  ///< Done or Kept: `fit` is set
  void fitFailed(int id);

 private:
  /// What the worker leaves for the window's thread to fetch.
  struct Mailbox {
    std::mutex mutex;
    std::vector<inference::LossPoint> loss;
    Progress progress;
    QStringList log;
    bool told = false, checkpointed = false;
  };
  struct Outcome {
    FitState state = FitState::Failed;
    JobError error;
    std::shared_ptr<const result::Fit> fit;
    QString fit_path;
    bool checkpoint_left = false;
  };
  FitItem* item(int id);
  void startNext();
  void fetch();
  void end(int id, const Outcome& outcome);
  void note(FitItem& item, const QString& line);
  QString freePath(const QString& name) const;
  static Outcome work(const FitRequest& request, const QString& fit_path, const QString& checkpoint_path,
                      std::stop_token stop, std::stop_token keep, Mailbox& mailbox);

  QString folder_;
  std::vector<std::unique_ptr<FitItem>> items_;
  int last_id_ = 0, running_ = 0;
  std::shared_ptr<Mailbox> mailbox_;
  std::stop_source keep_;
  QTimer clock_;
  std::jthread worker_;  // last member: joined before the rest goes away
};

}  // namespace scriptorium::ui
