#pragma once
#include <functional>
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

/// Hands on the cells and genes that are kept (ascending indices; an empty list keeps all), renumbered.
class Selection final : public CountSink {
 public:
  Selection(CountSink& next, const std::vector<std::int64_t>& kept_cells, const std::vector<std::int64_t>& kept_genes);
  void begin(const Table& cells, const Table& genes) override;
  void add(const CountBlock& block) override;

 private:
  /// Along one axis: the new index of each old one, none where left out.
  struct Axis {
    std::vector<std::int64_t> kept;
    std::vector<std::uint32_t> new_index;
    std::uint32_t to(std::size_t old) const;
    Table begin(const Table& all);
  };
  CountSink& next_;
  Axis cells_, genes_;
};

/// Counts that can be gone through as often as needed: sends all blocks to a sink that has begun, rows in order, one
/// block after the other.
using CountSource = std::function<void(CountSink&)>;
CountSource source_of(const CountMatrix& counts);

/// Calls a function for each block of a source.
class BlockVisitor final : public CountSink {
 public:
  explicit BlockVisitor(std::function<void(const CountBlock&)> visit) : visit_(std::move(visit)) {}
  void begin(const Table& /*cells*/, const Table& /*genes*/) override {}
  void add(const CountBlock& block) override { visit_(block); }

 private:
  std::function<void(const CountBlock&)> visit_;
};

/// Calls `entry(cell, gene, count)` for each positive count of a source.
template <class Entry>
void for_each_entry(const CountSource& source, const Entry& entry) {
  BlockVisitor visitor([&](const CountBlock& block) {
    for (std::int64_t row = 0; row < block.rows(); ++row) {
      const auto major = static_cast<std::size_t>(block.first + row);
      for (auto k = static_cast<std::size_t>(block.row_start[static_cast<std::size_t>(row)]);
           k < static_cast<std::size_t>(block.row_start[static_cast<std::size_t>(row) + 1]); ++k)
        if (block.major == Major::Cell)
          entry(major, static_cast<std::size_t>(block.minor[k]), block.count[k]);
        else
          entry(static_cast<std::size_t>(block.minor[k]), major, block.count[k]);
    }
  });
  source(visitor);
}

}  // namespace scriptorium::data
