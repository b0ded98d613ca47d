#include "core/embedding/log_counts.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/data/highly_variable.hpp"
#include "core/error.hpp"

namespace scriptorium::embedding {
namespace {

/// Asks to be stopped once a block.
data::CountSource watched(const data::CountSource& counts, const RunControl& control) {
  return [&counts, &control](data::CountSink& sink) {
    data::BlockVisitor visitor([&](const data::CountBlock& block) {
      control.check();
      sink.add(block);
    });
    counts(visitor);
  };
}

std::vector<std::int64_t> choose_genes(std::int64_t n_cells, std::int64_t n_genes, const data::CountSource& counts,
                                       const std::vector<std::uint8_t>& measured,
                                       const std::vector<std::int64_t>& cells_of_gene, const PcaOptions& options) {
  const std::int64_t least = std::clamp<std::int64_t>(options.min_cells, 1, n_cells);
  std::vector<std::int64_t> genes;
  for (std::int64_t g = 0; g < n_genes; ++g)
    if (measured[static_cast<std::size_t>(g)] != 0 && cells_of_gene[static_cast<std::size_t>(g)] >= least)
      genes.push_back(g);
  if (options.highly_variable > 0 && options.highly_variable < static_cast<std::int64_t>(genes.size())) {
    const std::vector<double> score = data::standardised_variance(n_cells, n_genes, counts);
    std::stable_sort(genes.begin(), genes.end(), [&](std::int64_t a, std::int64_t b) { return score[a] > score[b]; });
    genes.resize(static_cast<std::size_t>(options.highly_variable));
    std::sort(genes.begin(), genes.end());
  }
  return genes;
}

/// Means and variances (n − 1) of the columns of `x`, added cell by cell.
struct Moments {
  std::vector<double> mean, variance;
  explicit Moments(const LogCounts& x) : mean(x.genes.size(), 0), variance(x.genes.size(), 0) {
    const auto n = static_cast<double>(x.n_cells);
    std::vector<std::int64_t> stored(x.genes.size(), 0);
    for (std::size_t k = 0; k < x.value.size(); ++k) {
      mean[x.column[k]] += x.value[k];
      ++stored[x.column[k]];
    }
    for (double& m : mean) m /= n;
    for (std::size_t k = 0; k < x.value.size(); ++k) {
      const double d = x.value[k] - mean[x.column[k]];
      variance[x.column[k]] += d * d;
    }
    for (std::size_t j = 0; j < mean.size(); ++j) {
      variance[j] = (variance[j] + (n - static_cast<double>(stored[j])) * mean[j] * mean[j]) / (n - 1);
      if (variance[j] <= 1e-24 * mean[j] * mean[j]) variance[j] = 0;  // no more than rounding
    }
  }
};

void scale_and_clip(LogCounts& x, double clip) {
  const Moments before(x);
  std::vector<double> inverse_sd(x.genes.size(), 0), at_zero(x.genes.size(), 0);
  for (std::size_t j = 0; j < inverse_sd.size(); ++j) {
    if (before.variance[j] == 0) continue;
    inverse_sd[j] = 1 / std::sqrt(before.variance[j]);
    at_zero[j] = std::max(-before.mean[j] * inverse_sd[j], -clip);
  }
  for (std::size_t k = 0; k < x.value.size(); ++k) {
    const auto j = x.column[k];
    const double z = std::clamp((x.value[k] - before.mean[j]) * inverse_sd[j], -clip, clip);
    x.value[k] = inverse_sd[j] == 0 ? 0 : z - at_zero[j];
  }
}

}  // namespace

LogCounts log_counts(std::int64_t n_cells, std::int64_t n_genes, const data::CountSource& counts,
                     const data::Missing& missing, const PcaOptions& options, const RunControl& control) {
  const data::CountSource source = watched(counts, control);
  std::vector<std::uint8_t> measured(static_cast<std::size_t>(n_genes), 1);
  for (const std::uint32_t gene : missing.any_gene()) measured[gene] = 0;
  std::vector<double> total(static_cast<std::size_t>(n_cells), 0);
  std::vector<std::int64_t> cells_of_gene(static_cast<std::size_t>(n_genes), 0);
  data::for_each_entry(source, [&](std::size_t cell, std::size_t gene, data::Count count) {
    if (measured[gene] != 0) total[cell] += count;
    ++cells_of_gene[gene];
  });

  LogCounts x;
  x.n_cells = n_cells;
  x.genes = choose_genes(n_cells, n_genes, source, measured, cells_of_gene, options);
  if (x.genes.empty())
    throw Error(ErrorCode::BadInput, "No gene is seen in enough cells to lay out the cells by",
                missing.none() ? "Keep more cells and genes." : "Keep genes that all cells measured.");
  constexpr std::uint32_t left_out = ~0U;
  std::vector<std::uint32_t> column_of(static_cast<std::size_t>(n_genes), left_out);
  for (std::size_t j = 0; j < x.genes.size(); ++j) column_of[x.genes[j]] = static_cast<std::uint32_t>(j);

  x.row_start.assign(static_cast<std::size_t>(n_cells) + 1, 0);
  data::for_each_entry(source, [&](std::size_t cell, std::size_t gene, data::Count) {
    if (column_of[gene] != left_out) ++x.row_start[cell + 1];
  });
  std::partial_sum(x.row_start.begin(), x.row_start.end(), x.row_start.begin());
  x.column.resize(static_cast<std::size_t>(x.row_start.back()));
  x.value.resize(x.column.size());
  std::vector<std::int64_t> at(x.row_start.begin(), x.row_start.end() - 1);
  data::for_each_entry(source, [&](std::size_t cell, std::size_t gene, data::Count count) {
    if (column_of[gene] == left_out) return;
    const auto k = static_cast<std::size_t>(at[cell]++);
    x.column[k] = column_of[gene];
    x.value[k] = std::log1p(count * options.target / total[cell]);
  });
  control.check();
  if (options.scale) scale_and_clip(x, options.clip);
  set_moments(x);
  return x;
}

void set_moments(LogCounts& x) {
  Moments moments(x);
  x.mean = std::move(moments.mean);
  x.total_variance = std::accumulate(moments.variance.begin(), moments.variance.end(), 0.0);
}

}  // namespace scriptorium::embedding
