#include "core/data/dataset.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

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

Table Table::select(std::span<const std::int64_t> rows) const {
  Table out{pick(names, rows), {}};
  for (const Column& column : columns) out.columns.push_back(column.select(rows));
  return out;
}

std::int64_t Missing::entries() const {
  std::int64_t sum = 0;
  for (const std::uint32_t pattern : pattern_of_cell) sum += static_cast<std::int64_t>(genes[pattern].size());
  return sum;
}

std::int64_t Missing::n_cells() const {
  return std::count_if(pattern_of_cell.begin(), pattern_of_cell.end(),
                       [&](std::uint32_t pattern) { return !genes[pattern].empty(); });
}

std::vector<std::uint32_t> Missing::any_gene() const {
  std::vector<std::uint32_t> all;
  for (const auto& pattern : genes) all.insert(all.end(), pattern.begin(), pattern.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Missing Missing::select(std::span<const std::int64_t> kept_cells, std::span<const std::int64_t> kept_genes,
                        std::int64_t n_genes) const {
  if (none()) return {};
  constexpr std::uint32_t left_out = ~0U;
  std::vector<std::uint32_t> new_gene(static_cast<std::size_t>(n_genes), left_out);
  for (std::size_t g = 0; g < new_gene.size() && kept_genes.empty(); ++g) new_gene[g] = static_cast<std::uint32_t>(g);
  for (std::size_t i = 0; i < kept_genes.size(); ++i)
    new_gene[static_cast<std::size_t>(kept_genes[i])] = static_cast<std::uint32_t>(i);
  // Patterns that come out the same become one, numbered as they come; the empty one is number 0.
  std::map<std::vector<std::uint32_t>, std::uint32_t> number{{{}, 0}};
  std::vector<std::uint32_t> new_pattern(genes.size(), left_out);
  Missing out;
  const std::size_t cells = kept_cells.empty() ? pattern_of_cell.size() : kept_cells.size();
  bool any = false;
  for (std::size_t i = 0; i < cells; ++i) {
    const auto cell = kept_cells.empty() ? i : static_cast<std::size_t>(kept_cells[i]);
    std::uint32_t& to = new_pattern[pattern_of_cell[cell]];
    if (to == left_out) {
      std::vector<std::uint32_t> kept;
      for (const std::uint32_t g : genes[pattern_of_cell[cell]])
        if (new_gene[g] != left_out) kept.push_back(new_gene[g]);
      std::sort(kept.begin(), kept.end());
      const auto [at, is_new] = number.try_emplace(std::move(kept), static_cast<std::uint32_t>(out.genes.size()));
      if (is_new) out.genes.push_back(at->first);
      to = at->second;
    }
    out.pattern_of_cell.push_back(to);
    any = any || to != 0;
  }
  return any ? out : Missing{};
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
  out.missing = missing.select(kept_cells, kept_genes, static_cast<std::int64_t>(genes.size()));
  out.cells = kept_cells.empty() ? cells : cells.select(kept_cells);
  out.genes = kept_genes.empty() ? genes : genes.select(kept_genes);
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
