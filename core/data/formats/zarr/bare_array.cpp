#include "core/data/formats/zarr/bare_array.hpp"

#include <algorithm>
#include <filesystem>

#include "core/data/formats/anndata.hpp"
#include "core/data/formats/cell_report.hpp"
#include "core/data/formats/companion_table.hpp"
#include "core/data/formats/matrix_scan.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data::zarr {
namespace {

constexpr std::int64_t most_unnamed = 10'000'000;  ///< cells or genes that are numbered when no table names them

struct Candidate {
  std::string path, layer;
};

/// The matrices of a store.
std::vector<Candidate> find_arrays(const StoreTree& tree) {
  const std::string root = std::filesystem::path(tree.name()).stem().string();
  if (tree.kind("") == NodeKind::Dataset) return {{"", root}};
  std::vector<Candidate> out;
  for (const std::string& child : tree.children("")) {
    if (tree.kind(child) != NodeKind::Dataset) continue;
    try {
      const Description description = tree.describe(child);
      if (description.rank == 2 && !description.type.is_text()) out.push_back({child, child});
    } catch (const Error& error) {
      if (child == "X") throw;
    }
  }
  return out;
}

std::vector<std::string> all_quoted(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(quoted(name));
  return out;
}

/// A group further down that is laid out as anndata; empty where there is none.
std::string anndata_below(const StoreTree& tree) {
  const auto is_anndata = [&](const std::string& group) {
    return tree.kind(group + "/obs") != NodeKind::None && tree.kind(group + "/var") != NodeKind::None;
  };
  for (const std::string& child : tree.children("")) {
    if (is_anndata(child)) return child;
    for (const std::string& grandchild : tree.children(child))
      if (std::string path = join(child, grandchild); is_anndata(path)) return path;
  }
  return {};
}

[[noreturn]] void nothing_found(const StoreTree& tree) {
  const std::string below = anndata_below(tree);
  const std::vector<std::string> all = all_quoted(tree.children(""));
  throw Error(ErrorCode::BadInput,
              tree.name() + " is a Zarr store without tables of cells and genes and without a matrix: it holds " +
                  (all.empty() ? "nothing" : listed(all)),
              below.empty() ? "Choose another store: anndata writes obs, var and X; a single matrix is an array of two "
                              "dimensions."
                            : "Open its folder " + quoted(below) + ": that is laid out as anndata.");
}

Candidate choose(const StoreTree& tree, const std::string& wanted) {
  const std::vector<Candidate> all = find_arrays(tree);
  if (all.empty()) nothing_found(tree);
  std::vector<std::string> names;
  for (const Candidate& candidate : all) names.push_back(candidate.layer);
  const auto named = [&](const std::string& name) {
    return std::find_if(all.begin(), all.end(), [&](const Candidate& c) { return c.layer == name; });
  };
  if (!wanted.empty()) {
    if (const auto at = named(wanted); at != all.end()) return *at;
    throw Error(ErrorCode::BadInput, tree.name() + " has no layer `" + wanted + "`",
                "Choose one of " + listed(all_quoted(names), 8, "or") + ".");
  }
  if (const auto x = named("X"); x != all.end()) return *x;
  if (all.size() > 1)
    throw Error(ErrorCode::BadInput, tree.name() + " holds several matrices: " + listed(all_quoted(names)),
                "Say which one: layer " + listed(all_quoted(names), 8, "or") + " (--layer on the command line).");
  return all.front();
}

/// Whether a table has a line for each of `n` cells or genes, below a header or not.
bool fits(const TextTable& table, std::int64_t n) {
  const auto lines = static_cast<std::int64_t>(table.lines.size());
  return n > 0 && (lines == n || lines == n + 1);
}

bool any_fits(const std::vector<TextTable>& tables, bool of_cells, std::int64_t n) {
  return std::any_of(tables.begin(), tables.end(),
                     [&](const TextTable& table) { return table.of_cells == of_cells && fits(table, n); });
}

/// The first table that names `n` cells or genes; the others get a note.
Table table_for(const std::vector<TextTable>& tables, bool of_cells, std::int64_t n, std::vector<std::string>& notes) {
  const std::string what = of_cells ? "cell" : "gene";
  for (const TextTable& table : tables) {
    if (table.of_cells != of_cells) continue;
    const auto lines = static_cast<std::int64_t>(table.lines.size());
    if (fits(table, n)) {
      notes.push_back("The names of the " + what + "s are those of " + table.file + ".");
      Table out = table.table(lines == n + 1);
      make_unique(out.names, what, notes);
      return out;
    }
    notes.push_back(table.file + " has " + grouped(lines) + " lines for " + grouped(n) + " " + what + "s: not used.");
  }
  return {};
}

}  // namespace

Dataset read_bare(const StoreTree& tree, const std::string& beside, const OpenOptions& options, CountSink* counts,
                  const RunControl& control) {
  Dataset out;
  const Candidate array = choose(tree, options.layer);
  const Description description = tree.describe(array.path);
  const std::string name = quoted(array.layer) + " of " + tree.name();
  if (description.rank != 2)
    throw Error(ErrorCode::BadInput, name + " has 1 dimension where 2 are needed", "Choose a matrix, or its folder.");
  control.tell(0, "reading the names of cells and genes");
  const std::vector<TextTable> tables = tables_in(beside, out.notes, control);
  const std::int64_t rows = description.rows, columns = description.columns;
  // Cells in rows, unless tables say the opposite.
  const bool as_usual = any_fits(tables, true, rows) || any_fits(tables, false, columns);
  const bool turned = !as_usual && (any_fits(tables, true, columns) || any_fits(tables, false, rows));
  const std::int64_t n_cells = turned ? columns : rows, n_genes = turned ? rows : columns;
  if (turned) out.notes.push_back(name + " holds genes in rows and cells in columns: read that way.");
  out.cells = table_for(tables, true, n_cells, out.notes);
  out.genes = table_for(tables, false, n_genes, out.notes);
  for (const auto& [table, n, what] : {std::tuple{&out.cells, n_cells, "cell"}, {&out.genes, n_genes, "gene"}}) {
    if (table->size() > 0 || n == 0) continue;
    if (n > most_unnamed)
      throw Error(ErrorCode::BadInput,
                  name + " claims " + grouped(n) + " " + what + "s, and no table beside it names them",
                  "Put a table of their names beside it, or choose another store.");
    table->names = generated_names(n, what, out.notes);
  }

  const Place place{array.layer, array.path, Layout::Dense, {}, turned ? Major::Gene : Major::Cell};
  const Names names{out.cells.names, out.genes.names};
  LayerInfo info = data::describe(tree, place, names);
  std::optional<CellReport> report;
  if (counts) {
    report.emplace(*counts);
    report->begin(out.cells, out.genes);
  }
  Scanned scanned = data::scan(tree, place, names, info, report ? &*report : nullptr, {0, 1}, control);
  out.layers.push_back(info);
  if (info.is_counts) out.layer = info.path;
  if (counts && !info.is_counts)
    throw Error(ErrorCode::BadInput, name + " " + info.why_not,
                "Open the array from before its values were transformed.");
  out.missing = std::move(scanned.missing);
  for (std::string& note : scanned.notes) out.notes.push_back(std::move(note));
  if (report)
    for (std::string& note : report->notes(out.cells.names)) out.notes.push_back(std::move(note));
  return out;
}

}  // namespace scriptorium::data::zarr
