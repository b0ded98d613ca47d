#pragma once
#include <vector>

#include "core/inference/problem.hpp"
#include "core/progress.hpp"

namespace scriptorium::inference {

/// Interpolation at Chebyshev nodes of functions of one number per cell, t_c: Σ_c w_gc f_g(t_c) = Σ_m f_g(x_m) W_gm
/// with W_gm = Σ_c w_gc E ℓ_m(t_c). All that zero-inflated capture models, and mean_disp with capture, need of the
/// cells.
class ChebyshevAxis {
 public:
  /// Enough nodes on [low, high] for functions analytic to the imaginary distance `clearance`, to `tolerance`.
  void set(double low, double high, double clearance, double tolerance, int most);
  int size() const { return static_cast<int>(node_.size()); }
  const std::vector<double>& nodes() const { return node_; }
  /// Adds weight · T_j(t), j = 0 … size−1, to `moments`. t outside the interval counts as its end.
  void add_polynomials(double t, double weight, double* moments) const;
  /// Node weights (Lagrange) from polynomial moments, and polynomial coefficients from node values.
  void to_node_weights(const double* moments, double* weights) const;
  void to_coefficients(const double* values, double* coefficients) const;
  /// Σ_j c_j T_j(t), and its derivative in t.
  double evaluate(const double* coefficients, double t) const;
  double slope(const double* coefficients, double t) const;

 private:
  double scaled(double t) const;
  double low_ = -1, high_ = 1;
  std::vector<double> node_;
  std::vector<double> cosines_;  ///< T_j(x_m), row m
};

/// The two passes over the non-zeros that such a model needs per evaluation, and the tables between them.
class NonzeroPass {
 public:
  NonzeroPass(const Problem& problem, int threads);

  ChebyshevAxis axis;
  std::vector<double> cell_weights;  ///< units × M: E ℓ_m(t_c), filled by the owner before gene_weights()
  std::vector<double> all_cells;     ///< kinds × M: their sum over the cells that measured a kind of genes
  std::vector<double> exp_node;      ///< M: e^x_m

  void resize();     ///< to the axis' size
  void sum_cells();  ///< fills all_cells
  void sum_zeros();  ///< fills zero_sum from `zero`
  /// Their sum over the cells that measured a gene.
  const double* cells_of(std::int64_t gene) const {
    return &all_cells[problem_->kind_of_gene[static_cast<std::size_t>(gene)] * static_cast<std::size_t>(axis.size())];
  }
  /// W over the gene's non-zero cells, and over them weighted by the count (may be null).
  void gene_weights(std::int64_t gene, double* nonzero, double* by_count) const;

  // Expected function values of each gene at the nodes, filled by the owner gene by gene.
  std::vector<double> nonzero_minus_zero;  ///< genes × M: E[a − z]
  std::vector<double> zero;                ///< genes × M: E z
  std::vector<double> per_count;           ///< genes × M: E b, empty where the model has none
  std::vector<double> zero_sum;            ///< patterns × M: Σ_g E z over the genes measured
  /// Polynomial coefficients in t of the cell's part of the log likelihood: zeros, non-zeros, counts.
  void cell_function(std::int64_t cell, double* coefficients) const;

 private:
  const Problem* problem_;
  int threads_;
};

}  // namespace scriptorium::inference
