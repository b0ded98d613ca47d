#include <Eigen/Dense>
#include <algorithm>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>

#include "core/compute/kernels.hpp"
#include "core/math/special.hpp"
#include "core/perturbation/nb_regression.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr double least = 1e-8, most = 1e8;

/// What the counts alone give to the derivative by ln a: Σ_cells Σ_{j<y} aj/(1 + aj), from their histogram.
class CountTerms {
 public:
  explicit CountTerms(std::span<const double> counts) {
    std::size_t high = 0;
    for (const double y : counts) {
      if (y > table)
        large_.push_back(y);
      else
        high = std::max(high, static_cast<std::size_t>(y));
    }
    above_.assign(high, 0.0);
    for (const double y : counts)
      if (y > 0 && y <= table) ++above_[static_cast<std::size_t>(y) - 1];
    for (std::size_t j = high; j-- > 1;) above_[j - 1] += above_[j];
  }
  double slope(double a) const {
    double sum = 0;
    for (std::size_t j = 1; j < above_.size(); ++j) {
      const double z = a * static_cast<double>(j);
      sum += above_[j] * (z / (1 + z));
    }
    for (const double y : large_) sum += y - math::digamma_rising(1 / a, static_cast<std::uint64_t>(y)) / a;
    return sum;
  }

 private:
  static constexpr double table = 1000;
  std::vector<double> above_;  ///< [j]: cells with a count above j
  std::vector<double> large_;
};

/// The derivative of the adjusted likelihood by ln a, with the arrays that it needs.
class Slope {
 public:
  Slope(const NbDesign& design, std::span<const double> counts, std::span<const double> means, double weight)
      : design_(design),
        counts_(counts),
        means_(means),
        weight_(weight),
        terms_(counts),
        slope_(design.padded()),
        expected_(design.padded()),
        scratch_(design.padded()),
        ones_(design.padded(), 0.0) {
    std::fill_n(ones_.begin(), design.cells(), 1.0);
  }
  double at(double a) {
    compute::nb_dispersion_terms(means_.data(), counts_.data(), a, design_.padded(), slope_.data(), expected_.data());
    const double likelihood = compute::dot(slope_.data(), ones_.data(), design_.padded()) + terms_.slope(a);
    return weight_ == 0 ? likelihood : likelihood + weight_ * adjustment(a);
  }

 private:
  /// −½ d ln det(XᵀWX)/d ln a = ½ a tr((XᵀWX)⁻¹ XᵀW²X); 0 where XᵀWX is singular.
  double adjustment(double a) {
    design_.products(expected_.data(), scratch_.data(), first_);
    compute::multiply(expected_.data(), expected_.data(), expected_.data(), design_.padded());
    design_.products(expected_.data(), scratch_.data(), second_);
    using Matrix = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
    const auto p = static_cast<Eigen::Index>(design_.kept().size());
    const Eigen::LLT<Eigen::MatrixXd> factor(Matrix(first_.data(), p, p));
    if (factor.info() != Eigen::Success) return 0;
    return 0.5 * a * factor.solve(Matrix(second_.data(), p, p)).trace();
  }

  const NbDesign& design_;
  std::span<const double> counts_, means_;
  double weight_;
  CountTerms terms_;
  std::vector<double> slope_, expected_, scratch_, ones_, first_, second_;
};

}  // namespace

double moment_dispersion(std::span<const double> counts, std::size_t n_cells) {
  double sum = 0, squares = 0;
  const auto n = static_cast<double>(n_cells);
  for (const double y : counts) sum += y;
  if (sum == 0 || n_cells < 2) return 0;
  const double mean = sum / n;
  for (std::size_t i = 0; i < n_cells; ++i) squares += (counts[i] - mean) * (counts[i] - mean);
  return std::max(0.0, (squares / (n - 1) - mean) / (mean * mean));
}

double cox_reid_slope(const NbDesign& design, std::span<const double> counts, std::span<const double> means, double a,
                      double weight) {
  return Slope(design, counts, means, weight).at(a);
}

double cox_reid_dispersion(const NbDesign& design, std::span<const double> counts, std::span<const double> means,
                           double start, double weight) {
  if (std::all_of(counts.begin(), counts.end(), [](double v) { return v == 0; })) return 0;
  Slope slope(design, counts, means, weight);
  const auto by_log = [&](double x) { return slope.at(std::exp(x)); };
  const double low_end = std::log(least), high_end = std::log(most);
  if (by_log(low_end) < 0) return 0;
  // Uphill from the start until the slope changes its sign.
  double x = std::log(std::clamp(start > 0 ? start : 0.5, least, most)), fx = by_log(x), step = fx > 0 ? 0.25 : -0.25;
  double next = x, fnext = fx;
  while ((fnext > 0) == (fx > 0) && fnext != 0) {
    if (next >= high_end && fx > 0) return most;
    if (next <= low_end && fx <= 0) return 0;
    x = next;
    fx = fnext;
    next = std::clamp(x + step, low_end, high_end);
    fnext = by_log(next);
    step *= 2;
  }
  if (fnext == 0) return std::exp(next);
  if (x > next) {
    std::swap(x, next);
    std::swap(fx, fnext);
  }
  std::uintmax_t steps = 100;
  const auto [low, high] = boost::math::tools::toms748_solve(
      by_log, x, next, fx, fnext, [](double l, double h) { return h - l < 1e-9; }, steps);
  return std::exp(0.5 * (low + high));
}

double nb_log_likelihood(std::span<const double> counts, std::span<const double> means, std::size_t n_cells, double a) {
  double sum = 0;
  for (std::size_t i = 0; i < n_cells; ++i) {
    const double y = counts[i], mu = means[i];
    const double log_mean = y > 0 ? y * std::log(mu) : 0;
    sum += a < least ? log_mean - mu : log_mean - (y + 1 / a) * std::log1p(a * mu);
    if (y > 1 && a >= least) sum += math::log_rising(1 / a, static_cast<std::uint64_t>(y)) + y * std::log(a);
  }
  return sum;
}

double log_two_sided_p(double z) {
  z = std::fabs(z);
  if (z < 37) return std::log(std::erfc(z / 1.4142135623730950488));
  return std::log(2.0) + math::log_normal_cdf(-z);
}

double z_of_log_p(double log_p) {
  if (std::isnan(log_p)) return log_p;
  if (log_p >= 0) return 0;
  if (std::isinf(log_p)) return HUGE_VAL;
  // ln p is concave in z and p(z) ≤ exp(−z²/2): from there Newton's steps come down to the answer.
  double z = std::sqrt(-2 * log_p);
  for (int i = 0; i < 100; ++i) {
    const double now = log_two_sided_p(z), slope = -2 * std::exp(-0.5 * z * z - 0.5 * math::log_two_pi - now);
    const double next = std::max(0.0, z - (now - log_p) / slope);
    if (!(next < z)) break;
    const bool close = z - next <= 1e-16 * z;
    z = next;
    if (close) break;
  }
  return z;
}

double z_of_p(double p) {
  return z_of_log_p(std::log(p));
}

}  // namespace scriptorium::perturbation
