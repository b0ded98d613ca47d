#include <algorithm>
#include <cmath>

#include "core/perturbation/nb_regression.hpp"

namespace scriptorium::perturbation {
namespace {

/// The part of glmGamPoi's share of ln det(XᵀWX): it adds the logarithms of the pivots of an LU decomposition with row
/// exchanges, and takes those that the exchanges made negative for 1e-50.
double log_of_positive_pivots(const NbDesign& design, std::span<const double> means, double a) {
  std::vector<double> weight(design.padded(), 0.0), scratch(design.padded()), m;
  for (std::size_t i = 0; i < design.cells(); ++i) weight[i] = means[i] / (1 + a * means[i]);
  design.products(weight.data(), scratch.data(), m);
  const std::size_t p = design.kept().size();
  double sum = 0;
  for (std::size_t k = 0; k < p; ++k) {
    std::size_t most = k;
    for (std::size_t r = k + 1; r < p; ++r)
      if (std::fabs(m[r * p + k]) > std::fabs(m[most * p + k])) most = r;
    for (std::size_t j = 0; j < p && most != k; ++j) std::swap(m[k * p + j], m[most * p + j]);
    const double pivot = m[k * p + k];
    sum += std::log(std::max(pivot, 1e-50));
    for (std::size_t r = k + 1; r < p && pivot != 0; ++r) {
      const double factor = m[r * p + k] / pivot;
      for (std::size_t j = k; j < p; ++j) m[r * p + j] -= factor * m[k * p + j];
    }
  }
  return sum;
}

/// What glmGamPoi minimises over x = ln a: not the function whose derivatives it gives to the search.
class Objective {
 public:
  Objective(const NbDesign& design, std::span<const double> counts, std::span<const double> means)
      : design_(design), counts_(counts), means_(means) {
    for (std::size_t i = 0; i < design.cells(); ++i)
      if (counts[i] > 0) left_out_ += counts[i] * std::log(means[i]);
  }
  double value(double x) const {
    const double a = std::exp(x);
    return 0.5 * glmgampoi_adjustment * log_of_positive_pivots(design_, means_, a) + left_out_ -
           nb_log_likelihood(counts_, means_, design_.cells(), a);
  }
  double slope(double x) const { return -cox_reid_slope(design_, counts_, means_, std::exp(x), glmgampoi_adjustment); }
  double curvature(double x) const { return (slope(x + 1e-4) - slope(x - 1e-4)) / 2e-4; }

 private:
  const NbDesign& design_;
  std::span<const double> counts_, means_;
  double left_out_ = 0;
};

/// How a search learns the curvature.
enum class Curvature { Exact, Secant };

/// Whether a trust-region search like R's nlminb comes to an end from `x`. Steps up to the zero of the slope let the
/// value rise near it; the search shortens them until it gives up ("false convergence").
bool search_ends(const Objective& objective, double x, Curvature kind) {
  constexpr double relative_value = 1e-10, relative_step = 2.2e-14;
  double radius = kind == Curvature::Exact ? 1 / 1.1 : 1, value = objective.value(x), slope = objective.slope(x);
  double curvature = kind == Curvature::Exact ? objective.curvature(x) : 1;
  for (int iteration = 0; iteration < 200; ++iteration) {
    const double newton = curvature > 0 ? -slope / curvature : std::copysign(HUGE_VAL, -slope);
    double step = 0;
    for (;;) {
      step = std::clamp(newton, -radius, radius);
      const double promised = -step * (slope + 0.5 * curvature * step);
      const double next = objective.value(x + step), gained = value - next;
      const double along = slope * step, shortened = std::max(0.1, 0.5 * along / (along + std::min(0.0, gained)));
      const bool as_promised = 0.5 * gained <= promised;
      if (as_promised && curvature > 0 && 0.5 * slope * slope / curvature <= relative_value * std::fabs(value))
        return true;
      if (gained > 1e-4 * promised) {
        x += step;
        value = next;
        if (gained >= 0.75 * promised) radius = std::max(radius, 4 * std::fabs(step));
        if (gained < 0.1 * promised) radius = shortened * std::fabs(step);
        break;
      }
      if (std::fabs(step) <= relative_step * (std::fabs(x) + std::fabs(x + step))) return false;
      radius = shortened * std::fabs(step);
    }
    const double before = slope;
    slope = objective.slope(x);
    curvature = kind == Curvature::Exact ? objective.curvature(x)
                                         : std::max((slope - before) / step, 0.1 * curvature);  // damped as Powell does
  }
  return false;
}

}  // namespace

double glmgampoi_dispersion(const NbDesign& design, std::span<const double> counts, std::span<const double> means,
                            double start) {
  const double adjusted = cox_reid_dispersion(design, counts, means, start, glmgampoi_adjustment);
  if (!(adjusted > 0)) return adjusted;
  const Objective objective(design, counts, means);
  const double from = std::log(start > 0 ? start : 0.5);
  if (search_ends(objective, from, Curvature::Exact) || search_ends(objective, from, Curvature::Secant))
    return adjusted;
  return cox_reid_dispersion(design, counts, means, start, 0);
}

}  // namespace scriptorium::perturbation
