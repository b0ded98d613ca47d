#pragma once
#include <string>
#include <vector>

#include "core/result/predictive.hpp"
#include "core/result/strata.hpp"

namespace scriptorium::result {

/// Everything of a parameter draw that all genes share: the scalar and the strata of the captures.
struct SharedDraw {
  double scalar = 0;
  Strata strata;
};

/// Where the genes' parameters of each predictive draw come from: one point, or the posterior. Borrows the fit.
class PredictiveSource {
 public:
  /// Draws what the genes share. @throws Error(BadInput) when the fit lacks a parameter of its model.
  PredictiveSource(const Fit& fit, const PredictiveOptions& options, const RunControl& control);
  const SharedDraw& shared(std::size_t draw) const { return shared_[posterior_kind_ ? draw : 0]; }
  /// Whether every draw has the same parameters.
  bool fixed() const { return !posterior_kind_; }
  /// Number of shared() that differ: one, or one a draw.
  std::size_t sources() const { return shared_.size(); }
  GenePoint gene(std::size_t g, std::size_t draw) const;

 private:
  bool posterior_kind_, gate_ = false;
  PosteriorSampler sampler_;
  std::string kind_, scalar_, capture_;
  model::Values point_;
  std::vector<SharedDraw> shared_;
};

}  // namespace scriptorium::result
