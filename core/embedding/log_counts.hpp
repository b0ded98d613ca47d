#pragma once
#include <cstdint>
#include <vector>

#include "core/embedding/principal_components.hpp"

namespace scriptorium::embedding {

/// Log-normalised counts of the genes chosen, as principal components need them: cells × genes, compressed rows. What
/// is stored is the difference to the value of a zero count, so zeros stay zeros whatever scaling and clipping do.
struct LogCounts {
  std::int64_t n_cells = 0;
  std::vector<std::int64_t> genes;  ///< of the data set, ascending
  std::vector<std::int64_t> row_start{0};
  std::vector<std::uint32_t> column;  ///< index into `genes`
  std::vector<double> value;
  std::vector<double> mean;  ///< of each column, zeros included
  double total_variance = 0;
};

/// @throws Error(BadInput) when no gene is left
LogCounts log_counts(std::int64_t n_cells, std::int64_t n_genes, const data::CountSource& counts,
                     const data::Missing& missing, const PcaOptions& options, const RunControl& control);

/// Sets `mean` and `total_variance` from the values.
void set_moments(LogCounts& x);

}  // namespace scriptorium::embedding
