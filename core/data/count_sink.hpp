#pragma once
#include <map>
#include <mutex>

#include "core/data/dataset.hpp"

namespace scriptorium::data {

/// Takes the counts of a data set while they are read, so that nobody needs to hold them all.
class CountSink {
 public:
  virtual ~CountSink() = default;
  /// Before the first block: the tables that the counts belong to, final. Called again, it takes back all that came
  /// before: another layer is read instead.
  virtual void begin(const Table& cells, const Table& genes) = 0;
  /// Blocks are all of cells or all of genes and each row comes at most once, in any order; rows that never come are
  /// zero. May be called from several threads at once.
  virtual void add(const CountBlock& block) = 0;
};

/// Keeps what comes as a matrix.
class MatrixSink final : public CountSink {
 public:
  void begin(const Table& cells, const Table& genes) override;
  void add(const CountBlock& block) override;
  /// Cells × genes. Ends the collection.
  CountMatrix finish();

 private:
  struct Held {
    std::vector<std::int64_t> row_start;
    std::vector<std::uint32_t> minor;
    std::vector<Count> count;
  };
  void append(std::span<const std::int64_t> row_start, std::span<const std::uint32_t> minor,
              std::span<const Count> count);
  std::mutex mutex_;
  std::int64_t n_cells_ = 0, n_genes_ = 0;
  Major major_ = Major::Cell;
  CountMatrix matrix_;                  // rows as they come in order; rows are genes where major_ says so
  std::map<std::int64_t, Held> early_;  // blocks whose turn has not come
};

/// Hands on the genes `kept` (ascending indices), renumbered, and leaves out the others.
class GeneSelection final : public CountSink {
 public:
  GeneSelection(CountSink& next, const std::vector<std::int64_t>& kept, std::int64_t n_genes);
  void begin(const Table& cells, const Table& genes) override;
  void add(const CountBlock& block) override;

 private:
  CountSink& next_;
  std::vector<std::int64_t> kept_;
  std::vector<std::uint32_t> new_index_;  // per gene; none where left out
};

}  // namespace scriptorium::data
