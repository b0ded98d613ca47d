#include "core/inference/cell_entries.hpp"

#include <algorithm>

#include "core/compute/parallel.hpp"
#include "core/inference/point_terms.hpp"
#include "core/math/special.hpp"

namespace scriptorium::inference {
namespace {
std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}
constexpr std::int64_t grain = 64;
}  // namespace

CellEntries::CellEntries(const data::CountMatrix& counts, std::span<const std::int64_t> cells, int threads)
    : by_gene(by_gene_of(counts, cells)) {
  const auto genes = index(counts.n_genes);
  std::vector<std::vector<std::uint32_t>> different(genes);
  compute::parallel_for(counts.n_genes, grain, threads, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (auto g = first; g < last; ++g) {
      auto& own = different[index(g)];
      own.assign(by_gene.count.begin() + by_gene.row_start[index(g)],
                 by_gene.count.begin() + by_gene.row_start[index(g) + 1]);
      std::sort(own.begin(), own.end());
      own.erase(std::unique(own.begin(), own.end()), own.end());
    }
  });
  gene_start.assign(1, 0);
  for (const auto& own : different) {
    value.insert(value.end(), own.begin(), own.end());
    gene_start.push_back(static_cast<std::int64_t>(value.size()));
  }
  of_gene.resize(by_gene.count.size());
  compute::parallel_for(counts.n_genes, grain, threads, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (auto g = index(first); g < index(last); ++g) {
      const auto begin = value.begin() + gene_start[g], end = value.begin() + gene_start[g + 1];
      for (auto i = index(by_gene.row_start[g]); i < index(by_gene.row_start[g + 1]); ++i)
        of_gene[i] = static_cast<std::uint32_t>(std::lower_bound(begin, end, by_gene.count[i]) - value.begin());
    }
  });
  const auto n = index(by_gene.n_genes);
  cell_start.assign(n + 1, 0);
  for (const auto place : by_gene.gene) ++cell_start[place + 1];
  for (std::size_t i = 1; i <= n; ++i) cell_start[i] += cell_start[i - 1];
  std::vector<double> of_entry(value.size());
  for (std::size_t e = 0; e < value.size(); ++e) of_entry[e] = math::log_rising(1, value[e]);
  of_cell.resize(by_gene.gene.size());
  log_factorial.assign(n, 0.0);
  std::vector<std::int64_t> next(cell_start.begin(), cell_start.end() - 1);
  for (std::size_t i = 0; i < by_gene.gene.size(); ++i) {
    const std::size_t place = by_gene.gene[i];
    of_cell[index(next[place]++)] = of_gene[i];
    log_factorial[place] += of_entry[of_gene[i]];
  }
}

}  // namespace scriptorium::inference
