#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/inference/gene_relief.hpp"
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

  using System = NewtonSystem;
  std::size_t size() const { return size_; }
  std::size_t scalar_size() const { return scalar_size_; }
  std::size_t gene_size() const { return 2 * problem_->gene_sites.size(); }
  std::size_t gene_at(std::int64_t gene) const { return scalar_size_ + static_cast<std::size_t>(gene) * gene_size(); }
  std::size_t cell_at(std::size_t unit) const {
    return scalar_size_ + static_cast<std::size_t>(problem_->n_genes()) * gene_size() + 2 * unit;
  }
  const Problem& problem() const { return *problem_; }
  std::size_t n_gene_blocks() const { return static_cast<std::size_t>(problem_->n_genes()); }
  bool visits_nonzeros() const { return nonzeros_ != nullptr; }
  /// KL divergences of all marginals from their priors, of the last evaluation; units by their weights.
  double divergence() const { return divergence_; }
  /// Of the last evaluation, which was at x: E of each unit's part of the log likelihood, not weighted. Evaluations
  /// pass over units without weight; this makes good for them. Under capture a cell's expected log likelihood is that
  /// and Σ entry_values() over its counts.
  const std::vector<double>& unit_values(const std::vector<double>& x, const RunControl& control);
  /// What counts add to the expected log likelihood of a cell, at the nodes of the last evaluation at x: for each of
  /// `counts` (ascending), without Σ ln u!. Without capture relative to a zero, whose own value is `zero`.
  void entry_values(const std::vector<double>& x, std::int64_t gene, std::span<const std::uint32_t> counts, double* out,
                    double& zero) const;

  /// Where exact fits start: moments of the counts. (SCRIBE's own start, its default priors, is SiteFamily::start.)
  std::vector<double> start() const;
  /// Chooses quadrature sizes for points near x; the loss is a smooth function of x until the next call. Returns
  /// whether anything changed: if not, what was evaluated at x holds.
  bool choose_nodes(const std::vector<double>& x);
  /// The same in the middle of a descent.
  bool renew_nodes(const std::vector<double>& x) { return choose_nodes(x); }
  /// Shortens the steps of single genes' and units' sites that would leave the region where the loss is finite, to nine
  /// tenths of the way there: one flat Beta must not hold up the rest. The scalar's stays: all others go with it.
  void keep_inside(const std::vector<double>& x, std::vector<double>& step) const;
  /// Zero-inflated genes have two explanations of their zeros, the gate and the dispersion, and often an optimum for
  /// each. Given all else at x, those that can compete are followed to their own optimum, and what is there is only
  /// replaced by better. Returns the nats gained. Other models: nothing to do. After Cancelled x is of no use.
  double improve_genes(std::vector<double>& x, const RunControl& control);
  /// The loss at x; infinite where a Beta is flatter than its rules integrate (α or β below 0.1). `gradient` and
  /// `system` may be null.
  double evaluate(const std::vector<double>& x, std::vector<double>* gradient, NewtonSystem* system,
                  const RunControl& control) {
    return evaluate(x, nullptr, gradient, system, control);
  }
  /// Whether genes are problems of their own given all else, which settle() can then solve.
  bool genes_apart() const { return !problem_->capture || nonzeros_; }
  /// Brings every gene near its own minimum given all else, where it is further than a few hundredths of a nat from it,
  /// and evaluates there: one evaluation, whatever genes do. Only where genes_apart().
  double settle(std::vector<double>& x, std::vector<double>* gradient, NewtonSystem* system,
                const RunControl& control) {
    return evaluate(x, &x, gradient, system, control);
  }

  /// Brings the capture of every unit to its own optimum given all else at x, whatever the weight of its cells is, and
  /// gives each unit's part of the log likelihood there, less its divergence. A unit that seems unable to reach what is
  /// `wanted` of it stays on the way. Not for models that visit the non-zeros; what was evaluated before is lost.
  std::vector<double> settle_cells(std::vector<double>& x, std::span<const double> wanted, const RunControl& control);

  /// Working memory of one gene.
  struct GeneScratch {
    std::vector<double> value;               ///< along the gate, at one node of all others
    std::vector<double> f, f1, f2;           ///< at the tensor nodes: contracted with the scalar's weights and scores
    std::vector<double> dispersion, rising;  ///< r and Σ_j T_j ln(r + j)
    std::vector<double> log_gate, log_open;  ///< ln gate, ln(1 − gate) at the gate's nodes
    std::vector<double> zero;                ///< ln P(0) of the inflated law, less ln gate
    double expected_zero = 0;                ///< its expectation, ln gate included
    // Under capture, on the grid of ln θ + t: the cells' weights at each node of θ (all, with a count, by count), their
    // zeros; ln P(0) of the negative binomial, what it takes for a count; the gate's averages.
    ShiftedGrid shifts;
    std::vector<double> all, some, counted, unseen, log_zero, soft, mean_zero, mean_difference;
    std::vector<double> nonzero, by_count;  ///< the cells' weights as gather_gene() finds them
    std::array<SiteRule, 3> rules;
    std::vector<double> by_scalar;
  };
  /// One gene's share of the loss given everything else, with derivatives in its own coordinates.
  struct GeneTerm {
    double log_likelihood = 0, divergence = 0;
    double zero = 0;  ///< E ln P(0) of an inflated law without capture
    std::array<double, 6> gradient{};
    std::array<double, 12> scalar{};  ///< coordinate × 2
    std::array<double, 36> block{};
  };
  // Single genes given all else, for searches of their optima: hold_rest(), then gather_gene() of the gene where cells
  // are visited, then as many of the others as wanted; from several threads, each with its own scratch.
  /// Prepares what genes see of the scalar and the cells at x; false out of bounds.
  bool hold_rest(const std::vector<double>& x, const RunControl& control);
  void gather_gene(std::int64_t gene, GeneScratch& scratch) const;
  /// Quadrature sizes for a gene's coordinates, one a site; for evaluations of the gene at x until choose_nodes().
  void choose_gene_nodes(const double* at, std::uint8_t* nodes) const;
  /// Whether the sizes that the gene has are nearly as good as those that would be chosen for its coordinates.
  bool nodes_serve(std::int64_t gene, const double* at) const;
  void set_gene_nodes(std::int64_t gene, const double* at) {
    choose_gene_nodes(at, &gene_nodes_[static_cast<std::size_t>(gene) * problem_->gene_sites.size()]);
  }
  /// The gene's share of the loss at its coordinates, with derivatives; infinite out of bounds.
  double gene_loss(std::int64_t gene, const double* at, const std::uint8_t* nodes, GeneScratch& scratch,
                   GeneTerm& term) const;
  /// Points a third to two thirds apart around a gene's coordinates; its posterior density there (a constant apart),
  /// left in scratch.f, with the priors of some sites; coordinates of a site at a top. Models with a gate only.
  Axes gene_axes(const double* at) const;
  void gene_relief(std::int64_t gene, const Axes& axes, const std::array<bool, 3>& with_prior,
                   GeneScratch& scratch) const;
  void place_site(std::size_t site, const Top& top, double* coordinates) const;

 private:
  double start_dispersion(const std::vector<double>& share) const;
  bool inside(const std::vector<double>& x) const;
  /// descend() of a gene alone.
  double descend_gene(std::int64_t gene, double* at, double enough, double out_of_reach, GeneScratch& scratch) const;
  void prepare_scalar(const std::vector<double>& x);
  std::vector<double> expected_means(const std::vector<double>& x);
  void cell_pass(const std::vector<double>& x, const RunControl& control,
                 const std::vector<std::size_t>* only = nullptr);
  double evaluate(const std::vector<double>& x, std::vector<double>* settled, std::vector<double>* gradient,
                  NewtonSystem* system, const RunControl& control);
  void gene_pass(const std::vector<double>& x, const std::vector<double>& rate_sum, std::vector<double>* settled,
                 const RunControl& control);
  struct UnitTerms;
  struct UnitScratch;
  void take_unit(std::size_t unit, const double* at, bool with_curvature, UnitScratch& out) const;
  compute::Window unit_window(const UnitScratch& scratch, std::vector<double>* row) const;
  UnitTerms unit_terms(std::size_t unit, std::size_t i, std::size_t k, const compute::Window& window,
                       const UnitScratch& scratch) const;
  void cell_positions(const SiteRule& rule, std::vector<double>& t, std::vector<double>& zero) const;
  void spread_cells(const std::vector<double>& x, const RunControl& control);
  void gene_values(std::int64_t gene, std::span<const SiteRule> rules, GeneScratch& out,
                   std::vector<double>& by_scalar) const;
  void gene_term(std::int64_t gene, const double* at, const std::uint8_t* nodes, double rate, GeneScratch& scratch,
                 GeneTerm& out, std::vector<double>& by_scalar) const;
  void gene_tables(std::int64_t gene, std::span<const SiteRule> rules, GeneScratch& out) const;
  void couple(const std::vector<double>& x);

  const Problem* problem_;
  int threads_;
  std::optional<double> fixed_scalar_;
  std::size_t size_ = 0, scalar_size_ = 0;
  std::vector<std::uint8_t> gene_nodes_, cell_nodes_;
  int scalar_nodes_ = 1;
  double grid_low_ = 0, grid_high_ = -1;  ///< the interval of t that the grid is for, with room

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
  std::vector<double> mean_sum_;  ///< patterns: M
  std::vector<double> unit_values_;
  // Where the likelihood does not separate: what couple() makes its pairs of sums from.
  struct UnitRate {
    double value = 0;  ///< −E e^t
    std::array<double, 2> gradient{}, scalar{};
  };
  std::vector<double> zero_;         ///< genes: E ln P(0) of an inflated law without capture
  std::vector<Second> mean_;         ///< genes: E θ
  std::vector<UnitRate> unit_rate_;  ///< units
};

}  // namespace scriptorium::inference
