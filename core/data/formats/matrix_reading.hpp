#pragma once
#include <atomic>
#include <mutex>
#include <string>

#include "core/data/count_sink.hpp"
#include "core/data/formats/missing_builder.hpp"
#include "core/progress.hpp"

namespace scriptorium::data {

/// What the counts of a matrix are called, and how its reading is told: from `from` to `to` of the whole.
struct Names {
  const std::vector<std::string>& cells;
  const std::vector<std::string>& genes;
};
struct Span {
  double from = 0, to = 1;
};

/// What reading a matrix gave beside its counts.
struct Scanned {
  Missing missing;
  std::vector<std::string> notes;
};

/// One reading of a matrix: where its counts and marks go, and the first of its values that is no count. Parts of the
/// matrix may be read by several threads.
class MatrixReading {
 public:
  /// @param layer   as --layer takes it, for messages
  /// @param counts  null: the matrix is only judged, and a sample of it is enough
  MatrixReading(std::string layer, const Names& names, LayerInfo& info, CountSink* counts, Span span,
                const RunControl& control);

  const std::string& layer() const { return layer_; }
  CountSink* counts() const { return counts_; }
  const RunControl& control() const { return control_; }
  std::int64_t size(Major major) const { return major == Major::Cell ? info_.n_cells : info_.n_genes; }

  /// A value that is no count, in a row that is a cell or a gene. The first one by row and place in the row is kept.
  void refuse(Major major, std::int64_t row, std::int64_t minor, double value);
  void refuse(Major major, std::int64_t row, std::int64_t minor, std::int64_t value);
  bool refused() const { return refused_; }
  /// Marks of what was not measured; minors ascending.
  void add_missing(Major major, std::int64_t row, std::span<const std::uint32_t> minors);
  /// Entries that a CountBuilder added up.
  void add_merged(std::int64_t entries) { merged_ += entries; }
  /// What else is to be told in the end.
  void add_note(std::string note) { notes_.push_back(std::move(note)); }
  /// Tells how far it is, unless another thread was farther. @throws Cancelled
  void step(std::int64_t done, std::int64_t all, const char* what);

  /// Sets `is_counts` and `why_not` of the layer.
  Scanned finish(bool is_float);

 private:
  void refuse(Major major, std::int64_t row, std::int64_t minor, std::string text, const std::string& why);
  std::string layer_;
  const Names& names_;
  LayerInfo& info_;
  CountSink* counts_;
  Span span_;
  const RunControl& control_;
  MissingBuilder missing_;
  std::atomic<bool> refused_ = false;
  std::atomic<std::int64_t> merged_ = 0;
  std::vector<std::string> notes_;
  std::mutex mutex_;
  std::int64_t row_ = 0, minor_ = 0;  // of the first value refused
  std::int64_t told_ = 0;             // how far it was when it last told
};

}  // namespace scriptorium::data
