#include <algorithm>
#include <array>
#include <cmath>

#include "core/compute/kernels.hpp"
#include "core/compute/parallel.hpp"
#include "core/inference/objective.hpp"
#include "core/inference/objective_pieces.hpp"
#include "core/math/distributions.hpp"

// The passes of Objective over the units of cells.
namespace scriptorium::inference {

namespace {
constexpr double negligible = 1e-14;  // weight of a pair of quadrature nodes
}

/// t at every pair of a node of a unit's own rule and one of the scalar's (row-major), and `zero` = −ln(1−p̂) there
/// (empty where there is no scalar).
void Objective::cell_positions(const SiteRule& rule, std::vector<double>& t, std::vector<double>& zero) const {
  if (!problem_->scalar) {
    t = rule.value;
    return;
  }
  const std::size_t scalars = scalar_rule_.size();
  zero.resize(rule.size() * scalars);
  for (std::size_t i = 0; i < rule.size(); ++i)
    for (std::size_t k = 0; k < scalars; ++k) zero[i * scalars + k] = rule.value[i] - scalar_rule_.value[k];
  compute::softplus(zero.data(), zero.data(), zero.size());
  if (!nonzeros_) return;
  t.resize(zero.size());
  for (std::size_t i = 0; i < t.size(); ++i) t[i] = zero[i] * rho_[i % scalars];
  compute::log(t.data(), t.data(), t.size());
}

void Objective::spread_cells(const std::vector<double>& x, const RunControl& control) {
  const auto& p = *problem_;
  const auto units = static_cast<std::int64_t>(p.units.size());
  auto& pass = *nonzeros_;
  pass.windows.resize(p.units.size());
  std::vector<std::vector<double>> parts(index(compute::pieces(units, grain)));
  compute::parallel_for(units, grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    control.check();
    thread_local SiteRule rule;
    thread_local std::vector<double> t, zero;
    std::vector<double> row(index(pass.grid.size()));
    std::array<double, LocalGrid::taps> taps;
    auto& part = parts[index(piece)];
    for (auto u = index(first); u < index(last); ++u) {
      p.cell->make_rule(x[cell_at(u)], x[cell_at(u) + 1], cell_nodes_[u], false, rule);
      cell_positions(rule, t, zero);
      std::fill(row.begin(), row.end(), 0.0);
      int low = pass.grid.size(), high = 0;
      for (std::size_t i = 0; i < rule.size(); ++i)
        for (std::size_t k = 0; k < scalar_rule_.size(); ++k) {
          const double w = rule.weight[i] * scalar_rule_.weight[k];
          if (w < negligible) continue;
          const int at = pass.grid.locate(t[i * scalar_rule_.size() + k], taps.data());
          for (int j = 0; j < LocalGrid::taps; ++j) row[index(at + j)] += w * taps[index(j)];
          low = std::min(low, at);
          high = std::max(high, at + LocalGrid::taps);
        }
      low = low / 4 * 4;  // few different windows: neighbours mostly share theirs
      const int width = (high - low + 3) / 4 * 4;
      pass.windows[u] = {part.size(), low, width};
      for (int k = low; k < low + width; ++k) part.push_back(p.units[u].cells * row[index(k)]);
    }
  });
  pass.weights.clear();
  for (std::size_t piece = 0; piece < parts.size(); ++piece) {
    for (auto u = piece * index(grain); u < std::min(p.units.size(), (piece + 1) * index(grain)); ++u)
      pass.windows[u].at += pass.weights.size();
    pass.weights.insert(pass.weights.end(), parts[piece].begin(), parts[piece].end());
  }
  pass.sum_cells(control);
}

/// `weighted`: cells count as much as the problem says; else once each.
void Objective::cell_pass(const std::vector<double>& x, const std::vector<double>& mean_sum, const RunControl& control,
                          bool weighted) {
  const auto& p = *problem_;
  const std::size_t scalars = scalar_rule_.size();
  const auto units = static_cast<std::int64_t>(p.units.size());
  std::vector<Piece> parts(index(compute::pieces(units, grain)));
  unit_values_.resize(p.units.size());
  compute::parallel_for(units, grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    control.check();
    thread_local SiteRule rule;
    thread_local std::vector<double> f, f1, f2, rate, zero, t, on_window;
    const auto at_window = [&](std::size_t u, double where) {
      const auto& window = nonzeros_->windows[u];
      return nonzeros_->grid.evaluate_window(on_window.data(), window.first, window.width, where);
    };
    auto& part = parts[index(piece)];
    part.by_scalar.assign(scalars, 0.0);
    part.rate.assign(p.n_patterns(), 0.0);
    part.scalar_rate.assign(2 * p.n_patterns(), 0.0);
    for (auto u = index(first); u < index(last); ++u) {
      const auto at = cell_at(u);
      const auto& unit = p.units[u];
      const double cells = weighted ? unit.cells : 1;
      p.cell->make_rule(x[at], x[at + 1], cell_nodes_[u], true, rule);
      const auto divergence = p.cell->divergence(x[at], x[at + 1], unit.prior_shift);
      part.divergence += cells * divergence.value;
      if (nonzeros_) nonzeros_->cell_function(u, on_window);

      // f: the unit's log likelihood at (cell node, scalar node), contracted over the scalar as it comes.
      const std::size_t n = rule.size();
      f.assign(n, 0.0);
      f1.assign(n, 0.0);
      f2.assign(n, 0.0);
      rate.assign(n, 0.0);
      double rate_scalar[2] = {0, 0}, own = 0;
      cell_positions(rule, t, zero);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t k = 0; k < scalars; ++k) {
          double r, value, linear;  // r: what multiplies M; linear: what the genes do not see
          if (p.scalar) {
            const double d = rule.value[i] - scalar_rule_.value[k];
            const double z = zero[i * scalars + k];
            r = -rho_[k] * z;
            linear = unit.total * (d - z);
            value = linear + (nonzeros_ ? at_window(u, t[i * scalars + k]) : mean_sum[unit.pattern] * r);
          } else {
            r = -std::exp(rule.value[i]);
            linear = unit.total * rule.value[i];
            value = linear + at_window(u, rule.value[i]);
          }
          const double wk = scalar_rule_.weight[k], w = wk * rule.weight[i];
          f[i] += wk * value;
          f1[i] += wk * scalar_rule_.score[0][k] * value;
          f2[i] += wk * scalar_rule_.score[1][k] * value;
          rate[i] += wk * r;
          rate_scalar[0] += w * scalar_rule_.score[0][k] * r;
          rate_scalar[1] += w * scalar_rule_.score[1][k] * r;
          part.by_scalar[k] += cells * rule.weight[i] * value;
          own += w * linear;
        }
      double g[2] = {0, 0}, h[3] = {0, 0, 0}, cross[4] = {0, 0, 0, 0}, a[2] = {0, 0}, expected_rate = 0, value = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double w = rule.weight[i], s0 = w * rule.score[0][i], s1 = w * rule.score[1][i];
        value += w * f[i];
        g[0] += s0 * f[i];
        g[1] += s1 * f[i];
        for (std::size_t b = 0; b < 3; ++b) h[b] += w * rule.curvature[b][i] * f[i];
        cross[0] += s0 * f1[i];
        cross[1] += s0 * f2[i];
        cross[2] += s1 * f1[i];
        cross[3] += s1 * f2[i];
        expected_rate += w * rate[i];
        a[0] += s0 * rate[i];
        a[1] += s1 * rate[i];
      }
      unit_values_[u] = value;
      // Where the genes visit the non-zeros they account for the pairs; otherwise M·A is counted here.
      part.log_likelihood += cells * (nonzeros_ ? own : value);
      part.rate[unit.pattern] += cells * expected_rate;
      for (std::size_t b = 0; b < 2; ++b) part.scalar_rate[2 * unit.pattern + b] += cells * rate_scalar[b];
      for (std::size_t b = 0; b < 2; ++b) {
        gradient_[at + b] = cells * (divergence.gradient[b] - g[b]);
        if (!nonzeros_) system_.cell_rate[u * 2 + b] = cells * a[b];
      }
      if (nonzeros_) unit_rate_[u] = {expected_rate, {a[0], a[1]}, {rate_scalar[0], rate_scalar[1]}};
      for (std::size_t b = 0; b < 3; ++b) system_.cell_block[u * 3 + b] = cells * (divergence.hessian[b] - h[b]);
      for (std::size_t b = 0; b < 4; ++b) system_.cell_scalar[u * 4 + b] = -cells * cross[b];
    }
  });
  if (!weighted) return;
  for (const auto& part : parts) {
    log_likelihood_ += part.log_likelihood;
    divergence_ += part.divergence;
    for (std::size_t k = 0; k < part.rate.size(); ++k) rate_sum_[k] += part.rate[k];
    for (std::size_t k = 0; k < part.scalar_rate.size(); ++k) system_.scalar_rate[k] += part.scalar_rate[k];
    for (std::size_t k = 0; k < scalars; ++k) phi_k_[k] += part.by_scalar[k];
  }
}

std::vector<double> Objective::settle_cells(std::vector<double>& x, const RunControl& control) {
  constexpr int most_steps = 12;
  constexpr double longest = 2;  // step of a coordinate, which is a logit or a logarithm
  const auto units = problem_->units.size();
  const auto mean_sum = expected_means(x);
  prepare_scalar(x);
  std::vector<double> value(units, -INFINITY), settled = x, step(x.size(), 0.0);
  for (int round = 0; round < most_steps; ++round) {
    for (std::size_t u = 0; u < units; ++u)
      cell_nodes_[u] = static_cast<std::uint8_t>(problem_->cell->nodes_for(x[cell_at(u)], x[cell_at(u) + 1]));
    cell_pass(x, mean_sum, control, false);
    for (std::size_t u = 0; u < units; ++u) {
      const auto at = cell_at(u);
      const double here =
          unit_values_[u] - problem_->cell->divergence(x[at], x[at + 1], problem_->units[u].prior_shift).value;
      if (!(here > value[u])) {
        step[at] *= 0.25;
        step[at + 1] *= 0.25;
        continue;
      }
      value[u] = here;
      settled[at] = x[at];
      settled[at + 1] = x[at + 1];
      // Newton, with the Hessian made positive definite.
      const double* h = &system_.cell_block[3 * u];
      const double middle = 0.5 * (h[0] + h[2]), apart = std::hypot(0.5 * (h[0] - h[2]), h[1]),
                   lift = std::max(0.0, 0.1 * apart + 1e-9 - (middle - apart)), a = h[0] + lift, b = h[1],
                   c = h[2] + lift, det = a * c - b * b;
      const double g0 = gradient_[at], g1 = gradient_[at + 1];
      step[at] = std::clamp(-(c * g0 - b * g1) / det, -longest, longest);
      step[at + 1] = std::clamp(-(a * g1 - b * g0) / det, -longest, longest);
    }
    auto inside = step;
    keep_inside(settled, inside);
    for (std::size_t i = cell_at(0); i < x.size(); ++i) x[i] = settled[i] + inside[i];
  }
  x = std::move(settled);
  return value;
}

}  // namespace scriptorium::inference
