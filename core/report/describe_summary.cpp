#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/report/fit_tables.hpp"

namespace scriptorium::report {
namespace {

/// Half the cells have no more than this (the mean of two where there is an even number).
double median_total(const summary::CountSummary& s) {
  std::vector<std::uint64_t> totals;
  for (std::int64_t c = 0; c < s.n_cells; ++c) totals.push_back(s.cell_total(c));
  if (totals.empty()) return 0;
  std::sort(totals.begin(), totals.end());
  const std::size_t half = totals.size() / 2;
  if (totals.size() % 2 == 1) return static_cast<double>(totals[half]);
  return (static_cast<double>(totals[half - 1]) + static_cast<double>(totals[half])) / 2;
}

}  // namespace

nlohmann::json describe_summary(const summary::NamedSummary& named) {
  const summary::CountSummary& s = named.summary;
  double nonzeros = 0, empty_cells = 0, missing = 0;
  for (const double n : s.gene_nonzero) nonzeros += n;
  for (const auto& kind : s.classes) {
    if (kind.total == 0) empty_cells += kind.cells;
    missing += kind.cells * static_cast<double>(s.patterns[kind.pattern].missing_genes.size());
  }
  auto sources = nlohmann::json::array();
  for (const auto& source : named.sources)
    sources.push_back({{"path", source.path},
                       {"layer", source.layer},
                       {"missing", source.missing},
                       {"filter", source.filter},
                       {"n_cells", source.n_cells}});
  const auto whole = [](double value) { return static_cast<std::uint64_t>(value); };
  nlohmann::json out{{"format", "count summary"},
                     {"n_cells", s.n_cells},
                     {"n_genes", s.n_genes},
                     {"nnz", whole(nonzeros)},
                     {"total_counts", whole(s.total())},
                     {"max_count", s.value.empty() ? 0 : *std::max_element(s.value.begin(), s.value.end())},
                     {"median_cell_total", median_total(s)},
                     {"cells_with_zero_total", whole(empty_cells)},
                     {"genes_with_zero_total", std::count(s.gene_total.begin(), s.gene_total.end(), 0.0)},
                     {"histogram_entries", s.value.size()},
                     {"cell_classes", s.classes.size()},
                     {"data_id", named.data_id},
                     {"sources", sources}};
  if (!named.cells.empty() && !named.genes.empty()) {
    out["first_cell"] = named.cells.front();
    out["last_cell"] = named.cells.back();
    out["first_gene"] = named.genes.front();
    out["last_gene"] = named.genes.back();
    const auto top = std::max_element(s.gene_total.begin(), s.gene_total.end()) - s.gene_total.begin();
    out["top_gene"] = named.genes[static_cast<std::size_t>(top)];
    out["top_gene_total"] = whole(s.gene_total[static_cast<std::size_t>(top)]);
  }
  if (missing > 0) out["missing"] = {{"entries", whole(missing)}, {"patterns", s.patterns.size() - 1}};
  return out;
}

}  // namespace scriptorium::report
