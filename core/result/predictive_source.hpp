#pragma once
#include <string>
#include <vector>

#include "core/result/predictive.hpp"
#include "core/result/strata.hpp"

namespace scriptorium::result {

/// Everything of a parameter draw that all genes share: the scalar of each component and the strata of the cells.
struct SharedDraw {
  std::vector<double> scalar;
  Strata strata;
};

/// Where the genes' parameters of each predictive draw come from: one point, or the posterior. Borrows the fit.
class PredictiveSource {
 public:
  /// Draws what the genes share. @throws Error(BadInput) when the fit lacks a parameter of its model.
  PredictiveSource(const Fit& fit, const PredictiveOptions& options, const RunControl& control);
  const SharedDraw& shared(std::size_t draw) const { return shared_[fixed() ? 0 : draw]; }
  /// Whether every draw has the same parameters and, in mixtures, the same cells in each component (never).
  bool fixed() const { return !posterior_kind_ && components_ == 1; }
  std::size_t components() const { return components_; }
  /// Number of shared() that differ: one, or one a draw.
  std::size_t sources() const { return shared_.size(); }
  GenePoint gene(std::size_t g, std::size_t draw, std::size_t component) const;

 private:
  double at(const std::string& site, std::size_t g, std::size_t component, const PosteriorSampler::Draw* draw) const;

  bool posterior_kind_, gate_ = false;
  std::size_t components_ = 1, genes_ = 0;
  std::map<std::string, bool> by_component_;  ///< by site
  PosteriorSampler sampler_;
  std::string kind_, scalar_, capture_;
  model::Values point_;
  std::vector<SharedDraw> shared_;
};

}  // namespace scriptorium::result
