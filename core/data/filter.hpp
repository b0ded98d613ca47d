#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/data/count_sink.hpp"

namespace scriptorium::data {

/// What to keep. Applied in this order: cells by name, cells by column, cells by counts, genes by cells, highly
/// variable genes, names.
struct Filter {
  double min_counts_per_cell = 0;
  std::int64_t min_genes_per_cell = 0;
  std::int64_t min_cells_per_gene = 0;
  double min_counts_per_gene = 0;
  std::int64_t highly_variable = 0;          ///< 0: off; else so many genes by the Seurat-v3 ranking on counts
  std::vector<std::string> cell_names = {};  ///< keep these cells only; empty: all
  std::string cells = {};  ///< expression on the cell table: `batch == "r1" and n_counts >= 500`; empty: all
  std::vector<std::string> genes = {};  ///< keep these names only; empty: all
  bool empty() const;
  bool chooses_genes() const;    ///< whether it may leave out genes
  std::string describe() const;  ///< as the command line writes it; empty for no filter
  bool operator==(const Filter&) const = default;
};
struct Kept {
  std::vector<std::int64_t> cells, genes;
};
/// @param dataset  its tables; the counts are taken from `counts`, which is gone through as often as the filter needs
/// @throws Error(BadInput) when nothing is left, a column does not exist, or the expression cannot be read.
Kept apply(const Filter& filter, const Dataset& dataset, const CountSource& counts);
/// The same for counts in memory.
Kept apply(const Filter& filter, const Dataset& dataset);

}  // namespace scriptorium::data
