#pragma once
#include <vector>

#include "core/inference/fit.hpp"

namespace scriptorium::inference {

/// Where the cells of a mixture begin: responsibilities, cells × components.
/// Start::Data: clusters of the cells' principal components (k-means), begun at the means of labelled cells where an
/// annotation names some, so that components keep its order. Start::Scribe: shares drawn at random, since components
/// that are all alike would never part.
class MixtureStarts {
 public:
  MixtureStarts(const FitInput& input, const FitOptions& options, const RunControl& control);
  /// @param restart  counts from 0; each has its own random numbers
  std::vector<double> responsibilities(int restart, const RunControl& control) const;
  /// Whether restarts all begin in the same place: every component has labelled cells.
  bool alike() const;

 private:
  std::vector<std::int32_t> clusters(int restart, const RunControl& control) const;
  std::vector<std::int32_t> around_labels(int restart) const;

  const FitInput& input_;
  const FitOptions& options_;
  std::size_t cells_, components_;
  int dims_ = 0;
  std::vector<double> points_;       ///< cells × dims
  std::vector<std::int32_t> label_;  ///< of each cell, −1: none; empty without an annotation
};

}  // namespace scriptorium::inference
