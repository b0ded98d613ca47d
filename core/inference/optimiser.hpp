#pragma once
#include <string>
#include <vector>

#include "core/inference/fit.hpp"

namespace scriptorium::inference {

/// First-order updates of stochastic fits: adam, clipped_adam, adagrad, rmsprop, sgd, momentum (the rules of JAX's
/// optimisers, which SCRIBE uses). State is two moment vectors, so that a checkpoint can hold it.
class Optimiser {
 public:
  /// @throws Error(BadInput) for an unknown name.
  Optimiser(const SviOptions& options, std::size_t size);
  /// Moves x against `gradient`; `step` counts from 0.
  void update(std::vector<double>& x, const std::vector<double>& gradient, std::int64_t step, double learning_rate);
  std::vector<double> first, second;  ///< moments

 private:
  enum class Rule { Adam, Adagrad, RmsProp, Sgd, Momentum } rule_ = Rule::Adam;
  SviOptions options_;
  bool clipped_ = false;
};

}  // namespace scriptorium::inference
