#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/inference/newton_system.hpp"
#include "core/inference/nonzero_pass.hpp"
#include "core/inference/problem.hpp"

namespace scriptorium::inference {

/// The deterministic mean-field loss −ELBO (nats, all cells, no constants dropped) of a Problem, with gradient and the
/// blocks of its Hessian. Coordinates x: [scalar (2)] [genes × sites × 2] [units × 2], each pair as SiteFamily says.
class Objective {
 public:
  /// With `fixed_scalar` (on its unconstrained axis) the shared scalar is held there and is no coordinate; its log
  /// prior density stays in the loss. That is what `structured` conditions on.
  Objective(const Problem& problem, int threads, std::optional<double> fixed_scalar = std::nullopt);

  std::size_t size() const { return size_; }
  std::size_t scalar_size() const { return scalar_size_; }
  std::size_t gene_size() const { return 2 * problem_->gene_sites.size(); }
  std::size_t gene_at(std::int64_t gene) const { return scalar_size_ + static_cast<std::size_t>(gene) * gene_size(); }
  std::size_t cell_at(std::size_t unit) const {
    return scalar_size_ + static_cast<std::size_t>(problem_->n_genes()) * gene_size() + 2 * unit;
  }
  const Problem& problem() const { return *problem_; }

  /// Where exact fits start: moments of the counts. (SCRIBE's own start, its default priors, is SiteFamily::start.)
  std::vector<double> start() const;
  /// Chooses quadrature sizes for points near x; the loss is a smooth function of x until the next call.
  void choose_nodes(const std::vector<double>& x);
  /// Shortens the steps of single genes' and units' sites that would leave the region where the loss is finite, to nine
  /// tenths of the way there: one flat Beta must not hold up the rest. The scalar's stays: all others go with it.
  void keep_inside(const std::vector<double>& x, std::vector<double>& step) const;
  /// The loss at x; infinite where a Beta is flatter than its rules integrate (α or β below 0.1). `gradient` and
  /// `system` may be null.
  double evaluate(const std::vector<double>& x, std::vector<double>* gradient, NewtonSystem* system,
                  const RunControl& control);

 private:
  /// Working memory of one gene.
  struct GeneScratch {
    std::vector<double> f, f1, f2;           ///< at the tensor nodes: contracted with the scalar's weights and scores
    std::vector<double> dispersion, rising;  ///< r and Σ_j T_j ln(r + j)
    std::vector<double> log_gate, log_open;  ///< ln gate, ln(1 − gate) at the gate's nodes
    std::vector<double> zero;                ///< ln P(0), of the NB and then of the inflated law
  };
  bool inside(const std::vector<double>& x) const;
  void prepare_scalar(const std::vector<double>& x);
  std::vector<double> expected_means(const std::vector<double>& x);
  void cell_pass(const std::vector<double>& x, const std::vector<double>& mean_sum, const RunControl& control);
  void gene_pass(const std::vector<double>& x, const std::vector<double>& rate_sum, const RunControl& control);
  void spread_cells(const std::vector<double>& x, const RunControl& control);
  void gene_values(std::int64_t gene, std::span<const SiteRule> rules, GeneScratch& out,
                   std::vector<double>& by_scalar) const;
  void gene_tables(std::int64_t gene, std::span<const SiteRule> rules, GeneScratch& out) const;
  void couple_means(const std::vector<double>& x);

  const Problem* problem_;
  int threads_;
  std::optional<double> fixed_scalar_;
  std::size_t size_ = 0, scalar_size_ = 0;
  std::vector<std::uint8_t> gene_nodes_, cell_nodes_;
  int scalar_nodes_ = 1;

  // Scalar at its nodes: weights and scores, ln φ, ln p, ln(1−p), and ρ (1, or φ where genes carry μ).
  SiteRule scalar_rule_;
  std::vector<double> log_p_, log_1mp_, rho_;
  std::vector<double> phi_k_;  ///< log likelihood summed over genes and units at each scalar node

  std::unique_ptr<NonzeroPass> nonzeros_;

  // Of the evaluation in progress.
  std::vector<double> gradient_;
  NewtonSystem system_;
  double log_likelihood_ = 0, divergence_ = 0;
  std::vector<double> rate_sum_;  ///< patterns: A
};

}  // namespace scriptorium::inference
