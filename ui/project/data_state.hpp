#pragma once
#include <QObject>
#include <QUndoStack>

#include "ui/jobs/fit_item.hpp"
#include "ui/jobs/interactive_pool.hpp"
#include "ui/project/dataset_view.hpp"

namespace scriptorium::ui {

/// The data of the session: what is open, what the filter keeps, and how far a worker is with either.
class DataState : public QObject {
  Q_OBJECT
 public:
  enum class Stage { Empty, Loading, Ready, Failed };
  DataState(InteractivePool& pool, QUndoStack& undo, QObject* parent = nullptr);

  void open(const QString& path, const QString& layer = {}, const data::Filter& filter = {});
  void cancelOpening();
  void closeData();
  /// An undoable step; its result comes with preparedChanged().
  void setFilter(const data::Filter& filter);

  Stage stage() const { return stage_; }
  const QString& path() const { return path_; }
  const QString& layer() const { return layer_; }
  const JobError& error() const { return error_; }
  const Progress& progress() const { return progress_; }
  const std::shared_ptr<const OpenedData>& opened() const { return opened_; }  ///< null unless Ready
  const data::Filter& filter() const { return filter_; }
  /// Filtered and summarised; the last good one while a newer filter is at work (see preparing()), null before.
  const std::shared_ptr<const PreparedData>& prepared() const { return prepared_; }
  bool preparing() const { return preparing_; }
  const JobError& filterError() const { return filter_error_; }

 signals:
  void stageChanged();
  void progressed();
  void filterChanged();
  void preparedChanged();  ///< also when preparing begins or fails
  void openedFile(const QString& path);

 private:
  friend class FilterCommand;
  void applyFilter(const data::Filter& filter);
  void prepare();

  InteractivePool& pool_;
  QUndoStack& undo_;
  Stage stage_ = Stage::Empty;
  QString path_, layer_;
  JobError error_, filter_error_;
  Progress progress_;
  std::shared_ptr<const OpenedData> opened_;
  data::Filter filter_;
  std::shared_ptr<const PreparedData> prepared_;
  bool preparing_ = false;
};

}  // namespace scriptorium::ui
