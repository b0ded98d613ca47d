#pragma once
#include <memory>
#include <vector>

#include "core/compute/kernels.hpp"
#include "core/inference/local_grid.hpp"
#include "core/inference/problem.hpp"

namespace scriptorium::inference {

/// Functions of one number per cell, t_c, summed over cells: Σ_c w_gc E f_g(t_c) = Σ_m f_g(x_m) W_gm with
/// W_gm = Σ_c w_gc E ℓ_m(t_c). All that zero-inflated capture models, and mean_disp with capture, need of the cells:
/// two passes over the non-zeros an evaluation, and the tables between them.
class NonzeroPass {
 public:
  explicit NonzeroPass(const Problem& problem);

  LocalGrid grid;
  std::vector<double> exp_node;  ///< M: e^x_m
  /// Of the units: where on the grid E ℓ_m(t_c) is not zero, and its values; nowhere for units without weight. Filled
  /// by the owner before gene_weights().
  std::vector<compute::Window> windows;
  std::vector<double> weights;
  std::vector<double> all_cells;  ///< kinds × M: their sum over the cells that measured a kind of genes

  void resize();                              ///< to the grid's size
  void sum_cells(const RunControl& control);  ///< fills all_cells; then gene_weights() can be asked
  void sum_zeros(const RunControl& control);  ///< fills zero_sum from `zero`; then cell_function() can be asked
  /// Their sum over the cells that measured a gene.
  const double* cells_of(std::int64_t gene) const {
    return &all_cells[problem_->kind_of_gene[static_cast<std::size_t>(gene)] * static_cast<std::size_t>(grid.size())];
  }
  /// W over the gene's non-zero cells, and over them weighted by the count (may be null).
  void gene_weights(std::int64_t gene, double* nonzero, double* by_count) const;

  // Expected function values of each gene at the nodes, filled by the owner gene by gene.
  std::vector<double> nonzero_minus_zero;                ///< genes × M: E[a − z]
  std::vector<double> zero;                              ///< genes × M: E z
  std::vector<double> per_count;                         ///< genes × M: E b, empty where the model has none
  std::vector<double> zero_sum;                          ///< patterns × M: Σ_g E z over the genes measured
  void copy_tables(std::int64_t from, std::int64_t to);  ///< of one gene to another
  /// Values of the unit's part of the log likelihood (zeros, non-zeros, counts) at the nodes of a window.
  void cell_function(std::size_t unit, const compute::Window& window, std::vector<double>& values) const;

 private:
  void gather(const compute::Rows& rows, compute::Weight weight, const std::vector<double>& table,
              std::vector<double>& out, const RunControl& control) const;

  const Problem* problem_;
  /// With a GPU (Problem::gpu) all genes and all cells are gathered at once, at all nodes, and looked up afterwards.
  std::unique_ptr<compute::Rows> gene_rows_, cell_rows_;
  std::vector<double> gathered_, gathered_counts_;  ///< genes × M, or cells × M
};

}  // namespace scriptorium::inference
