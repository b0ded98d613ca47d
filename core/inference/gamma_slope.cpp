#include "core/inference/gamma_slope.hpp"

#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "core/math/special.hpp"

namespace scriptorium::inference {

double log_gamma_slope(double a, double log_g) {
  // Near zero P(a, g) = g^a/Γ(a+1) (1 − a g/(a+1) + …): the quantile's slope is closed, and the draw may underflow.
  if (log_g < -30 || (a < 0.2 && log_g < -12)) return (math::digamma(a + 1) - log_g) / a;
  using Policy =
      boost::math::policies::policy<boost::math::policies::promote_double<false>,
                                    boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
                                    boost::math::policies::evaluation_error<boost::math::policies::ignore_error>>;
  const double g = std::exp(log_g), h = a > 1 ? 1e-3 * std::sqrt(a) : 1e-4 * a;
  // The smaller tail keeps the digits of the difference.
  const double slope = g > a ? boost::math::gamma_q(a + h, g, Policy()) - boost::math::gamma_q(a - h, g, Policy())
                             : boost::math::gamma_p(a - h, g, Policy()) - boost::math::gamma_p(a + h, g, Policy());
  const double log_density_times_g = a * log_g - g - math::log_gamma(a);
  return slope / (2 * h) * std::exp(-log_density_times_g);
}

}  // namespace scriptorium::inference
