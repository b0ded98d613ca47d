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
constexpr std::int64_t enough_to_judge = 2'000'000;  ///< entries, where the counts are not wanted
constexpr std::int64_t most_unnamed = 10'000'000;    ///< cells or genes that are numbered when no table names them

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

/// Rows (cells or genes) made of entries that come in their order.
class Rows {
 public:
  Rows(CountSink& counts, Major major) : builder_(&counts, major) {}
  /// False when the row lies before the one in progress.
  bool add(std::uint32_t row, std::uint32_t minor, Count count) {
    if (row < row_) return false;
    for (; row_ < row; ++row_) builder_.end_row();
    builder_.add(minor, count);
    return true;
  }
  void finish(std::vector<std::string>& notes) {
    builder_.end_row();
    note_merged(builder_.finish(), notes);
  }

 private:
  CountBuilder builder_;
  std::uint32_t row_ = 0;
};

/// Hands on entries in no order, gathered into cells by counting.
void add_by_cell(const Entries& entries, std::int64_t n_cells, CountSink& counts, std::vector<std::string>& notes) {
  std::vector<std::size_t> next(static_cast<std::size_t>(n_cells) + 1, 0), order(entries.cell.size());
  for (const std::uint32_t cell : entries.cell) ++next[cell + 1];
  for (std::size_t cell = 1; cell < next.size(); ++cell) next[cell] += next[cell - 1];
  for (std::size_t k = 0; k < order.size(); ++k) order[next[entries.cell[k]]++] = k;
  Rows rows(counts, Major::Cell);
  for (const std::size_t k : order) rows.add(entries.cell[k], entries.gene[k], entries.count[k]);
  rows.finish(notes);
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

  Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
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
    const auto kept = gene_expression(features, options.genome, file_name(files.genes), out.notes);
    const Reading reading{files.matrix, header, turned, out.cells.names, out.genes.names, control};
    if (counts) {
      std::optional<Selection> selection;
      if (kept) counts = &selection.emplace(*counts, std::vector<std::int64_t>{}, *kept);
      stream(reading, out, *counts, info);
      if (!info.is_counts)
        bad(in.name() + " " + info.why_not, "Open the matrix from before its values were transformed.");
    } else {
      std::int64_t looked_at = 0;
      read_entries(reading, info, [&](auto, auto, auto) { return ++looked_at < enough_to_judge; });
    }
    out.layers.push_back(info);
    return kept ? out.select({}, *kept) : out;
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

  struct Reading {
    std::string matrix;
    Header header;
    bool turned;
    const std::vector<std::string>&cells, &genes;
    const RunControl& control;
  };

  /// Hands on the entries as they come where they come by cell or by gene, else gathered.
  static void stream(const Reading& reading, Dataset& out, CountSink& counts, LayerInfo& info) {
    for (const Major major : {Major::Cell, Major::Gene}) {
      counts.begin(out.cells, out.genes);
      Rows rows(counts, major);
      const bool by_cell = major == Major::Cell;
      if (!read_entries(reading, info, [&](std::uint32_t cell, std::uint32_t gene, Count count) {
            return by_cell ? rows.add(cell, gene, count) : rows.add(gene, cell, count);
          }))
        continue;
      return rows.finish(out.notes);
    }
    counts.begin(out.cells, out.genes);
    Entries entries;
    read_entries(reading, info, [&](std::uint32_t cell, std::uint32_t gene, Count count) {
      entries.cell.push_back(cell);
      entries.gene.push_back(gene);
      entries.count.push_back(count);
      return true;
    });
    add_by_cell(entries, info.n_cells, counts, out.notes);
  }

  /// All entries, held against the sizes, as long as `take_entry` wants more (else it returns false); stops at the
  /// first value that is no count and says so in `info`.
  template <class TakeEntry>
  static bool read_entries(const Reading& reading, LayerInfo& info, const TakeEntry& take_entry) {
    const auto& [matrix, header, turned, cells, genes, control] = reading;
    ByteStream in(matrix);
    std::int64_t line_number = 0;
    read_header(in, line_number, control);
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
      const auto gene = static_cast<std::uint32_t>((turned ? column : row) - 1),
                 cell = static_cast<std::uint32_t>((turned ? row : column) - 1);
      if (const Fault fault = judge(value); fault != Fault::None) {
        info.is_counts = false;
        info.why_not = "holds " + number_text(value, false) + " at cell " + cells[cell] + ", gene " + genes[gene] +
                       ", which is " + describe(fault);
        return true;
      }
      if (value != 0 && !take_entry(cell, gene, static_cast<Count>(value))) return false;
    }
    if (read < header.entries)
      bad(in.name() + " is cut short: it ends after " + grouped(read) + " of " + grouped(header.entries) + " entries");
    return true;
  }
};

}  // namespace

std::unique_ptr<FormatReader> matrix_market_reader() {
  return std::make_unique<MatrixMarket>();
}

}  // namespace scriptorium::data
