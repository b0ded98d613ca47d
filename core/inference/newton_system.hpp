#pragma once
#include <span>
#include <vector>

#include "core/inference/gene_layout.hpp"
#include "core/inference/problem.hpp"

namespace scriptorium::inference {

/// The Hessian of a mean-field loss: one small block a gene, one 2 × 2 block a cell unit, a border for the shared
/// scalar, and for each pattern k of measured genes a product of `rank` pairs of sums, −Σ_k Σ_m M_km·A_km, by which
/// genes (M_km sums over the genes measured in k) and cells (A_km over its cells) are coupled. Where the likelihood
/// separates there is one pair, M = Σ E θ_g and A = Σ E ρ ln(1−p̂_c). solve() is a Newton step by a Schur complement on
/// two numbers a pair and pattern and two for the scalar: O(genes + units).
struct NewtonSystem {
  int gene_size = 2;                ///< coordinates of a gene: 2 per gene site, at most 6
  int rank = 1;                     ///< pairs of sums, at most `most_rank`
  bool has_scalar = false;          ///< 2 coordinates
  bool coupled = false;             ///< whether M·A is there
  std::vector<double> gene_block;   ///< genes × size × size, symmetric, full
  std::vector<double> gene_scalar;  ///< genes × size × 2
  std::vector<double> gene_mean;    ///< genes × size × rank: ∇M
  std::vector<double> cell_block;   ///< units × 3: 11, 12, 22
  std::vector<double> cell_scalar;  ///< units × 4: (cell coordinate, scalar coordinate), row-major
  std::vector<double> cell_rate;    ///< units × 2 × rank: ∇A
  double scalar_block[3] = {1, 0, 1};
  std::vector<double> scalar_rate;   ///< patterns × rank × 2: ∇A_km in the scalar
  std::vector<double> gene_loss;     ///< genes: share of the loss; empty where it lacks what genes and cells share
  const Problem* problem = nullptr;  ///< which genes which patterns measured, and the pattern of each unit
  static constexpr int most_rank = 16;

  /// A direction d with H d = −gradient, in two parts: `own` is what each site would do by itself (the scalar stays),
  /// `pulled` what the scalar and the coupling add. Where H is not positive definite (it need not be, far from an
  /// optimum) the parts that break it are mended: blocks take the sizes of their eigenvalues, the product term is
  /// scaled down until genes and cells do not run away together, the scalar's Schur complement like the blocks. So
  /// `own` and `own` + `pulled` are directions of descent, and all between. Coordinates: scalar, genes, units, as in
  /// Objective.
  struct Direction {
    std::vector<double> own, pulled;
    bool whole = true;  ///< whether H was used as it is
  };
  Direction solve(const std::vector<double>& gradient, int threads, int caution = 0) const;
  /// The same for systems that share their units: each has a scalar of its own (or, with `shared_scalar`, the same
  /// one), and genes whose coordinates are its own or those of all, as `layout` says. Coordinates: the scalars, the
  /// genes, units; blocks of units, of a shared scalar and of shared coordinates are the sums over systems. A gene's
  /// own blocks are eliminated first, then what is left of its shared one: O(systems) a gene.
  static Direction solve_joint(std::span<const NewtonSystem> systems, bool shared_scalar, const GeneLayout& layout,
                               const std::vector<double>& gradient, int threads, int caution = 0);
  /// The genes of this system alone.
  GeneLayout layout() const;

  /// Linear response to the coupling, with Q_M = Σ_g ∇ᵀD⁻¹∇ over patterns and pairs, and Q_A likewise: the exact
  /// Gaussian covariance of a gene is D⁻¹ + D⁻¹∇ · [(I − Q_A Q_M)⁻¹ Q_A] · ∇ᵀD⁻¹, summed over the patterns that
  /// measured it, of a cell of a unit likewise with M and A exchanged, and ln det H − ln det D = ln det(I − Q_M Q_A).
  struct Response {
    bool proper = false;                ///< whether Q_M Q_A stays below 1: else the rest is empty
    double log_determinant = 0;         ///< ln det(I − Q_M Q_A)
    std::vector<double> gene_variance;  ///< what the coupling adds to the variance of each gene's first coordinate
    std::vector<double> unit_variance;  ///< and of a cell of each unit
  };
  Response response(int threads) const;
};

/// A small system's descent: step = −H⁻¹ gradient with H (size × size) mended where it is not positive definite.
void solve_block(const double* h, const double* gradient, std::size_t size, double* step);

}  // namespace scriptorium::inference
