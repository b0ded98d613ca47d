#pragma once
#include <vector>

#include "core/data/count_matrix.hpp"
#include "core/model/values.hpp"
#include "core/result/likelihood.hpp"

namespace scriptorium::result {

/// One point of parameter space in the coordinates in which every model of the family is the same formula:
/// logit p̂_cg = x_g + n_c with x = logit p = −ln φ and n = ln ν (0 without capture); counts are NB(r_g, p̂_cg) behind a
/// gate. Clips are limits on x, n and their sum (nb-family notes 2); `*_free` is 0 where a clip holds a value, so its
/// slope is 0.
struct LikelihoodTerms {
  std::vector<double> r, r_free;  ///< per gene
  std::vector<double> x, x_free;  ///< one, or one per gene
  std::vector<double> n, n_free;  ///< empty without capture, else one per cell
  std::vector<double> gate;       ///< empty without zero inflation, else one per gene
  double low, high;               ///< limits of logit p̂
  /// Weights of the genes in values by cell, of the cells in values by gene and in slopes; empty: 1.
  std::vector<double> gene_weight, cell_weight;
  double weight_of_gene(std::size_t g) const { return gene_weight.empty() ? 1 : gene_weight[g]; }
  double weight_of_cell(std::size_t c) const { return cell_weight.empty() ? 1 : cell_weight[c]; }
  bool gene_p() const { return x.size() > 1; }
};

/// @throws Error(BadInput) naming the parameter that is missing, has the wrong length or lies outside its domain.
LikelihoodTerms resolve_terms(const model::Model& model, const model::Values& point, std::int64_t n_cells,
                              std::int64_t n_genes, const LikelihoodOptions& options);

/// Log likelihood and, when asked, its slopes: the sums over cells and genes of ∂/∂r_g, ∂/∂x, ∂/∂n_c, ∂/∂gate_g.
struct LikelihoodSlopes {
  std::vector<double> r, x, n, gate;
};
/// Cost: non-zeros plus genes plus cells where zeros share a formula (no capture, or a shared p without a gate); else
/// one logarithm a zero, streamed. The same bits at any number of threads.
Likelihood evaluate_terms(const LikelihoodTerms& terms, const data::CountMatrix& counts,
                          const LikelihoodOptions& options, const RunControl& control, LikelihoodSlopes* slopes);

/// Mixtures: by cell log Σ_k w_ck Π_g P_k, by gene Σ_c log Σ_k π_k P_k (or as options say). O(non-zeros × K) where the
/// zeros share a formula by gene; by gene under capture every zero is visited.
/// @throws Error(BadInput) for weights of the wrong length
Likelihood mixture_likelihood(const model::Model& model, const model::Values& point, const data::CountMatrix& counts,
                              const LikelihoodOptions& options, const RunControl& control);

/// Values of one entry, by component. Borrows the terms.
class EntryValues {
 public:
  explicit EntryValues(const LikelihoodTerms& terms) : t_(terms) {}
  double zero(std::size_t gene, std::size_t cell) const;
  double positive(std::size_t gene, std::size_t cell, std::uint64_t count) const;

 private:
  double logit(std::size_t gene, std::size_t cell) const;
  const LikelihoodTerms& t_;
};

/// The same values by a backend: its sums over the non-zeros of cells, of genes, or of both, as options ask. On a GPU
/// the zeros that share no formula are its work too.
Likelihood evaluate_on(const compute::Backend& backend, const LikelihoodTerms& terms, const data::CountMatrix& counts,
                       const LikelihoodOptions& options, const RunControl& control);

}  // namespace scriptorium::result
