#pragma once
#include <QObject>
#include <QUndoStack>

#include "ui/jobs/fit_item.hpp"
#include "ui/jobs/interactive_pool.hpp"
#include "ui/project/dataset_view.hpp"
#include "ui/project/file_preview.hpp"

namespace scriptorium::ui {

/// The data of the session: what is open, what is kept of it, and how far a worker is with either.
class DataState : public QObject {
  Q_OBJECT
 public:
  /// Preview: the file was looked into and not loaded; it waits for openPreviewed() or cancelOpening().
  enum class Stage { Empty, Loading, Preview, Ready, Failed };
  enum class Look { IfLarge, Always, Never };  ///< whether to look into a file before it is loaded
  DataState(InteractivePool& pool, QUndoStack& undo, QObject* parent = nullptr);

  void open(const DataChoice& choice, Look look = Look::IfLarge);
  /// Loads the file of the preview, or looks at it again with another modality.
  void openPreviewed(const DataChoice& choice) { open(choice, Look::Never); }
  void cancelOpening();
  void closeData();
  /// Undoable steps; their result comes with preparedChanged().
  void setFilter(const data::Filter& filter);
  void setMissing(data::MissingRule rule);

  Stage stage() const { return stage_; }
  const DataChoice& choice() const { return choice_; }
  const QString& path() const { return choice_.path; }
  const QString& layer() const { return choice_.layer; }
  const data::Filter& filter() const { return choice_.filter; }
  const JobError& error() const { return error_; }
  const Progress& progress() const { return progress_; }
  const std::shared_ptr<const OpenedData>& opened() const { return opened_; }     ///< null unless Ready
  const std::shared_ptr<const FilePreview>& preview() const { return preview_; }  ///< null unless Preview
  /// Filtered and summarised; the last good one while a newer choice is at work (see preparing()), null before.
  const std::shared_ptr<const PreparedData>& prepared() const { return prepared_; }
  /// The same if these are the data of a fit, by their identity; else null.
  std::shared_ptr<const PreparedData> preparedAs(const std::string& data_id) const {
    return prepared_ && prepared_->id == data_id ? prepared_ : nullptr;
  }
  bool preparing() const { return preparing_; }
  const JobError& filterError() const { return filter_error_; }

 signals:
  void stageChanged();
  void progressed();
  void filterChanged();    ///< the filter, or the treatment of missing entries
  void preparedChanged();  ///< also when preparing begins or fails
  void openedFile(const QString& path);
  void openFailed(const JobError& error);  ///< what was open before is still there; else the stage is Failed

 private:
  friend class ChoiceCommand;
  void apply(const DataChoice& choice);
  void prepare();
  void goBack();  ///< to what was open before
  void loaded(std::shared_ptr<const OpenedData> opened, const DataChoice& choice, bool same_file);

  InteractivePool& pool_;
  QUndoStack& undo_;
  Stage stage_ = Stage::Empty;
  DataChoice choice_, before_;  ///< before_: of what stays open while another file is opened
  JobError error_, filter_error_;
  Progress progress_;
  std::shared_ptr<const OpenedData> opened_;
  std::shared_ptr<const FilePreview> preview_;
  std::shared_ptr<const PreparedData> prepared_;
  bool preparing_ = false;
};

/// Why a fit cannot be asked about its cells: its data are not open, or are open with others kept.
JobError dataMissing(const DataState& data, const result::Fit& fit, const QString& name);

}  // namespace scriptorium::ui
