#pragma once
#include <span>

#include "core/result/predictive_source.hpp"

namespace scriptorium::result {

/// Replicated count histograms, drawn by strata of cells where that is less work than cell by cell. Borrows all.
class GeneSimulator {
 public:
  GeneSimulator(const Fit& fit, const PredictiveSource& source, const PredictiveOptions& options,
                const compute::Backend& backend);
  /// The first of `genes`, as many as suit the backend at once; at least one. Which, has no influence on the results.
  std::vector<GenePredictive> run(std::span<const std::int64_t> genes, const RunControl& control) const;

 private:
  const Fit& fit_;
  const PredictiveSource& source_;
  const PredictiveOptions& options_;
  const compute::Backend& backend_;
  // What the genes share: the strata of every draw and level, and Σ cells · E ν over those of each pattern.
  std::vector<std::int64_t> stratum_start_{0};
  std::vector<Stratum> stratum_;
  std::vector<double> captured_;  ///< (draws × levels) × components × patterns
};

}  // namespace scriptorium::result
