#pragma once
#include "core/math/special.hpp"

/// Log densities of the laws of the models. Arguments are on the natural scale unless a name says otherwise.
/// p is the probability that multiplies the counts: the mean of NB(r, p) is r p/(1−p).
namespace scriptorium::math {

/// ln NB(x; r, p) from ln p and ln(1−p).
SCRIPTORIUM_HD inline double nb_log_pmf(std::uint64_t x, double r, double log_p, double log_1mp) {
  if (x == 0) return r * log_1mp;
  return log_rising(r, x) - log_rising(1.0, x) + r * log_1mp + static_cast<double>(x) * log_p;
}

/// ln of the zero-inflated zero: ln(gate + (1−gate) e^{log_zero}), with log_zero the NB's log P(0).
SCRIPTORIUM_HD inline double log_inflated_zero(double gate, double log_zero) {
  return log_add_exp(std::log(gate), std::log1p(-gate) + log_zero);
}

SCRIPTORIUM_HD inline double normal_log_density(double x, double loc, double scale) {
  const double z = (x - loc) / scale;
  return -0.5 * z * z - std::log(scale) - 0.5 * log_two_pi;
}
SCRIPTORIUM_HD inline double log_normal_log_density(double x, double loc, double scale) {
  const double l = std::log(x);
  return normal_log_density(l, loc, scale) - l;
}
SCRIPTORIUM_HD inline double beta_log_density(double x, double alpha, double beta) {
  return (alpha - 1) * std::log(x) + (beta - 1) * std::log1p(-x) - log_beta(alpha, beta);
}
/// Density of φ = (1−p)/p with p ~ Beta(alpha, beta): φ^(β−1)(1+φ)^−(α+β)/B.
SCRIPTORIUM_HD inline double beta_prime_log_density(double phi, double alpha, double beta) {
  return (beta - 1) * std::log(phi) - (alpha + beta) * std::log1p(phi) - log_beta(alpha, beta);
}
SCRIPTORIUM_HD inline double gamma_log_density(double x, double shape, double rate) {
  return shape * std::log(rate) - log_gamma(shape) + (shape - 1) * std::log(x) - rate * x;
}
/// Normal(loc, scale) cut to x ≥ 0.
SCRIPTORIUM_HD inline double truncated_normal_log_density(double x, double loc, double scale) {
  return normal_log_density(x, loc, scale) - log_normal_cdf(loc / scale);
}

}  // namespace scriptorium::math
