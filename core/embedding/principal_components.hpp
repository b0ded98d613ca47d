#pragma once
#include <cstdint>
#include <vector>

#include "core/data/count_sink.hpp"
#include "core/progress.hpp"

namespace scriptorium::embedding {

struct PcaOptions {
  int dims = 20;                        ///< components wanted
  std::int64_t highly_variable = 2000;  ///< so many genes by the Seurat-v3 ranking of counts; 0: all
  std::int64_t min_cells = 3;           ///< genes seen in fewer cells are left out
  double target = 1e4;                  ///< counts per cell after normalisation
  bool scale = false;                   ///< every gene to variance 1, at most `clip` standard deviations from its mean
  double clip = 10;
  std::uint64_t seed = 42;  ///< of the start vector: beyond rounding the result does not depend on it
  int threads = 0;          ///< 0: all cores; the result is the same at any number
};

/// Cells along the directions in which log(1 + normalised counts) vary most.
struct PrincipalComponents {
  std::int64_t n_cells = 0;
  int dims = 0;                     ///< as asked, or the rank where that is less
  std::vector<double> scores;       ///< cells × dims, row-major, columns centred
  std::vector<double> variance;     ///< of each column of `scores` (n − 1), falling
  double total_variance = 0;        ///< of all genes used
  std::vector<std::int64_t> genes;  ///< those used, ascending
  std::vector<double> loadings;     ///< genes used × dims, row-major, orthonormal; the largest of a column is positive
};

/// Counts are divided by their cell's total over the genes that all cells measured (`target` a cell), log1p is taken,
/// genes are scaled and clipped as asked, centred, and their leading singular vectors found by restarted block Krylov
/// spaces (leading_eigenvectors.hpp, tolerance 1e-12) without ever filling in the zeros.
/// @param missing  genes that a cell did not measure are left out for all
/// @throws Error(BadInput) for fewer than two cells, or when no gene differs between cells; Cancelled
PrincipalComponents principal_components(std::int64_t n_cells, std::int64_t n_genes, const data::CountSource& counts,
                                         const data::Missing& missing, const PcaOptions& options,
                                         const RunControl& control = {});
struct LogCounts;
/// The same of values that are normalised already; of the options `dims`, `seed` and `threads` count.
PrincipalComponents principal_components(const LogCounts& x, const PcaOptions& options, const RunControl& control = {});
/// The same for a data set in memory.
PrincipalComponents principal_components(const data::Dataset& dataset, const PcaOptions& options,
                                         const RunControl& control = {});

}  // namespace scriptorium::embedding
