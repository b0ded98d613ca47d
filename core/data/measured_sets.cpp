#include "core/data/measured_sets.hpp"

#include <map>

#include "core/error.hpp"

namespace scriptorium::data::measured_sets {
namespace {

std::string set_name(std::size_t pattern) {
  return "set_" + std::to_string(pattern);
}

}  // namespace

Column of_cells(const Missing& missing, std::size_t n_cells) {
  Categorical sets;
  for (std::size_t p = 0; p < missing.genes.size(); ++p) sets.categories.push_back(set_name(p));
  for (std::size_t cell = 0; cell < n_cells; ++cell)
    sets.codes.push_back(static_cast<std::int32_t>(missing.pattern(cell)));
  return {cell_column, std::move(sets), {}};
}

Table of_genes(const Missing& missing, const std::vector<std::string>& genes) {
  Table out{genes, {}};
  for (std::size_t p = 0; p < missing.genes.size(); ++p) {
    std::vector<std::uint8_t> measured(genes.size(), 1);
    for (const std::uint32_t gene : missing.genes[p]) measured[gene] = 0;
    out.columns.push_back({set_name(p), std::move(measured), {}});
  }
  return out;
}

Missing read(const Column& of_cells, const Table& of_genes) {
  const auto wrong = [](const std::string& what) {
    throw Error(ErrorCode::BadInput, std::string("What was not measured cannot be read: ") + what,
                "Write the file anew from the data it was made of.");
  };
  // Sets that lack the same genes are one pattern; they are numbered as they come, 0 lacks nothing.
  std::map<std::vector<std::uint32_t>, std::uint32_t> number{{{}, 0}};
  std::map<std::string, std::uint32_t> pattern_of_set;
  Missing out;
  bool any = false;
  for (std::size_t cell = 0; cell < of_cells.size(); ++cell) {
    const std::string set = of_cells.text(cell);
    auto known = pattern_of_set.find(set);
    if (known == pattern_of_set.end()) {
      const Column* column = of_genes.find(set);
      const auto* measured = column == nullptr ? nullptr : std::get_if<std::vector<std::uint8_t>>(&column->values);
      if (measured == nullptr)
        wrong("the cells name the set \"" + set + "\", which varm/" + gene_table + " does not have as booleans");
      std::vector<std::uint32_t> lacking;
      for (std::size_t gene = 0; gene < measured->size(); ++gene)
        if ((*measured)[gene] == 0) lacking.push_back(static_cast<std::uint32_t>(gene));
      const auto [at, is_new] = number.try_emplace(std::move(lacking), static_cast<std::uint32_t>(out.genes.size()));
      if (is_new) out.genes.push_back(at->first);
      known = pattern_of_set.emplace(set, at->second).first;
    }
    out.pattern_of_cell.push_back(known->second);
    any = any || known->second != 0;
  }
  return any ? out : Missing{};
}

}  // namespace scriptorium::data::measured_sets
