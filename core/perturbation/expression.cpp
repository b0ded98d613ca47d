#include "core/perturbation/expression.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/compute/parallel.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::perturbation {
namespace {

void check_values(std::int64_t cell, std::uint32_t gene, double value) {
  if (std::isfinite(value) && value >= 0) return;
  throw Error(ErrorCode::BadInput,
              "The expression of cell " + data::grouped(cell + 1) + " and gene " +
                  data::grouped(static_cast<std::int64_t>(gene) + 1) + " is " +
                  (std::isnan(value)   ? "missing (NaN)"
                   : std::isinf(value) ? "infinite"
                                       : std::to_string(value)) +
                  "; a screen needs log-normalised values from 0 up.",
              "Give raw counts, or a layer of log-normalised values that is not scaled or centred.");
}

}  // namespace

Expression::Entries Expression::Rows::row(std::int64_t i) const {
  const auto first = static_cast<std::size_t>(start[i]), n = static_cast<std::size_t>(start[i + 1] - start[i]);
  return {std::span(index).subspan(first, n), std::span(value).subspan(first, n)};
}

Expression Expression::of_counts(const data::CountMatrix& counts, const data::Missing& missing, int threads,
                                 const RunControl& control, double per_cell) {
  if (!missing.none())
    throw Error(ErrorCode::BadInput,
                data::grouped(missing.n_cells()) +
                    " cells did not measure all genes, so their expression cannot be "
                    "compared with that of other cells.",
                "Keep only genes that all cells measured (--missing full-genes).");
  control.tell(-1, "normalising " + data::grouped(counts.n_cells) + " cells");
  Expression x;
  x.n_cells_ = counts.n_cells;
  x.n_genes_ = counts.n_genes;
  x.total_.assign(static_cast<std::size_t>(counts.n_cells), 0);
  x.by_cell_.start = counts.row_start;
  x.by_cell_.index = counts.gene;
  x.by_cell_.value.resize(counts.count.size());
  compute::parallel_for(counts.n_cells, 512, threads, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    control.check();
    for (std::int64_t i = first; i < last; ++i) {
      double total = 0;
      for (auto k = counts.row_start[i]; k < counts.row_start[i + 1]; ++k) total += counts.count[k];
      x.total_[i] = total;
      // One division of whole numbers: cells with the same share of a gene have the same bits, and so are ties.
      for (auto k = counts.row_start[i]; k < counts.row_start[i + 1]; ++k)
        x.by_cell_.value[k] = std::log1p(counts.count[k] * per_cell / total);
    }
  });
  x.turn(control);
  return x;
}

Expression Expression::of_values(std::int64_t n_cells, std::int64_t n_genes, const std::vector<std::int64_t>& row_start,
                                 const std::vector<std::uint32_t>& gene, const std::vector<double>& value,
                                 const RunControl& control) {
  Expression x;
  x.n_cells_ = n_cells;
  x.n_genes_ = n_genes;
  for (std::int64_t i = 0; i < n_cells; ++i) {
    if (i % 512 == 0) control.check();
    for (auto k = row_start[i]; k < row_start[i + 1]; ++k) {
      check_values(i, gene[k], value[k]);
      if (value[k] == 0) continue;
      x.by_cell_.index.push_back(gene[k]);
      x.by_cell_.value.push_back(value[k]);
    }
    x.by_cell_.start.push_back(static_cast<std::int64_t>(x.by_cell_.value.size()));
  }
  x.turn(control);
  return x;
}

Expression Expression::of_dense(std::int64_t n_cells, std::int64_t n_genes, std::span<const double> values,
                                const RunControl& control) {
  std::vector<std::int64_t> row_start(static_cast<std::size_t>(n_cells) + 1);
  std::vector<std::uint32_t> gene(values.size());
  for (std::int64_t i = 0; i <= n_cells; ++i) row_start[i] = i * n_genes;
  for (std::size_t k = 0; k < gene.size(); ++k)
    gene[k] = static_cast<std::uint32_t>(k % static_cast<std::size_t>(n_genes));
  return of_values(n_cells, n_genes, row_start, gene, {values.begin(), values.end()}, control);
}

double Expression::at(std::int64_t i, std::int64_t g) const {
  const auto row = cell(i);
  const auto found = std::lower_bound(row.index.begin(), row.index.end(), static_cast<std::uint32_t>(g));
  if (found == row.index.end() || *found != g) return 0;
  return row.value[static_cast<std::size_t>(found - row.index.begin())];
}

void Expression::turn(const RunControl& control) {
  by_gene_.start.assign(static_cast<std::size_t>(n_genes_) + 1, 0);
  for (const std::uint32_t g : by_cell_.index) ++by_gene_.start[g + 1];
  std::partial_sum(by_gene_.start.begin(), by_gene_.start.end(), by_gene_.start.begin());
  by_gene_.index.resize(by_cell_.index.size());
  by_gene_.value.resize(by_cell_.value.size());
  std::vector<std::int64_t> next(by_gene_.start.begin(), by_gene_.start.end() - 1);
  for (std::int64_t i = 0; i < n_cells_; ++i) {
    if (i % 512 == 0) control.check();
    for (auto k = by_cell_.start[i]; k < by_cell_.start[i + 1]; ++k) {
      const auto to = next[by_cell_.index[k]]++;
      by_gene_.index[to] = static_cast<std::uint32_t>(i);
      by_gene_.value[to] = by_cell_.value[k];
    }
  }
}

}  // namespace scriptorium::perturbation
