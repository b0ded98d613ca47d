#include "core/data/dataset.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace scriptorium::data {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

template <class T>
std::vector<T> pick(const std::vector<T>& all, std::span<const std::int64_t> rows) {
  std::vector<T> out;
  out.reserve(rows.size());
  for (const std::int64_t row : rows) out.push_back(all[row]);
  return out;
}

/// Shortest text that reads back as the same double.
std::string shortest(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

Table select(const Table& table, std::span<const std::int64_t> rows) {
  if (rows.empty()) return table;
  Table out{pick(table.names, rows), {}};
  for (const Column& column : table.columns) out.columns.push_back(column.select(rows));
  return out;
}

}  // namespace

std::string Column::type() const {
  static constexpr std::array names{"number", "integer", "boolean", "text", "label"};
  return names[values.index()];
}

std::size_t Column::size() const {
  return std::visit(
      Overloaded{[](const Categorical& c) { return c.codes.size(); }, [](const auto& v) { return v.size(); }}, values);
}

bool Column::is_missing(std::size_t row) const {
  if (!missing.empty() && missing[row] != 0) return true;
  if (const auto* numbers = std::get_if<std::vector<double>>(&values)) return std::isnan((*numbers)[row]);
  if (const auto* labels = std::get_if<Categorical>(&values)) return labels->codes[row] < 0;
  return false;
}

std::string Column::text(std::size_t row) const {
  if (is_missing(row)) return {};
  return std::visit(
      Overloaded{[row](const std::vector<double>& v) { return shortest(v[row]); },
                 [row](const std::vector<std::int64_t>& v) { return std::to_string(v[row]); },
                 [row](const std::vector<std::uint8_t>& v) -> std::string { return v[row] != 0 ? "True" : "False"; },
                 [row](const std::vector<std::string>& v) { return v[row]; },
                 [row](const Categorical& c) { return c.categories[c.codes[row]]; }},
      values);
}

double Column::number(std::size_t row) const {
  if (is_missing(row)) return std::numeric_limits<double>::quiet_NaN();
  return std::visit(Overloaded{[row](const std::vector<double>& v) { return v[row]; },
                               [row](const std::vector<std::int64_t>& v) { return static_cast<double>(v[row]); },
                               [row](const std::vector<std::uint8_t>& v) { return v[row] != 0 ? 1.0 : 0.0; },
                               [](const auto&) { return std::numeric_limits<double>::quiet_NaN(); }},
                    values);
}

Column Column::select(std::span<const std::int64_t> rows) const {
  Column out;
  out.name = name;
  out.values = std::visit(Overloaded{[rows](const Categorical& c) -> decltype(values) {
                                       return Categorical{pick(c.codes, rows), c.categories, c.ordered};
                                     },
                                     [rows](const auto& v) -> decltype(values) { return pick(v, rows); }},
                          values);
  if (!missing.empty()) out.missing = pick(missing, rows);
  return out;
}

const Column* Table::find(const std::string& column) const {
  for (const Column& candidate : columns)
    if (candidate.name == column) return &candidate;
  return nullptr;
}

Dataset Dataset::select(std::span<const std::int64_t> kept_cells, std::span<const std::int64_t> kept_genes) const {
  Dataset out;
  out.path = path;
  out.format = format;
  out.layer = layer;
  out.layers = layers;
  out.notes = notes;
  const bool loaded = counts.n_cells == static_cast<std::int64_t>(cells.size());  // not after a mere look
  if (loaded) out.counts = counts.select(kept_cells, kept_genes);
  out.cells = data::select(cells, kept_cells);
  out.genes = data::select(genes, kept_genes);
  for (const Embedding& embedding : embeddings) {
    if (kept_cells.empty()) {
      out.embeddings.push_back(embedding);
      continue;
    }
    Embedding& kept = out.embeddings.emplace_back(Embedding{embedding.name, embedding.dims, {}});
    kept.coordinates.reserve(kept_cells.size() * embedding.dims);
    for (const std::int64_t cell : kept_cells) {
      const auto begin = embedding.coordinates.begin() + cell * embedding.dims;
      kept.coordinates.insert(kept.coordinates.end(), begin, begin + embedding.dims);
    }
  }
  return out;
}

}  // namespace scriptorium::data
