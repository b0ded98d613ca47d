#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/math/distributions.hpp"
#include "core/math/quadrature.hpp"
#include "core/result/estimates.hpp"
#include "core/result/transform.hpp"

namespace scriptorium::result {
namespace {

using model::Law;
using model::Transform;

// Errors become NaN or infinity, never exceptions, so that a table with one odd row is still a table.
using Policy =
    boost::math::policies::policy<boost::math::policies::domain_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::pole_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::evaluation_error<boost::math::policies::ignore_error>,
                                  boost::math::policies::promote_double<false>>;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

double normal_cdf(double z) {
  return 0.5 * std::erfc(-z / std::sqrt(2.0));
}
double normal_quantile(double probability) {
  if (probability <= 0) return -infinity;
  if (probability >= 1) return infinity;
  return -std::sqrt(2.0) * boost::math::erfc_inv(2 * probability, Policy());
}

/// E f(T(loc + scale Z)) by Gauss–Hermite; sigmoid and softplus have no closed form.
template <class Function>
double expect(const Marginal& m, Function f) {
  static const math::Rule rule = math::gauss_hermite(128);
  double sum = 0;
  for (std::size_t i = 0; i < rule.node.size(); ++i)
    sum += rule.weight[i] * f(to_natural(m.transform, m.arg1 + m.arg2 * rule.node[i]));
  return sum;
}

/// Mode on the natural scale of T(Normal(m, s)) for sigmoid and softplus: least ½((z−m)/s)² + ln T'(z), from the best
/// of 21 points on m ± 3 max(s, s²), then safeguarded Newton steps (nb-family notes 11.2).
double transformed_mode(Transform transform, double m, double scale) {
  const double s = std::max(scale, 1e-8), precision = 1 / (s * s);
  const auto objective = [&](double z) {
    const double d = z - m;
    return 0.5 * d * d * precision + log_derivative(transform, z);
  };
  const double reach = 3 * std::max(s, s * s);
  double z = m, best = objective(m);
  for (int i = 0; i <= 20; ++i) {
    const double candidate = m + reach * (i / 10.0 - 1), value = objective(candidate);
    if (value < best) {
      best = value;
      z = candidate;
    }
  }
  for (int step = 0; step < 60; ++step) {
    const double p = math::sigmoid(z), q = math::sigmoid(-z);
    const double slope = (z - m) * precision + (transform == Transform::Sigmoid ? 1 - 2 * p : q);
    const double bend = precision - (transform == Transform::Sigmoid ? 2 : 1) * p * q;
    double move = -slope / std::max(bend, 0.25 * precision);
    // A step that does not descend is halved; at the bottom it does not matter.
    double next = objective(z + move);
    for (int half = 0; half < 40 && next > best; ++half) next = objective(z + (move *= 0.5));
    if (next > best) break;
    z += move;
    best = next;
    if (std::fabs(move) <= 1e-13 * (1 + std::fabs(z))) break;
  }
  return to_natural(transform, z);
}

}  // namespace

double Marginal::mean() const {
  switch (law) {
    case Law::Beta:
    case Law::Dirichlet:
      return arg1 / (arg1 + arg2);
    case Law::BetaPrime:
      return arg1 > 1 ? arg2 / (arg1 - 1) : infinity;
    case Law::Gamma:
      return arg1 / arg2;
    case Law::TruncatedNormal: {
      const double z = -arg1 / arg2;  // the cut, in sds from the centre
      return arg1 + arg2 * std::exp(-0.5 * z * z - 0.5 * math::log_two_pi - math::log_normal_cdf(-z));
    }
    case Law::LogNormal:
      return std::exp(arg1 + 0.5 * arg2 * arg2);
    case Law::TransformedNormal:
      if (transform == Transform::Identity) return arg1;
      if (transform == Transform::Exp) return std::exp(arg1 + 0.5 * arg2 * arg2);
      return expect(*this, [](double x) { return x; });
  }
  return nan_value;
}

double Marginal::sd() const {
  switch (law) {
    case Law::Beta:
    case Law::Dirichlet: {
      const double n = arg1 + arg2;
      return std::sqrt(arg1 * arg2 / (n + 1)) / n;
    }
    case Law::BetaPrime:
      return arg1 > 2 ? std::sqrt(arg2 * (arg1 + arg2 - 1) / (arg1 - 2)) / (arg1 - 1) : infinity;
    case Law::Gamma:
      return std::sqrt(arg1) / arg2;
    case Law::TruncatedNormal: {
      const double z = -arg1 / arg2;
      const double hazard = std::exp(-0.5 * z * z - 0.5 * math::log_two_pi - math::log_normal_cdf(-z));
      return arg2 * std::sqrt(std::max(0.0, 1 + z * hazard - hazard * hazard));
    }
    case Law::LogNormal:
      return mean() * std::sqrt(std::expm1(arg2 * arg2));
    case Law::TransformedNormal: {
      if (transform == Transform::Identity) return arg2;
      const double centre = mean();
      if (transform == Transform::Exp) return centre * std::sqrt(std::expm1(arg2 * arg2));
      return std::sqrt(expect(*this, [centre](double x) { return (x - centre) * (x - centre); }));
    }
  }
  return nan_value;
}

double Marginal::mode() const {
  switch (law) {
    case Law::Beta:
      if (arg1 > 1 && arg2 > 1) return (arg1 - 1) / (arg1 + arg2 - 2);
      if (arg1 <= 1 && arg2 > 1) return 0;
      if (arg1 > 1) return 1;
      return nan_value;
    case Law::Dirichlet:
      return mean();  // SCRIBE's point estimate of the weights
    case Law::BetaPrime:
      return arg2 >= 1 ? (arg2 - 1) / (arg1 + 1) : 0;
    case Law::Gamma:
      return arg1 >= 1 ? (arg1 - 1) / arg2 : 0;
    case Law::TruncatedNormal:
      return std::max(arg1, 0.0);
    case Law::LogNormal:
      return std::exp(arg1 - arg2 * arg2);
    case Law::TransformedNormal:
      if (transform == Transform::Identity) return arg1;
      if (transform == Transform::Exp) return std::exp(arg1 - arg2 * arg2);
      return transformed_mode(transform, arg1, arg2);
  }
  return nan_value;
}

double Marginal::quantile(double probability) const {
  switch (law) {
    case Law::Beta:
    case Law::Dirichlet:
      return boost::math::ibeta_inv(arg1, arg2, probability, Policy());
    case Law::BetaPrime: {
      // φ = (1−p)/p falls as p rises; 1−p comes from the inversion itself, so that a p near 1 keeps its digits.
      double complement = 0;
      const double p = boost::math::ibetac_inv(arg1, arg2, probability, &complement, Policy());
      return complement / p;
    }
    case Law::Gamma:
      return boost::math::gamma_p_inv(arg1, probability, Policy()) / arg2;
    case Law::TruncatedNormal: {
      const double below = normal_cdf(-arg1 / arg2);
      return std::max(0.0, arg1 - arg2 * normal_quantile((1 - below) * (1 - probability)));
    }
    case Law::LogNormal:
    case Law::TransformedNormal:
      return to_natural(transform, arg1 + arg2 * normal_quantile(probability));
  }
  return nan_value;
}

double Marginal::density(double x) const {
  const bool unit =
      law == Law::Beta || law == Law::Dirichlet || (law == Law::TransformedNormal && transform == Transform::Sigmoid);
  if (x < 0 && transform != Transform::Identity) return 0;
  if (unit && x > 1) return 0;
  switch (law) {
    case Law::Beta:
    case Law::Dirichlet:
      return std::exp(math::beta_log_density(x, arg1, arg2));
    case Law::BetaPrime:
      return std::exp(math::beta_prime_log_density(x, arg1, arg2));
    case Law::Gamma:
      return std::exp(math::gamma_log_density(x, arg1, arg2));
    case Law::TruncatedNormal:
      return std::exp(math::truncated_normal_log_density(x, arg1, arg2));
    case Law::LogNormal:
    case Law::TransformedNormal: {
      const double z = to_real(transform, x);
      if (!std::isfinite(z)) return 0;
      return std::exp(math::normal_log_density(z, arg1, arg2) - log_derivative(transform, z));
    }
  }
  return nan_value;
}

double Marginal::cdf(double x) const {
  if (transform != Transform::Identity && x <= 0) return 0;
  switch (law) {
    case Law::Beta:
    case Law::Dirichlet:
      return x >= 1 ? 1 : boost::math::ibeta(arg1, arg2, x, Policy());
    case Law::BetaPrime:
      return boost::math::ibeta(arg2, arg1, x / (1 + x), Policy());
    case Law::Gamma:
      return boost::math::gamma_p(arg1, arg2 * x, Policy());
    case Law::TruncatedNormal: {
      const double below = normal_cdf(-arg1 / arg2);
      return (normal_cdf((x - arg1) / arg2) - below) / (1 - below);
    }
    case Law::LogNormal:
    case Law::TransformedNormal:
      if (transform == Transform::Sigmoid && x >= 1) return 1;
      return normal_cdf((to_real(transform, x) - arg1) / arg2);
  }
  return nan_value;
}

Marginal marginal(const inference::SitePosterior& site, std::size_t index) {
  return {site.law, site.transform, site.arg1.at(index), site.arg2.at(index)};
}

Marginal marginal(const model::Prior& prior, Transform transform) {
  return {prior.law, transform, prior.a, prior.b};
}

double point(const Marginal& m, const MapOptions& options) {
  if (options.mean_everywhere) {
    // The mean of a BetaPrime with alpha ≤ 1 is infinite: the odds of the mean probability stand in for it.
    return m.law == Law::BetaPrime && m.arg1 <= 1 ? m.arg2 / m.arg1 : m.mean();
  }
  if (options.method == MapMethod::Transform && (m.law == Law::LogNormal || m.law == Law::TransformedNormal))
    return to_natural(m.transform, m.arg1);
  const double mode = m.mode();
  return std::isnan(mode) && options.use_mean ? m.mean() : mode;
}

}  // namespace scriptorium::result
