#include "core/data/formats/companion_table.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <unordered_set>

#include "core/data/formats/join_columns.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t largest_file = 64U << 20;
constexpr std::array<std::string_view, 6> cell_words{"obs", "cell", "cells", "barcode", "barcodes", "colnames"};
constexpr std::array<std::string_view, 6> gene_words{"var", "gene", "genes", "feature", "features", "rownames"};
constexpr std::size_t most_files = 1000;   ///< looked at in a folder
constexpr std::size_t fewest_letters = 2;  ///< that two file names must share

std::string lower(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word;
}

bool contains_any(const std::string& text, std::initializer_list<const char*> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const char* part) { return text.find(part) != std::string::npos; });
}

/// What files that belong together share: "sc_celseq2" of sc_celseq2.count.csv.gz, "GSE1" of GSE1_counts.csv.
std::string common_part(const std::string& name) {
  std::string stem = name.substr(0, name.find('.'));
  const std::string word = lower(stem);
  for (const char* end : {"counts", "count", "matrix", "umi", "umis", "expression", "data"})
    for (const char before : {'_', '-'})
      if (const std::size_t at = word.rfind(before + std::string(end)); at != std::string::npos && at > 0)
        stem.resize(std::min(stem.size(), at));
  return stem;
}

/// Whether `name` is a table that goes with files called `stem…`, and of what.
enum class Lists { Nothing, Cells, Genes };
Lists lists(const std::string& name, const std::string& stem) {
  if (stem.size() < fewest_letters || name.compare(0, stem.size(), stem) != 0) return Lists::Nothing;
  const std::string rest = lower(name.substr(stem.size()));
  const bool is_table = contains_any(rest, {".csv", ".tsv", ".txt"});
  if (rest.empty() || std::isalnum(static_cast<unsigned char>(rest.front())) != 0 || !is_table ||
      contains_any(rest, {"count", "matrix", "expr"}))
    return Lists::Nothing;
  if (contains_any(rest, {"cell", "meta", "obs", "barcode", "coldata", "annot", "pheno"})) return Lists::Cells;
  return contains_any(rest, {"gene", "feature", "var", "rowdata"}) ? Lists::Genes : Lists::Nothing;
}

/// Reads a table into `out`, or says in a note why not.
void add_table(const fs::path& path, bool of_cells, std::vector<TextTable>& out, std::vector<std::string>& notes,
               const RunControl& control) {
  try {
    out.push_back(read_text_table(path.string(), of_cells, control));
  } catch (const Error& error) {
    notes.push_back(std::string(error.what()) + ": not used.");
  }
}

/// The last word of a file's name without its endings: "obs" of "merged.obs.csv.gz"; empty where it ends otherwise.
std::string last_word(std::string name) {
  name = lower(std::move(name));
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (!name.ends_with(".csv") && !name.ends_with(".tsv") && !name.ends_with(".txt")) return {};
  name.resize(name.size() - 4);
  return name.substr(name.find_last_of("._- ") + 1);  // all of it where there is none: npos + 1 is 0
}

}  // namespace

bool CompanionTable::names_most_of(const std::vector<std::string>& names) const {
  const std::unordered_set<std::string_view> known(table.names.begin(), table.names.end());
  const auto found = std::count_if(names.begin(), names.end(), [&](const auto& name) { return known.contains(name); });
  return found > 0 && 2 * found >= static_cast<std::ptrdiff_t>(names.size());
}

bool CompanionTable::repeats(const std::vector<std::string>& columns) const {
  const std::unordered_set<std::string_view> known(columns.begin(), columns.end());
  const auto same = std::count_if(table.columns.begin(), table.columns.end(),
                                  [&](const Column& column) { return known.contains(column.name); });
  return same > 0 && 2 * same >= static_cast<std::ptrdiff_t>(table.columns.size());
}

std::vector<CompanionTable> companion_tables(const std::string& path, std::vector<std::string>& notes,
                                             const RunControl& control) {
  std::vector<TextTable> found;
  const fs::path file(path);
  const std::string own = file.filename().string(), stem = common_part(own);
  std::error_code error;
  std::size_t seen = 0;
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  for (fs::directory_iterator at(folder, error), end; !error && at != end && seen < most_files;
       at.increment(error), ++seen) {
    control.check();
    const std::string name = at->path().filename().string();
    const Lists what = lists(name, stem);
    std::error_code unreadable;
    if (name == own || what == Lists::Nothing || !at->is_regular_file(unreadable)) continue;
    if (const std::uintmax_t bytes = at->file_size(unreadable); unreadable || bytes > largest_file)
      notes.push_back(valid_utf8(name) + " is larger than 64 MiB: not used.");
    else
      add_table(at->path(), what == Lists::Cells, found, notes, control);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.file < b.file; });
  std::vector<CompanionTable> out;
  for (const TextTable& table : found) out.push_back({table.file, table.of_cells, table.table(true)});
  return out;
}

std::vector<TextTable> tables_in(const std::string& folder, std::vector<std::string>& notes,
                                 const RunControl& control) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (std::error_code unreadable; at->is_regular_file(unreadable)) files.push_back(at->path());
  std::sort(files.begin(), files.end());
  std::vector<TextTable> out;
  for (const fs::path& file : files) {
    const std::string word = last_word(file.filename().string());
    const auto is_in = [&](const auto& words) { return std::find(words.begin(), words.end(), word) != words.end(); };
    if (is_in(cell_words) || is_in(gene_words)) add_table(file, is_in(cell_words), out, notes, control);
  }
  return out;
}

void join(const CompanionTable& companion, Table& into, std::vector<std::string>& notes) {
  if (!companion.names_most_of(into.names)) return;
  const std::optional<std::int64_t> unnamed = join_columns(into, companion.table);
  if (!unnamed) return;
  notes.push_back(grouped(static_cast<std::int64_t>(companion.table.columns.size())) + " columns of " +
                  (companion.of_cells ? "cells" : "genes") + " come from " + companion.file +
                  (*unnamed > 0 ? ", which does not name " + grouped(*unnamed) + " of them." : "."));
}

}  // namespace scriptorium::data
