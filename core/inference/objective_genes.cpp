#include <algorithm>
#include <array>
#include <cmath>

#include "core/compute/kernels.hpp"
#include "core/compute/parallel.hpp"
#include "core/inference/expectation.hpp"
#include "core/inference/objective.hpp"
#include "core/inference/objective_pieces.hpp"
#include "core/math/distributions.hpp"

// The passes of Objective over the genes.
namespace scriptorium::inference {
namespace {

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

std::vector<double> Objective::expected_means(const std::vector<double>& x) {
  const auto& p = *problem_;
  const std::size_t size = gene_size();
  std::vector<double> means(index(p.n_genes()));
  compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    thread_local SiteRule rule;
    for (auto g = first; g < last; ++g) {
      const auto at = gene_at(g);
      const auto mean =
          expected_value(p.gene_sites[0], x[at], x[at + 1], gene_nodes_[index(g) * p.gene_sites.size()], rule);
      means[index(g)] = mean.value;
      for (std::size_t k = 0; k < 2; ++k) system_.gene_mean[index(g) * size + k] = mean.gradient[k];
    }
  });
  std::vector<double> by_kind(p.n_kinds(), 0.0);
  for (std::size_t g = 0; g < means.size(); ++g) by_kind[p.kind_of_gene[g]] += means[g];
  return p.over_kinds(by_kind);
}

/// Adds to f (tensor nodes of the gene) what the cells' zeros and non-zeros say, and keeps the gene's expected tables.
void Objective::gene_tables(std::int64_t gene, std::span<const SiteRule> rules, GeneScratch& out) const {
  const auto& p = *problem_;
  auto& pass = *nonzeros_;
  const auto m = static_cast<std::size_t>(pass.axis.size());
  const auto& t = pass.axis.nodes();
  const double* cells = pass.cells_of(gene);
  std::array<double, 128> nonzero, by_count, log_zero, soft;
  const bool counts = p.mean == Mean::MeanAndDispersion, gated = p.gate_at >= 0;
  pass.gene_weights(gene, nonzero.data(), counts ? by_count.data() : nullptr);
  const SiteRule* gate = gated ? &rules[static_cast<std::size_t>(p.gate_at)] : nullptr;
  const std::size_t gates = gated ? gate->size() : 1, second = counts ? rules[1].size() : 1;
  double* difference = &pass.nonzero_minus_zero[index(gene) * m];
  double* per_count = counts ? &pass.per_count[index(gene) * m] : nullptr;
  double* zeros = &pass.zero[index(gene) * m];
  std::fill(difference, difference + m, 0.0);
  std::fill(zeros, zeros + m, 0.0);
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
          sum += cells[k] * log_zero[k];
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
          sum += cells[k] * z + nonzero[k] * d;
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

void Objective::gene_pass(const std::vector<double>& x, const std::vector<double>& rate_sum,
                          const RunControl& control) {
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
    for (auto g = first; g < last; ++g) {
      const auto at = gene_at(g);
      std::array<const SiteRule*, 3> pointers{};
      for (std::size_t k = 0; k < sites; ++k) {
        p.gene_sites[k].make_rule(x[at + 2 * k], x[at + 2 * k + 1], gene_nodes_[index(g) * sites + k], true, rules[k]);
        pointers[k] = &rules[k];
      }
      const auto used = std::span<const SiteRule>(rules).first(sites);
      gene_values(g, used, values, part.by_scalar);
      if (nonzeros_) gene_tables(g, used, values);

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
        add(0, expected_value(p.gene_sites[0], x[at], x[at + 1], gene_nodes_[index(g) * sites], scratch),
            -rate_sum[p.kind_of_gene[index(g)]]);
    }
  });
  for (const auto& part : parts) {
    log_likelihood_ += part.log_likelihood;
    divergence_ += part.divergence;
    for (std::size_t k = 0; k < scalars; ++k) phi_k_[k] += part.by_scalar[k];
  }
  if (nonzeros_) nonzeros_->sum_zeros();
}

}  // namespace scriptorium::inference
