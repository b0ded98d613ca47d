#include "core/data/filter.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "core/data/expression.hpp"
#include "core/data/formats/names.hpp"
#include "core/data/highly_variable.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

[[noreturn]] void nothing_left(const std::string& what, const std::string& step) {
  throw Error(ErrorCode::BadInput, "No " + what + " is left after " + step, "Loosen this part of the filter.");
}

std::vector<std::int64_t> all_of(std::size_t n) {
  std::vector<std::int64_t> out(n);
  std::iota(out.begin(), out.end(), 0);
  return out;
}

/// Keeps the members of `kept` for which `keep` holds.
template <class Keep>
void narrow(std::vector<std::int64_t>& kept, const Keep& keep, const std::string& what, const std::string& step) {
  std::erase_if(kept, [&](std::int64_t i) { return !keep(i); });
  if (kept.empty()) nothing_left(what, step);
}

/// @throws Error naming those of `wanted` that are not in a table, whose rows are `what`s
void check_known(const std::vector<std::string>& wanted, const std::vector<std::string>& names,
                 const std::string& what) {
  const std::unordered_set<std::string> known(names.begin(), names.end());
  std::vector<std::string> unknown;
  for (const std::string& name : wanted)
    if (!known.contains(name)) unknown.push_back(name);
  if (unknown.empty()) return;
  throw Error(ErrorCode::BadInput,
              grouped(static_cast<std::int64_t>(unknown.size())) + " of the " + what +
                  "s asked for are not in the data: " + listed(unknown),
              "Take them out of the list; names are those of the " + what + " table" +
                  (names.empty() ? "." : " (first: " + names.front() + ")."));
}

void keep_cells(const Filter& filter, const Dataset& dataset, const CountSource& counts,
                std::vector<std::int64_t>& cells) {
  if (!filter.cell_names.empty()) {
    check_known(filter.cell_names, dataset.cells.names, "cell");
    const std::unordered_set<std::string> wanted(filter.cell_names.begin(), filter.cell_names.end());
    narrow(
        cells, [&](std::int64_t cell) { return wanted.contains(dataset.cells.names[cell]); }, "cell",
        "the list of names");
  }
  if (!filter.cells.empty()) {
    const std::vector<std::uint8_t> holds = evaluate(filter.cells, dataset.cells, counts);
    narrow(
        cells, [&](std::int64_t cell) { return holds[cell] != 0; }, "cell", "the condition " + filter.cells);
  }
  if (filter.min_counts_per_cell > 0 || filter.min_genes_per_cell > 0) {
    std::vector<std::int64_t> n_genes(dataset.cells.size(), 0);
    std::vector<double> total(dataset.cells.size(), 0);
    for_each_entry(counts, [&](std::size_t cell, std::size_t, Count count) {
      ++n_genes[cell];
      total[cell] += count;
    });
    narrow(
        cells,
        [&](std::int64_t cell) {
          return total[cell] >= filter.min_counts_per_cell && n_genes[cell] >= filter.min_genes_per_cell;
        },
        "cell", "the least counts and genes of a cell");
  }
}

/// The kept part of a source, renumbered.
CountSource kept_of(const CountSource& counts, const Dataset& dataset, const Kept& kept) {
  return [&counts, &dataset, &kept](CountSink& sink) {
    Selection selection(sink, kept.cells, kept.genes);
    selection.begin(dataset.cells, dataset.genes);
    counts(selection);
  };
}

void keep_genes(const Filter& filter, const Dataset& dataset, const CountSource& counts, Kept& kept) {
  if (filter.min_cells_per_gene > 0 || filter.min_counts_per_gene > 0) {
    std::vector<std::int64_t> n_cells(dataset.genes.size(), 0);
    std::vector<double> total(dataset.genes.size(), 0);
    for_each_entry(kept_of(counts, dataset, kept), [&](std::size_t, std::size_t gene, Count count) {
      ++n_cells[gene];
      total[gene] += count;
    });
    narrow(
        kept.genes,
        [&](std::int64_t g) {
          return n_cells[g] >= filter.min_cells_per_gene && total[g] >= filter.min_counts_per_gene;
        },
        "gene", "the least cells and counts of a gene");
  }
  if (filter.highly_variable > 0 && filter.highly_variable < static_cast<std::int64_t>(kept.genes.size())) {
    const std::vector<double> score =
        standardised_variance(static_cast<std::int64_t>(kept.cells.size()),
                              static_cast<std::int64_t>(kept.genes.size()), kept_of(counts, dataset, kept));
    std::vector<std::int64_t> order = all_of(score.size());
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return score[a] > score[b]; });
    order.resize(filter.highly_variable);
    std::sort(order.begin(), order.end());
    for (std::int64_t& g : order) g = kept.genes[g];
    kept.genes = std::move(order);
  }
  if (!filter.genes.empty()) {
    const std::unordered_set<std::string> wanted(filter.genes.begin(), filter.genes.end());
    check_known(filter.genes, dataset.genes.names, "gene");
    narrow(
        kept.genes, [&](std::int64_t g) { return wanted.contains(dataset.genes.names[g]); }, "gene",
        "the list of names");
  }
}

}  // namespace

bool Filter::empty() const {
  return *this == Filter{};
}

bool Filter::chooses_genes() const {
  return min_cells_per_gene > 0 || min_counts_per_gene > 0 || highly_variable > 0 || !genes.empty();
}

std::string Filter::describe() const {
  std::string out;
  const auto add = [&out](const std::string& part) { out += (out.empty() ? "--" : " --") + part; };
  const auto number = [](double value) { return Column{"", std::vector<double>{value}, {}}.text(0); };
  if (!cell_names.empty()) add("cell-names " + listed(cell_names, 4));
  if (!cells.empty()) add("cells '" + cells + "'");
  if (min_counts_per_cell > 0) add("min-counts-per-cell " + number(min_counts_per_cell));
  if (min_genes_per_cell > 0) add("min-genes-per-cell " + std::to_string(min_genes_per_cell));
  if (min_cells_per_gene > 0) add("min-cells-per-gene " + std::to_string(min_cells_per_gene));
  if (min_counts_per_gene > 0) add("min-counts-per-gene " + number(min_counts_per_gene));
  if (highly_variable > 0) add("genes hvg:" + std::to_string(highly_variable));
  if (!genes.empty()) add("genes " + listed(genes, 4));
  return out;
}

Kept apply(const Filter& filter, const Dataset& dataset, const CountSource& counts) {
  Kept kept{all_of(dataset.cells.size()), all_of(dataset.genes.size())};
  keep_cells(filter, dataset, counts, kept.cells);
  keep_genes(filter, dataset, counts, kept);
  return kept;
}

Kept apply(const Filter& filter, const Dataset& dataset) {
  if (!filter.empty() && dataset.counts.n_cells != static_cast<std::int64_t>(dataset.cells.size()))
    throw Error(ErrorCode::BadInput, "The counts of " + file_name(dataset.path) + " are not loaded",
                "Open the data first.");
  return apply(filter, dataset, source_of(dataset.counts));
}

}  // namespace scriptorium::data
