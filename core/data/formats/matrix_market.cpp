#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "core/data/formats/byte_stream.hpp"
#include "core/data/formats/count_builder.hpp"
#include "core/data/formats/features.hpp"
#include "core/data/formats/formats.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

// Folders as Cell Ranger writes them: matrix.mtx, genes.tsv or features.tsv, barcodes.tsv, plain or gzipped, the names
// with or without a prefix that the three share.
namespace scriptorium::data {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view banner = "%%MatrixMarket";
constexpr std::int64_t most_unnamed = 10'000'000;  ///< cells or genes that are numbered when no table names them

[[noreturn]] void bad(const std::string& what, const std::string& remedy = "Copy or download the folder again.") {
  throw Error(ErrorCode::BadInput, what, remedy);
}

/// The three files of a folder; empty where there is none.
struct Files {
  std::string matrix, genes, cells;
};

bool ends_with_either(const std::string& name, const std::string& ending) {
  return name.ends_with(ending) || name.ends_with(ending + ".gz");
}

std::string existing(const fs::path& folder, const std::string& prefix, std::initializer_list<const char*> names) {
  for (const char* name : names)
    for (const char* packed : {"", ".gz"})
      if (const fs::path path = folder / (prefix + name + packed); fs::is_regular_file(path)) return path.string();
  return {};
}

/// Looks for the matrix at or below `path`, then for its tables beside it. Empty when there is no matrix.
Files find_files(const std::string& path) {
  Files files;
  fs::path folder = path;
  if (fs::is_directory(path)) {
    std::vector<std::string> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(path))
      if (ends_with_either(entry.path().filename().string(), ".mtx")) found.push_back(entry.path().filename().string());
    if (found.empty()) return files;
    std::sort(found.begin(), found.end());
    const auto plain =
        std::find_if(found.begin(), found.end(), [](const auto& n) { return n.rfind("matrix.mtx", 0) == 0; });
    if (plain == found.end() && found.size() > 1)
      bad("The folder " + file_name(path) + " holds several matrices: " + listed(found),
          "Open one of these files instead.");
    files.matrix = (folder / (plain == found.end() ? found.front() : *plain)).string();
  } else {
    files.matrix = path;
    folder = folder.parent_path();
  }
  std::string prefix = fs::path(files.matrix).filename().string();
  prefix.resize(std::min(prefix.size(), prefix.rfind("matrix.mtx")));
  for (const std::string& p : {prefix, std::string{}}) {
    if (files.genes.empty()) files.genes = existing(folder, p, {"features.tsv", "genes.tsv"});
    if (files.cells.empty()) files.cells = existing(folder, p, {"barcodes.tsv"});
  }
  return files;
}

std::string column_of(std::string_view& rest) {
  const std::size_t tab = rest.find('\t');
  std::string out = valid_utf8(std::string(rest.substr(0, tab)));
  rest = tab == std::string_view::npos ? std::string_view{} : rest.substr(tab + 1);
  return out;
}

std::vector<std::string> read_barcodes(const std::string& path, const RunControl& control) {
  ByteStream in(path);
  std::vector<std::string> names;
  for (std::string_view line; in.line(line, control);) names.push_back(column_of(line));
  return names;
}

/// Columns id, symbol and type; a table that lacks one on some line has an empty text there.
FeatureTable read_features(const std::string& path, const RunControl& control) {
  ByteStream in(path);
  FeatureTable out;
  for (std::string_view line; in.line(line, control);) {
    out.ids.push_back(column_of(line));
    for (auto* column : {&out.symbols, &out.types})
      if (!line.empty() || !column->empty()) {
        column->resize(out.ids.size() - 1);
        column->push_back(column_of(line));
      }
  }
  return out;
}

/// Takes blanks and then a number off the front of `line`; false where there is none.
template <class Number>
bool take(std::string_view& line, Number& number) {
  std::size_t i = 0;
  while (i < line.size() && (line[i] == ' ' || line[i] == '\t')) ++i;
  const auto [end, error] = std::from_chars(line.data() + i, line.data() + line.size(), number);
  if (error != std::errc{}) return false;
  line.remove_prefix(end - line.data());
  return line.empty() || line.front() == ' ' || line.front() == '\t';
}

bool only_blanks(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

struct Header {
  std::int64_t rows = 0, columns = 0, entries = 0;
  bool real = false;
};

Header read_header(ByteStream& in, std::int64_t& line_number, const RunControl& control) {
  std::string_view line;
  if (!in.line(line, control)) bad(in.name() + " is empty");
  ++line_number;
  std::string first(line.substr(0, 200));
  std::transform(first.begin(), first.end(), first.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto says = [&](const char* word) { return first.find(word) != std::string::npos; };
  if (line.substr(0, banner.size()) != banner || !says("matrix"))
    bad(in.name() + " does not begin with the line of a MatrixMarket file");
  if (!says("coordinate") || !says("general") || says("pattern") || says("complex"))
    bad(in.name() + " is a MatrixMarket file of another kind: " + valid_utf8(first.substr(banner.size())),
        "Write it as “matrix coordinate integer general”.");
  Header header{.real = !says("integer")};
  while (in.line(line, control)) {
    ++line_number;
    if (line.empty() || line.front() == '%' || only_blanks(line)) continue;
    const bool read = take(line, header.rows) && take(line, header.columns) && take(line, header.entries);
    if (!read || !only_blanks(line) || header.rows < 0 || header.columns < 0 || header.entries < 0)
      bad(in.name() + ", line " + std::to_string(line_number) + ": three sizes are expected (rows, columns, entries)");
    return header;
  }
  bad(in.name() + " ends before it says its sizes");
}

/// Entries in the order of the file, by cell and gene.
struct Entries {
  std::vector<std::uint32_t> cell, gene;
  std::vector<Count> count;
};

/// Gathers the entries into cells, by counting where the file does not have them in that order.
CountMatrix by_cell(const Entries& entries, std::int64_t n_cells, std::int64_t n_genes,
                    std::vector<std::string>& notes) {
  const std::size_t n = entries.cell.size();
  std::vector<std::size_t> order;
  if (!std::is_sorted(entries.cell.begin(), entries.cell.end())) {
    std::vector<std::size_t> next(n_cells + 1, 0);
    for (const std::uint32_t cell : entries.cell) ++next[cell + 1];
    for (std::int64_t cell = 0; cell < n_cells; ++cell) next[cell + 1] += next[cell];
    order.resize(n);
    for (std::size_t k = 0; k < n; ++k) order[next[entries.cell[k]]++] = k;
  }
  CountBuilder builder(n_cells, n_genes);
  builder.reserve(static_cast<std::int64_t>(n));
  std::size_t at = 0;
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    for (; at < n; ++at) {
      const std::size_t k = order.empty() ? at : order[at];
      if (entries.cell[k] != cell) break;
      builder.add(entries.gene[k], entries.count[k]);
    }
    builder.end_major();
  }
  return builder.finish(false, notes);
}

class MatrixMarket final : public FormatReader {
 public:
  std::string name() const override { return "mtx"; }

  double recognises(const std::string& path) const override try {
    if (fs::is_directory(path)) {
      for (const fs::directory_entry& entry : fs::directory_iterator(path))
        if (ends_with_either(entry.path().filename().string(), ".mtx")) return 1;
      return 0;
    }
    ByteStream in(path);
    std::string_view line;
    if (in.line(line, {}) && line.substr(0, banner.size()) == banner) return 1;
    return ends_with_either(file_name(path), ".mtx") ? 0.5 : 0;
  } catch (const std::exception&) {
    return ends_with_either(file_name(path), ".mtx") || ends_with_either(file_name(path), ".mtx.gz") ? 0.5 : 0;
  }

  Dataset read(const std::string& path, const OpenOptions& options, bool with_counts,
               const RunControl& control) const override {
    const Files files = find_files(path);
    if (!options.layer.empty())
      bad(file_name(path) + " has no layer `" + options.layer + "`",
          "Leave the layer out: a MatrixMarket folder has one matrix.");
    Dataset out;
    out.path = path;
    out.format = name();
    control.tell(0, "reading the names of cells and genes");
    FeatureTable features;
    if (!files.genes.empty()) features = read_features(files.genes, control);
    if (!files.cells.empty()) out.cells.names = read_barcodes(files.cells, control);

    ByteStream in(files.matrix);
    std::int64_t line_number = 0;
    const Header header = read_header(in, line_number, control);
    const auto fits = [](const std::string& table, std::size_t names, std::int64_t size) {
      return table.empty() || static_cast<std::int64_t>(names) == size;
    };
    const bool as_usual = fits(files.genes, features.ids.size(), header.rows) &&
                          fits(files.cells, out.cells.names.size(), header.columns);
    const bool turned = !as_usual && !files.genes.empty() && !files.cells.empty() &&
                        fits(files.genes, features.ids.size(), header.columns) &&
                        fits(files.cells, out.cells.names.size(), header.rows);
    if (!as_usual && !turned)
      bad(in.name() + " is " + grouped(header.rows) + " genes × " + grouped(header.columns) + " cells, but " +
              listed(sizes(files, features, out.cells.names)),
          "Put the tables that belong to this matrix beside it.");
    if (turned) out.notes.push_back(in.name() + " holds cells in rows and genes in columns: read that way.");
    const std::int64_t n_genes = turned ? header.columns : header.rows, n_cells = turned ? header.rows : header.columns;
    for (const std::int64_t size : {files.genes.empty() ? n_genes : 0, files.cells.empty() ? n_cells : 0})
      if (size > most_unnamed)
        bad(in.name() + " claims " + grouped(size) + " rows or columns, and no table beside it names them");
    if (n_cells == 0 || n_genes == 0)
      bad(in.name() + " holds no " + (n_cells == 0 ? "cells" : "genes"),
          "Choose another file: there is nothing to fit in this one.");
    if (files.cells.empty()) out.cells.names = generated_names(n_cells, "cell", out.notes);
    if (files.genes.empty()) features.ids = generated_names(n_genes, "gene", out.notes);
    make_unique(out.cells.names, "cell", out.notes);
    out.genes = gene_table(features, file_name(files.genes), out.notes);

    LayerInfo info{.path = "",
                   .encoding = "coordinate",
                   .dtype = header.real ? "real" : "integer",
                   .n_cells = n_cells,
                   .n_genes = n_genes,
                   .stored = header.entries,
                   .is_counts = true,
                   .why_not = {}};
    const Entries entries = read_entries(in, line_number, header, turned, out, info, control);
    out.layers.push_back(info);
    if (!info.is_counts) {
      if (with_counts) bad(in.name() + " " + info.why_not, "Open the matrix from before its values were transformed.");
    } else if (with_counts) {
      out.counts = by_cell(entries, n_cells, n_genes, out.notes);
    }
    return keep_gene_expression(std::move(out), features, options.genome);
  }

 private:
  static std::vector<std::string> sizes(const Files& files, const FeatureTable& features,
                                        const std::vector<std::string>& cells) {
    std::vector<std::string> out;
    if (!files.genes.empty())
      out.push_back(file_name(files.genes) + " names " + grouped(static_cast<std::int64_t>(features.ids.size())) +
                    " genes");
    if (!files.cells.empty())
      out.push_back(file_name(files.cells) + " names " + grouped(static_cast<std::int64_t>(cells.size())) + " cells");
    return out;
  }

  /// All entries, held against the sizes; stops at the first value that is no count and says so in `info`.
  static Entries read_entries(ByteStream& in, std::int64_t& line_number, const Header& header, bool turned,
                              const Dataset& names, LayerInfo& info, const RunControl& control) {
    Entries out;
    std::int64_t read = 0;
    for (std::string_view line; in.line(line, control);) {
      ++line_number;
      if (line.empty() || line.front() == '%' || only_blanks(line)) continue;
      if ((read & 0xFFFF) == 0) {
        control.check();
        control.tell(in.fraction(),
                     "reading " + in.name() + ": " + grouped(read) + " of " + grouped(header.entries) + " entries");
      }
      const auto here = [&] { return in.name() + ", line " + std::to_string(line_number) + ": "; };
      if (++read > header.entries) bad(here() + "more entries than the " + grouped(header.entries) + " of the header");
      std::int64_t row = 0, column = 0;
      double value = 0;
      if (!take(line, row) || !take(line, column) || !take(line, value) || !only_blanks(line))
        bad(here() + "a row, a column and a value are expected");
      if (row < 1 || row > header.rows || column < 1 || column > header.columns)
        bad(here() + "entry " + std::to_string(row) + ", " + std::to_string(column) + " lies outside " +
            grouped(header.rows) + " × " + grouped(header.columns));
      const std::int64_t gene = (turned ? column : row) - 1, cell = (turned ? row : column) - 1;
      if (const Fault fault = judge(value); fault != Fault::None) {
        info.is_counts = false;
        info.why_not = "holds " + number_text(value, false) + " at cell " + names.cells.names[cell] + ", gene " +
                       names.genes.names[gene] + ", which is " + describe(fault);
        return {};
      }
      if (value == 0) continue;
      out.cell.push_back(static_cast<std::uint32_t>(cell));
      out.gene.push_back(static_cast<std::uint32_t>(gene));
      out.count.push_back(static_cast<Count>(value));
    }
    if (read < header.entries)
      bad(in.name() + " is cut short: it ends after " + grouped(read) + " of " + grouped(header.entries) + " entries");
    return out;
  }
};

}  // namespace

std::unique_ptr<FormatReader> matrix_market_reader() {
  return std::make_unique<MatrixMarket>();
}

}  // namespace scriptorium::data
