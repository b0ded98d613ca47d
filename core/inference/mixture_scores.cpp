#include <algorithm>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/inference/mixture_objective.hpp"
#include "core/inference/objective_pieces.hpp"
#include "core/math/special.hpp"

// What every cell has in every component: the expectation step of mixtures, and cells that move.
namespace scriptorium::inference {

/// Objective::unit_values() of each component; none without capture.
std::vector<std::span<const double>> MixtureObjective::unit_values(const std::vector<double>& x,
                                                                   const RunControl& control) {
  std::vector<std::span<const double>> out;
  for (std::size_t k = 0; problem().capture && k < components(); ++k)
    out.push_back(parts_[k].objective->unit_values(of_part(x, k), control));
  return out;
}

std::vector<double> MixtureObjective::scores(const std::vector<double>& x, const RunControl& control) {
  std::vector<std::span<const double>> of_units;
  return scores(x, of_units, control);
}

std::vector<double> MixtureObjective::scores(const std::vector<double>& x,
                                             std::vector<std::span<const double>>& of_units,
                                             const RunControl& control) {
  if (at_ != x) evaluate(x, nullptr, nullptr, nullptr, control);
  const std::size_t k = components();
  const auto& s = *summary_;
  const bool capture = problem().capture;
  std::vector<double> table(s.value.size() * k);         // entries × components
  std::vector<double> base(s.patterns.size() * k, 0.0);  // zeros of all genes measured
  for (std::size_t j = 0; j < k; ++j) {
    const auto its = of_part(x, j);
    std::vector<double> zeros(index(counts_->n_genes));
    compute::parallel_for(counts_->n_genes, grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      control.check();
      std::vector<double> values;
      for (auto g = first; g < last; ++g) {
        const auto begin = index(s.gene_start[index(g)]), n = index(s.gene_start[index(g) + 1]) - begin;
        values.resize(n);
        parts_[j].objective->entry_values(its, g, std::span(s.value).subspan(begin, n), values.data(), zeros[index(g)]);
        for (std::size_t e = 0; e < n; ++e) table[(begin + e) * k + j] = values[e];
      }
    });
    if (capture) continue;
    std::vector<double> by_kind(problem().n_kinds(), 0.0);
    for (std::size_t g = 0; g < zeros.size(); ++g) by_kind[problem().kind_of_gene[g]] += zeros[g];
    const auto by_pattern = problem().over_kinds(by_kind);
    for (std::size_t q = 0; q < by_pattern.size(); ++q) base[q * k + j] = by_pattern[q];
  }
  auto out = sums_by_cell(table, control);
  of_units = unit_values(x, control);
  for (std::size_t c = 0; c < n_cells(); ++c) {
    const double* zeros = &base[s.classes[s.class_of_cell[c]].pattern * k];
    for (std::size_t j = 0; j < k; ++j)
      out[c * k + j] += zeros[j] - log_factorial_[c] + (capture ? of_units[j][problem().unit_of_cell[c]] : 0);
  }
  return out;
}

double MixtureObjective::move_cells(std::vector<double>& x, std::vector<double>& share,
                                    const std::vector<double>& log_weight, double enough, const RunControl& control) {
  if (!problem().capture || visits_nonzeros()) return 0;
  const std::size_t k = components(), cells = n_cells();
  std::vector<std::span<const double>> of_units;
  auto now = scores(x, of_units, control);
  std::vector<double> fixed = now;  // without what the capture adds
  for (std::size_t c = 0; c < cells; ++c)
    for (std::size_t j = 0; j < k; ++j)
      fixed[c * k + j] += log_weight[c * k + j] - of_units[j][problem().unit_of_cell[c]];
  std::vector<double> best(cells);
  std::vector<int> home(cells, -1);
  for (std::size_t c = 0; c < cells; ++c) {
    const auto unit = problem().unit_of_cell[c];
    const std::size_t at = cell_at(unit);
    for (std::size_t j = 0; j < k; ++j) now[c * k + j] += log_weight[c * k + j];
    best[c] = math::log_sum_exp(&now[c * k], k) + enough -
              problem().cell->divergence(x[at], x[at + 1], problem().units[unit].prior_shift).value;
  }
  const auto before = best;
  std::vector<double> moved = x;
  for (std::size_t j = 0; j < k; ++j) {
    auto its = of_part(x, j);
    std::vector<double> wanted(problem().units.size(), INFINITY);
    for (std::size_t c = 0; c < cells; ++c) {
      double& least = wanted[problem().unit_of_cell[c]];
      least = std::min(least, best[c] - fixed[c * k + j]);
    }
    const auto value = parts_[j].objective->settle_cells(its, wanted, control);
    for (std::size_t c = 0; c < cells; ++c) {
      const auto unit = problem().unit_of_cell[c];
      const double there = fixed[c * k + j] + value[unit];
      if (!(there > best[c])) continue;
      best[c] = there;
      home[c] = static_cast<int>(j);
      std::copy_n(&its[parts_[j].objective->cell_at(unit)], 2, &moved[cell_at(unit)]);
    }
  }
  double gain = 0;
  for (std::size_t c = 0; c < cells; ++c) {
    if (home[c] < 0) continue;
    gain += best[c] - before[c] + enough;
    for (std::size_t j = 0; j < k; ++j) share[c * k + j] = static_cast<int>(j) == home[c] ? 1 : 0;
  }
  x = std::move(moved);
  share_out(share);
  choose_nodes(x);
  return gain;
}

std::vector<double> MixtureObjective::sums_by_cell(const std::vector<double>& table, const RunControl& control) const {
  const std::size_t k = components();
  std::vector<double> out(n_cells() * k, 0.0);
  if (gpu_) {
    compute::Gather job;
    job.width = static_cast<std::int64_t>(k);
    job.table_rows = static_cast<std::int64_t>(summary_->value.size());
    job.table = table.data();
    job.lookup_start = summary_->gene_start.data();
    job.lookup_value = summary_->value.data();
    gpu_->gather(*cells_there_, job, out.data(), control);
    return out;
  }
  compute::parallel_for(counts_->n_cells, 16, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    control.check();
    for (auto c = index(first); c < index(last); ++c) {
      double* to = &out[c * k];
      for (auto i = index(counts_->row_start[c]); i < index(counts_->row_start[c + 1]); ++i) {
        const double* row = &table[entry_by_cell_[i] * k];
        for (std::size_t j = 0; j < k; ++j) to[j] += row[j];
      }
    }
  });
  return out;
}

}  // namespace scriptorium::inference
