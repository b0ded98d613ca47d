#include "core/result/count_bands.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace scriptorium::result {
namespace {

constexpr double band_probability[3][2] = {{0.025, 0.975}, {0.16, 0.84}, {0.25, 0.75}};

}  // namespace

double sorted_quantile(const std::vector<double>& sorted, double probability) {
  const double at = probability * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

void fill_bands(const std::vector<std::uint32_t>& histograms, std::size_t bins, double cells, GenePredictive& result) {
  const std::size_t draws = histograms.size() / bins;
  result.median.resize(bins);
  for (auto& level : result.band)
    for (auto& side : level) side.resize(bins);
  std::vector<double> column(draws);
  for (std::size_t k = 0; k < bins; ++k) {
    for (std::size_t d = 0; d < draws; ++d) column[d] = histograms[d * bins + k];
    std::sort(column.begin(), column.end());
    const double scale = 1 / std::max(cells, 1.0);
    result.median[k] = sorted_quantile(column, 0.5) * scale;
    for (std::size_t level = 0; level < 3; ++level)
      for (std::size_t side = 0; side < 2; ++side)
        result.band[level][side][k] = sorted_quantile(column, band_probability[level][side]) * scale;
  }
}

double histogram_quantile(const std::uint32_t* value, const double* cells, std::size_t count, double total,
                          double probability) {
  if (total < 1) return 0;
  double zeros = total;
  for (std::size_t i = 0; i < count; ++i) zeros -= cells[i];
  const double at = probability * (total - 1), low = std::floor(at);
  const auto order_statistic = [&](double rank) {  // value of the rank-th cell, from 0
    double upto = zeros;
    if (rank < upto) return 0.0;
    for (std::size_t i = 0; i < count; ++i)
      if (rank < (upto += cells[i])) return static_cast<double>(value[i]);
    return count > 0 ? static_cast<double>(value[count - 1]) : 0.0;
  };
  const double first = order_statistic(low);
  return at > low ? first + (at - low) * (order_statistic(low + 1) - first) : first;
}

GenePredictive summarise_replicates(const std::vector<std::uint32_t>& observed,
                                    const std::vector<std::vector<std::uint32_t>>& replicates, int max_bin) {
  GenePredictive result;
  const double cells = static_cast<double>(observed.size());
  std::vector<double> data(observed.begin(), observed.end()), pooled;
  std::sort(data.begin(), data.end());
  const auto single = max_bin >= 0 ? static_cast<std::size_t>(max_bin) + 1
                                   : static_cast<std::size_t>(std::max(std::ceil(sorted_quantile(data, 0.99)), 10.0));
  const auto add = [single](const std::vector<std::uint32_t>& counts, auto* histogram) {
    for (auto count : counts) histogram[std::min<std::size_t>(count, single)] += 1;
  };
  result.observed.assign(single + 1, 0.0);
  add(observed, result.observed.data());
  for (double& share : result.observed) share /= cells;
  std::vector<std::uint32_t> histograms(replicates.size() * (single + 1), 0);
  for (std::size_t d = 0; d < replicates.size(); ++d) {
    add(replicates[d], histograms.data() + d * (single + 1));
    pooled.insert(pooled.end(), replicates[d].begin(), replicates[d].end());
  }
  fill_bands(histograms, single + 1, cells, result);
  std::sort(pooled.begin(), pooled.end());
  for (double value : data) result.observed_mean += value / cells;
  for (double value : pooled) result.predicted_mean += value / static_cast<double>(pooled.size());
  const auto zeros = std::upper_bound(pooled.begin(), pooled.end(), 0.0) - pooled.begin();
  result.zero_share_observed = result.observed[0];
  result.zero_share_predicted = static_cast<double>(zeros) / static_cast<double>(pooled.size());
  result.q05 = sorted_quantile(pooled, 0.05);
  result.q95 = sorted_quantile(pooled, 0.95);
  result.observed_q05 = sorted_quantile(data, 0.05);
  result.observed_q95 = sorted_quantile(data, 0.95);
  return result;
}

}  // namespace scriptorium::result
