#include "core/inference/log_likelihood.hpp"

#include <algorithm>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/math/special.hpp"

namespace scriptorium::inference {
namespace {
std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}
constexpr std::int64_t grain = 64;
}  // namespace

LogLikelihood::LogLikelihood(const Problem& problem, int threads, const compute::Backend* backend)
    : problem_(&problem),
      threads_(threads),
      own_(backend ? nullptr : compute::cpu_backend(threads)),
      backend_(backend ? backend : own_.get()),
      visiting_(problem, threads) {}

/// Transposes the rows of a batch, once for all evaluations of it.
void LogLikelihood::gather_batch(std::span<const std::int64_t> batch) {
  if (std::equal(batch.begin(), batch.end(), batch_.begin(), batch_.end())) return;
  batch_.assign(batch.begin(), batch.end());
  by_gene_ = by_gene_of(*problem_->counts, batch);
}

double LogLikelihood::evaluate(const Point& z, std::span<const std::int64_t> batch, double scale,
                               PointGradient& gradient, const RunControl& control) {
  const auto& p = *problem_;
  const auto at = terms_at(p, z);
  slopes_.clear(at);
  if (!batch.empty()) gather_batch(batch);
  GeneSums sums;
  double value = rising_terms(at, batch, sums, control);
  if (!p.capture) {
    std::vector<double> with_pattern(p.n_patterns(), 0.0);
    if (batch.empty())
      for (const auto& entry : p.summary->classes) with_pattern[entry.pattern] += entry.cells;
    else
      for (const auto c : batch) ++with_pattern[p.summary->classes[p.summary->class_of_cell[index(c)]].pattern];
    sums.measured = p.over_measured(with_pattern);
    value += without_capture(p, at, sums, slopes_);
  } else {
    value += p.visits_nonzeros ? visiting(at, batch, control) : shared_capture(at, batch);
  }
  to_axes(p, z, slopes_, scale, gradient);
  return scale * value;
}

/// Σ lnΓ(r + u) − lnΓ(r) − ln u! over the included cells, from the histograms or, for a batch, from its non-zeros.
double LogLikelihood::rising_terms(const PointTerms& at, std::span<const std::int64_t> batch, GeneSums& sums,
                                   const RunControl& control) {
  const auto& p = *problem_;
  double value = 0;
  if (batch.empty()) {
    sums.nonzero = p.summary->gene_nonzero;
    sums.total = p.summary->gene_total;
    std::vector<double> parts(index(compute::pieces(p.n_genes(), grain)));
    compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
      control.check();
      for (auto g = first; g < last; ++g) {
        const double r = std::exp(at.log_r[index(g)]);
        double rising = 0;
        sum_log_rising(p.tail_runs(g), {&r, 1}, &rising);
        parts[index(piece)] += rising;
        slopes_.log_r[index(g)] = r * sum_rising_slope(p.tail_runs(g), r);
      }
    });
    for (const double v : parts) value += v;
    return value - p.summary->sum_log_factorial;
  }
  const auto genes = index(p.n_genes());
  sums.nonzero.assign(genes, 0.0);
  sums.total.assign(genes, 0.0);
  std::vector<double> r(genes), rising(2 * genes);
  for (std::size_t g = 0; g < genes; ++g) r[g] = std::exp(at.log_r[g]);
  backend_->rising(compute::Rows(rows_of(by_gene_)), {r.data()}, rising.data(), control);
  for (std::size_t g = 0; g < genes; ++g) {
    value += rising[2 * g];
    slopes_.log_r[g] += r[g] * rising[2 * g + 1];
    const auto first = by_gene_.row_start[g], last = by_gene_.row_start[g + 1];
    sums.nonzero[g] = static_cast<double>(last - first);
    for (auto i = first; i < last; ++i) sums.total[g] += by_gene_.count[index(i)];
  }
  return value;
}

double LogLikelihood::shared_capture(const PointTerms& at, std::span<const std::int64_t> batch) {
  const auto& p = *problem_;
  const auto sum_r = sums_of_r(p, at);
  std::vector<double> sum_zero(p.n_patterns(), 0.0);
  double value = 0;
  const auto add = [&](std::size_t u, double cells) {
    const auto& unit = p.units[u];
    const auto cell = captured_cell(at.log_nu[u] - at.log_phi[0], sum_r[unit.pattern], unit.total);
    value += cells * cell.value;
    slopes_.log_nu[u] += cells * cell.slope;
    slopes_.log_phi[0] -= cells * cell.slope;
    sum_zero[unit.pattern] += cells * cell.zero;
  };
  if (batch.empty())
    for (std::size_t u = 0; u < p.units.size(); ++u) add(u, p.units[u].cells);
  else
    for (const auto c : batch) add(p.unit_of_cell[index(c)], 1);
  const std::vector<double> zeros = p.over_measured(sum_zero);
  for (std::size_t g = 0; g < at.log_r.size(); ++g)
    slopes_.log_r[g] -= std::exp(at.log_r[g]) * zeros[p.kind_of_gene[g]];
  return value;
}

double LogLikelihood::visiting(const PointTerms& at, std::span<const std::int64_t> batch, const RunControl& control) {
  const auto& p = *problem_;
  std::vector<double> values, slopes;
  visiting_.by_cell(at, batch, values, slopes, control);
  double value = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    value += values[i];
    slopes_.log_nu[batch.empty() ? i : index(batch[i])] = slopes[i];
    if (!at.own_p) slopes_.log_phi[0] -= slopes[i];
  }
  const std::vector<double> weight(values.size(), 1.0);
  visiting_.by_gene(at, batch, batch.empty() ? *p.by_gene : by_gene_, weight, slopes_, control);
  return value;
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
