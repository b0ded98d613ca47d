#pragma once
#include <QObject>
#include <QSettings>
#include <QTimer>
#include <QUndoStack>

#include "ui/jobs/fit_queue.hpp"
#include "ui/project/assignments.hpp"
#include "ui/project/data_state.hpp"
#include "ui/project/export_list.hpp"
#include "ui/project/fit_store.hpp"
#include "ui/project/model_state.hpp"
#include "ui/project/screening_state.hpp"
#include "ui/project/selection_state.hpp"

namespace scriptorium::ui {

/// Where a session keeps its things.
struct Places {
  QString folder;         ///< fits, checkpoints and the recovery file
  QString settings_file;  ///< window layout, recent files
  static Places standard();
};

/// What was at work when the program ended without being closed.
struct Recovery {
  DataChoice data;
  model::Model model;
  inference::FitOptions options;
  analysis::AnnotationOptions annotation;
  QStringList fits;
  QByteArray sets;                             ///< SelectionState::toJson()
  QByteArray screening;                        ///< ScreeningState::toJson()
  QList<QPair<QString, QString>> checkpoints;  ///< (request file, checkpoint file)
  bool empty() const { return data.path.isEmpty() && fits.isEmpty() && checkpoints.isEmpty(); }
};

/// Everything the window edits, apart from the window. Pages take it by reference and never talk to each other.
class Session : public QObject {
  Q_OBJECT
 public:
  explicit Session(Places places, QObject* parent = nullptr);

  QUndoStack undo;
  InteractivePool pool;  ///< its answers come through the event loop, so none comes while the members below go away
  QSettings settings;
  FitQueue queue;
  DataState data;
  SelectionState selection;
  CellColumns columns;
  AssignmentState assignments;
  ModelState model;
  ScreeningState screening;
  FitStore fits;
  ExportList exports;

  /// The model of the form with the data and the labels that it would be fitted to; without a name.
  FitRequest request() const;
  /// Puts the model of the form on the queue. False (with a message) when there is nothing to fit yet.
  bool addToQueue();
  /// Why addToQueue() would refuse; empty when it would not.
  QString cannotFit() const;

  /// On what fits are computed, as --device takes it; kept for the next session.
  QString device() const { return settings.value("device", "auto").toString(); }
  void setDevice(const QString& device) { settings.setValue("device", device); }

  const QString& folder() const { return places_.folder; }  ///< where a session keeps its things

  QStringList recent() const { return recent_; }
  bool isMissing(const QString& path) const { return missing_.contains(path); }
  void checkRecent();  ///< looks on a worker which recent files are gone
  void clearRecent();

  /// Looks for a session that ended badly; answers with recoveryFound() if there is one. Offered once.
  void lookForRecovery();
  void restore(const Recovery& recovery);
  void discard(const Recovery& recovery);
  /// A clean end: nothing to recover next time.
  void closeCleanly();

 signals:
  void errorReported(const JobError& error);
  void noted(const QString& text);  ///< for the status bar
  void recentChanged();
  void recoveryFound(const Recovery& recovery);

 private:
  void rememberRecent(const QString& path);
  void autosave();
  /// Names, colours and mergers of components outlive the session: the file is read once and kept up.
  void readComponents();
  void saveComponents();
  void nameComponents();  ///< writes the names that were given into the fits themselves, so that all that asks has them
  QString recoveryPath() const { return places_.folder + "/session.json"; }
  QString componentsPath() const { return places_.folder + "/components.json"; }

  Places places_;
  QStringList recent_, missing_;
  QTimer autosave_, components_timer_;
  QList<QPair<QString, QString>> to_resume_;
  QByteArray sets_to_restore_;
  bool restoring_ = false, closing_ = false, components_read_ = false;
};

}  // namespace scriptorium::ui
