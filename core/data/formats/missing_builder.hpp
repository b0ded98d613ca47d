#pragma once
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "core/data/dataset.hpp"

namespace scriptorium::data {

/// Whether a stored value marks "not measured": NaN, or the lowest 64-bit integer (a NaN that a merge cast).
inline bool is_missing_mark(double value) {
  return value != value;
}
inline bool is_missing_mark(std::int64_t value) {
  return value == std::numeric_limits<std::int64_t>::min();
}

/// Collects the marks of a matrix while it is read, and judges in the end whether they mean "not measured": genes that
/// a block of cells lacks are one pattern of at least `enough_cells` cells; a mark of a few cells alone is a fault of
/// the file. May be called from several threads at once.
class MissingBuilder {
 public:
  static constexpr std::int64_t enough_cells = 16;
  explicit MissingBuilder(std::int64_t n_cells) : pattern_of_cell_(static_cast<std::size_t>(n_cells)) {}
  /// The genes (ascending) that a cell lacks; each cell once. An empty list need not come.
  void add_cell(std::int64_t cell, std::span<const std::uint32_t> genes);
  /// The cells that lack a gene; genes in any order. Not mixed with add_cell.
  void add_gene(std::uint32_t gene, std::span<const std::uint32_t> cells);

  struct Stray {
    std::int64_t cell = 0;
    std::uint32_t gene = 0;
  };
  /// Nothing when the marks are no missing entries: `stray` is the first one of a pattern with too few cells.
  std::optional<Missing> finish(Stray& stray);

 private:
  std::mutex mutex_;
  std::vector<std::uint32_t> pattern_of_cell_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> patterns_;                      // genes → pattern, from 1
  const std::pair<const std::vector<std::uint32_t>, std::uint32_t>* last_ = nullptr;  // into patterns_
  std::map<std::uint32_t, std::vector<std::uint32_t>> by_cell_;                       // of add_gene
};

/// What a refusal of a stray mark adds to where it is.
std::string stray_words();

/// "700,237,410 entries of 109,806 cells and 10,578 genes were not measured (47 patterns)".
std::string describe_missing(const Missing& missing);

}  // namespace scriptorium::data
