#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "core/data/count_sink.hpp"

namespace scriptorium::data {

/// Hands counts on and notes what a person should know of the cells that passed: the same cell twice, read counts among
/// counts of molecules. Nothing is changed.
class CellReport final : public CountSink {
 public:
  static constexpr std::int64_t enough_cells = 16;  ///< fewer with large totals are a matter of chance
  static constexpr double large_total = 50;         ///< times the median
  explicit CellReport(CountSink& next) : next_(next) {}
  void begin(const Table& cells, const Table& genes) override;
  void add(const CountBlock& block) override;
  /// @param names  of the cells
  std::vector<std::string> notes(const std::vector<std::string>& names) const;

 private:
  void note_repeated(const std::vector<std::string>& names, std::vector<std::string>& notes) const;
  void note_reads(std::vector<std::string>& notes) const;
  CountSink& next_;
  std::mutex mutex_;                 // for blocks of genes: each touches any cell
  std::vector<std::uint64_t> hash_;  // per cell: Σ over its entries of a hash of gene and count
  std::vector<std::uint64_t> total_;
};

}  // namespace scriptorium::data
