#pragma once
#include <vector>

namespace scriptorium::inference {

/// The Hessian of a mean-field loss: one small block a gene, one 2 × 2 block a cell unit, a border for the shared
/// scalar, and one product of sums, −M·A, by which genes (M = Σ E θ_g) and cells (A = Σ E ρ ln(1−p̂_c)) are coupled.
/// solve() is a Newton step by a Schur complement on at most four numbers: O(genes + units).
struct NewtonSystem {
  int gene_size = 2;                ///< coordinates of a gene: 2 per gene site, at most 6
  bool has_scalar = false;          ///< 2 coordinates
  bool coupled = false;             ///< whether M·A is there
  std::vector<double> gene_block;   ///< genes × size × size, symmetric, full
  std::vector<double> gene_scalar;  ///< genes × size × 2
  std::vector<double> gene_mean;    ///< genes × size: ∇M
  std::vector<double> cell_block;   ///< units × 3: 11, 12, 22
  std::vector<double> cell_scalar;  ///< units × 4: (cell coordinate, scalar coordinate), row-major
  std::vector<double> cell_rate;    ///< units × 2: ∇A
  double scalar_block[3] = {1, 0, 1};
  double scalar_rate[2] = {0, 0};  ///< ∇A in the scalar

  /// Direction d with H d = −gradient. Where H is not positive definite (it need not be, far from an optimum) the parts
  /// that break it are: blocks take the sizes of their eigenvalues, the product term is scaled down until genes and
  /// cells do not run away together, the scalar's Schur complement like the blocks. So d is always a direction of
  /// descent. `whole` says whether H was used as it is. Coordinates: scalar, genes, units, as in Objective.
  std::vector<double> solve(const std::vector<double>& gradient, int threads, int caution = 0,
                            bool* whole = nullptr) const;

  /// Linear response to the coupling: q_M = ∇Mᵀ D⁻¹ ∇M and q_A = ∇Aᵀ D⁻¹ ∇A. The exact Gaussian covariance of genes is
  /// D⁻¹ + D⁻¹∇M · q_A/(1 − q_M q_A) · ∇MᵀD⁻¹ (of cells likewise), and ln det H − ln det D = ln(1 − q_M q_A).
  struct Response {
    double genes = 0, cells = 0;
    std::vector<double> gene_step, cell_step;  ///< D⁻¹∇M (genes × size), D⁻¹∇A (units × 2)
  };
  Response response(int threads) const;
};

}  // namespace scriptorium::inference
