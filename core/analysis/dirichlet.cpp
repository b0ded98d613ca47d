#include "core/analysis/dirichlet.hpp"

#include <algorithm>
#include <cmath>

#include "core/math/special.hpp"

namespace scriptorium::analysis {
namespace {

constexpr double cap = 1e8, least_share = 1e-10, least_log_of = 1e-12, scribe_offset = 1e-10;

/// Mean log likelihood of a draw.
double height(const std::vector<double>& alpha, const std::vector<double>& mean_log) {
  double total = 0, value = 0;
  for (std::size_t j = 0; j < alpha.size(); ++j) {
    total += alpha[j];
    value += (alpha[j] - 1) * mean_log[j] - math::log_gamma(alpha[j]);
  }
  return value + math::log_gamma(total);
}

}  // namespace

void ShareMoments::add(std::span<const double> x) {
  draws += 1;
  for (std::size_t j = 0; j < x.size(); ++j) {
    sum[j] += x[j];
    squares[j] += x[j] * x[j];
    logs[j] += std::log(std::max(x[j], least_log_of));
    scribe_logs[j] += std::log(x[j] + scribe_offset);
  }
}

double inverse_digamma(double y) {
  double x = y >= -2.22 ? std::exp(y) + 0.5 : -1 / y;
  for (int step = 0; step < 5; ++step) x -= (math::digamma(x) - y) / math::trigamma(x);
  return x;
}

DirichletFit fit_dirichlet(const ShareMoments& m) {
  const std::size_t k = m.sum.size();
  std::vector<double> mean(k), mean_log(k);
  double spread = 0, room = 0;
  for (std::size_t j = 0; j < k; ++j) {
    mean[j] = std::max(m.sum[j] / m.draws, least_share);
    mean_log[j] = m.logs[j] / m.draws;
    const double variance = std::max(m.squares[j] / m.draws - mean[j] * mean[j], 0.0);
    spread += variance;
    room += mean[j] * (1 - mean[j]);
  }
  DirichletFit fit;
  // Draws that agree within about 1e-12: rounding of the moments hides anything less.
  fit.capped = spread <= 1e-15 * std::max(room, 1e-9) || !(room > 1e-9);
  const double total = fit.capped ? cap : std::clamp(room / spread - 1, 1e-2, cap);
  for (const double share : mean) fit.concentration.push_back(total * share);
  if (fit.capped) return fit;

  auto& alpha = fit.concentration;
  double now = height(alpha, mean_log);
  for (int round = 0; round < 500; ++round) {
    double sum = 0;
    for (const double a : alpha) sum += a;
    const double psi = math::digamma(sum), z = math::trigamma(sum);
    std::vector<double> g(k), q(k), step(k);
    double above = 0, below = 1 / z;
    for (std::size_t j = 0; j < k; ++j) {
      g[j] = psi - math::digamma(alpha[j]) + mean_log[j];
      q[j] = -math::trigamma(alpha[j]);
      above += g[j] / q[j];
      below += 1 / q[j];
    }
    double slope = 0, largest = 1;
    for (std::size_t j = 0; j < k; ++j) {
      step[j] = -(g[j] - above / below) / q[j];
      slope += g[j] * step[j];
      largest = std::max(largest, -step[j] / (0.9 * alpha[j]));  // no further than nine tenths of the way to 0
    }
    if (!(slope > 1e-15 * std::fabs(now))) break;
    double by = 1 / largest;
    std::vector<double> trial(k);
    bool better = false;
    for (int half = 0; half < 40 && !better; ++half, by *= 0.5) {
      for (std::size_t j = 0; j < k; ++j) trial[j] = alpha[j] + by * step[j];
      const double there = height(trial, mean_log);
      better = there > now;
      if (better) now = there;
    }
    if (!better) break;
    alpha = trial;
    double reached = 0;
    for (const double a : alpha) reached += a;
    if (reached > cap) {
      for (double& a : alpha) a *= cap / reached;
      fit.capped = true;
      break;
    }
  }
  return fit;
}

DirichletFit fit_dirichlet_as_scribe(const ShareMoments& m) {
  DirichletFit fit;
  auto& alpha = fit.concentration;
  alpha.assign(m.sum.size(), 1);
  for (int round = 0; round < 1000; ++round) {
    double sum = 0, change = 0;
    for (const double a : alpha) sum += a;
    const double psi = math::digamma(sum);
    for (std::size_t j = 0; j < alpha.size(); ++j) {
      const double next = inverse_digamma(psi + m.scribe_logs[j] / m.draws);
      change = std::max(change, std::fabs(next - alpha[j]));
      alpha[j] = next;
    }
    if (change <= 1e-7) break;
  }
  return fit;
}

}  // namespace scriptorium::analysis
