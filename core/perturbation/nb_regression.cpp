#include "core/perturbation/nb_regression.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/compute/kernels.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

using Matrix = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
using Vector = Eigen::Map<const Eigen::VectorXd>;

/// State of Newton's steps at one point.
struct Point {
  std::vector<double> eta, mean, expected, observed, score, gradient;

  explicit Point(std::size_t n) : eta(n), mean(n), expected(n), observed(n), score(n) {}
  void evaluate(const NbDesign& design, const double* y, double a) {
    compute::nb_terms(eta.data(), y, a, design.padded(), mean.data(), expected.data(), observed.data(), score.data());
    design.sums(score.data(), gradient);
  }
};

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double v : values) most = std::max(most, std::fabs(v));
  return most;
}

/// A direction H⁻¹g over the kept columns and what it does to η; empty where H is singular.
struct Direction {
  std::vector<double> b, eta;
  double rise = 0;  ///< gᵀH⁻¹g
};

Direction newton_direction(const NbDesign& design, const Point& at, std::vector<double>& scratch) {
  std::vector<double> h;
  design.products(at.observed.data(), scratch.data(), h);
  const auto p = static_cast<Eigen::Index>(design.kept().size());
  const Eigen::LLT<Eigen::MatrixXd> factor(Matrix(h.data(), p, p));
  Direction direction;
  if (factor.info() != Eigen::Success) return direction;
  const Eigen::VectorXd step = factor.solve(Vector(at.gradient.data(), p));
  if (!step.allFinite()) return direction;
  direction.b.assign(step.data(), step.data() + p);
  direction.rise = step.dot(Vector(at.gradient.data(), p));
  direction.eta.assign(design.padded(), 0.0);
  for (std::size_t k = 0; k < direction.b.size(); ++k)
    compute::add_scaled(design.column(design.kept()[k]), direction.b[k], direction.eta.data(), design.padded());
  return direction;
}

/// Goes along the direction as far as the slope allows: the log likelihood is concave, so a step that ends on a slope
/// of −0.9 of the first or more has not gone far beyond the top.
double take_step(const NbDesign& design, const double* y, double a, const Direction& direction, Point& at,
                 Point& next) {
  constexpr double most = 5;  // of η in one step: beyond, the quadratic says little
  const double size = largest(direction.eta);
  double t = size > most ? most / size : 1;
  for (int halving = 0; halving < 60; ++halving) {
    for (std::size_t i = 0; i < at.eta.size(); ++i) next.eta[i] = at.eta[i] + t * direction.eta[i];
    next.evaluate(design, y, a);
    double slope = 0;
    for (std::size_t k = 0; k < direction.b.size(); ++k) slope += next.gradient[k] * direction.b[k];
    if (slope >= -0.9 * direction.rise) break;
    t *= 0.5;
  }
  std::swap(at, next);
  return t;
}

}  // namespace

NbFit fit_nb(const NbDesign& design, std::span<const double> counts, double dispersion, std::span<const double> start) {
  NbFit fit;
  const auto kept = design.kept();
  fit.coefficient.assign(design.columns(), none);
  fit.mean.assign(design.padded(), 0.0);
  if (std::all_of(counts.begin(), counts.end(), [](double v) { return v == 0; })) return fit;

  std::vector<double> b(kept.size());
  bool started = !start.empty();
  for (std::size_t k = 0; k < kept.size() && started; ++k) {
    b[k] = start[kept[k]];
    started = std::isfinite(b[k]);
  }
  if (!started) {
    std::vector<double> logs(design.padded());
    for (std::size_t i = 0; i < counts.size(); ++i) logs[i] = counts[i] > 0 ? std::log1p(counts[i]) : 0;
    b = design.least_squares(logs);
  }
  Point at(design.padded()), next(design.padded());
  for (std::size_t k = 0; k < kept.size(); ++k)
    compute::add_scaled(design.column(kept[k]), b[k], at.eta.data(), design.padded());
  at.evaluate(design, counts.data(), dispersion);

  fit.state = NbFit::State::Stopped;
  std::vector<double> scratch(design.padded());
  double before = HUGE_VAL;
  for (fit.iterations = 0; fit.iterations < 200; ++fit.iterations) {
    const Direction direction = newton_direction(design, at, scratch);
    // XᵀWX loses rank only where means run off to zero.
    if (direction.b.empty()) {
      fit.state = NbFit::State::Separated;
      break;
    }
    // The decrement halves at least, until rounding keeps it up.
    const bool settled = direction.rise < 1e-14 && direction.rise > 0.25 * before;
    if (direction.rise <= 1e-20 || settled) {
      fit.state = largest(direction.eta) > 1e-3 ? NbFit::State::Separated : NbFit::State::Fitted;
      break;
    }
    before = direction.rise;
    const double t = take_step(design, counts.data(), dispersion, direction, at, next);
    for (std::size_t k = 0; k < kept.size(); ++k) b[k] += t * direction.b[k];
  }
  for (std::size_t k = 0; k < kept.size(); ++k) fit.coefficient[kept[k]] = b[k];
  fit.mean = std::move(at.mean);
  return fit;
}

NbOwnFit fit_nb_with_dispersion(const NbDesign& design, std::span<const double> counts) {
  NbOwnFit own;
  own.dispersion = moment_dispersion(counts, design.cells());
  own.fit = fit_nb(design, counts, own.dispersion);
  if (own.fit.state == NbFit::State::Empty) return own;
  for (int round = 0; round < 30; ++round) {
    const double before = own.dispersion;
    own.dispersion = cox_reid_dispersion(design, counts, own.fit.mean, before);
    own.fit = fit_nb(design, counts, own.dispersion, own.fit.coefficient);
    if (own.dispersion == before || std::fabs(std::log(own.dispersion / before)) < 1e-7) break;
  }
  return own;
}

std::vector<double> standard_errors(const NbDesign& design, std::span<const double> means, double dispersion) {
  std::vector<double> weight(design.padded(), 0.0), scratch(design.padded()), h;
  for (std::size_t i = 0; i < design.cells(); ++i) weight[i] = means[i] / (1 + dispersion * means[i]);
  design.products(weight.data(), scratch.data(), h);
  const auto p = static_cast<Eigen::Index>(design.kept().size());
  std::vector<double> errors(design.columns(), none);
  const Eigen::LLT<Eigen::MatrixXd> factor(Matrix(h.data(), p, p));
  if (factor.info() != Eigen::Success) return errors;
  const Eigen::MatrixXd inverse = factor.solve(Eigen::MatrixXd::Identity(p, p));
  for (Eigen::Index k = 0; k < p; ++k)
    if (inverse(k, k) > 0 && std::isfinite(inverse(k, k)))
      errors[design.kept()[static_cast<std::size_t>(k)]] = std::sqrt(inverse(k, k));
  return errors;
}

}  // namespace scriptorium::perturbation
