#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace scriptorium::data {

/// A count; anything above 2³²−1 is refused by the readers.
using Count = std::uint32_t;

/// Along what a block's rows run.
enum class Major : std::uint8_t { Cell, Gene };

/// Consecutive cells (or genes) of a matrix: positive counts only, minors ascending within a row, each pair once.
/// Borrowed: valid during the call that receives it.
struct CountBlock {
  Major major = Major::Cell;
  std::int64_t first = 0;                   ///< index of the first row's cell (or gene)
  std::span<const std::int64_t> row_start;  ///< rows + 1 offsets into `minor` and `count`, the first is 0
  std::span<const std::uint32_t> minor;     ///< genes; cells where the rows are genes
  std::span<const Count> count;
  std::int64_t rows() const { return static_cast<std::int64_t>(row_start.size()) - 1; }
};

/// Cells × genes counts in memory: compressed rows (one row a cell), positive counts only, genes ascending in a row.
struct CountMatrix {
  std::int64_t n_cells = 0;
  std::int64_t n_genes = 0;
  std::vector<std::int64_t> row_start{0};  ///< n_cells + 1
  std::vector<std::uint32_t> gene;
  std::vector<Count> count;

  std::int64_t nnz() const { return static_cast<std::int64_t>(count.size()); }
  /// The cells [first, last) as a block; `row_start` of the block is written to `scratch`, which must outlive it.
  CountBlock block(std::int64_t first, std::int64_t last, std::vector<std::int64_t>& scratch) const;
  /// The rows `cells` and columns `genes` (indices, in the order wanted; empty span of optional = all).
  CountMatrix select(std::span<const std::int64_t> cells, std::span<const std::int64_t> genes) const;
  /// The same counts, one row a gene: row_start has n_genes + 1 entries, `gene` holds cell indices; with an `order` of
  /// all cells, their places in it. Ascending.
  CountMatrix transposed(std::span<const std::uint32_t> order = {}) const;
  /// Count of one cell and gene (binary search); 0 where there is none.
  Count at(std::int64_t cell, std::int64_t gene_index) const;
};

}  // namespace scriptorium::data
