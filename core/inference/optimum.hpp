#pragma once
#include "core/inference/minimise.hpp"

namespace scriptorium::inference {

/// Whether a fit begins at the optimum of a simpler model.
bool has_plainer(const Problem& problem);
/// That model: the same without gates, and with the shared scalar that lets the likelihood separate.
model::Model plainer(model::Model model);
/// Coordinates of `objective` that say what `y` says of the plainer model's objective, `plain`.
std::vector<double> carry_over(const Objective& objective, const Objective& plain, const std::vector<double>& y);

/// The way to the optimum of the mean-field loss, from `state` (empty: from the start): what `exact` is, and what
/// `structured` begins with.
///
/// Models that inflate zeros, or visit the non-zeros, begin at the optimum of the negative binomial without either,
/// which takes next to nothing; the gates' two explanations are then tried gene by gene (Objective::improve_genes),
/// there and again at the joint optimum, until neither gains.
MinimiseEnd find_optimum(Objective& objective, MinimiseState& state, const FitInput& input, const FitOptions& options,
                         const FitControl& control, const std::function<void(double loss, double decrement)>& watch);

}  // namespace scriptorium::inference
