#include "core/inference/objective.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/compute/kernels.hpp"
#include "core/compute/parallel.hpp"
#include "core/inference/expectation.hpp"
#include "core/math/distributions.hpp"

namespace scriptorium::inference {
namespace {

constexpr std::int64_t grain = 64;  // genes or units a piece; pieces are summed in order

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Sums of one piece of genes or units, added up in the order of the pieces.
struct Piece {
  double log_likelihood = 0, divergence = 0, rate = 0;
  double scalar_rate[2] = {0, 0};
  std::vector<double> by_scalar;  ///< log likelihood at each scalar node
  std::vector<double> zeros;      ///< Σ_g E z at the Chebyshev nodes
};

/// E θ of the site that M sums, in its coordinates.
Second expected_value(const SiteFamily& family, double x1, double x2, int nodes, SiteRule& rule) {
  if (!family.beta() && family.transform() == model::Transform::Exp) {
    const double s2 = std::exp(2 * x2), e = std::exp(x1 + 0.5 * s2);
    return {e, {e, s2 * e}, {e, s2 * e, (2 * s2 + s2 * s2) * e}};
  }
  family.make_rule(x1, x2, nodes, true, rule);
  Second out;
  for (std::size_t i = 0; i < rule.size(); ++i) {
    const double f = rule.weight[i] * std::exp(rule.value[i]);
    out.value += f;
    for (std::size_t k = 0; k < 2; ++k) out.gradient[k] += f * rule.score[k][i];
    for (std::size_t k = 0; k < 3; ++k) out.hessian[k] += f * rule.curvature[k][i];
  }
  return out;
}

}  // namespace

Objective::Objective(const Problem& problem, int threads, std::optional<double> fixed_scalar)
    : problem_(&problem), threads_(threads), fixed_scalar_(fixed_scalar) {
  scalar_size_ = problem.scalar && !fixed_scalar ? 2 : 0;
  size_ = cell_at(problem.units.size());
  gene_nodes_.assign(index(problem.n_genes()) * problem.gene_sites.size(), 8);
  cell_nodes_.assign(problem.units.size(), 8);
  if (problem.visits_nonzeros) nonzeros_ = std::make_unique<NonzeroPass>(problem, threads);
  system_.gene_size = static_cast<int>(gene_size());
  system_.has_scalar = scalar_size_ > 0;
  system_.coupled = problem.capture;
}

std::vector<double> Objective::start() const {
  const auto& p = *problem_;
  const auto& s = *p.summary;
  std::vector<double> x(size_);
  // Moments of the counts: every gene with r = its mean count, so that φ is a typical capture (half, or what the
  // capture prior says, or 1 without capture) and μ = mean count / capture.
  const double cells = static_cast<double>(p.n_cells()), mean_total = std::max(s.total() / cells, 1e-3);
  double capture = 1;
  if (p.capture) {
    capture = 0.5;
    if (p.model.capture_prior)
      capture = std::exp(std::min(-0.05, std::log(mean_total) - p.model.capture_prior->log_m0));
  }
  const double log_phi = std::log(capture);
  if (scalar_size_) p.scalar->place(log_phi, 0.1, &x[0]);
  for (std::int64_t g = 0; g < p.n_genes(); ++g) {
    const double nonzero = s.gene_nonzero[index(g)],
                 log_mean = std::log(std::max(s.gene_total[index(g)], 0.5) / std::max(1.0, s.gene_measured[index(g)]));
    for (std::size_t k = 0; k < p.gene_sites.size(); ++k) {
      const auto& name = p.gene_sites[k].site().name;
      double* at = &x[gene_at(g) + 2 * k];
      if (static_cast<int>(k) == p.gate_at) {
        at[0] = p.gene_sites[k].start()[0];
        at[1] = p.gene_sites[k].start()[1];
      } else {
        p.gene_sites[k].place(name == "mu" ? log_mean - log_phi : log_mean, 1 / std::sqrt(1 + nonzero), at);
      }
    }
  }
  for (std::size_t u = 0; u < p.units.size(); ++u) {
    const double log_capture = std::log(capture) + std::log(std::max(p.units[u].total, 1.0) / mean_total);
    p.cell->place(std::clamp(log_capture, -12.0, -0.05), 0.3, &x[cell_at(u)]);
  }
  return x;
}

void Objective::choose_nodes(const std::vector<double>& x) {
  const auto& p = *problem_;
  scalar_nodes_ = scalar_size_ ? p.scalar->nodes_for(x[0], x[1]) : 1;
  const std::size_t sites = p.gene_sites.size();
  // Where three axes meet in a gene's tensor, the zero term is smooth enough for fewer nodes each.
  const int most = p.visits_nonzeros && sites == 3 ? 12 : sites == 3 || p.visits_nonzeros ? 24 : 64;
  for (std::int64_t g = 0; g < p.n_genes(); ++g)
    for (std::size_t s = 0; s < sites; ++s) {
      const auto at = gene_at(g) + 2 * s;
      const auto& family = p.gene_sites[s];
      gene_nodes_[index(g) * sites + s] =
          static_cast<std::uint8_t>(std::min(family.beta() ? 255 : most, family.nodes_for(x[at], x[at + 1])));
    }
  for (std::size_t u = 0; u < p.units.size(); ++u)
    cell_nodes_[u] = static_cast<std::uint8_t>(p.cell->nodes_for(x[cell_at(u)], x[cell_at(u) + 1]));
  if (!nonzeros_) return;

  // The interval of t: what the nodes that carry weight span.
  prepare_scalar(x);
  double low = INFINITY, high = -INFINITY;
  SiteRule rule;
  for (std::size_t u = 0; u < p.units.size(); ++u) {
    p.cell->make_rule(x[cell_at(u)], x[cell_at(u) + 1], cell_nodes_[u], false, rule);
    for (std::size_t i = 0; i < rule.size(); ++i) {
      if (rule.weight[i] < 1e-8) continue;
      for (std::size_t k = 0; k < scalar_rule_.size(); ++k) {
        if (scalar_rule_.weight[k] * rule.weight[i] < 1e-8) continue;
        const double t = p.scalar ? std::log(math::softplus(rule.value[i] - scalar_rule_.value[k])) + std::log(rho_[k])
                                  : rule.value[i];
        low = std::min(low, t);
        high = std::max(high, t);
      }
    }
  }
  const double margin = 0.05 * (high - low) + 0.05;
  nonzeros_->axis.set(low - margin, high + margin, p.zero_inflated ? 0.6 * math::pi : math::pi, 1e-8,
                      p.zero_inflated && p.gene_sites.size() == 3 ? 32 : 64);
  nonzeros_->resize();
}

bool Objective::inside(const std::vector<double>& x) const {
  const auto& p = *problem_;
  const auto flat = [&](const SiteFamily& family, std::size_t at) {
    if (!family.beta()) return false;
    const auto [a, b] = family.arguments(x[at], x[at + 1]);
    return !(std::min(a, b) >= 0.1);
  };
  if (scalar_size_ && flat(*p.scalar, 0)) return false;
  for (std::size_t s = 0; s < p.gene_sites.size(); ++s)
    for (std::int64_t g = 0; p.gene_sites[s].beta() && g < p.n_genes(); ++g)
      if (flat(p.gene_sites[s], gene_at(g) + 2 * s)) return false;
  for (std::size_t u = 0; u < p.units.size(); ++u)
    if (flat(*p.cell, cell_at(u))) return false;
  return true;
}

void Objective::prepare_scalar(const std::vector<double>& x) {
  const auto& p = *problem_;
  if (scalar_size_) {
    p.scalar->make_rule(x[0], x[1], scalar_nodes_, true, scalar_rule_);
  } else {
    scalar_rule_.value = {p.scalar ? p.scalar->read(*fixed_scalar_) : 0};
    scalar_rule_.weight = {1};
    for (auto& s : scalar_rule_.score) s = {0};
    for (auto& h : scalar_rule_.curvature) h = {0};
  }
  const std::size_t n = scalar_rule_.size();
  log_p_.resize(n);
  log_1mp_.resize(n);
  rho_.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    const double lphi = scalar_rule_.value[k];
    log_p_[k] = -math::softplus(lphi);
    log_1mp_[k] = -math::softplus(-lphi);
    rho_[k] = p.mean == Mean::MeanTimesOdds ? std::exp(lphi) : 1;
  }
}

double Objective::expected_means(const std::vector<double>& x) {
  const auto& p = *problem_;
  const std::size_t size = gene_size();
  std::vector<double> partial(index(compute::pieces(p.n_genes(), grain)));
  compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    thread_local SiteRule rule;
    for (auto g = first; g < last; ++g) {
      const auto at = gene_at(g);
      const auto mean =
          expected_value(p.gene_sites[0], x[at], x[at + 1], gene_nodes_[index(g) * p.gene_sites.size()], rule);
      partial[index(piece)] += mean.value;
      for (std::size_t k = 0; k < 2; ++k) system_.gene_mean[index(g) * size + k] = mean.gradient[k];
    }
  });
  double sum = 0;
  for (const double v : partial) sum += v;
  return sum;
}

void Objective::spread_cells(const std::vector<double>& x, const RunControl& control) {
  const auto& p = *problem_;
  const auto m = static_cast<std::size_t>(nonzeros_->axis.size());
  compute::parallel_for(static_cast<std::int64_t>(p.units.size()), grain, threads_,
                        [&](std::int64_t, std::int64_t first, std::int64_t last) {
                          control.check();
                          thread_local SiteRule rule;
                          std::array<double, 128> moments;
                          for (auto u = index(first); u < index(last); ++u) {
                            p.cell->make_rule(x[cell_at(u)], x[cell_at(u) + 1], cell_nodes_[u], false, rule);
                            moments.fill(0);
                            for (std::size_t i = 0; i < rule.size(); ++i)
                              for (std::size_t k = 0; k < scalar_rule_.size(); ++k) {
                                const double w = rule.weight[i] * scalar_rule_.weight[k];
                                if (w < 1e-14) continue;
                                const double t = p.scalar
                                                     ? std::log(math::softplus(rule.value[i] - scalar_rule_.value[k])) +
                                                           std::log(rho_[k])
                                                     : rule.value[i];
                                nonzeros_->axis.add_polynomials(t, w, moments.data());
                              }
                            nonzeros_->axis.to_node_weights(moments.data(), &nonzeros_->cell_weights[u * m]);
                          }
                        });
  nonzeros_->sum_cells();
}

void Objective::cell_pass(const std::vector<double>& x, double mean_sum, const RunControl& control) {
  const auto& p = *problem_;
  const std::size_t scalars = scalar_rule_.size();
  const auto units = static_cast<std::int64_t>(p.units.size());
  std::vector<Piece> parts(index(compute::pieces(units, grain)));
  compute::parallel_for(units, grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    control.check();
    thread_local SiteRule rule;
    thread_local std::vector<double> f, f1, f2, rate, zero;
    std::array<double, 128> coefficients;
    auto& part = parts[index(piece)];
    part.by_scalar.assign(scalars, 0.0);
    for (auto u = index(first); u < index(last); ++u) {
      const auto at = cell_at(u);
      const auto& unit = p.units[u];
      p.cell->make_rule(x[at], x[at + 1], cell_nodes_[u], true, rule);
      const auto divergence = p.cell->divergence(x[at], x[at + 1], unit.prior_shift);
      part.divergence += unit.cells * divergence.value;
      if (nonzeros_) nonzeros_->cell_function(static_cast<std::int64_t>(u), coefficients.data());

      // f: the unit's log likelihood at (cell node, scalar node), contracted over the scalar as it comes.
      const std::size_t n = rule.size();
      f.assign(n, 0.0);
      f1.assign(n, 0.0);
      f2.assign(n, 0.0);
      rate.assign(n, 0.0);
      double rate_scalar[2] = {0, 0}, own = 0;
      if (p.scalar) {
        zero.resize(n * scalars);
        for (std::size_t i = 0; i < n; ++i)
          for (std::size_t k = 0; k < scalars; ++k) zero[i * scalars + k] = rule.value[i] - scalar_rule_.value[k];
        compute::softplus(zero.data(), zero.data(), zero.size());  // −ln(1−p̂)
      }
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t k = 0; k < scalars; ++k) {
          double r, value, linear;  // r: what multiplies M; linear: what the genes do not see
          if (p.scalar) {
            const double d = rule.value[i] - scalar_rule_.value[k];
            const double z = zero[i * scalars + k];
            r = -rho_[k] * z;
            linear = unit.total * (d - z);
            value = linear +
                    (nonzeros_ ? nonzeros_->axis.evaluate(coefficients.data(), std::log(z * rho_[k])) : mean_sum * r);
          } else {
            r = -std::exp(rule.value[i]);
            linear = unit.total * rule.value[i];
            value = linear + nonzeros_->axis.evaluate(coefficients.data(), rule.value[i]);
          }
          const double wk = scalar_rule_.weight[k], w = wk * rule.weight[i];
          f[i] += wk * value;
          f1[i] += wk * scalar_rule_.score[0][k] * value;
          f2[i] += wk * scalar_rule_.score[1][k] * value;
          rate[i] += wk * r;
          rate_scalar[0] += w * scalar_rule_.score[0][k] * r;
          rate_scalar[1] += w * scalar_rule_.score[1][k] * r;
          part.by_scalar[k] += unit.cells * rule.weight[i] * value;
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
      // Where the genes visit the non-zeros they account for the pairs; otherwise M·A is counted here.
      part.log_likelihood += unit.cells * (nonzeros_ ? own : value);
      part.rate += unit.cells * expected_rate;
      part.scalar_rate[0] += unit.cells * rate_scalar[0];
      part.scalar_rate[1] += unit.cells * rate_scalar[1];
      for (std::size_t b = 0; b < 2; ++b) {
        gradient_[at + b] = unit.cells * (divergence.gradient[b] - g[b]);
        system_.cell_rate[u * 2 + b] = unit.cells * a[b];
      }
      for (std::size_t b = 0; b < 3; ++b) system_.cell_block[u * 3 + b] = unit.cells * (divergence.hessian[b] - h[b]);
      for (std::size_t b = 0; b < 4; ++b) system_.cell_scalar[u * 4 + b] = -unit.cells * cross[b];
    }
  });
  system_.scalar_rate[0] = system_.scalar_rate[1] = 0;
  for (const auto& part : parts) {
    log_likelihood_ += part.log_likelihood;
    divergence_ += part.divergence;
    rate_sum_ += part.rate;
    for (int b = 0; b < 2; ++b) system_.scalar_rate[b] += part.scalar_rate[b];
    for (std::size_t k = 0; k < scalars; ++k) phi_k_[k] += part.by_scalar[k];
  }
}

/// Adds to f (tensor nodes of the gene) what the cells' zeros and non-zeros say, and keeps the gene's expected tables;
/// `zeros` gains E z.
void Objective::gene_tables(std::int64_t gene, std::span<const SiteRule> rules, GeneScratch& out, double* zeros) const {
  const auto& p = *problem_;
  auto& pass = *nonzeros_;
  const auto m = static_cast<std::size_t>(pass.axis.size());
  const auto& t = pass.axis.nodes();
  std::array<double, 128> nonzero, by_count, log_zero, soft;
  const bool counts = p.mean == Mean::MeanAndDispersion, gated = p.gate_at >= 0;
  pass.gene_weights(gene, nonzero.data(), counts ? by_count.data() : nullptr);
  const SiteRule* gate = gated ? &rules[static_cast<std::size_t>(p.gate_at)] : nullptr;
  const std::size_t gates = gated ? gate->size() : 1, second = counts ? rules[1].size() : 1;
  double* difference = &pass.nonzero_minus_zero[index(gene) * m];
  double* per_count = counts ? &pass.per_count[index(gene) * m] : nullptr;
  std::fill(difference, difference + m, 0.0);
  if (counts) std::fill(per_count, per_count + m, 0.0);
  out.zero.resize(gates * m);

  std::size_t at = 0;
  for (std::size_t i = 0; i < rules[0].size(); ++i)
    for (std::size_t j = 0; j < second; ++j) {
      const double w = rules[0].weight[i] * (counts ? rules[1].weight[j] : 1);
      double shared = 0;
      if (counts) {
        const double r = std::exp(rules[1].value[j]), lphi = rules[1].value[j] - rules[0].value[i];
        for (std::size_t k = 0; k < m; ++k) soft[k] = t[k] - lphi;
        compute::softplus(soft.data(), soft.data(), m);
        for (std::size_t k = 0; k < m; ++k) {
          const double b = -(lphi + soft[k]);
          log_zero[k] = -r * soft[k];
          shared += by_count[k] * b;
          per_count[k] += w * b;
        }
      } else {
        const double theta = std::exp(rules[0].value[i]);
        for (std::size_t k = 0; k < m; ++k) log_zero[k] = -theta * pass.exp_node[k];
      }
      if (!gated) {
        double sum = shared;
        for (std::size_t k = 0; k < m; ++k) {
          sum += pass.all_cells[k] * log_zero[k];
          zeros[k] += w * log_zero[k];
        }
        out.f[at++] += sum;
        continue;
      }
      for (std::size_t q = 0; q < gates; ++q)
        for (std::size_t k = 0; k < m; ++k) out.zero[q * m + k] = log_zero[k] - gate->value[q];
      compute::softplus(out.zero.data(), out.zero.data(), out.zero.size());
      for (std::size_t q = 0; q < gates; ++q) {
        const double wq = w * gate->weight[q], lg = out.log_gate[q], l1g = out.log_open[q];
        const double* soft_q = &out.zero[q * m];
        double sum = shared;
        for (std::size_t k = 0; k < m; ++k) {
          const double z = lg + soft_q[k], d = l1g + log_zero[k] - z;
          sum += pass.all_cells[k] * z + nonzero[k] * d;
          difference[k] += wq * d;
          zeros[k] += wq * z;
        }
        out.f[at++] += sum;
      }
    }
}

/// f at the gene's tensor nodes, contracted over the scalar with its weights (f) and its two scores (f1, f2):
/// everything but what visits the cells one by one. `by_scalar` gains the gene's log likelihood at each scalar node.
void Objective::gene_values(std::int64_t gene, std::span<const SiteRule> rules, GeneScratch& out,
                            std::vector<double>& by_scalar) const {
  const auto& p = *problem_;
  const auto& s = *p.summary;
  const bool by_odds = p.mean == Mean::MeanTimesOdds, own_p = p.mean == Mean::MeanAndDispersion, gated = p.gate_at >= 0;
  const bool through_scalar = p.scalar && (by_odds || !p.capture);  // whether f depends on the scalar's node
  const std::size_t depth = through_scalar ? scalar_rule_.size() : 1;
  const SiteRule* gate = gated ? &rules[static_cast<std::size_t>(p.gate_at)] : nullptr;
  const std::size_t first = rules[0].size(), second = own_p ? rules[1].size() : 1, gates = gated ? gate->size() : 1;
  const double nonzero = s.gene_nonzero[index(gene)], measured = s.gene_measured[index(gene)],
               total = s.gene_total[index(gene)];
  out.f.assign(first * second * gates, 0.0);
  out.f1.assign(out.f.size(), 0.0);
  out.f2.assign(out.f.size(), 0.0);

  // Σ_j T_j ln(r + j) at every value that r takes: along the second site, or (first site × scalar), or the first site.
  const auto runs = p.tail_runs(gene);
  const std::size_t along = by_odds ? depth : 1;
  out.dispersion.resize(own_p ? second : first * along);
  out.rising.resize(out.dispersion.size());
  for (std::size_t i = 0; i < out.dispersion.size(); ++i) {
    const double log_r =
        own_p ? rules[1].value[i] : rules[0].value[i / along] + (by_odds ? scalar_rule_.value[i % along] : 0);
    out.dispersion[i] = std::exp(log_r);
  }
  sum_log_rising(runs, out.dispersion, out.rising.data());
  if (gated) {
    out.log_gate.resize(gates);
    out.log_open.resize(gates);
    compute::softplus(gate->value.data(), out.log_open.data(), gates);
    for (std::size_t q = 0; q < gates; ++q) {
      out.log_open[q] = -out.log_open[q];
      out.log_gate[q] = out.log_open[q] + gate->value[q];
    }
  }
  const bool inflated = gated && !p.capture;  // under capture the zeros belong to the pass over the non-zeros
  out.zero.resize(inflated ? first * second * depth * gates : 0);
  if (inflated) {
    // ln(gate + (1−gate) P0) = ln gate + softplus(ln P0 − logit gate), all nodes at once.
    double* at = out.zero.data();
    for (std::size_t i = 0; i < first; ++i)
      for (std::size_t j = 0; j < second; ++j)
        for (std::size_t k = 0; k < depth; ++k) {
          const double r = out.dispersion[own_p ? j : i * along + (by_odds ? k : 0)];
          const double log_zero = -r * (own_p ? math::softplus(rules[0].value[i] - rules[1].value[j]) : -log_1mp_[k]);
          for (std::size_t q = 0; q < gates; ++q) *at++ = log_zero - gate->value[q];
        }
    compute::softplus(out.zero.data(), out.zero.data(), out.zero.size());
  }

  for (std::size_t i = 0; i < first; ++i)
    for (std::size_t j = 0; j < second; ++j)
      for (std::size_t k = 0; k < depth; ++k) {
        const std::size_t at = own_p ? j : i * along + (by_odds ? k : 0);
        double base = out.rising[at], log_zero = 0;
        if (!p.capture) {
          const double lphi = own_p ? rules[1].value[j] - rules[0].value[i] : scalar_rule_.value[k];
          log_zero = -out.dispersion[at] * (own_p ? math::softplus(-lphi) : -log_1mp_[k]);
          base += total * (own_p ? -math::softplus(lphi) : log_p_[k]) + (gated ? nonzero : measured) * log_zero;
        }
        const double wk = through_scalar ? scalar_rule_.weight[k] : 1;
        const double wij = rules[0].weight[i] * (own_p ? rules[1].weight[j] : 1);
        for (std::size_t q = 0; q < gates; ++q) {
          double value = base;
          if (inflated)
            value += nonzero * out.log_open[q] +
                     (measured - nonzero) * (out.log_gate[q] + out.zero[((i * second + j) * depth + k) * gates + q]);
          const std::size_t node = (i * second + j) * gates + q;
          out.f[node] += wk * value;
          if (through_scalar && scalar_size_) {
            out.f1[node] += wk * scalar_rule_.score[0][k] * value;
            out.f2[node] += wk * scalar_rule_.score[1][k] * value;
            by_scalar[k] += wij * (gated ? gate->weight[q] : 1) * value;
          }
        }
      }
}

void Objective::gene_pass(const std::vector<double>& x, double rate_sum, const RunControl& control) {
  const auto& p = *problem_;
  const std::size_t sites = p.gene_sites.size(), size = gene_size(), scalars = scalar_rule_.size();
  const bool crosses = scalar_size_ && (p.mean == Mean::MeanTimesOdds || !p.capture);
  std::vector<Piece> parts(index(compute::pieces(p.n_genes(), grain)));
  compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    control.check();
    thread_local std::array<SiteRule, 3> rules;
    thread_local GeneScratch values;
    thread_local SiteRule scratch;
    auto& part = parts[index(piece)];
    part.by_scalar.assign(scalars, 0.0);
    if (nonzeros_) part.zeros.assign(static_cast<std::size_t>(nonzeros_->axis.size()), 0.0);
    for (auto g = first; g < last; ++g) {
      const auto at = gene_at(g);
      std::array<const SiteRule*, 3> pointers{};
      for (std::size_t k = 0; k < sites; ++k) {
        p.gene_sites[k].make_rule(x[at + 2 * k], x[at + 2 * k + 1], gene_nodes_[index(g) * sites + k], true, rules[k]);
        pointers[k] = &rules[k];
      }
      const auto used = std::span<const SiteRule>(rules).first(sites);
      gene_values(g, used, values, part.by_scalar);
      if (nonzeros_) gene_tables(g, used, values, part.zeros.data());

      Moments e, e1, e2;
      const std::span<const SiteRule* const> axes(pointers.data(), sites);
      contract(axes, values.f.data(), e);
      part.log_likelihood += e.value;
      if (crosses) {
        contract(axes, values.f1.data(), e1);
        contract(axes, values.f2.data(), e2);
      }
      double* block = &system_.gene_block[index(g) * size * size];
      for (std::size_t a = 0; a < size; ++a) {
        gradient_[at + a] = -e.gradient[a];
        system_.gene_scalar[(index(g) * size + a) * 2] = -e1.gradient[a];
        system_.gene_scalar[(index(g) * size + a) * 2 + 1] = -e2.gradient[a];
        for (std::size_t b = a; b < size; ++b) block[a * size + b] = block[b * size + a] = -e.hessian[a][b];
      }
      const auto add = [&](std::size_t row, const Second& d, double scale) {
        gradient_[at + row] += scale * d.gradient[0];
        gradient_[at + row + 1] += scale * d.gradient[1];
        block[row * size + row] += scale * d.hessian[0];
        block[row * size + row + 1] += scale * d.hessian[1];
        block[(row + 1) * size + row] += scale * d.hessian[1];
        block[(row + 1) * size + row + 1] += scale * d.hessian[2];
      };
      for (std::size_t k = 0; k < sites; ++k) {
        const auto d = p.gene_sites[k].divergence(x[at + 2 * k], x[at + 2 * k + 1], 0);
        part.divergence += d.value;
        add(2 * k, d, 1);
      }
      if (p.capture && !nonzeros_)  // −M·A in the gene's own coordinates
        add(0, expected_value(p.gene_sites[0], x[at], x[at + 1], gene_nodes_[index(g) * sites], scratch), -rate_sum);
    }
  });
  if (nonzeros_) std::fill(nonzeros_->zero_sum.begin(), nonzeros_->zero_sum.end(), 0.0);
  for (const auto& part : parts) {
    log_likelihood_ += part.log_likelihood;
    divergence_ += part.divergence;
    for (std::size_t k = 0; k < scalars; ++k) phi_k_[k] += part.by_scalar[k];
    for (std::size_t m = 0; m < part.zeros.size(); ++m) nonzeros_->zero_sum[m] += part.zeros[m];
  }
}

/// Coupling of mean_disp, to first order: the likelihood depends on ln μ_g + ln ν_c, with an information per pair that
/// is taken for the product of its gene's and its cell's, I_g J_c / Σ I. Both are the likelihood's part of the blocks.
void Objective::couple_means(const std::vector<double>& x) {
  const auto& p = *problem_;
  const std::size_t size = gene_size();
  double sum = 0;
  for (std::int64_t g = 0; g < p.n_genes(); ++g) {
    const auto at = gene_at(g);
    const double slope = p.gene_sites[0].read_slope(x[at]);
    const double information = std::max(
        0.0, system_.gene_block[index(g) * size * size] - p.gene_sites[0].divergence(x[at], x[at + 1], 0).hessian[0]);
    system_.gene_mean[index(g) * size] = information / slope;
    system_.gene_mean[index(g) * size + 1] = 0;
    sum += information / (slope * slope);
  }
  for (std::size_t u = 0; u < p.units.size(); ++u) {
    const auto at = cell_at(u);
    // A Beta's first coordinate is the logit of its mean, where read_slope holds as it does for a Normal's loc.
    const double slope = p.cell->read_slope(x[at]);
    const double information = std::max(
        0.0, system_.cell_block[u * 3] - p.cell->divergence(x[at], x[at + 1], p.units[u].prior_shift).hessian[0]);
    system_.cell_rate[u * 2] = -information / slope / std::max(sum, 1e-300);
    system_.cell_rate[u * 2 + 1] = 0;
  }
}

double Objective::evaluate(const std::vector<double>& x, std::vector<double>* gradient, NewtonSystem* system,
                           const RunControl& control) {
  const auto& p = *problem_;
  const auto genes = index(p.n_genes()), size = gene_size(), units = p.units.size();
  if (!inside(x)) return INFINITY;
  gradient_.assign(size_, 0.0);
  system_.gene_block.resize(genes * size * size);
  system_.gene_scalar.resize(genes * size * 2);
  system_.gene_mean.assign(genes * size, 0.0);
  system_.cell_block.resize(units * 3);
  system_.cell_scalar.resize(units * 4);
  system_.cell_rate.resize(units * 2);
  log_likelihood_ = -p.summary->sum_log_factorial;
  divergence_ = rate_sum_ = 0;
  prepare_scalar(x);
  phi_k_.assign(scalar_rule_.size(), 0.0);

  const double mean_sum = p.capture ? expected_means(x) : 0;
  if (nonzeros_) {
    spread_cells(x, control);
    gene_pass(x, 0, control);
    cell_pass(x, mean_sum, control);
    if (p.mean == Mean::MeanAndDispersion) couple_means(x);
  } else {
    if (p.capture) cell_pass(x, mean_sum, control);
    gene_pass(x, rate_sum_, control);
  }

  if (scalar_size_) {
    const auto d = p.scalar->divergence(x[0], x[1], 0);
    divergence_ += d.value;
    double g[2] = {0, 0}, h[3] = {0, 0, 0};
    for (std::size_t k = 0; k < scalar_rule_.size(); ++k) {
      const double f = scalar_rule_.weight[k] * phi_k_[k];
      for (std::size_t b = 0; b < 2; ++b) g[b] += f * scalar_rule_.score[b][k];
      for (std::size_t b = 0; b < 3; ++b) h[b] += f * scalar_rule_.curvature[b][k];
    }
    for (std::size_t b = 0; b < 2; ++b) gradient_[b] = d.gradient[b] - g[b];
    for (std::size_t b = 0; b < 3; ++b) system_.scalar_block[b] = d.hessian[b] - h[b];
  } else if (p.scalar) {
    divergence_ -= p.scalar->log_prior(*fixed_scalar_, 0);
  }
  if (gradient) *gradient = gradient_;
  if (system) *system = system_;
  return divergence_ - log_likelihood_;
}

}  // namespace scriptorium::inference
