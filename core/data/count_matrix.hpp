#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace scriptorium::data {

/// A count; anything above 2³²−1 is refused by the readers.
using Count = std::uint32_t;

/// Consecutive cells of a matrix, only positive counts, genes ascending within a cell. Borrowed: valid during the call
/// that receives it.
struct CountBlock {
  std::int64_t first_cell = 0;
  std::span<const std::int64_t> row_start;  ///< cells + 1 offsets into `gene` and `count`, the first is 0
  std::span<const std::uint32_t> gene;
  std::span<const Count> count;
  std::int64_t n_cells() const { return static_cast<std::int64_t>(row_start.size()) - 1; }
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
  /// Appends the cells of a block; blocks must come in order of cells. @throws Error(BadInput) if a gene is out of
  /// range.
  void append(const CountBlock& block);
  /// The rows `cells` and columns `genes` (indices, in the order wanted; empty span of optional = all).
  CountMatrix select(std::span<const std::int64_t> cells, std::span<const std::int64_t> genes) const;
  /// The same counts, one row a gene: row_start has n_genes + 1 entries, `gene` holds cell indices.
  CountMatrix transposed() const;
  /// Count of one cell and gene (binary search); 0 where there is none.
  Count at(std::int64_t cell, std::int64_t gene_index) const;
};

}  // namespace scriptorium::data
