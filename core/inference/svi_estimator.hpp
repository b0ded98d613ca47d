#pragma once
#include <array>
#include <vector>

#include "core/inference/log_likelihood.hpp"
#include "core/inference/objective.hpp"
#include "core/inference/solver.hpp"

namespace scriptorium::inference {

/// One site element of the guide: its family, where its coordinates are, and the shift of a capture prior.
struct Element {
  const SiteFamily* family;
  double* z;      ///< where a draw goes
  double* slope;  ///< where the likelihood's slope in z is read
  double shift;
  bool cell;
};

/// The coordinates that the optimiser moves. Ours: SiteFamily's own (a Beta's mean and concentration apart). SCRIBE's:
/// ln α and ln β, by which a shared p hardly ever finds its concentration (documented, and kept for parity).
struct Axis {
  bool scribe;
  std::array<double, 2> to_coordinates(const SiteFamily& f, double u1, double u2) const {
    return scribe && f.beta() ? f.coordinates(std::exp(u1), std::exp(u2)) : std::array<double, 2>{u1, u2};
  }
  std::array<double, 2> from_coordinates(const SiteFamily& f, double x1, double x2) const {
    if (!scribe || !f.beta()) return {x1, x2};
    const auto a = f.arguments(x1, x2);
    return {std::log(a[0]), std::log(a[1])};
  }
  /// Gradient in (a ∂/∂a, b ∂/∂b) for a Beta, as it stands for a Normal, to the optimiser's coordinates.
  std::array<double, 2> from_log_arguments(double a, double b, double ga, double gb) const {
    if (scribe) return {ga, gb};
    return {(b * ga - a * gb) / (a + b), ga + gb};
  }
  /// Gradient in SiteFamily's coordinates to the optimiser's.
  std::array<double, 2> from_own(const SiteFamily& f, double a, double b, const std::array<double, 2>& g) const {
    if (!scribe || !f.beta()) return g;
    return {g[0] + a / (a + b) * g[1], -g[0] + b / (a + b) * g[1]};
  }
};

/// Noisy estimates of −ELBO and its gradient from draws of the guide, over all cells or a minibatch.
class SviEstimator {
 public:
  SviEstimator(const FitInput& input, const FitOptions& options, const FitControl& control);
  /// One noisy loss and its gradient, of `draws` draws keyed by `step`.
  double estimate(std::int64_t step, int draws, std::vector<double>* gradient);
  std::vector<double>& x() { return x_; }
  std::size_t size() const { return x_.size(); }
  int draws() const { return draws_; }
  /// The posterior at a point in the optimiser's coordinates.
  Posterior posterior(const std::vector<double>& at) const;
  const Problem& problem() const { return problem_; }

 private:
  void bind();
  std::vector<std::int64_t> pick_batch(std::int64_t step);
  /// The shared scalar is integrated, not drawn (ours): a draw of the genes shifts the best p, and that shift, linear
  /// in the scalar, would drown the gradient of its concentration.
  bool rule_over_scalar() const { return !axis_.scribe && problem_.scalar.has_value(); }
  double expect_over_scalar(const std::vector<std::int64_t>& batch, double scale, int draws,
                            std::vector<double>* gradient);
  /// Whether the divergence of this site is taken in closed form (SCRIBE: only between equal families).
  bool closed(const SiteFamily& f) const;
  double divergence(const std::vector<char>& active, double scale, std::vector<double>* gradient);
  /// Draws z of every active element; slopes: for a Normal (dz/dloc, dz/d ln scale), for a Beta (a dz/da, b dz/db).
  void draw(std::int64_t number, const std::vector<char>& active, std::vector<double>* slope_a,
            std::vector<double>* slope_b);
  /// ln q − ln p at the draw, where the families differ and SCRIBE samples the term.
  double sampled_divergence(const std::vector<char>& active, double scale, int draws, std::vector<double>* gradient,
                            const std::vector<double>& slope_a, const std::vector<double>& slope_b);
  void add(std::size_t e, double ga, double gb, std::vector<double>& gradient) const;

  const FitOptions& options_;
  const SviOptions& svi_;
  const FitControl& control_;
  Problem problem_;
  Objective layout_;  ///< only for the order of coordinates and the posterior's form
  LogLikelihood likelihood_;
  Axis axis_;
  std::int64_t cells_ = 0, batch_ = 0;
  int draws_ = 1;
  std::vector<double> x_;
  std::vector<Element> elements_;
  Point point_;
  PointGradient slopes_;
  SiteRule scalar_rule_;
  std::vector<std::int64_t> order_;
};

}  // namespace scriptorium::inference
