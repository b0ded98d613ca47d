#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/perturbation/weighted_de.hpp"

namespace scriptorium::perturbation {
namespace {

/// Densities of a normal at n even places from −3 to 3, without their common factor.
std::vector<double> normal_weights(std::size_t n) {
  std::vector<double> weight(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double at = n == 1 ? -3 : -3 + 6 * static_cast<double>(i) / static_cast<double>(n - 1);
    weight[i] = std::exp(-0.5 * at * at);
  }
  return weight;
}

/// The value at which half of the weight is reached: interpolated between the middles of weights, or the value that
/// holds the half (the weighted mean of two where it falls between them).
double weighted_median(const double* y, const std::vector<double>& weight, bool interpolate) {
  const std::size_t n = weight.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return y[a] < y[b]; });
  double total = 0, below = 0, previous = 0;
  for (const double w : weight) total += w;
  for (std::size_t i = 0; i < n; ++i) {
    const double share = weight[order[i]] / total, reached = below + (interpolate ? share / 2 : share);
    if (interpolate ? reached >= 0.5 : reached > 0.5) {
      if (i == 0) return y[order[0]];
      const double high = y[order[i]], low = y[order[i - 1]];
      if (interpolate) return high + (0.5 - reached) / (reached - previous) * (high - low);
      return 1 - previous > 0.5 ? high : previous * low + (1 - previous) * high;
    }
    previous = reached;
    below += share;
  }
  return y[order[n - 1]];
}

}  // namespace

std::vector<double> local_median(const std::vector<double>& x, const std::vector<double>& y, double points) {
  const std::size_t n = x.size();
  if (n == 0) return {};
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  std::vector<double> sorted(n), result(n);
  for (std::size_t i = 0; i < n; ++i) sorted[i] = y[order[i]];
  const auto half = static_cast<std::size_t>(std::clamp(points, 1.0, static_cast<double>(n)) / 2);
  if (2 * half >= n) {
    std::fill(result.begin(), result.end(), weighted_median(sorted.data(), normal_weights(n), true));
    return result;
  }
  const auto weight = normal_weights(2 * half + 1);
  std::vector<double> trend(n);
  for (std::size_t i = half; i < n - half; ++i) trend[i] = weighted_median(sorted.data() + (i - half), weight, false);
  std::fill_n(trend.begin(), half, trend[half]);
  std::fill(trend.end() - static_cast<std::ptrdiff_t>(half), trend.end(), trend[n - half - 1]);
  for (std::size_t i = 0; i < n; ++i) result[order[i]] = trend[i];
  return result;
}

}  // namespace scriptorium::perturbation
