#include "core/inference/visiting_terms.hpp"

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
constexpr double hardly_there = 1e-18;  // of a cell: below the rounding of any sum over cells
}  // namespace

void VisitingTerms::place(const PointTerms& at, std::span<const std::int64_t> cells) {
  t_.resize(cells.empty() ? at.log_nu.size() : cells.size());
  double low = INFINITY, high = -INFINITY;
  for (std::size_t i = 0; i < t_.size(); ++i) {
    const double log_nu = at.log_nu[cell(i, cells)];
    t_[i] = at.own_p ? log_nu : std::log(math::softplus(log_nu - at.log_phi[0]));
    low = std::min(low, t_[i]);
    high = std::max(high, t_[i]);
  }
  axis_.set(low - 1e-6, high + 1e-6, math::pi, 1e-14, most_nodes);
}

VisitingTerms::Zero VisitingTerms::zero_at(const PointTerms& at, std::size_t g, double t) const {
  const double r = std::exp(at.log_r[g]);
  double log_zero, by_phi = 0, by_t;
  if (at.own_p) {
    const double d = t - at.log_phi[g];
    log_zero = -r * math::softplus(d);
    by_phi = r * math::sigmoid(d);
    by_t = -by_phi;
  } else {
    log_zero = by_t = -r * std::exp(t);
  }
  Zero out{log_zero, log_zero, by_phi, 0, by_t};
  if (at.gate.empty()) return out;
  const double gate = math::sigmoid(at.gate[g]), open = -math::softplus(at.gate[g]);
  out.value = math::log_add_exp(-math::softplus(-at.gate[g]), open + log_zero);
  const double w = std::exp(open + log_zero - out.value);
  out.log_r *= w;
  out.log_phi *= w;
  out.t *= w;
  out.gate = (1 - w) * (1 - gate) - w * gate;
  return out;
}

/// Whether the nodes do not hold the step between a gate's zeros and those of the counts.
bool VisitingTerms::too_sharp(const double* coefficients) const {
  const auto m = static_cast<std::size_t>(axis_.size());
  double size = 0, tail = 0;
  for (std::size_t k = 0; k < m; ++k) size = std::max(size, std::fabs(coefficients[k]));
  for (std::size_t k = m - 3; k < m; ++k) tail = std::max(tail, std::fabs(coefficients[k]));
  return tail > 1e-13 * size;
}

void VisitingTerms::by_cell(const PointTerms& at, std::span<const std::int64_t> cells, std::vector<double>& value,
                            std::vector<double>& slope, const RunControl& control) {
  const auto& p = *problem_;
  const bool gated = !at.gate.empty();
  place(at, cells);
  const auto m = static_cast<std::size_t>(axis_.size());
  const auto& nodes = axis_.nodes();
  const auto genes = index(p.n_genes());
  // A cell's function of t: the zeros of all genes; less them, and the counts' own terms, where it has a count.
  zero_.assign(genes * m, 0.0);
  difference_.assign(genes * m, 0.0);
  per_count_.assign(at.own_p ? genes * m : 0, 0.0);
  std::vector<char> sharp(genes, 0);
  compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    control.check();
    std::array<double, most_nodes> values;
    for (auto g = index(first); g < index(last); ++g) {
      double *zero = &zero_[g * m], *difference = &difference_[g * m];
      for (std::size_t k = 0; k < m; ++k) values[k] = zero_at(at, g, nodes[k]).value;
      axis_.to_coefficients(values.data(), zero);
      if (gated && too_sharp(zero)) {
        sharp[g] = 1;
        std::fill_n(zero, m, 0.0);
      }
      if (at.own_p) {
        for (std::size_t k = 0; k < m; ++k) values[k] = -math::softplus(nodes[k] - at.log_phi[g]);
        axis_.to_coefficients(values.data(), &per_count_[g * m]);
        const double r = std::exp(at.log_r[g]);
        for (std::size_t k = 0; k < m; ++k) difference[k] = r * per_count_[g * m + k] - zero[k];
        per_count_[g * m] -= at.log_phi[g];
      } else {
        for (std::size_t k = 0; k < m; ++k) difference[k] = -zero[k];
      }
    }
  });
  std::vector<double> of_kind(p.n_kinds() * m, 0.0);
  for (std::size_t g = 0; g < genes; ++g)
    for (std::size_t k = 0; k < m; ++k) of_kind[p.kind_of_gene[g] * m + k] += zero_[g * m + k];
  const std::vector<double> zero_sum = p.over_kinds(of_kind);  // patterns × polynomials
  std::vector<std::uint32_t> apart;                            // genes that are summed cell by cell
  for (std::size_t g = 0; g < genes; ++g)
    if (sharp[g]) apart.push_back(static_cast<std::uint32_t>(g));

  value.resize(t_.size());
  slope.resize(t_.size());
  compute::parallel_for(
      static_cast<std::int64_t>(t_.size()), grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
        control.check();
        std::array<double, most_nodes> coefficients;
        for (auto i = index(first); i < index(last); ++i) {
          const std::size_t c = cell(i, cells);
          const double t = t_[i], total = p.units[c].total;
          std::copy_n(&zero_sum[p.units[c].pattern * m], m, coefficients.begin());
          double sum_r = 0, open = 0, by_t = 0, apart_value = 0;
          auto next = apart.begin();
          const auto zeros_before = [&](std::size_t gene) {
            for (; next != apart.end() && *next < gene; ++next) {
              if (!p.measured(*next, p.units[c].pattern)) continue;
              const Zero zero = zero_at(at, *next, t);
              apart_value += zero.value;
              by_t += zero.t;
            }
          };
          for (auto e = index(p.counts->row_start[c]); e < index(p.counts->row_start[c + 1]); ++e) {
            const std::size_t g = p.counts->gene[e];
            zeros_before(g);
            if (next != apart.end() && *next == g) ++next;
            const double* difference = &difference_[g * m];
            for (std::size_t k = 0; k < m; ++k) coefficients[k] += difference[k];
            if (gated) open -= math::softplus(at.gate[g]);
            if (at.own_p) {
              const double u = p.counts->count[e];
              const double* by_count = &per_count_[g * m];
              for (std::size_t k = 0; k < m; ++k) coefficients[k] += u * by_count[k];
            } else {
              sum_r += std::exp(at.log_r[g]);
            }
          }
          zeros_before(genes);
          by_t += axis_.slope(coefficients.data(), t);
          value[i] = axis_.evaluate(coefficients.data(), t) + apart_value + open;
          // Σ x ln p̂ = N ln p̂, or for mean_disp its share N ln ν; dt/d ln ν is 1, or p̂/λ through λ = softplus(ln ν − ln
          // φ).
          if (at.own_p) {
            value[i] += total * at.log_nu[c];
            slope[i] = total + by_t;
          } else {
            const double d = at.log_nu[c] - at.log_phi[0], effective = math::sigmoid(d), lambda = std::exp(t);
            value[i] += total * (d - lambda) - sum_r * lambda;
            slope[i] = total * (1 - effective) + (by_t - sum_r * lambda) * effective / lambda;
          }
        }
      });
}

void VisitingTerms::by_gene(const PointTerms& at, std::span<const std::int64_t> cells, const data::CountMatrix& rows,
                            std::span<const double> weight, TermSlopes& slopes, const RunControl& control) {
  const auto& p = *problem_;
  const bool gated = !at.gate.empty();
  place(at, cells);
  const auto m = static_cast<std::size_t>(axis_.size());
  const auto& nodes = axis_.nodes();
  const auto n = static_cast<std::int64_t>(t_.size());
  moments_.assign(t_.size() * m, 0.0);
  compute::parallel_for(n, grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (auto i = index(first); i < index(last); ++i)
      if (weight[i] >= hardly_there) axis_.add_polynomials(t_[i], weight[i], &moments_[i * m]);
  });
  std::vector<double> by_pattern(p.n_patterns() * m, 0.0);
  for (std::size_t i = 0; i < t_.size(); ++i) {
    if (weight[i] < hardly_there) continue;
    double* to = &by_pattern[p.units[cell(i, cells)].pattern * m];
    for (std::size_t k = 0; k < m; ++k) to[k] += moments_[i * m + k];
  }
  const std::vector<double> all = p.over_measured(by_pattern);  // kinds × polynomials
  compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    std::array<double, most_nodes> nonzero, by_count, values, node_weight, count_weight;
    std::array<Zero, most_nodes> zeros;
    for (auto g = index(first); g < index(last); ++g) {
      control.check();
      const double r = std::exp(at.log_r[g]);
      // Cells with a count: Σ −r λ, or r(ln φ − L) by the same interpolation.
      nonzero.fill(0);
      by_count.fill(0);
      double exact_zero = 0, n_nonzero = 0;
      const auto begin = index(rows.row_start[g]), end = index(rows.row_start[g + 1]);
      for (auto e = begin; e < end; ++e) {
        const std::size_t i = rows.gene[e];
        if (weight[i] < hardly_there) continue;
        n_nonzero += weight[i];
        const double* w = &moments_[i * m];
        for (std::size_t k = 0; k < m; ++k) nonzero[k] += w[k];
        if (at.own_p) {
          const double u = rows.count[e];
          for (std::size_t k = 0; k < m; ++k) by_count[k] += u * w[k];
        } else {
          exact_zero += weight[i] * std::exp(t_[i]);
        }
      }
      const auto add = [&](const Zero& zero, double w) {
        slopes.log_r[g] += w * zero.log_r;
        if (at.own_p) slopes.log_phi[g] += w * zero.log_phi;
        if (gated) slopes.gate[g] += w * zero.gate;
      };
      for (std::size_t k = 0; k < m; ++k) values[k] = (zeros[k] = zero_at(at, g, nodes[k])).value;
      if (gated) axis_.to_coefficients(values.data(), node_weight.data());
      if (gated && too_sharp(node_weight.data())) {
        auto e = begin;
        for (std::size_t i = 0; i < t_.size(); ++i) {
          if (e < end && rows.gene[e] == i)
            ++e;
          else if (weight[i] >= hardly_there && p.measured(g, p.units[cell(i, cells)].pattern))
            add(zero_at(at, g, t_[i]), weight[i]);
        }
      } else {
        const double* of_kind = &all[p.kind_of_gene[g] * m];
        for (std::size_t k = 0; k < m; ++k) values[k] = of_kind[k] - nonzero[k];
        axis_.to_node_weights(values.data(), node_weight.data());
        for (std::size_t k = 0; k < m; ++k) add(zeros[k], node_weight[k]);
      }
      if (gated) slopes.gate[g] -= n_nonzero * math::sigmoid(at.gate[g]);
      if (!at.own_p) {
        slopes.log_r[g] -= r * exact_zero;
        continue;
      }
      axis_.to_node_weights(nonzero.data(), node_weight.data());
      axis_.to_node_weights(by_count.data(), count_weight.data());
      for (std::size_t k = 0; k < m; ++k) {
        const double d = nodes[k] - at.log_phi[g], share = math::sigmoid(d);
        slopes.log_r[g] -= node_weight[k] * r * math::softplus(d);
        slopes.log_phi[g] += node_weight[k] * r * share - count_weight[k] * (1 - share);
      }
    }
  });
}

}  // namespace scriptorium::inference
