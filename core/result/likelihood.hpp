#pragma once
#include <vector>

#include "core/compute/backend.hpp"
#include "core/data/dataset.hpp"
#include "core/model/values.hpp"
#include "core/result/fit_file.hpp"

namespace scriptorium::result {

/// SCRIBE's two kinds of clipping, and none (nb-family notes 2): evaluation floors r and p; fitting clips per model.
enum class Guards { None, Fitting, Evaluation };

struct LikelihoodOptions {
  Guards guards = Guards::Evaluation;
  double r_floor = 1e-6, p_floor = 1e-6;
  int threads = 0;
  const data::Missing* missing = nullptr;     ///< pairs left out; null: all were measured
  const compute::Backend* backend = nullptr;  ///< a GPU to work on; null, or the CPU: `threads`
  bool by_cell = true, by_gene = true;        ///< what is wanted; a GPU does each by itself and leaves out the other
};
struct Likelihood {
  std::vector<double> by_cell, by_gene;
};
/// Log likelihood of counts at one point (natural values; one draw). p may be a scalar or per gene.
/// @throws Error(BadInput) if a parameter is missing or has the wrong length.
Likelihood log_likelihood(const model::Model& model, const model::Values& point, const data::CountMatrix& counts,
                          const LikelihoodOptions& options, const RunControl& control);

}  // namespace scriptorium::result
