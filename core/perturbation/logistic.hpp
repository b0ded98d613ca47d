#pragma once
#include <cmath>
#include <span>

namespace scriptorium::perturbation {

/// Values of one gene by membership: those above 0, and how many cells have 0.
struct TwoSides {
  std::span<const double> target, control;  ///< values above 0
  double target_zeros = 0, control_zeros = 0;
};

/// Twice the gain in log-likelihood of a logistic regression of membership (target or control) on the values, over the
/// intercept alone: chi-square with one degree of freedom under no effect. Newton's method with halved steps; where the
/// sides are told apart completely it stops as the likelihood nears 1.
inline double likelihood_ratio(const TwoSides& sides) {
  const double n1 = static_cast<double>(sides.target.size()) + sides.target_zeros,
               n0 = static_cast<double>(sides.control.size()) + sides.control_zeros, share = n1 / (n1 + n0);
  const double base = n1 * std::log(share) + n0 * std::log1p(-share);
  struct At {
    double value = 0, g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0;
    void add(double eta, double x, bool member, double cells) {
      const double e = std::exp(-std::fabs(eta)), p = eta >= 0 ? 1 / (1 + e) : e / (1 + e), w = cells * p * (1 - p);
      value += cells * ((member ? std::fmin(eta, 0.0) : -std::fmax(eta, 0.0)) - std::log1p(e));
      const double residual = cells * ((member ? 1 : 0) - p);
      g0 += residual;
      g1 += residual * x;
      h00 += w;
      h01 += w * x;
      h11 += w * x * x;
    }
  };
  const auto evaluate = [&](double a, double b) {
    At at;
    at.add(a, 0, true, sides.target_zeros);
    at.add(a, 0, false, sides.control_zeros);
    for (const double x : sides.target) at.add(a + b * x, x, true, 1);
    for (const double x : sides.control) at.add(a + b * x, x, false, 1);
    return at;
  };
  double a = std::log(share) - std::log1p(-share), b = 0;
  At at = evaluate(a, b);
  constexpr int most_steps = 60;
  constexpr double enough = 1e-13;  // of the deviance
  for (int step = 0; step < most_steps; ++step) {
    const double det = at.h00 * at.h11 - at.h01 * at.h01;
    if (!(det > 1e-14 * at.h00 * at.h11)) break;  // the gene does not vary, or the sides are told apart
    const double da = (at.h11 * at.g0 - at.h01 * at.g1) / det, db = (at.h00 * at.g1 - at.h01 * at.g0) / det;
    double length = 1;
    At next = evaluate(a + da, b + db);
    while (!(next.value >= at.value) && length > 1e-6) {
      length /= 2;
      next = evaluate(a + length * da, b + length * db);
    }
    if (!(next.value >= at.value)) break;
    const double gain = next.value - at.value;
    a += length * da;
    b += length * db;
    at = next;
    if (gain <= enough * (std::fabs(at.value) + 0.1)) break;
  }
  return std::fmax(0.0, 2 * (at.value - base));
}

}  // namespace scriptorium::perturbation
