// Mixtures of two normal distributions on a line, one of them held.
#include <cmath>
#include <limits>
#include <numbers>

#include "core/perturbation/call.hpp"

namespace scriptorium::perturbation {
namespace {

double log_density(double x, double mean, double sd) {
  const double z = (x - mean) / sd;
  return -0.5 * z * z - std::log(sd) - 0.5 * std::log(2 * std::numbers::pi);
}

/// Share of the second component in each value, and the sum of log-likelihoods.
double responsibilities(std::span<const double> x, const TwoNormals& at, std::vector<double>& second) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double a = std::log(at.weight[0]) + log_density(x[i], at.mean[0], at.sd[0]),
                 b = std::log(at.weight[1]) + log_density(x[i], at.mean[1], at.sd[1]);
    const double most = std::fmax(a, b), all = most + std::log(std::exp(a - most) + std::exp(b - most));
    second[i] = std::exp(b - all);
    sum += all;
  }
  return sum;
}

}  // namespace

TwoNormals fit_two_normals(std::span<const double> x, TwoNormals at, std::vector<TwoNormals>* steps) {
  constexpr int most_steps = 100;
  constexpr double tolerance = 1e-3, added_variance = 1e-6;
  constexpr double added_count = 10 * std::numeric_limits<double>::epsilon();
  const auto n = static_cast<double>(x.size());
  std::vector<double> second(x.size());
  double before = -std::numeric_limits<double>::infinity();
  at.converged = false;
  for (at.steps = 1; at.steps <= most_steps; ++at.steps) {
    const double level = responsibilities(x, at, second) / n;
    double n0 = added_count, n1 = added_count, sum = 0, squares = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      n0 += 1 - second[i];
      n1 += second[i];
      sum += second[i] * x[i];
      squares += second[i] * x[i] * x[i];
    }
    at.mean[1] = sum / n1;
    at.sd[1] = std::sqrt(squares / n1 - at.mean[1] * at.mean[1] + added_variance);
    at.weight = {n0 / (n0 + n1), n1 / (n0 + n1)};
    at.log_likelihood = level;
    if (steps) steps->push_back(at);
    if (std::fabs(level - before) < tolerance) {
      at.converged = true;
      return at;
    }
    before = level;
  }
  at.steps = most_steps;
  return at;
}

TwoNormals fit_two_normals_closely(std::span<const double> x, TwoNormals at) {
  constexpr int most_steps = 5000;
  constexpr double tolerance = 1e-8, least_sd = 1e-8;
  const auto n = static_cast<double>(x.size());
  std::vector<double> second(x.size());
  double before = responsibilities(x, at, second);
  for (at.steps = 1; at.steps <= most_steps; ++at.steps) {
    double n1 = 0, sum = 0, squares = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      n1 += second[i];
      sum += second[i] * x[i];
    }
    at.mean[1] = sum / n1;
    for (std::size_t i = 0; i < x.size(); ++i) squares += second[i] * (x[i] - at.mean[1]) * (x[i] - at.mean[1]);
    at.sd[1] = std::sqrt(squares / n1);
    at.weight = {1 - n1 / n, n1 / n};
    at.converged = at.sd[1] >= least_sd;  // also where nothing is left of the component
    if (!at.converged) return at;
    at.log_likelihood = responsibilities(x, at, second);
    if (!(at.log_likelihood - before > tolerance)) return at;
    before = at.log_likelihood;
  }
  at.steps = most_steps;
  return at;
}

double posterior_of_second(const TwoNormals& fit, double x, bool weighted) {
  double log_ratio = log_density(x, fit.mean[0], fit.sd[0]) - log_density(x, fit.mean[1], fit.sd[1]);
  if (weighted) log_ratio += std::log(fit.weight[0]) - std::log(fit.weight[1]);
  return 1 / (1 + std::exp(log_ratio));
}

}  // namespace scriptorium::perturbation
