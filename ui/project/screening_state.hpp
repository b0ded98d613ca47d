#pragma once
#include <QObject>
#include <QUndoStack>
#include <functional>
#include <memory>
#include <mutex>

#include "core/perturbation/chain.hpp"
#include "core/perturbation/column_guess.hpp"
#include "ui/project/cell_columns.hpp"

namespace scriptorium::ui {

/// What the chosen columns say of the cells that are kept.
struct ScreenCheck {
  std::vector<std::string> columns;              ///< those that may be chosen
  std::vector<perturbation::LabelCount> labels;  ///< of the target's column
  QString words;                                 ///< "25 targets, 2,386 control cells, …" as rich text
  JobError error;                                ///< why the screen cannot be read; empty when it can
};
/// What was found, in words.
QString screenInWords(const perturbation::Screen& screen);

/// A perturbation screen of the data that are open: what was chosen, and what was found. One result at a time; other
/// data or settings make it stale, another file drops it. Scores and calls become columns of the cells.
class ScreeningState : public QObject {
  Q_OBJECT
 public:
  /// @param folder  where finished steps are kept, so that a run goes on after a stop or a crash
  /// @param device  that neighbours are looked for on, as --device takes it
  ScreeningState(InteractivePool& pool, DataState& data, CellColumns& columns, QUndoStack& undo, QString folder,
                 std::function<QString()> device, QObject* parent = nullptr);

  const perturbation::ChainOptions& options() const { return options_; }
  /// A step that can be undone; steps with the same text in a row become one.
  void setOptions(const perturbation::ChainOptions& options, const QString& what);
  /// Of the columns chosen; null until a worker has looked.
  const std::shared_ptr<const ScreenCheck>& check() const { return check_; }

  void run();
  void cancel();
  bool running() const { return pool_.busy(kRun); }
  const Progress& progress() const { return progress_; }
  /// Why the last run ended without a result; empty while there is none or it went well.
  const JobError& error() const { return error_; }

  /// The last good result; null before.
  const std::shared_ptr<const perturbation::Screening>& now() const { return now_; }
  /// The cells and genes it was made of; their rows are those of the result.
  const std::shared_ptr<const PreparedData>& dataOfResult() const { return of_; }
  /// Rows of the opened data for the cells and genes of the result.
  const std::vector<std::int64_t>& cellRows() const { return cell_rows_; }
  const std::vector<std::int64_t>& geneRows() const { return gene_rows_; }
  /// Whether settings or data have changed since.
  bool isStale() const;

  /// Settings and whether there is a result; for the recovery file.
  QByteArray toJson() const;
  void restore(const QByteArray& json);

 signals:
  void optionsChanged();
  void checked();
  void progressed();
  void runChanged();  ///< begun, ended, failed
  void changed();     ///< another result, or none

 private:
  friend class ScreeningCommand;
  static constexpr const char* kRun = "screening";
  void apply(const perturbation::ChainOptions& options);
  void dataChanged();
  void lookAtColumns();
  void show(std::shared_ptr<const perturbation::Screening> made, std::shared_ptr<const PreparedData> of);
  void handOverColumns();

  InteractivePool& pool_;
  DataState& data_;
  CellColumns& columns_;
  QUndoStack& undo_;
  QString folder_;
  std::function<QString()> device_;
  std::shared_ptr<std::mutex> one_at_a_time_ = std::make_shared<std::mutex>();  ///< a cancelled run may still end
  perturbation::ChainOptions options_;
  bool guessed_ = false;            ///< columns of these data were guessed or chosen
  bool run_when_prepared_ = false;  ///< a restored session had a result
  std::shared_ptr<const ScreenCheck> check_;
  Progress progress_;
  JobError error_;
  std::shared_ptr<const perturbation::Screening> now_;
  std::shared_ptr<const PreparedData> of_;
  std::shared_ptr<const data::Dataset> opened_;
  std::vector<std::int64_t> cell_rows_, gene_rows_;
};

}  // namespace scriptorium::ui
