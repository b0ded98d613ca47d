#include "core/data/inspect.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/data/identity.hpp"

namespace scriptorium::data {
namespace {

using nlohmann::json;

json columns_json(const Table& table) {
  json out = json::array();
  for (const Column& column : table.columns) {
    json entry{{"name", column.name}, {"type", column.type()}};
    if (const auto* labels = std::get_if<Categorical>(&column.values)) entry["n_labels"] = labels->categories.size();
    std::size_t missing = 0;
    for (std::size_t row = 0; row < column.size(); ++row) missing += column.is_missing(row) ? 1 : 0;
    entry["n_missing"] = missing;
    out.push_back(std::move(entry));
  }
  return out;
}

json layers_json(const Dataset& dataset) {
  json out = json::array();
  for (const LayerInfo& layer : dataset.layers) {
    json entry{{"path", layer.path},          {"encoding", layer.encoding}, {"dtype", layer.dtype},
               {"n_cells", layer.n_cells},    {"n_genes", layer.n_genes},   {"stored", layer.stored},
               {"is_counts", layer.is_counts}};
    if (!layer.is_counts) entry["why_not"] = layer.why_not;
    out.push_back(std::move(entry));
  }
  return out;
}

/// Mean of the two middle values when there is an even number.
double median(std::vector<std::uint64_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  const auto upper = static_cast<double>(*middle);
  if (values.size() % 2 == 1) return upper;
  return (upper + static_cast<double>(*std::max_element(values.begin(), middle))) / 2;
}

void add_counts(json& out, const Dataset& dataset) {
  const CountMatrix& m = dataset.counts;
  std::vector<std::uint64_t> cell_total(m.n_cells, 0), gene_total(m.n_genes, 0);
  for (std::int64_t cell = 0; cell < m.n_cells; ++cell)
    for (std::int64_t k = m.row_start[cell]; k < m.row_start[cell + 1]; ++k) {
      cell_total[cell] += m.count[k];
      gene_total[m.gene[k]] += m.count[k];
    }
  std::uint64_t total = 0;
  for (const std::uint64_t t : cell_total) total += t;
  const auto top = std::max_element(gene_total.begin(), gene_total.end());
  const auto zeros = [](const std::vector<std::uint64_t>& totals) {
    return std::count(totals.begin(), totals.end(), 0U);
  };
  out["nnz"] = m.nnz();
  out["density"] = static_cast<double>(m.nnz()) / (static_cast<double>(m.n_cells) * static_cast<double>(m.n_genes));
  out["total_counts"] = total;
  out["max_count"] = m.count.empty() ? 0 : *std::max_element(m.count.begin(), m.count.end());
  out["median_cell_total"] = median(cell_total);
  out["cells_with_zero_total"] = zeros(cell_total);
  out["genes_with_zero_total"] = zeros(gene_total);
  out["first_cell_total"] = cell_total.front();
  out["last_cell_total"] = cell_total.back();
  out["top_gene"] = dataset.genes.names[top - gene_total.begin()];
  out["top_gene_total"] = *top;
  out["data_id"] = data_identity(dataset);
}

}  // namespace

json inspect_json(const Dataset& dataset) {
  json out;
  out["path"] = dataset.path;
  out["format"] = dataset.format;
  out["counts_at"] = dataset.layer;
  out["n_cells"] = dataset.cells.size();
  out["n_genes"] = dataset.genes.size();
  if (!dataset.cells.names.empty() && !dataset.genes.names.empty()) {
    out["first_cell"] = dataset.cells.names.front();
    out["last_cell"] = dataset.cells.names.back();
    out["first_gene"] = dataset.genes.names.front();
    out["last_gene"] = dataset.genes.names.back();
    if (dataset.counts.n_cells == static_cast<std::int64_t>(dataset.cells.size())) add_counts(out, dataset);
  }
  if (const Missing& missing = dataset.missing; !missing.none())
    out["missing"] = {{"entries", missing.entries()},
                      {"cells", missing.n_cells()},
                      {"genes", missing.any_gene().size()},
                      {"patterns", missing.genes.size() - 1}};
  out["layers"] = layers_json(dataset);
  out["obs"] = columns_json(dataset.cells);
  out["var"] = columns_json(dataset.genes);
  out["embeddings"] = json::array();
  for (const Embedding& embedding : dataset.embeddings)
    out["embeddings"].push_back({{"name", embedding.name}, {"dims", embedding.dims}});
  out["notes"] = dataset.notes;
  return out;
}

}  // namespace scriptorium::data
