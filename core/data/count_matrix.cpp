#include "core/data/count_matrix.hpp"

#include <algorithm>

namespace scriptorium::data {

CountBlock CountMatrix::block(std::int64_t first, std::int64_t last, std::vector<std::int64_t>& scratch) const {
  const std::int64_t begin = row_start[first];
  scratch.resize(static_cast<std::size_t>(last - first + 1));
  for (std::int64_t cell = first; cell <= last; ++cell) scratch[cell - first] = row_start[cell] - begin;
  const auto length = static_cast<std::size_t>(row_start[last] - begin);
  return {Major::Cell, first, scratch, {gene.data() + begin, length}, {count.data() + begin, length}};
}

CountMatrix CountMatrix::select(std::span<const std::int64_t> cells, std::span<const std::int64_t> genes) const {
  constexpr std::uint32_t dropped = ~0U;
  std::vector<std::uint32_t> new_gene(n_genes, genes.empty() ? 0 : dropped);
  bool ascending = true;
  if (genes.empty()) {
    for (std::int64_t g = 0; g < n_genes; ++g) new_gene[g] = static_cast<std::uint32_t>(g);
  } else {
    for (std::size_t i = 0; i < genes.size(); ++i) {
      new_gene[genes[i]] = static_cast<std::uint32_t>(i);
      if (i > 0 && genes[i] <= genes[i - 1]) ascending = false;
    }
  }
  CountMatrix out;
  out.n_cells = cells.empty() ? n_cells : static_cast<std::int64_t>(cells.size());
  out.n_genes = genes.empty() ? n_genes : static_cast<std::int64_t>(genes.size());
  out.row_start.reserve(out.n_cells + 1);
  std::vector<std::pair<std::uint32_t, Count>> row;
  for (std::int64_t i = 0; i < out.n_cells; ++i) {
    const std::int64_t cell = cells.empty() ? i : cells[i];
    row.clear();
    for (std::int64_t k = row_start[cell]; k < row_start[cell + 1]; ++k)
      if (new_gene[gene[k]] != dropped) row.emplace_back(new_gene[gene[k]], count[k]);
    if (!ascending) std::sort(row.begin(), row.end());
    for (const auto& [g, u] : row) {
      out.gene.push_back(g);
      out.count.push_back(u);
    }
    out.row_start.push_back(out.nnz());
  }
  return out;
}

CountMatrix CountMatrix::transposed(std::span<const std::uint32_t> order) const {
  CountMatrix out;
  out.n_cells = n_genes;
  out.n_genes = n_cells;
  out.row_start.assign(n_genes + 1, 0);
  for (const std::uint32_t g : gene) ++out.row_start[g + 1];
  for (std::int64_t g = 0; g < n_genes; ++g) out.row_start[g + 1] += out.row_start[g];
  out.gene.resize(gene.size());
  out.count.resize(count.size());
  std::vector<std::int64_t> next(out.row_start.begin(), out.row_start.end() - 1);
  for (std::int64_t row = 0; row < n_cells; ++row) {
    const std::int64_t cell = order.empty() ? row : order[row];
    for (std::int64_t k = row_start[cell]; k < row_start[cell + 1]; ++k) {
      const std::int64_t to = next[gene[k]]++;
      out.gene[to] = static_cast<std::uint32_t>(row);
      out.count[to] = count[k];
    }
  }
  return out;
}

Count CountMatrix::at(std::int64_t cell, std::int64_t gene_index) const {
  const auto begin = gene.begin() + row_start[cell], end = gene.begin() + row_start[cell + 1];
  const auto found = std::lower_bound(begin, end, static_cast<std::uint32_t>(gene_index));
  return found != end && *found == gene_index ? count[found - gene.begin()] : 0;
}

}  // namespace scriptorium::data
