#pragma once
#include <QDateTime>
#include <QString>
#include <QStringList>
#include <memory>
#include <vector>

#include "core/analysis/annotation.hpp"
#include "core/data/dataset.hpp"
#include "core/data/filter.hpp"
#include "core/data/open.hpp"
#include "core/inference/fit.hpp"
#include "core/result/fit_file.hpp"
#include "ui/jobs/job_error.hpp"

namespace scriptorium::ui {

/// Which data, and what is done with them before a fit: all that opening them again needs.
struct DataChoice {
  QString path;
  QString layer = {}, modality = {};  ///< empty: the reader's choice
  data::Filter filter = {};
  data::MissingRule missing = data::MissingRule::LeaveOut;
  /// What is kept and how missing entries are treated, as the command line writes it; empty when nothing was chosen.
  std::string treatment() const;
};

/// Data ready to be fitted: filtered, summarised, identified. Made by a worker, then only read.
struct PreparedData {
  DataChoice choice;
  std::shared_ptr<const data::Dataset> dataset = {};  ///< as chosen
  std::shared_ptr<const summary::CountSummary> summary = {};
  std::string id = {};  ///< data::data_identity of `dataset`
  /// Rows of the opened data for the cells and genes of `dataset`: names may stand in several rows.
  std::vector<std::int64_t> cell_rows = {}, gene_rows = {};
};

/// One fit that was asked for. Everything it needs, so that later changes in the window do not reach it.
struct FitRequest {
  QString name;
  model::Model model;
  inference::FitOptions options;
  std::shared_ptr<const PreparedData> data;
  QString resume_from;                          ///< a checkpoint file; empty: from the start
  QString device = "auto";                      ///< as --device takes it: auto, cpu, cuda:N
  analysis::AnnotationOptions annotation = {};  ///< of a mixture; no columns: none
  /// Columns of the annotation that the file does not have, one value a cell of `data`: named sets, what analyses made.
  std::vector<data::Column> labels = {};
  /// What the annotation says of the cells of `data`; empty where there is none. @throws Error as analysis::annotate
  analysis::Annotation annotate() const;
};

enum class FitState { Waiting, Running, Done, Kept, Cancelled, Failed };
QString toText(FitState state);

/// One line of the queue.
struct FitItem {
  int id = 0;
  FitRequest request;
  FitState state = FitState::Waiting;
  double fraction = -1;  ///< 0 … 1, negative while unknown
  QString step;          ///< what it is doing
  std::vector<inference::LossPoint> trace;
  QStringList log;                         ///< "10:02:11  …"
  JobError error;                          ///< set when Failed, or when the result could not be saved
  std::shared_ptr<const result::Fit> fit;  ///< set when Done or Kept
  QString fit_path, checkpoint_path;       ///< files, empty when there is none
  QDateTime started, checkpointed;
  bool stopping = false;  ///< cancelled, its thread has not ended yet
  bool finished() const { return state != FitState::Waiting && state != FitState::Running; }
  bool resumable() const { return finished() && !checkpoint_path.isEmpty(); }
};

/// A request as text beside its checkpoint, so that a fit can go on after a crash. The data is named, not stored.
QByteArray requestToJson(const FitRequest& request);
struct StoredRequest {
  FitRequest request;  ///< `data` is empty
  DataChoice data;
};
/// @throws Error(BadInput) when the text is not such a request.
StoredRequest requestFromJson(const QByteArray& json);

}  // namespace scriptorium::ui
