#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "core/data/formats/names.hpp"
#include "core/data/identity.hpp"
#include "core/error.hpp"
#include "core/summary/summary_file.hpp"

namespace scriptorium::summary {
namespace {

constexpr std::int64_t looks = 1 << 14;  ///< cells or entries between two looks at the stop token

/// Genes of all parts in the order in which they first come, and for each part where its genes went.
struct Genes {
  std::vector<std::string> names;
  std::vector<std::vector<std::uint32_t>> place;    ///< parts × genes of the part
  std::vector<std::vector<std::uint32_t>> lacking;  ///< parts × genes that the part does not have, ascending
};

Genes bring_together(const std::vector<NamedSummary>& parts) {
  Genes out;
  std::unordered_map<std::string, std::uint32_t> number;
  for (const NamedSummary& part : parts) {
    auto& place = out.place.emplace_back();
    for (const std::string& name : part.genes) {
      const auto [at, is_new] = number.try_emplace(name, static_cast<std::uint32_t>(out.names.size()));
      if (is_new) out.names.push_back(name);
      place.push_back(at->second);
    }
  }
  for (const auto& place : out.place) {
    std::vector<bool> has(out.names.size(), false);
    for (const auto gene : place) has[gene] = true;
    auto& lacking = out.lacking.emplace_back();
    for (std::uint32_t g = 0; g < has.size(); ++g)
      if (!has[g]) lacking.push_back(g);
  }
  return out;
}

std::string named(const NamedSummary& part) {
  if (part.sources.empty()) return "a summary";
  return part.sources.front().path + (part.sources.size() > 1 ? " and others" : "");
}

void check_genes(const std::vector<NamedSummary>& parts, const Genes& genes) {
  const bool differ = std::any_of(genes.lacking.begin(), genes.lacking.end(), [](const auto& l) { return !l.empty(); });
  if (!differ) return;
  for (const NamedSummary& part : parts)
    for (const Source& source : part.sources)
      if (source.genes_chosen)
        throw Error(ErrorCode::BadInput,
                    "The parts have different genes, and " + source.path +
                        " was summarised with some of its genes left out: they would pass for not measured",
                    "Summarise every part with all of its genes, or with the same list of genes.");
}

std::vector<std::string> all_cells(const std::vector<NamedSummary>& parts) {
  std::vector<std::string> cells;
  std::unordered_map<std::string, std::size_t> part_of;
  for (std::size_t p = 0; p < parts.size(); ++p)
    for (const std::string& name : parts[p].cells) {
      if (const auto [at, is_new] = part_of.try_emplace(name, p); !is_new)
        throw Error(ErrorCode::BadInput,
                    "The cell " + name + " is in " + named(parts[at->second]) + " and in " + named(parts[p]),
                    "Give each cell once; where different cells bear the same name, summarise the data in one go with "
                    "--suffix.");
      cells.push_back(name);
    }
  if (cells.size() > std::numeric_limits<std::uint32_t>::max())
    throw Error(ErrorCode::BadInput, "The parts have more than 4,294,967,295 cells in all",
                "Fit fewer of them at a time.");
  return cells;
}

/// What a gene's histograms in all parts add up to.
void add_histograms(const std::vector<NamedSummary>& parts, const Genes& genes, CountSummary& out,
                    const RunControl& control) {
  std::vector<std::vector<std::pair<std::size_t, std::size_t>>> where(genes.names.size());  // (part, its gene)
  for (std::size_t p = 0; p < parts.size(); ++p)
    for (std::size_t g = 0; g < genes.place[p].size(); ++g) where[genes.place[p][g]].emplace_back(p, g);
  std::map<std::uint32_t, double> histogram;
  out.gene_start.push_back(0);
  for (const auto& of_gene : where) {
    control.check();
    histogram.clear();
    for (const auto& [p, g] : of_gene) {
      const CountSummary& s = parts[p].summary;
      for (auto e = static_cast<std::size_t>(s.gene_start[g]); e < static_cast<std::size_t>(s.gene_start[g + 1]); ++e)
        histogram[s.value[e]] += s.cells[e];
    }
    for (const auto& [value, cells] : histogram) {
      out.value.push_back(value);
      out.cells.push_back(cells);
    }
    out.gene_start.push_back(static_cast<std::int64_t>(out.value.size()));
  }
}

/// The patterns of all cells, numbered as they come (0: nothing missing), and their classes.
void add_cells(const std::vector<NamedSummary>& parts, const Genes& genes, CountSummary& out,
               const RunControl& control) {
  data::Missing missing;
  std::map<std::vector<std::uint32_t>, std::uint32_t> number{{{}, 0}};
  std::vector<std::uint64_t> totals;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const CountSummary& s = parts[p].summary;
    constexpr std::uint32_t unnumbered = ~0U;
    std::vector<std::uint32_t> renumbered(s.patterns.size(), unnumbered);
    for (std::int64_t c = 0; c < s.n_cells; ++c) {
      if (c % looks == 0) control.check();
      const CellClass& kind = s.classes[s.class_of_cell[static_cast<std::size_t>(c)]];
      auto& to = renumbered[kind.pattern];
      if (to == unnumbered) {
        std::vector<std::uint32_t> lacking = genes.lacking[p];
        for (const auto gene : s.patterns[kind.pattern].missing_genes) lacking.push_back(genes.place[p][gene]);
        std::sort(lacking.begin(), lacking.end());
        const auto [at, is_new] =
            number.try_emplace(std::move(lacking), static_cast<std::uint32_t>(missing.genes.size()));
        if (is_new) missing.genes.push_back(at->first);
        to = at->second;
      }
      missing.pattern_of_cell.push_back(to);
      totals.push_back(kind.total);
    }
  }
  classify(out, totals, missing);
}

/// Identities are sums over cells, genes and entries: those of the parts, their gene names counted once, and what is
/// missing because a part does not have the gene.
std::string merged_identity(const std::vector<NamedSummary>& parts, const Genes& genes, const RunControl& control) {
  data::IdentitySum sum;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    std::vector<std::string> lacking;
    for (const auto gene : genes.lacking[p]) lacking.push_back(genes.names[gene]);
    sum.add(parts[p].data_id, parts[p].cells, parts[p].genes, lacking, control);
  }
  return sum.finish(genes.names);
}

}  // namespace

NamedSummary merge(const std::vector<NamedSummary>& parts, const RunControl& control) {
  if (parts.empty()) throw Error(ErrorCode::BadInput, "There is nothing to merge", "Give at least one summary.");
  control.check();
  Genes genes = bring_together(parts);
  check_genes(parts, genes);
  NamedSummary out;
  out.cells = all_cells(parts);
  out.summary.n_cells = static_cast<std::int64_t>(out.cells.size());
  out.summary.n_genes = static_cast<std::int64_t>(genes.names.size());
  add_histograms(parts, genes, out.summary, control);
  add_gene_totals(out.summary);
  add_cells(parts, genes, out.summary, control);
  out.data_id = merged_identity(parts, genes, control);
  for (const NamedSummary& part : parts)
    out.sources.insert(out.sources.end(), part.sources.begin(), part.sources.end());
  out.genes = std::move(genes.names);
  return out;
}

}  // namespace scriptorium::summary
