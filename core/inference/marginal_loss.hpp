#pragma once
#include <cstdint>
#include <vector>

#include "core/inference/fit.hpp"

namespace scriptorium::inference {

/// −ELBO of a posterior whose cells' components are summed over (nats, all cells, no constants dropped), by Monte
/// Carlo.
struct MarginalLoss {
  double loss = 0, error = 0;  ///< mean of the draws and its standard error
  std::vector<double> draws;   ///< ln q − ln p(θ) − ln p(x | θ) of each
  std::vector<double> cells;   ///< of each component of a mixture: Σ of the cells' responsibilities, mean of the draws
};

/// How good a posterior is, whichever method found it: E_q [ln q − ln p(θ) − Σ_c ln Σ_k w_ck f_k(x_c)], exactly the
/// loss of svi, and of exact where there is one population. All three terms are taken at the same draws: their sum
/// varies less, the nearer q is to the posterior, than the likelihood alone beside a divergence in closed form. Draws
/// are keyed by (seed, number, element), so posteriors of one model compare by the differences of their `draws`, as far
/// as their components have the same order.
/// @param input  the model and data of the fit; its cell_logits too, if it had an annotation
/// @throws Error where the posterior is not one of this model and data, or is structured
MarginalLoss marginal_loss(const FitInput& input, const Posterior& posterior, int draws, std::uint64_t seed,
                           int threads, const RunControl& control);

/// The mean difference of two losses from the same draws, a − b, and its standard error.
MarginalLoss difference(const MarginalLoss& a, const MarginalLoss& b);

}  // namespace scriptorium::inference
