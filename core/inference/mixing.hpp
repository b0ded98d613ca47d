#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace scriptorium::inference {

/// The variational Dirichlet of the mixing weights. With an annotation a cell's weights are π_k e^l_ck / Σ_j π_j
/// e^l_cj; the expected log of that sum is bounded by the log of its expectation, so the loss stays an upper bound.
class MixingPosterior {
 public:
  /// `prior`: concentrations. `logits`: cells × components, or empty.
  MixingPosterior(std::vector<double> prior, std::span<const double> logits);
  /// Best concentrations for these numbers of cells a component (soft counts).
  void update(const std::vector<double>& cells);
  const std::vector<double>& concentration() const { return alpha_; }
  void set(std::vector<double> concentration);
  /// Adds E ln w_ck, the logits included, to scores of cells × components.
  void add_log_weights(std::vector<double>& scores) const;
  /// KL from the prior.
  double divergence() const;

 private:
  double bound(const std::vector<double>& alpha, const std::vector<double>& cells) const;
  double log_sum(std::size_t row, const std::vector<double>& alpha) const;

  std::vector<double> prior_, alpha_, expected_log_;
  std::span<const double> logits_;
  std::vector<std::vector<double>> rows_;  ///< the different rows of logits
  std::vector<double> row_cells_;
  std::vector<std::uint32_t> row_of_cell_;
};

}  // namespace scriptorium::inference
