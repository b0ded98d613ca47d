#pragma once
#include <string>
#include <vector>

#include "core/model/values.hpp"
#include "core/result/fit_file.hpp"

namespace scriptorium::result {

enum class MapMethod { Mode, Transform };  ///< Transform: T(loc), which makes a LogNormal give its median

struct MapOptions {
  bool use_mean = false;  ///< where a mode is undefined (Beta with both parameters ≤ 1) take the mean, else NaN
  bool mean_everywhere = false;  ///< --point mean: posterior means throughout
  bool canonical = true;  ///< add the derived parameters (r, p, mu, phi, p_capture, phi_capture, p_hat) that apply
  MapMethod method = MapMethod::Mode;
};

/// Point estimates by internal name (rules: nb-family notes, README of this folder).
model::Values map_estimate(const Fit& fit, const MapOptions& options);
/// The same from bare marginals; `n_genes` and `n_cells` as in the fit.
model::Values map_estimate(const model::Model& model, const std::vector<inference::SitePosterior>& sites,
                           const MapOptions& options);
/// Adds what a parameterization derives: r, p, mu, phi, capture odds and probabilities, p_hat (unless p is per gene and
/// there are captures, where p_hat would be dense). Values may have leading axes "draw" and "component".
void add_derived(const model::Model& model, model::Values& values);
/// Observed success probability p̂ = pν/(1 − p(1−ν)) of one point: (cell), then component and gene where p has them.
model::Array captured_probability(const model::Array& p, const model::Array& p_capture);

/// Appends the axes of a site to an array: component, then gene or cell.
void append_axes(const inference::SitePosterior& site, model::Array& array);

/// One marginal posterior.
struct Marginal {
  model::Law law = model::Law::LogNormal;
  model::Transform transform = model::Transform::Exp;
  double arg1 = 0, arg2 = 1;
  double mean() const;
  double sd() const;
  double mode() const;  ///< NaN where undefined
  double quantile(double probability) const;
  double density(double x) const;
  double cdf(double x) const;
};
Marginal marginal(const inference::SitePosterior& site, std::size_t index);
double point(const Marginal& marginal, const MapOptions& options);  ///< the estimate that the options ask for
Marginal marginal(const model::Prior& prior, model::Transform transform);

/// Draws one after another from the posterior of a fit, each site element from a stream of its own: the same
/// (seed, site, element, draw) gives the same number whatever else is asked for. Borrows the posterior.
class PosteriorSampler {
 public:
  PosteriorSampler(const inference::Posterior& posterior, std::uint64_t seed);
  /// One draw. With a conditional posterior the shared scalar comes first, and the rest given it.
  class Draw {
   public:
    double value(const std::string& site, std::size_t index) const;
    /// All elements of a site.
    std::vector<double> values(const std::string& site) const;

   private:
    friend class PosteriorSampler;
    double element(const inference::SitePosterior& site, std::size_t position, std::size_t index) const;
    std::size_t position(const std::string& site) const;
    const PosteriorSampler* owner_ = nullptr;
    std::uint64_t draw_ = 0;
    std::size_t node_ = 0;  // the scalar lies between nodes node_ and node_ + 1
    double weight_ = 0;     // of the upper one
    double scalar_ = 0;     // natural value
  };
  Draw draw(std::uint64_t index) const;
  const inference::Posterior& posterior() const { return posterior_; }

 private:
  const inference::Posterior& posterior_;
  std::uint64_t seed_;
  std::vector<double> axis_, cumulative_;  // fine grid of the scalar's axis and its distribution function
};

/// Posterior draws of every sampled parameter, first axis "draw"; with `derived`, also r, p, mu, phi, captures.
/// The same seed gives the same draws at any thread count.
model::Values sample(const Fit& fit, int draws, std::uint64_t seed, bool derived, int threads,
                     const RunControl& control);

/// A smaller fit: the genes at `genes` (indices in the order wanted); cell sites and scalars are unchanged.
Fit subset_genes(const Fit& fit, const std::vector<std::int64_t>& genes);
/// Indices of genes by name. @throws Error(BadInput) naming those not found, with the nearest names.
std::vector<std::int64_t> find_genes(const std::vector<std::string>& names, const std::vector<std::string>& wanted);

}  // namespace scriptorium::result
