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
      if (nonzeros_) mean_[index(g)] = mean;
      for (std::size_t k = 0; k < 2 && !nonzeros_; ++k) system_.gene_mean[index(g) * size + k] = mean.gradient[k];
    }
  });
  std::vector<double> by_kind(p.n_kinds(), 0.0);
  for (std::size_t g = 0; g < means.size(); ++g) by_kind[p.kind_of_gene[g]] += means[g];
  return p.over_kinds(by_kind);
}

/// Adds to f (tensor nodes of the gene) what the cells' zeros and non-zeros say, and keeps the gene's expected tables.
/// All functions depend on s = ln θ + t only (θ: r, or μ): they are tabulated on one grid of s as close as that of t,
/// whose nodes a node of θ shifts by a fixed amount. So no transcendental function is taken for each node of θ.
void Objective::gene_tables(std::int64_t gene, std::span<const SiteRule> rules, GeneScratch& out) const {
  const auto& p = *problem_;
  auto& pass = *nonzeros_;
  const auto m = static_cast<std::size_t>(pass.grid.size());
  const double* cells = pass.cells_of(gene);
  const auto &nonzero = out.nonzero, &by_count = out.by_count;
  const bool own_p = p.mean == Mean::MeanAndDispersion, gated = p.gate_at >= 0;
  const SiteRule* gate = gated ? &rules[static_cast<std::size_t>(p.gate_at)] : nullptr;
  const std::size_t gates = gated ? gate->size() : 1, second = own_p ? rules[1].size() : 1, first = rules[0].size();
  double* difference = &pass.nonzero_minus_zero[index(gene) * m];
  double* per_count = own_p ? &pass.per_count[index(gene) * m] : nullptr;
  double* zeros = &pass.zero[index(gene) * m];
  std::fill(difference, difference + m, 0.0);
  std::fill(zeros, zeros + m, 0.0);
  if (own_p) std::fill(per_count, per_count + m, 0.0);

  const auto [low, high] = std::minmax_element(rules[0].value.begin(), rules[0].value.end());
  out.shifts.set(pass.grid, *low, *high);
  const auto n = static_cast<std::size_t>(out.shifts.size());
  // The cells' weights seen from s, for every node of θ.
  out.all.assign(first * n, 0.0);
  out.some.assign(first * n, 0.0);
  out.counted.assign(own_p ? first * n : 0, 0.0);
  for (std::size_t i = 0; i < first; ++i) {
    out.shifts.spread(rules[0].value[i], cells, &out.all[i * n]);
    out.shifts.spread(rules[0].value[i], nonzero.data(), &out.some[i * n]);
    if (own_p) out.shifts.spread(rules[0].value[i], by_count.data(), &out.counted[i * n]);
  }
  // Where any cell is: the rest of the sums over cells is zeros.
  std::size_t begin = n, end = 0;
  for (std::size_t i = 0; i < first; ++i) {
    const double* row = &out.all[i * n];
    for (std::size_t k = 0; k < begin; ++k)
      if (row[k] != 0) begin = k;
    for (std::size_t k = n; k > end; --k)
      if (row[k - 1] != 0) end = k;
  }
  begin = std::min(begin, end) / 4 * 4;  // as sums in fours have it
  const std::size_t width = (end - begin + 3) / 4 * 4;
  out.log_zero.resize(n);
  out.soft.resize(n);
  out.zero.resize(gates * n);
  out.mean_zero.resize(n);
  out.mean_difference.resize(n);
  out.unseen.resize(n);
  for (std::size_t j = 0; j < second; ++j) {
    // At the nodes of s: ln P(0) of the negative binomial, and what a count adds.
    if (own_p) {
      const double log_r = rules[1].value[j], r = std::exp(log_r);
      for (std::size_t k = 0; k < n; ++k) out.soft[k] = out.shifts.node(k) - log_r;
      compute::softplus(out.soft.data(), out.soft.data(), n);
      for (std::size_t k = 0; k < n; ++k) out.log_zero[k] = -r * out.soft[k];
    } else {
      for (std::size_t k = 0; k < n; ++k) out.log_zero[k] = -std::exp(out.shifts.node(k));
    }
    if (gated) {
      for (std::size_t q = 0; q < gates; ++q)
        for (std::size_t k = 0; k < n; ++k) out.zero[q * n + k] = out.log_zero[k] - gate->value[q];
      compute::softplus(out.zero.data(), out.zero.data(), out.zero.size());
      // P(0) of the inflated law, and what a count being there changes: averaged over the gate for the tables.
      std::fill(out.mean_zero.begin(), out.mean_zero.end(), 0.0);
      double open = 0;
      for (std::size_t q = 0; q < gates; ++q) {
        double* z = &out.zero[q * n];
        const double w = gate->weight[q], lg = out.log_gate[q];
        open += w * out.log_open[q];
        for (std::size_t k = 0; k < n; ++k) z[k] += lg;
        compute::add_scaled(z, w, out.mean_zero.data(), n);
      }
      for (std::size_t k = 0; k < n; ++k) out.mean_difference[k] = open + out.log_zero[k] - out.mean_zero[k];
    }
    const double second_weight = own_p ? rules[1].weight[j] : 1;
    for (std::size_t i = 0; i < first; ++i) {
      const double w = rules[0].weight[i] * second_weight, shift = rules[0].value[i];
      const double *all = &out.all[i * n], *some = &out.some[i * n];
      double* f = &out.f[(i * second + j) * gates];
      double counted = 0;
      if (own_p) {  // ln p̂ less t, which the cells count themselves: ln μ − ln r − softplus(s − ln r)
        const double constant = shift - rules[1].value[j];
        for (std::size_t k = 0; k < m; ++k) {
          counted += constant * by_count[k];
          per_count[k] += w * constant;
        }
        counted -= compute::dot(&out.counted[i * n + begin], &out.soft[begin], width);
        out.shifts.gather(shift, -w, out.soft.data(), per_count);
      }
      if (!gated) {
        f[0] += counted + compute::dot(all + begin, &out.log_zero[begin], width);
        out.shifts.gather(shift, w, out.log_zero.data(), zeros);
        continue;
      }
      // all · z + some · (open + ln P0 − z), the part that all gates share first.
      const double shared = counted + compute::dot(some + begin, &out.log_zero[begin], width);
      double seen = 0;
      for (std::size_t k = 0; k < m; ++k) seen += nonzero[k];
      for (std::size_t k = begin; k < begin + width; ++k) out.unseen[k] = all[k] - some[k];
      for (std::size_t q = 0; q < gates; ++q)
        f[q] += shared + seen * out.log_open[q] + compute::dot(&out.unseen[begin], &out.zero[q * n + begin], width);
      out.shifts.gather(shift, w, out.mean_zero.data(), zeros);
      out.shifts.gather(shift, w, out.mean_difference.data(), difference);
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
  out.value.resize(gates);
  out.expected_zero = 0;

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
        if (inflated) {
          const double* zero = &out.zero[((i * second + j) * depth + k) * gates];
          double expected = 0;
          for (std::size_t q = 0; q < gates; ++q) {
            const double its = out.log_gate[q] + zero[q];
            expected += gate->weight[q] * its;
            out.value[q] = base + (nonzero * out.log_open[q] + (measured - nonzero) * its);
          }
          out.expected_zero += wij * wk * expected;
        } else {
          std::fill(out.value.begin(), out.value.end(), base);
        }
        const std::size_t node = (i * second + j) * gates;
        compute::add_scaled(out.value.data(), wk, &out.f[node], gates);
        if (!through_scalar || !scalar_size_) continue;
        compute::add_scaled(out.value.data(), wk * scalar_rule_.score[0][k], &out.f1[node], gates);
        compute::add_scaled(out.value.data(), wk * scalar_rule_.score[1][k], &out.f2[node], gates);
        for (std::size_t q = 0; q < gates; ++q) by_scalar[k] += wij * (gated ? gate->weight[q] : 1) * out.value[q];
      }
}

void Objective::gather_gene(std::int64_t gene, GeneScratch& out) const {
  const auto m = index(nonzeros_->grid.size());
  out.nonzero.resize(m);
  out.by_count.resize(problem_->mean == Mean::MeanAndDispersion ? m : 0);
  nonzeros_->gene_weights(gene, out.nonzero.data(), out.by_count.empty() ? nullptr : out.by_count.data());
}

void Objective::gene_term(std::int64_t gene, const double* at, const std::uint8_t* nodes, double rate,
                          GeneScratch& scratch, GeneTerm& out, std::vector<double>& by_scalar) const {
  const auto& p = *problem_;
  const std::size_t sites = p.gene_sites.size(), size = gene_size();
  std::array<const SiteRule*, 3> pointers{};
  for (std::size_t k = 0; k < sites; ++k) {
    p.gene_sites[k].make_rule(at[2 * k], at[2 * k + 1], nodes[k], true, scratch.rules[k]);
    pointers[k] = &scratch.rules[k];
  }
  const auto used = std::span<const SiteRule>(scratch.rules).first(sites);
  gene_values(gene, used, scratch, by_scalar);
  if (nonzeros_) gene_tables(gene, used, scratch);

  Moments e, e1, e2;
  const std::span<const SiteRule* const> axes(pointers.data(), sites);
  contract(axes, scratch.f.data(), e);
  if (scalar_size_ && (p.mean == Mean::MeanTimesOdds || !p.capture)) {
    contract(axes, scratch.f1.data(), e1);
    contract(axes, scratch.f2.data(), e2);
  }
  out.log_likelihood = e.value;
  out.zero = scratch.expected_zero;
  out.divergence = 0;
  for (std::size_t a = 0; a < size; ++a) {
    out.gradient[a] = -e.gradient[a];
    out.scalar[2 * a] = -e1.gradient[a];
    out.scalar[2 * a + 1] = -e2.gradient[a];
    for (std::size_t b = a; b < size; ++b) out.block[a * size + b] = out.block[b * size + a] = -e.hessian[a][b];
  }
  const auto add = [&](std::size_t row, const Second& d, double scale) {
    out.gradient[row] += scale * d.gradient[0];
    out.gradient[row + 1] += scale * d.gradient[1];
    out.block[row * size + row] += scale * d.hessian[0];
    out.block[row * size + row + 1] += scale * d.hessian[1];
    out.block[(row + 1) * size + row] += scale * d.hessian[1];
    out.block[(row + 1) * size + row + 1] += scale * d.hessian[2];
  };
  for (std::size_t k = 0; k < sites; ++k) {
    const auto d = p.gene_sites[k].divergence(at[2 * k], at[2 * k + 1], 0);
    out.divergence += d.value;
    add(2 * k, d, 1);
  }
  if (p.capture && !nonzeros_)  // −M·A in the gene's own coordinates
    add(0, expected_value(p.gene_sites[0], at[0], at[1], nodes[0], scratch.rules[0]), -rate);
}

void Objective::gene_pass(const std::vector<double>& x, const std::vector<double>& rate_sum,
                          std::vector<double>* settled, const RunControl& control) {
  const auto& p = *problem_;
  const std::size_t sites = p.gene_sites.size(), size = gene_size(), scalars = scalar_rule_.size();
  std::vector<Piece> parts(index(compute::pieces(p.n_genes(), grain)));
  compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    control.check();
    thread_local GeneScratch scratch;
    GeneTerm term, silent_term;
    auto& part = parts[index(piece)];
    part.by_scalar.assign(scalars, 0.0);
    std::vector<double> by_scalar, silent_by_scalar;
    std::int64_t silent = -1;           // the last gene without a count, which silent_term is of
    std::array<double, 6> silent_at{};  // its coordinates before they were settled
    for (auto g = first; g < last; ++g) {
      const bool none = p.summary->gene_nonzero[index(g)] == 0;
      const double* at = &x[gene_at(g)];
      // Genes without a count go through a fit alike: one of them is enough. In a large panel they are every fourth.
      if (none && silent >= 0 && p.kind_of_gene[index(silent)] == p.kind_of_gene[index(g)] &&
          std::equal(at, at + size, silent_at.begin())) {
        term = silent_term;
        by_scalar = silent_by_scalar;
        if (nonzeros_) nonzeros_->copy_tables(silent, g);
        if (settled) {
          std::copy_n(&x[gene_at(silent)], size, &(*settled)[gene_at(g)]);
          std::copy_n(&gene_nodes_[index(silent) * sites], sites, &gene_nodes_[index(g) * sites]);
        }
      } else {
        if (none) std::copy_n(at, size, silent_at.begin());
        by_scalar.assign(scalars, 0.0);
        if (nonzeros_) gather_gene(g, scratch);
        if (settled) {
          control.check();
          descend_gene(g, &(*settled)[gene_at(g)], near_settled, INFINITY, scratch);
          choose_gene_nodes(&x[gene_at(g)], &gene_nodes_[index(g) * sites]);
        }
        gene_term(g, &x[gene_at(g)], &gene_nodes_[index(g) * sites],
                  rate_sum.empty() ? 0 : rate_sum[p.kind_of_gene[index(g)]], scratch, term, by_scalar);
        if (none) {
          silent = g;
          silent_term = term;
          silent_by_scalar = by_scalar;
        }
      }
      for (std::size_t k = 0; k < scalars; ++k) part.by_scalar[k] += by_scalar[k];
      zero_[index(g)] = term.zero;
      part.log_likelihood += term.log_likelihood;
      part.divergence += term.divergence;
      if (!system_.gene_loss.empty()) system_.gene_loss[index(g)] = term.divergence - term.log_likelihood;
      std::copy_n(term.gradient.begin(), size, gradient_.begin() + static_cast<std::ptrdiff_t>(gene_at(g)));
      std::copy_n(term.scalar.begin(), 2 * size, &system_.gene_scalar[index(g) * size * 2]);
      std::copy_n(term.block.begin(), size * size, &system_.gene_block[index(g) * size * size]);
    }
  });
  for (const auto& part : parts) {
    log_likelihood_ += part.log_likelihood;
    divergence_ += part.divergence;
    for (std::size_t k = 0; k < scalars; ++k) phi_k_[k] += part.by_scalar[k];
  }
  if (nonzeros_) nonzeros_->sum_zeros(control);
}

}  // namespace scriptorium::inference
