#pragma once
#include "core/data/dataset.hpp"

/// How an anndata file that this program writes says what was not measured. A table of the genes in varm has a column
/// of booleans for each set of genes that were measured together, and the cell table names the set of each cell: both
/// stay right when anndata takes a subset of cells or genes. The counts lie in a layer of a name of its own, and X is
/// absent, so that nobody takes its gaps for zeros unawares.
namespace scriptorium::data::measured_sets {

inline constexpr const char* layer = "counts_where_measured";  ///< below layers
inline constexpr const char* cell_column = "measured_set";
inline constexpr const char* gene_table = "measured_sets";  ///< below varm
inline constexpr const char* note =
    "X is left out: not every gene was measured in every cell. layers/counts_where_measured has the counts; its zeros "
    "mean "
    "nothing where varm/measured_sets says False for the set that obs/measured_set names.";

/// The set of each cell as a column, and the sets as a table of the genes.
Column of_cells(const Missing& missing, std::size_t n_cells);
Table of_genes(const Missing& missing, const std::vector<std::string>& genes);
/// What the two say. @throws Error(BadInput) where they do not belong together
Missing read(const Column& of_cells, const Table& of_genes);

}  // namespace scriptorium::data::measured_sets
