#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/inference/fit.hpp"
#include "core/inference/objective.hpp"

namespace scriptorium::inference {

/// A step that was taken and the change of the gradient over it.
struct Secant {
  std::vector<double> step, change;
};

/// What minimise() needs to go on where it stopped, with the same numbers.
struct MinimiseState {
  std::vector<double> x;
  std::int64_t iteration = 0;
  int caution = 0;              ///< of NewtonSystem::solve
  int round = 0;                ///< of find_optimum
  bool was_small = false;       ///< the last decrement was below the tolerance
  std::vector<Secant> secants;  ///< of the last whole steps, oldest first
};

/// The state as arrays of a checkpoint, and back.
std::map<std::string, std::vector<double>> pack_state(const MinimiseState& state);
MinimiseState unpack_state(const Checkpoint& checkpoint);

struct MinimiseEnd {
  double loss = 0;
  double decrement = 0;    ///< estimated nats still to gain
  double tolerance = 0;    ///< that was held against it: what was asked for, but at least 1e-10 of the loss
  bool converged = false;  ///< decrement below the tolerance
  bool kept = false;       ///< ended by `keep`
  bool stuck = false;      ///< no step lowered the loss
};

/// Newton's method on an Objective or a MixtureObjective, with a line search on the exact loss. The Hessian is whole
/// where the likelihood separates; elsewhere the coupling of genes and cells is its expectation (Objective::couple),
/// which the last few steps correct (limited-memory BFGS with the Newton system in place of a scaled identity). `watch`
/// sees every iteration and may throw; a stop token in `keep` ends it politely.
template <class Loss>
MinimiseEnd minimise(Loss& objective, MinimiseState& state, double tolerance, int max_iterations, int threads,
                     const RunControl& control, std::stop_token keep,
                     const std::function<void(double loss, double decrement)>& watch);

}  // namespace scriptorium::inference
