#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

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

struct Objective::UnitScratch {
  SiteRule rule;
  std::vector<double> t, zero;    ///< cell_positions()
  std::vector<double> on_window;  ///< where the non-zeros are visited: what they say, at the nodes of a window
};

/// A unit's log likelihood at a node of its own rule and one of the scalar's.
struct Objective::UnitTerms {
  double rate = 0;    ///< what multiplies M
  double linear = 0;  ///< what the genes do not see
  double value = 0;
};

void Objective::take_unit(std::size_t unit, const double* at, bool with_curvature, UnitScratch& out) const {
  problem_->cell->make_rule(at[0], at[1], cell_nodes_[unit], with_curvature, out.rule);
  cell_positions(out.rule, out.t, out.zero);
}

/// Where on the grid the unit's weights are; adds them to `row`, if any.
compute::Window Objective::unit_window(const UnitScratch& scratch, std::vector<double>* row) const {
  const auto& grid = nonzeros_->grid;
  std::array<double, LocalGrid::taps> taps;
  int low = grid.size(), high = 0;
  for (std::size_t i = 0; i < scratch.rule.size(); ++i)
    for (std::size_t k = 0; k < scalar_rule_.size(); ++k) {
      const double w = scratch.rule.weight[i] * scalar_rule_.weight[k];
      if (w < negligible) continue;
      const int at = grid.locate(scratch.t[i * scalar_rule_.size() + k], taps.data());
      for (int j = 0; row && j < LocalGrid::taps; ++j) (*row)[index(at + j)] += w * taps[index(j)];
      low = std::min(low, at);
      high = std::max(high, at + LocalGrid::taps);
    }
  low = low / 4 * 4;  // few different windows: neighbours mostly share theirs
  return {0, low, (high - low + 3) / 4 * 4};
}

Objective::UnitTerms Objective::unit_terms(std::size_t unit, std::size_t i, std::size_t k,
                                           const compute::Window& window, const UnitScratch& scratch) const {
  const auto& of = problem_->units[unit];
  const std::size_t node = i * scalar_rule_.size() + k;
  const double log_capture = scratch.rule.value[i];
  const auto visited = [&](double where) {
    return nonzeros_->grid.evaluate_window(scratch.on_window.data(), window.first, window.width, where);
  };
  UnitTerms out;
  if (problem_->scalar) {
    const double d = log_capture - scalar_rule_.value[k], z = scratch.zero[node];
    out.rate = -rho_[k] * z;
    out.linear = of.total * (d - z);
    out.value = out.linear + (nonzeros_ ? visited(scratch.t[node]) : mean_sum_[of.pattern] * out.rate);
  } else {
    out.rate = -std::exp(log_capture);
    out.linear = of.total * log_capture;
    out.value = out.linear + visited(log_capture);
  }
  return out;
}

void Objective::spread_cells(const std::vector<double>& x, const RunControl& control) {
  const auto& p = *problem_;
  const auto units = static_cast<std::int64_t>(p.units.size());
  auto& pass = *nonzeros_;
  pass.windows.resize(p.units.size());
  std::vector<std::vector<double>> parts(index(compute::pieces(units, grain)));
  compute::parallel_for(units, grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    control.check();
    thread_local UnitScratch scratch;
    std::vector<double> row(index(pass.grid.size()));
    auto& part = parts[index(piece)];
    for (auto u = index(first); u < index(last); ++u) {
      auto& window = pass.windows[u];
      window = {part.size(), 0, 0};
      if (p.units[u].cells == 0) continue;
      take_unit(u, &x[cell_at(u)], false, scratch);
      std::fill(row.begin(), row.end(), 0.0);
      window = unit_window(scratch, &row);
      window.at = part.size();
      for (int k = window.first; k < window.first + window.width; ++k) part.push_back(p.units[u].cells * row[index(k)]);
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

const std::vector<double>& Objective::unit_values(const std::vector<double>& x, const RunControl& control) {
  const auto& p = *problem_;
  const auto units = static_cast<std::int64_t>(p.units.size());
  compute::parallel_for(units, grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    control.check();
    thread_local UnitScratch scratch;
    compute::Window window;
    for (auto u = index(first); u < index(last); ++u) {
      if (p.units[u].cells != 0) continue;
      take_unit(u, &x[cell_at(u)], false, scratch);
      if (nonzeros_) {
        window = unit_window(scratch, nullptr);
        nonzeros_->cell_function(u, window, scratch.on_window);
      }
      double value = 0;
      for (std::size_t i = 0; i < scratch.rule.size(); ++i)
        for (std::size_t k = 0; k < scalar_rule_.size(); ++k)
          value += scratch.rule.weight[i] * scalar_rule_.weight[k] * unit_terms(u, i, k, window, scratch).value;
      unit_values_[u] = value;
    }
  });
  return unit_values_;
}

/// `only`: these units, as if of one cell each; null: all, with the weight of their cells.
void Objective::cell_pass(const std::vector<double>& x, const RunControl& control,
                          const std::vector<std::size_t>* only) {
  const auto& p = *problem_;
  const std::size_t scalars = scalar_rule_.size();
  const auto units = static_cast<std::int64_t>(only ? only->size() : p.units.size());
  std::vector<Piece> parts(index(compute::pieces(units, grain)));
  unit_values_.resize(p.units.size());
  compute::parallel_for(units, grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    control.check();
    thread_local UnitScratch scratch;
    thread_local std::vector<double> f, f1, f2, rate;
    const SiteRule& rule = scratch.rule;
    compute::Window window;
    const auto leave_out = [&](std::size_t u) {  // no cell is there; the gradient is 0 already
      std::fill_n(&system_.cell_block[u * 3], 3, 0.0);
      std::fill_n(&system_.cell_scalar[u * 4], 4, 0.0);
      if (!nonzeros_) std::fill_n(&system_.cell_rate[u * 2], 2, 0.0);
      unit_values_[u] = 0;
    };
    auto& part = parts[index(piece)];
    part.by_scalar.assign(scalars, 0.0);
    part.rate.assign(p.n_patterns(), 0.0);
    part.scalar_rate.assign(2 * p.n_patterns(), 0.0);
    for (auto place = index(first); place < index(last); ++place) {
      const std::size_t u = only ? (*only)[place] : place;
      const auto at = cell_at(u);
      const auto& unit = p.units[u];
      const double cells = only ? 1 : unit.cells;
      if (cells == 0) {
        leave_out(u);
        continue;
      }
      take_unit(u, &x[at], true, scratch);
      const auto divergence = p.cell->divergence(x[at], x[at + 1], unit.prior_shift);
      part.divergence += cells * divergence.value;
      if (nonzeros_) {
        window = nonzeros_->windows[u];
        nonzeros_->cell_function(u, window, scratch.on_window);
      }

      // f: the unit's log likelihood at (cell node, scalar node), contracted over the scalar as it comes.
      const std::size_t n = rule.size();
      f.assign(n, 0.0);
      f1.assign(n, 0.0);
      f2.assign(n, 0.0);
      rate.assign(n, 0.0);
      double rate_scalar[2] = {0, 0}, own = 0;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t k = 0; k < scalars; ++k) {
          const auto [r, linear, value] = unit_terms(u, i, k, window, scratch);
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
  if (only) return;
  for (const auto& part : parts) {
    log_likelihood_ += part.log_likelihood;
    divergence_ += part.divergence;
    for (std::size_t k = 0; k < part.rate.size(); ++k) rate_sum_[k] += part.rate[k];
    for (std::size_t k = 0; k < part.scalar_rate.size(); ++k) system_.scalar_rate[k] += part.scalar_rate[k];
    for (std::size_t k = 0; k < scalars; ++k) phi_k_[k] += part.by_scalar[k];
  }
}

std::vector<double> Objective::settle_cells(std::vector<double>& x, std::span<const double> wanted,
                                            const RunControl& control) {
  constexpr int most_steps = 12;
  constexpr double longest = 2;    // step of a coordinate, which is a logit or a logarithm
  constexpr double enough = 1e-5;  // nats that a step promises: settled
  constexpr double hope = 8;       // times what a step promises can come of it, at most
  const auto units = problem_->units.size();
  mean_sum_ = expected_means(x);
  prepare_scalar(x);
  std::vector<double> value(units, -INFINITY), settled = x, step(x.size(), 0.0);
  std::vector<std::size_t> active(units);
  std::iota(active.begin(), active.end(), std::size_t{0});
  for (int round = 0; round < most_steps && !active.empty(); ++round) {
    for (const auto u : active)
      cell_nodes_[u] = static_cast<std::uint8_t>(problem_->cell->nodes_for(x[cell_at(u)], x[cell_at(u) + 1]));
    cell_pass(x, control, &active);
    std::erase_if(active, [&](std::size_t u) {
      const auto at = cell_at(u);
      const double here =
          unit_values_[u] - problem_->cell->divergence(x[at], x[at + 1], problem_->units[u].prior_shift).value;
      if (!(here > value[u])) {
        step[at] *= 0.25;
        step[at + 1] *= 0.25;
        return false;
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
      const double whole[2] = {-(c * g0 - b * g1) / det, -(a * g1 - b * g0) / det};
      const double promised = -0.5 * (g0 * whole[0] + g1 * whole[1]);
      step[at] = std::clamp(whole[0], -longest, longest);
      step[at + 1] = std::clamp(whole[1], -longest, longest);
      return promised < enough || here + hope * (promised + 1) < wanted[u];
    });
    auto inside = step;
    keep_inside(settled, inside);
    for (const auto u : active)
      for (auto i = cell_at(u); i < cell_at(u) + 2; ++i) x[i] = settled[i] + inside[i];
  }
  x = std::move(settled);
  return value;
}

}  // namespace scriptorium::inference
