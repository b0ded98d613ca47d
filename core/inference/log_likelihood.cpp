#include "core/inference/log_likelihood.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/math/distributions.hpp"

namespace scriptorium::inference {
namespace {
std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}
constexpr std::int64_t grain = 64;
constexpr int most_nodes = 128;
}  // namespace

/// The point in the likelihood's own terms, and derivatives in them: ln r_g, ln φ (shared or per gene), gate's logit,
/// ln ν of a unit.
struct LogLikelihood::State {
  std::vector<double> log_r, log_phi, gate, log_nu;  // log_phi: 1 or n_genes
  std::vector<double> d_log_r, d_log_phi, d_gate, d_log_nu;
  std::vector<double> cells;  // per unit: cells of it that are included
  std::span<const std::int64_t> batch;
  // Sums over the included cells.
  std::vector<double> nonzero, total;
  std::vector<double> n_cells;  ///< kinds of genes: included cells that measured them
  double value = 0;
};

LogLikelihood::LogLikelihood(const Problem& problem, int threads, const compute::Backend* backend)
    : problem_(&problem),
      threads_(threads),
      own_(backend ? nullptr : compute::cpu_backend(threads)),
      backend_(backend ? backend : own_.get()) {}

/// Transposes the rows of a batch, once for all evaluations of it.
void LogLikelihood::gather_batch(std::span<const std::int64_t> batch) {
  if (std::equal(batch.begin(), batch.end(), batch_.begin(), batch_.end())) return;
  batch_.assign(batch.begin(), batch.end());
  const auto& counts = *problem_->counts;
  auto& start = by_gene_.row_start;
  start.assign(index(counts.n_genes) + 1, 0);
  const auto each_entry = [&](const auto& visit) {
    for (const auto c : batch)
      for (auto i = index(counts.row_start[index(c)]); i < index(counts.row_start[index(c) + 1]); ++i) visit(c, i);
  };
  each_entry([&](std::int64_t, std::size_t i) { ++start[counts.gene[i] + 1]; });
  for (std::size_t g = 1; g < start.size(); ++g) start[g] += start[g - 1];
  by_gene_.n_cells = counts.n_genes;
  by_gene_.n_genes = counts.n_cells;
  by_gene_.gene.resize(index(start.back()));
  by_gene_.count.resize(index(start.back()));
  std::vector<std::int64_t> next(start.begin(), start.end() - 1);
  each_entry([&](std::int64_t c, std::size_t i) {
    const auto at = index(next[counts.gene[i]]++);
    by_gene_.gene[at] = static_cast<std::uint32_t>(c);
    by_gene_.count[at] = counts.count[i];
  });
}

double LogLikelihood::evaluate(const Point& z, std::span<const std::int64_t> batch, double scale,
                               PointGradient& gradient, const RunControl& control) {
  const auto& p = *problem_;
  const auto genes = index(p.n_genes()), sites = p.gene_sites.size();
  State s;
  s.batch = batch;
  std::vector<double> with_pattern(p.n_patterns(), 0.0);
  const auto pattern_of = [&](std::int64_t c) {
    return p.summary->classes[p.summary->class_of_cell[index(c)]].pattern;
  };
  if (batch.empty())
    for (const auto& entry : p.summary->classes) with_pattern[entry.pattern] += entry.cells;
  else
    for (const auto c : batch) ++with_pattern[pattern_of(c)];
  s.n_cells = p.over_measured(with_pattern);
  s.log_r.resize(genes);
  s.d_log_r.assign(genes, 0.0);
  const bool own_p = p.mean == Mean::MeanAndDispersion;
  s.log_phi.resize(own_p ? genes : 1);
  s.d_log_phi.assign(s.log_phi.size(), 0.0);
  if (p.scalar) s.log_phi[0] = p.scalar->read(z.scalar);
  if (p.gate_at >= 0) {
    s.gate.resize(genes);
    s.d_gate.assign(genes, 0.0);
  }
  for (std::size_t g = 0; g < genes; ++g) {
    const double first = p.gene_sites[0].read(z.genes[g * sites]);
    if (own_p) {
      s.log_r[g] = p.gene_sites[1].read(z.genes[g * sites + 1]);
      s.log_phi[g] = s.log_r[g] - first;
    } else {
      s.log_r[g] = first + (p.mean == Mean::MeanTimesOdds ? s.log_phi[0] : 0);
    }
    if (p.gate_at >= 0) s.gate[g] = z.genes[g * sites + static_cast<std::size_t>(p.gate_at)];
  }
  s.log_nu.resize(p.units.size());
  s.d_log_nu.assign(p.units.size(), 0.0);
  s.cells.assign(p.units.size(), 0.0);
  for (std::size_t u = 0; u < p.units.size(); ++u) s.log_nu[u] = p.cell->read(z.units[u]);
  if (batch.empty())
    for (std::size_t u = 0; u < p.units.size(); ++u) s.cells[u] = p.units[u].cells;
  else if (p.capture)
    for (const auto c : batch) ++s.cells[p.unit_of_cell[index(c)]];

  if (!batch.empty()) gather_batch(batch);
  rising_terms(s, control);
  if (!p.capture)
    without_capture(s);
  else if (!p.visits_nonzeros)
    shared_capture(s);
  else
    visiting(s, control);

  gradient.genes.assign(genes * sites, 0.0);
  gradient.units.assign(p.units.size(), 0.0);
  double phi_slope = own_p ? 0 : s.d_log_phi[0];
  for (std::size_t g = 0; g < genes; ++g) {
    double first = s.d_log_r[g];
    if (own_p) {
      first = -s.d_log_phi[g];
      gradient.genes[g * sites + 1] =
          scale * (s.d_log_r[g] + s.d_log_phi[g]) * p.gene_sites[1].read_slope(z.genes[g * sites + 1]);
    } else if (p.mean == Mean::MeanTimesOdds) {
      phi_slope += s.d_log_r[g];
    }
    gradient.genes[g * sites] = scale * first * p.gene_sites[0].read_slope(z.genes[g * sites]);
    if (p.gate_at >= 0) gradient.genes[g * sites + static_cast<std::size_t>(p.gate_at)] = scale * s.d_gate[g];
  }
  gradient.scalar = p.scalar ? scale * phi_slope * p.scalar->read_slope(z.scalar) : 0;
  for (std::size_t u = 0; u < p.units.size(); ++u)
    gradient.units[u] = scale * s.d_log_nu[u] * p.cell->read_slope(z.units[u]);
  return scale * s.value;
}

/// Σ lnΓ(r + u) − lnΓ(r) − ln u! over the included cells, from the histograms or, for a batch, from its non-zeros.
void LogLikelihood::rising_terms(State& s, const RunControl& control) const {
  const auto& p = *problem_;
  if (s.batch.empty()) {
    s.nonzero = p.summary->gene_nonzero;
    s.total = p.summary->gene_total;
    std::vector<double> parts(index(compute::pieces(p.n_genes(), grain)));
    compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
      control.check();
      for (auto g = first; g < last; ++g) {
        const double r = std::exp(s.log_r[index(g)]);
        double rising = 0;
        sum_log_rising(p.tail_runs(g), {&r, 1}, &rising);
        parts[index(piece)] += rising;
        s.d_log_r[index(g)] = r * sum_rising_slope(p.tail_runs(g), r);
      }
    });
    for (const double v : parts) s.value += v;
    s.value -= p.summary->sum_log_factorial;
    return;
  }
  const auto genes = index(p.n_genes());
  s.nonzero.assign(genes, 0.0);
  s.total.assign(genes, 0.0);
  std::vector<double> r(genes), sums(2 * genes);
  for (std::size_t g = 0; g < genes; ++g) r[g] = std::exp(s.log_r[g]);
  backend_->rising(compute::Rows(rows_of(by_gene_)), {r.data()}, sums.data(), control);
  for (std::size_t g = 0; g < genes; ++g) {
    s.value += sums[2 * g];
    s.d_log_r[g] += r[g] * sums[2 * g + 1];
    const auto first = by_gene_.row_start[g], last = by_gene_.row_start[g + 1];
    s.nonzero[g] = static_cast<double>(last - first);
    for (auto i = first; i < last; ++i) s.total[g] += by_gene_.count[index(i)];
  }
}

void LogLikelihood::without_capture(State& s) const {
  const auto& p = *problem_;
  const bool own_p = s.log_phi.size() > 1;
  for (std::size_t g = 0; g < s.log_r.size(); ++g) {
    const double lphi = s.log_phi[own_p ? g : 0], r = std::exp(s.log_r[g]);
    const double lp = -math::softplus(lphi), l1p = -math::softplus(-lphi), prob = math::sigmoid(-lphi);
    const double log_zero = r * l1p;
    const double n_cells = s.n_cells[p.kind_of_gene[g]];
    double zeros = n_cells;  // how many cells carry r·ln(1−p) as it stands
    if (p.gate_at >= 0) {
      const double z = s.gate[g], gate = math::sigmoid(z), lg = -math::softplus(-z), l1g = -math::softplus(z),
                   none = n_cells - s.nonzero[g];
      const double log_p0 = math::log_add_exp(lg, l1g + log_zero), w = std::exp(l1g + log_zero - log_p0);
      s.value += none * log_p0 + s.nonzero[g] * (l1g + log_zero);
      s.d_gate[g] += none * ((1 - w) * (1 - gate) - w * gate) - s.nonzero[g] * gate;
      zeros = s.nonzero[g] + none * w;
    } else {
      s.value += zeros * log_zero;
    }
    s.value += s.total[g] * lp;
    s.d_log_r[g] += zeros * log_zero;
    s.d_log_phi[own_p ? g : 0] += zeros * r * prob - s.total[g] * (1 - prob);
  }
}

void LogLikelihood::shared_capture(State& s) const {
  const auto& p = *problem_;
  std::vector<double> by_kind(p.n_kinds(), 0.0), sum_zero(p.n_patterns(), 0.0);
  for (std::size_t g = 0; g < s.log_r.size(); ++g) by_kind[p.kind_of_gene[g]] += std::exp(s.log_r[g]);
  const std::vector<double> sum_r = p.over_kinds(by_kind);
  for (std::size_t u = 0; u < p.units.size(); ++u) {
    if (s.cells[u] == 0) continue;
    const std::uint32_t k = p.units[u].pattern;
    const double d = s.log_nu[u] - s.log_phi[0], zero = math::softplus(d), effective = math::sigmoid(d),
                 total = p.units[u].total;
    s.value += s.cells[u] * (-sum_r[k] * zero + total * (d - zero));
    const double slope = s.cells[u] * (-sum_r[k] * effective + total * (1 - effective));
    s.d_log_nu[u] = slope;
    s.d_log_phi[0] -= slope;
    sum_zero[k] += s.cells[u] * zero;
  }
  const std::vector<double> zeros = p.over_measured(sum_zero);
  for (std::size_t g = 0; g < s.log_r.size(); ++g) s.d_log_r[g] -= std::exp(s.log_r[g]) * zeros[p.kind_of_gene[g]];
}

void LogLikelihood::visiting(State& s, const RunControl& control) {
  const auto& p = *problem_;
  const bool own_p = s.log_phi.size() > 1, gated = p.gate_at >= 0;
  const std::size_t units = p.units.size();  // one a cell
  const data::CountMatrix& by_gene = s.batch.empty() ? *p.by_gene : by_gene_;
  // t: ln ν, or ln λ with λ = −ln(1−p̂).
  std::vector<double> t(units), effective(units), slope_t(units, 0.0);
  double low = INFINITY, high = -INFINITY;
  for (std::size_t c = 0; c < units; ++c) {
    if (s.cells[c] == 0) continue;
    const double d = s.log_nu[c] - s.log_phi[0];
    t[c] = own_p ? s.log_nu[c] : std::log(math::softplus(d));
    effective[c] = own_p ? 0 : math::sigmoid(d);
    low = std::min(low, t[c]);
    high = std::max(high, t[c]);
    // Σ x ln p̂ = N ln p̂, or for mean_disp its share N ln ν.
    const double total = p.units[c].total;
    s.value += own_p ? total * s.log_nu[c] : total * (d - std::exp(t[c]));
    if (own_p) {
      s.d_log_nu[c] += total;
    } else {
      s.d_log_nu[c] += total * (1 - effective[c]);
      s.d_log_phi[0] -= total * (1 - effective[c]);
    }
  }
  axis_.set(low - 1e-6, high + 1e-6, math::pi, 1e-14, most_nodes);
  const auto m = static_cast<std::size_t>(axis_.size());
  const auto& nodes = axis_.nodes();
  std::vector<double> basis(units * m, 0.0), by_pattern(p.n_patterns() * m, 0.0);
  for (std::size_t c = 0; c < units; ++c) {
    if (s.cells[c] == 0) continue;
    std::array<double, most_nodes> moments{};
    axis_.add_polynomials(t[c], 1, moments.data());
    axis_.to_node_weights(moments.data(), &basis[c * m]);
    for (std::size_t k = 0; k < m; ++k) by_pattern[p.units[c].pattern * m + k] += basis[c * m + k];
  }
  const std::vector<double> all = p.over_measured(by_pattern);  // kinds × M

  // Each gene has a function Z(t) of the cells without a count and B(t), per count, of those with; N(t) of the non-zero
  // cells. Tables of their values at the nodes: what the cells then sum.
  const auto genes = p.n_genes();
  std::vector<double> nonzero_minus_zero(index(genes) * m, 0.0), per_count(own_p ? index(genes) * m : 0, 0.0);
  const auto n_pieces = index(compute::pieces(genes, grain));
  std::vector<double> values(n_pieces), gene_zero(index(genes) * m);
  std::vector<std::vector<double>> direct_slopes(n_pieces);  // d/dt_c from genes summed cell by cell
  compute::parallel_for(genes, grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    std::array<double, most_nodes> zero, slope_r, slope_phi, slope_gate, nonzero, by_count, weights, coefficients;
    for (auto gene = first; gene < last; ++gene) {
      control.check();
      const auto g = index(gene);
      const double r = std::exp(s.log_r[g]), lphi = own_p ? s.log_phi[g] : 0;
      const double gate = gated ? math::sigmoid(s.gate[g]) : 0, lg = gated ? -math::softplus(-s.gate[g]) : -INFINITY,
                   l1g = gated ? -math::softplus(s.gate[g]) : 0;
      // Non-zero cells, visited: Σ −r λ (or r(ln φ − L), exactly where the function separates) by the same
      // interpolation.
      std::fill_n(nonzero.begin(), m, 0.0);
      std::fill_n(by_count.begin(), m, 0.0);
      double exact_zero = 0, n_nonzero = 0;
      for (auto i = index(by_gene.row_start[g]); i < index(by_gene.row_start[g + 1]); ++i) {
        const auto c = by_gene.gene[i];
        if (s.cells[c] == 0) continue;
        ++n_nonzero;
        const double* w = &basis[c * m];
        for (std::size_t k = 0; k < m; ++k) nonzero[k] += w[k];
        if (own_p) {
          const double u = by_gene.count[i];
          for (std::size_t k = 0; k < m; ++k) by_count[k] += u * w[k];
        } else {
          exact_zero += std::exp(t[c]);
        }
      }
      for (std::size_t k = 0; k < m; ++k) weights[k] = all[p.kind_of_gene[g] * m + k] - nonzero[k];

      // Z at the nodes with slopes in ln r, ln φ_g and the gate's logit.
      const auto at = [&](double tc, double& z, double& dr, double& dphi, double& dgate, double& dt) {
        double log_zero, log_zero_phi, log_zero_t;
        if (own_p) {
          const double d = tc - lphi, share = r * math::sigmoid(d);
          log_zero = -r * math::softplus(d);
          log_zero_phi = share;
          log_zero_t = -share;
        } else {
          log_zero = log_zero_t = -r * std::exp(tc);
          log_zero_phi = 0;
        }
        double w = 1;
        z = log_zero;
        dgate = 0;
        if (gated) {
          z = math::log_add_exp(lg, l1g + log_zero);
          w = std::exp(l1g + log_zero - z);
          dgate = (1 - w) * (1 - gate) - w * gate;
        }
        dr = w * log_zero;
        dphi = w * log_zero_phi;
        dt = w * log_zero_t;
      };
      double dt = 0;
      for (std::size_t k = 0; k < m; ++k) at(nodes[k], zero[k], slope_r[k], slope_phi[k], slope_gate[k], dt);
      axis_.to_coefficients(zero.data(), coefficients.data());
      double size = 0, tail = 0;
      for (std::size_t k = 0; k < m; ++k) size = std::max(size, std::fabs(coefficients[k]));
      for (std::size_t k = m - 3; k < m; ++k) tail = std::max(tail, std::fabs(coefficients[k]));
      double value = 0;
      if (gated && tail > 1e-13 * size) {
        // Too sharp a step between gate and count zeros for the nodes: cell by cell, for this gene only.
        auto& slopes = direct_slopes[index(piece)];
        slopes.resize(units, 0.0);
        auto i = index(by_gene.row_start[g]);
        const auto end = index(by_gene.row_start[g + 1]);
        for (std::size_t c = 0; c < units; ++c) {
          if (i < end && by_gene.gene[i] == c) {
            ++i;
            continue;
          }
          if (s.cells[c] == 0 || !p.measured(g, p.units[c].pattern)) continue;
          double z, dr, dphi, dgate;
          at(t[c], z, dr, dphi, dgate, dt);
          value += z;
          s.d_log_r[g] += dr;
          if (own_p) s.d_log_phi[g] += dphi;
          s.d_gate[g] += dgate;
          slopes[c] += dt;
        }
        std::fill_n(zero.begin(), m, 0.0);
      } else {
        for (std::size_t k = 0; k < m; ++k) {
          value += weights[k] * zero[k];
          s.d_log_r[g] += weights[k] * slope_r[k];
          if (own_p) s.d_log_phi[g] += weights[k] * slope_phi[k];
          if (gated) s.d_gate[g] += weights[k] * slope_gate[k];
        }
      }
      double* zeros = &gene_zero[g * m];
      double* difference = &nonzero_minus_zero[g * m];
      for (std::size_t k = 0; k < m; ++k) {
        zeros[k] += zero[k];
        difference[k] = -zero[k];
      }
      // Cells with a count.
      value += n_nonzero * l1g;
      if (gated) s.d_gate[g] -= n_nonzero * gate;
      if (own_p) {
        for (std::size_t k = 0; k < m; ++k) {
          const double d = nodes[k] - lphi, sp = math::softplus(d), share = math::sigmoid(d);
          value += -nonzero[k] * r * sp - by_count[k] * (lphi + sp);
          s.d_log_r[g] -= nonzero[k] * r * sp;
          s.d_log_phi[g] += nonzero[k] * r * share - by_count[k] * (1 - share);
          difference[k] -= r * sp;
          per_count[g * m + k] = -(lphi + sp);
        }
      } else {
        value -= r * exact_zero;
        s.d_log_r[g] -= r * exact_zero;
      }
      values[index(piece)] += value;
    }
  });
  std::vector<double> zero_of_kind(p.n_kinds() * m, 0.0);
  for (std::size_t g = 0; g < index(genes); ++g)
    for (std::size_t k = 0; k < m; ++k) zero_of_kind[p.kind_of_gene[g] * m + k] += gene_zero[g * m + k];
  const std::vector<double> zero_sum = p.over_kinds(zero_of_kind);  // patterns × M
  for (std::size_t piece = 0; piece < n_pieces; ++piece) {
    s.value += values[piece];
    for (std::size_t c = 0; c < direct_slopes[piece].size(); ++c) slope_t[c] += direct_slopes[piece][c];
  }

  compute::parallel_for(static_cast<std::int64_t>(units), grain, threads_,
                        [&](std::int64_t, std::int64_t first, std::int64_t last) {
                          control.check();
                          std::array<double, most_nodes> table, coefficients;
                          for (auto c = index(first); c < index(last); ++c) {
                            if (s.cells[c] == 0) continue;
                            std::copy_n(&zero_sum[p.units[c].pattern * m], m, table.begin());
                            double sum_r = 0;
                            for (auto i = index(p.counts->row_start[c]); i < index(p.counts->row_start[c + 1]); ++i) {
                              const std::size_t g = p.counts->gene[i];
                              for (std::size_t k = 0; k < m; ++k) table[k] += nonzero_minus_zero[g * m + k];
                              if (own_p) {
                                const double u = p.counts->count[i];
                                for (std::size_t k = 0; k < m; ++k) table[k] += u * per_count[g * m + k];
                              } else {
                                sum_r += std::exp(s.log_r[g]);
                              }
                            }
                            axis_.to_coefficients(table.data(), coefficients.data());
                            slope_t[c] += axis_.slope(coefficients.data(), t[c]) - (own_p ? 0 : sum_r * std::exp(t[c]));
                          }
                        });
  for (std::size_t c = 0; c < units; ++c) {
    if (s.cells[c] == 0) continue;
    // dt/d ln ν is 1, or p̂/λ through λ = softplus(ln ν − ln φ).
    const double d = own_p ? slope_t[c] : slope_t[c] * effective[c] / std::exp(t[c]);
    s.d_log_nu[c] += d;
    if (!own_p) s.d_log_phi[0] -= d;
  }
}

double log_prior(const Problem& p, const Point& z, PointGradient& gradient) {
  double value = 0;
  if (p.scalar) {
    value += p.scalar->log_prior(z.scalar, 0);
    gradient.scalar += p.scalar->log_prior_slope(z.scalar, 0);
  }
  const std::size_t sites = p.gene_sites.size();
  for (std::size_t i = 0; i < z.genes.size(); ++i) {
    const auto& family = p.gene_sites[i % sites];
    value += family.log_prior(z.genes[i], 0);
    gradient.genes[i] += family.log_prior_slope(z.genes[i], 0);
  }
  for (std::size_t u = 0; u < z.units.size(); ++u) {
    const auto& unit = p.units[u];
    value += unit.cells * p.cell->log_prior(z.units[u], unit.prior_shift);
    gradient.units[u] += unit.cells * p.cell->log_prior_slope(z.units[u], unit.prior_shift);
  }
  return value;
}

}  // namespace scriptorium::inference
