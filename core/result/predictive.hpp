#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/result/estimates.hpp"

namespace scriptorium::result {

enum class PredictiveKind { Map, Posterior };

struct PredictiveOptions {
  PredictiveKind kind = PredictiveKind::Posterior;
  int draws = 512;
  std::uint64_t seed = 42;
  bool mean_point = false;  ///< Map: at posterior means instead of modes
  int max_bin = -1;         ///< last count with its own bin; −1: max(ceil(q99 of the gene), 10)
  int threads = 0;
  const compute::Backend* backend = nullptr;  ///< where histograms are drawn; null: `threads` of the CPU
  /// Of a mixture: probabilities (cells × components) from which every replicate draws the component of each cell, e.g.
  /// those given its counts; the same in all draws. Empty: the mixing weights, which are of all cells.
  std::vector<double> shares = {};
};

/// Predictive distribution of one gene's count histogram. Bins 0 … bins−2 are single counts, the last bin is "and
/// above". All as shares of the cells; each vector has one entry per bin.
struct GenePredictive {
  std::int64_t gene = 0;
  std::vector<double> observed;
  std::vector<double> median;
  /// [level][0 lower, 1 upper], levels 95, 68, 50 %
  std::array<std::array<std::vector<double>, 2>, 3> band;
  double observed_mean = 0, predicted_mean = 0;
  double zero_share_observed = 0, zero_share_predicted = 0;
  double q05 = 0, q95 = 0;                    ///< of the pooled predictive counts
  double observed_q05 = 0, observed_q95 = 0;  ///< of the data
  int bins() const { return static_cast<int>(observed.size()); }
};

/// Bins, bands and moments from explicit data and replicates (draws × cells): what predictive() estimates without them.
GenePredictive summarise_replicates(const std::vector<std::uint32_t>& observed,
                                    const std::vector<std::vector<std::uint32_t>>& replicates, int max_bin);

/// Histograms of replicated data, drawn per gene and stratum of cells and never as cells × genes (README).
std::vector<GenePredictive> predictive(const Fit& fit, const std::vector<std::int64_t>& genes,
                                       const PredictiveOptions& options, const RunControl& control);

/// Full predictive draws, draws × cells × genes, for small requests only. @throws Error(OutOfMemory) above 1e8 numbers.
std::vector<std::uint32_t> predictive_draws(const Fit& fit, const std::vector<std::int64_t>& genes,
                                            const PredictiveOptions& options, const RunControl& control);

}  // namespace scriptorium::result
