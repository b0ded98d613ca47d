#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/data/count_matrix.hpp"

namespace scriptorium::inference {

/// The counts of some cells with the different counts that each gene has among them ("entries"): what costs a
/// logarithm is computed once for each of these, and looked up for every count.
struct CellEntries {
  CellEntries() = default;
  /// `cells`: ascending; empty: all.
  CellEntries(const data::CountMatrix& counts, std::span<const std::int64_t> cells, int threads);

  std::size_t n_entries() const { return value.size(); }
  std::size_t n_cells() const { return log_factorial.size(); }

  data::CountMatrix by_gene;             ///< by_gene_of(): genes × places of the cells
  std::vector<std::int64_t> gene_start;  ///< genes + 1: the gene's entries
  std::vector<std::uint32_t> value;      ///< entries: the count, ascending in a gene
  std::vector<std::uint32_t> of_gene;    ///< the entry of every count of by_gene
  std::vector<std::int64_t> cell_start;  ///< cells + 1
  std::vector<std::uint32_t> of_cell;    ///< the entries of every cell
  std::vector<double> log_factorial;     ///< cells: Σ ln u!
};

}  // namespace scriptorium::inference
