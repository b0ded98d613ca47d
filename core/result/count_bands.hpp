#pragma once
#include <cstdint>
#include <vector>

#include "core/result/predictive.hpp"

namespace scriptorium::result {

/// Quantile with linear interpolation between order statistics (type 7) of a histogram: `cells[i]` have `value[i]`, the
/// rest of `total` have 0. Values ascending, whole numbers of cells.
double histogram_quantile(const std::uint32_t* value, const double* cells, std::size_t count, double total,
                          double probability);
/// Type-7 quantile of sorted values.
double sorted_quantile(const std::vector<double>& sorted, double probability);
/// Median and bands of each bin over draws; `histograms` is draws × bins in cells, of `cells` in all.
void fill_bands(const std::vector<std::uint32_t>& histograms, std::size_t bins, double cells, GenePredictive& result);

}  // namespace scriptorium::result
