#include "core/inference/gamma_slope.hpp"

#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "core/math/special.hpp"

namespace scriptorium::inference {
namespace {
using Policy =
    boost::math::policies::policy<boost::math::policies::promote_double<false>,
                                  boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::evaluation_error<boost::math::policies::ignore_error>>;
}

double log_gamma_slope(double a, double log_g) {
  // Near zero P(a, g) = g^a/Γ(a+1) (1 − a g/(a+1) + …): the quantile's slope is closed, and the draw may underflow.
  if (log_g < -30 || (a < 0.2 && log_g < -12)) return (math::digamma(a + 1) - log_g) / a;
  const double g = std::exp(log_g), h = a > 1 ? 1e-3 * std::sqrt(a) : 1e-4 * a;
  // The smaller tail keeps the digits of the difference.
  const double slope = g > a ? boost::math::gamma_q(a + h, g, Policy()) - boost::math::gamma_q(a - h, g, Policy())
                             : boost::math::gamma_p(a - h, g, Policy()) - boost::math::gamma_p(a + h, g, Policy());
  const double log_density_times_g = a * log_g - g - math::log_gamma(a);
  return slope / (2 * h) * std::exp(-log_density_times_g);
}

double opposite_log_gamma(double a, double log_g) {
  // Near zero P(a, g) = g^a/Γ(a+1).
  const double log_scale = math::log_gamma(a + 1), g = std::exp(log_g);
  const bool low = log_g < -30;
  const double below = low ? std::exp(a * log_g - log_scale) : boost::math::gamma_p(a, g, Policy()),
               above = low ? -std::expm1(a * log_g - log_scale) : boost::math::gamma_q(a, g, Policy());
  if (const double log_other = (std::log(above) + log_scale) / a; log_other < -30) return log_other;
  return std::log(above < below ? boost::math::gamma_p_inv(a, above, Policy())
                                : boost::math::gamma_q_inv(a, below, Policy()));
}

}  // namespace scriptorium::inference
