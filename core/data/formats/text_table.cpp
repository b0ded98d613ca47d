#include "core/data/formats/text_table.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/data/formats/delimited_text.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

constexpr std::string_view lfs_pointer = "version https://git-lfs.github.com/spec/";
constexpr std::size_t most_columns = 2000;
constexpr std::size_t lines_between_looks = 4096;

std::string lower(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word;
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

}  // namespace

Table TextTable::table(bool has_header) const {
  const std::size_t first = has_header ? 1 : 0;
  const auto column = [&](std::size_t c) {
    std::vector<std::string> fields;
    for (std::size_t i = first; i < lines.size(); ++i) fields.push_back(lines[i][c]);
    return fields;
  };
  Table out;
  if (lines.empty()) return out;
  out.names = column(0);
  for (std::size_t c = 1; c < lines[0].size(); ++c) {
    const bool named = has_header && !lines[0][c].empty();
    out.columns.push_back(typed(named ? lines[0][c] : "column " + std::to_string(c + 1), column(c)));
  }
  return out;
}

TextTable read_text_table(const std::string& path, bool of_cells, const RunControl& control) {
  TextTable out{.file = valid_utf8(file_name(path)), .of_cells = of_cells, .lines = {}};
  const auto no_table = [&](const std::string& why) { throw Error(ErrorCode::BadInput, out.file + " " + why); };
  std::vector<std::vector<std::string>>& lines = out.lines;
  char separator = ',';
  const auto add = [&](std::string_view line) {
    if (lines.size() % lines_between_looks == 0) control.check();
    lines.push_back(text::split(line, separator));
    for (std::string& field : lines.back()) field = valid_utf8(std::move(field));
    const std::size_t fields = lines.back().size(), before = lines.front().size();
    if (fields > most_columns) no_table("has more columns than a table of cells or genes");
    if (lines.size() == 2 && fields == before + 1)  // as R writes them: no header above the names
      lines.front().insert(lines.front().begin(), std::string{});
    else if (fields != before)
      no_table("has " + std::to_string(fields) + " columns on line " + std::to_string(lines.size()) + " and " +
               std::to_string(before) + " before");
  };
  ByteStream in(path);
  std::string first;
  for (std::string_view line; in.line(line, control);) {
    if (line.empty()) continue;
    if (line.starts_with(lfs_pointer) && lines.empty())
      no_table("is a Git-LFS pointer, not the table itself (`git lfs pull` fetches it)");
    if (lines.empty() && first.empty()) {
      first = line;
      continue;
    }
    if (lines.empty()) {
      separator = text::find_separator(first, line);
      add(first);
    }
    add(line);
  }
  if (lines.empty() && !first.empty()) {
    separator = text::find_separator(first, first);
    add(first);
  }
  return out;
}

}  // namespace scriptorium::data
