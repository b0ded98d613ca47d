#pragma once
#include <span>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/data/dataset.hpp"
#include "core/model/values.hpp"
#include "core/result/fit_file.hpp"

namespace scriptorium::result {

/// SCRIBE's two kinds of clipping, and none (nb-family notes 2): evaluation floors r and p; fitting clips per model.
enum class Guards { None, Fitting, Evaluation };

/// How weights of genes (in values by cell) or of cells (in values by gene) enter.
enum class WeightType {
  Multiplicative,  ///< Σ_g w_g log P
  Additive         ///< Σ_g w_g is added to every component: assignments do not change
};

struct LikelihoodOptions {
  Guards guards = Guards::Evaluation;
  double r_floor = 1e-6, p_floor = 1e-6;
  int threads = 0;
  const data::Missing* missing = nullptr;     ///< pairs left out; null: all were measured
  const compute::Backend* backend = nullptr;  ///< a GPU to work on; null, or the CPU: `threads`
  bool by_cell = true, by_gene = true;        ///< what is wanted; a GPU does each by itself and leaves out the other
  // Of mixtures only.
  bool split = false;           ///< also what each component says
  bool scribe_by_gene = false;  ///< by gene as SCRIBE has it: all cells come from one component
  std::span<const double> gene_weights = {}, cell_weights = {};  ///< empty: 1
  WeightType weight_type = WeightType::Multiplicative;
  std::span<const double> cell_logits = {};  ///< of density(): annotation logits, cells × components; empty: none
};
struct Likelihood {
  std::vector<double> by_cell, by_gene;
  /// cells × components and genes × components: ln π_k + Σ ln P_k. Where asked for (split).
  std::vector<double> by_cell_component, by_gene_component;
};
/// Log likelihood of counts at one point (natural values; one draw). p may be a scalar or per gene.
/// @throws Error(BadInput) if a parameter is missing or has the wrong length.
Likelihood log_likelihood(const model::Model& model, const model::Values& point, const data::CountMatrix& counts,
                          const LikelihoodOptions& options, const RunControl& control);

}  // namespace scriptorium::result
