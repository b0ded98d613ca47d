#include "core/inference/point_terms.hpp"

#include <cmath>

#include "core/math/special.hpp"

namespace scriptorium::inference {
namespace {
std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}
}  // namespace

PointTerms terms_at(const Problem& p, const Point& z) {
  const auto genes = index(p.n_genes()), sites = p.gene_sites.size();
  PointTerms out;
  out.own_p = p.mean == Mean::MeanAndDispersion;
  out.log_r.resize(genes);
  out.log_phi.resize(out.own_p ? genes : 1);
  if (p.scalar) out.log_phi[0] = p.scalar->read(z.scalar);
  if (p.gate_at >= 0) out.gate.resize(genes);
  for (std::size_t g = 0; g < genes; ++g) {
    const double first = p.gene_sites[0].read(z.genes[g * sites]);
    if (out.own_p) {
      out.log_r[g] = p.gene_sites[1].read(z.genes[g * sites + 1]);
      out.log_phi[g] = out.log_r[g] - first;
    } else {
      out.log_r[g] = first + (p.mean == Mean::MeanTimesOdds ? out.log_phi[0] : 0);
    }
    if (p.gate_at >= 0) out.gate[g] = z.genes[g * sites + static_cast<std::size_t>(p.gate_at)];
  }
  out.log_nu.resize(p.units.size());
  for (std::size_t u = 0; u < p.units.size(); ++u) out.log_nu[u] = p.cell->read(z.units[u]);
  return out;
}

void TermSlopes::clear(const PointTerms& at) {
  log_r.assign(at.log_r.size(), 0.0);
  log_phi.assign(at.log_phi.size(), 0.0);
  gate.assign(at.gate.size(), 0.0);
  log_nu.assign(at.log_nu.size(), 0.0);
}

void to_axes(const Problem& p, const Point& z, const TermSlopes& slopes, double scale, PointGradient& gradient) {
  const auto genes = index(p.n_genes()), sites = p.gene_sites.size();
  const bool own_p = p.mean == Mean::MeanAndDispersion;
  gradient.genes.assign(genes * sites, 0.0);
  gradient.units.assign(p.units.size(), 0.0);
  double phi_slope = own_p ? 0 : slopes.log_phi[0];
  for (std::size_t g = 0; g < genes; ++g) {
    double first = slopes.log_r[g];
    if (own_p) {
      first = -slopes.log_phi[g];
      gradient.genes[g * sites + 1] =
          scale * (slopes.log_r[g] + slopes.log_phi[g]) * p.gene_sites[1].read_slope(z.genes[g * sites + 1]);
    } else if (p.mean == Mean::MeanTimesOdds) {
      phi_slope += slopes.log_r[g];
    }
    gradient.genes[g * sites] = scale * first * p.gene_sites[0].read_slope(z.genes[g * sites]);
    if (p.gate_at >= 0) gradient.genes[g * sites + static_cast<std::size_t>(p.gate_at)] = scale * slopes.gate[g];
  }
  gradient.scalar = p.scalar ? scale * phi_slope * p.scalar->read_slope(z.scalar) : 0;
  for (std::size_t u = 0; u < p.units.size(); ++u)
    gradient.units[u] = scale * slopes.log_nu[u] * p.cell->read_slope(z.units[u]);
}

ZeroTerms zero_terms(const PointTerms& at, std::size_t g) {
  const double log_phi = at.log_phi_of(g), log_zero = -std::exp(at.log_r[g]) * math::softplus(-log_phi);
  ZeroTerms out{log_zero, log_zero, -math::softplus(log_phi)};
  if (at.gate.empty()) return out;
  const double open = -math::softplus(at.gate[g]);
  out.zero = math::log_add_exp(-math::softplus(-at.gate[g]), open + log_zero);
  out.positive += open;
  return out;
}

double without_capture(const Problem& p, const PointTerms& at, const GeneSums& sums, TermSlopes& slopes) {
  double value = 0;
  for (std::size_t g = 0; g < at.log_r.size(); ++g) {
    const double log_phi = at.log_phi_of(g), r = std::exp(at.log_r[g]), prob = math::sigmoid(-log_phi);
    const double log_zero = -r * math::softplus(-log_phi), n_cells = sums.measured[p.kind_of_gene[g]];
    const auto terms = zero_terms(at, g);
    const double none = n_cells - sums.nonzero[g];
    double zeros = n_cells;  // how many cells carry r·ln(1−p) as it stands
    if (p.gate_at >= 0) {
      const double gate = math::sigmoid(at.gate[g]), w = std::exp(terms.positive - terms.zero);
      slopes.gate[g] += none * ((1 - w) * (1 - gate) - w * gate) - sums.nonzero[g] * gate;
      zeros = sums.nonzero[g] + none * w;
    }
    value += none * terms.zero + sums.nonzero[g] * terms.positive + sums.total[g] * terms.log_p;
    slopes.log_r[g] += zeros * log_zero;
    slopes.log_phi[at.own_p ? g : 0] += zeros * r * prob - sums.total[g] * (1 - prob);
  }
  return value;
}

CapturedCell captured_cell(double log_odds, double sum_r, double total) {
  const double zero = math::softplus(log_odds), effective = math::sigmoid(log_odds);
  return {-sum_r * zero + total * (log_odds - zero), -sum_r * effective + total * (1 - effective), zero};
}

std::vector<double> sums_of_r(const Problem& p, const PointTerms& at) {
  std::vector<double> by_kind(p.n_kinds(), 0.0);
  for (std::size_t g = 0; g < at.log_r.size(); ++g) by_kind[p.kind_of_gene[g]] += std::exp(at.log_r[g]);
  return p.over_kinds(by_kind);
}

data::CountMatrix by_gene_of(const data::CountMatrix& counts, std::span<const std::int64_t> cells) {
  const std::int64_t n = cells.empty() ? counts.n_cells : static_cast<std::int64_t>(cells.size());
  data::CountMatrix out;
  auto& start = out.row_start;
  start.assign(index(counts.n_genes) + 1, 0);
  const auto each_entry = [&](const auto& visit) {
    for (std::int64_t place = 0; place < n; ++place) {
      const auto c = index(cells.empty() ? place : cells[index(place)]);
      for (auto i = index(counts.row_start[c]); i < index(counts.row_start[c + 1]); ++i) visit(place, i);
    }
  };
  each_entry([&](std::int64_t, std::size_t i) { ++start[counts.gene[i] + 1]; });
  for (std::size_t g = 1; g < start.size(); ++g) start[g] += start[g - 1];
  out.n_cells = counts.n_genes;
  out.n_genes = n;
  out.gene.resize(index(start.back()));
  out.count.resize(index(start.back()));
  std::vector<std::int64_t> next(start.begin(), start.end() - 1);
  each_entry([&](std::int64_t place, std::size_t i) {
    const auto at = index(next[counts.gene[i]]++);
    out.gene[at] = static_cast<std::uint32_t>(place);
    out.count[at] = counts.count[i];
  });
  return out;
}

}  // namespace scriptorium::inference
