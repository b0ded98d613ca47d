#include "core/data/formats/companion_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "core/data/formats/delimited_text.hpp"
#include "core/data/formats/join_columns.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t largest_file = 64U << 20;
constexpr std::size_t most_columns = 2000;
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

/// The fields of a column as the narrowest type that holds them all: integers, numbers, booleans, labels or text.
Column typed(std::string name, std::vector<std::string> fields) {
  Column out{.name = std::move(name), .values = {}, .missing = {}};
  bool integers = true, numbers = true, booleans = true;
  std::vector<std::uint8_t> missing(fields.size(), 0);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const text::Value value = text::value_of(fields[i]);
    missing[i] = value.kind == text::Value::Kind::Missing ? 1 : 0;
    if (missing[i] != 0) continue;
    const bool number = value.kind == text::Value::Kind::Number;
    numbers = numbers && number;
    integers = integers && number && value.number == std::floor(value.number) && std::abs(value.number) < 0x1p53;
    const std::string word = number ? "" : lower(fields[i]);
    booleans = booleans && (word == "true" || word == "false");
  }
  const auto each = [&](auto zero, const auto& convert) {
    std::vector<decltype(zero)> values;
    for (std::size_t i = 0; i < fields.size(); ++i) values.push_back(missing[i] != 0 ? zero : convert(fields[i]));
    return values;
  };
  const bool none = std::count(missing.begin(), missing.end(), 1) == static_cast<std::ptrdiff_t>(fields.size());
  const auto number = [](const std::string& field) { return text::value_of(field).number; };
  if (none || (numbers && !integers)) {
    out.values = each(std::nan(""), number);
    return out;
  }
  if (std::count(missing.begin(), missing.end(), 1) > 0) out.missing = missing;
  if (integers) {
    out.values = each(std::int64_t{0}, [&](const std::string& f) { return static_cast<std::int64_t>(number(f)); });
  } else if (booleans) {
    out.values = each(std::uint8_t{0}, [](const std::string& f) { return std::uint8_t{lower(f) == "true"}; });
  } else {
    Categorical labels;
    std::unordered_map<std::string, std::int32_t> codes;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (missing[i] == 0 && codes.try_emplace(fields[i], static_cast<std::int32_t>(codes.size())).second)
        labels.categories.push_back(fields[i]);
      labels.codes.push_back(missing[i] != 0 ? -1 : codes.at(fields[i]));
    }
    if (2 * labels.categories.size() <= fields.size()) {
      out.missing.clear();  // the codes say it
      out.values = std::move(labels);
    } else {
      out.values = std::move(fields);
    }
  }
  return out;
}

/// Names in the first column, everything else as typed columns.
Table read_table(const std::string& path, const RunControl& control) {
  ByteStream in(path);
  std::string_view line;
  std::array<std::string, 2> first;
  for (std::string& text : first)
    if (in.line(line, control)) text = line;
  const char separator = text::find_separator(first[0], first[1]);
  std::vector<std::string> header = text::split(first[0], separator);
  if (header.size() > most_columns) throw Error(ErrorCode::BadInput, "it has more columns than a table of cells");
  Table out;
  std::vector<std::vector<std::string>> columns;
  const auto add = [&](std::string_view row) {
    std::vector<std::string> fields = text::split(row, separator);
    if (columns.empty()) columns.resize(fields.size() - 1);
    if (fields.size() != columns.size() + 1)
      throw Error(ErrorCode::BadInput,
                  "row " + std::to_string(out.names.size() + 1) + " has " + std::to_string(fields.size()) + " fields");
    out.names.push_back(valid_utf8(fields[0]));
    for (std::size_t c = 0; c < columns.size(); ++c) columns[c].push_back(valid_utf8(std::move(fields[c + 1])));
  };
  if (!first[1].empty()) add(first[1]);
  while (in.line(line, control))
    if (!line.empty()) add(line);
  if (header.size() == columns.size() + 1) header.erase(header.begin());
  if (header.size() != columns.size())
    throw Error(ErrorCode::BadInput, "the header has " + std::to_string(header.size()) + " fields");
  for (std::size_t c = 0; c < columns.size(); ++c)
    out.columns.push_back(typed(valid_utf8(header[c]), std::move(columns[c])));
  return out;
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
  std::vector<CompanionTable> out;
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
    try {
      if (at->file_size() > largest_file) throw Error(ErrorCode::BadInput, "it is larger than 64 MiB");
      out.push_back({valid_utf8(name), what == Lists::Cells, read_table(at->path().string(), control)});
    } catch (const std::exception& problem) {
      notes.push_back(valid_utf8(name) + ", which lies beside the file, is not read: " + problem.what() + ".");
    }
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.file < b.file; });
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
