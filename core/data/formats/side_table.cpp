#include "core/data/formats/side_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>

#include "core/data/formats/byte_stream.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view pointer = "version https://git-lfs.github.com/spec/";
constexpr std::size_t most_labels = 1000;
constexpr std::int64_t lines_at_once = 4096;
constexpr std::array<std::string_view, 6> cell_words{"obs", "cell", "cells", "barcode", "barcodes", "colnames"};
constexpr std::array<std::string_view, 6> gene_words{"var", "gene", "genes", "feature", "features", "rownames"};

char separator_of(std::string_view line) {
  const auto times = [&](char c) { return std::count(line.begin(), line.end(), c); };
  const std::array<char, 3> all{'\t', ',', ';'};
  return *std::max_element(all.begin(), all.end(), [&](char a, char b) { return times(a) < times(b); });
}

/// Fields of a line; quotes are taken off, and doubled ones within them made single.
std::vector<std::string> split(std::string_view line, char separator) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && (quoted || fields.back().empty())) {
      if (quoted && i + 1 < line.size() && line[i + 1] == '"')
        fields.back() += line[++i];
      else
        quoted = !quoted;
    } else if (c == separator && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  for (std::string& field : fields) field = valid_utf8(std::move(field));
  return fields;
}

/// Reads the lines of a file; nothing, with a note, where it is no table.
std::optional<SideTable> read_lines(const fs::path& path, std::vector<std::string>& notes, const RunControl& control) {
  SideTable out;
  out.file = file_name(path.string());
  const auto pass_over = [&](const std::string& why) {
    notes.push_back(out.file + " " + why);
    return std::nullopt;
  };
  try {
    ByteStream in(path.string());
    char separator = '\0';
    for (std::string_view line; in.line(line, control);) {
      if (out.lines.size() % lines_at_once == 0) control.check();
      if (out.lines.empty()) {
        if (line.starts_with(pointer))
          return pass_over(
              "is a Git-LFS pointer, not the table itself: fetch it with `git lfs pull` to have its names.");
        separator = separator_of(line);
      }
      if (line.empty()) continue;
      out.lines.push_back(split(line, separator));
      const std::size_t fields = out.lines.back().size();
      if (out.lines.size() == 2 && fields == out.columns + 1)  // as R writes them: no header above the names
        out.lines.front().insert(out.lines.front().begin(), std::string{});
      else if (out.lines.size() > 1 && fields != out.columns)
        return pass_over("has " + std::to_string(fields) + " columns on line " + std::to_string(out.lines.size()) +
                         " and " + std::to_string(out.columns) + " before: not used.");
      out.columns = fields;
    }
  } catch (const Error& error) {
    return pass_over("is not used: " + std::string(error.what()) + ".");
  }
  return out;
}

template <class Number>
bool parse(const std::string& text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && at == end;
}

bool is_absent(const std::string& text) {
  return text.empty() || text == "NA" || text == "NaN" || text == "nan";
}

std::optional<std::vector<std::int64_t>> as_integers(const std::vector<std::string>& texts) {
  std::vector<std::int64_t> out(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (!parse(texts[i], out[i])) return {};
  return out;
}

std::optional<std::vector<double>> as_numbers(const std::vector<std::string>& texts) {
  std::vector<double> out(texts.size(), std::numeric_limits<double>::quiet_NaN());
  bool some = false;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (is_absent(texts[i])) continue;
    if (!parse(texts[i], out[i])) return {};
    some = true;
  }
  return some ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::vector<std::uint8_t>> as_booleans(const std::vector<std::string>& texts) {
  std::vector<std::uint8_t> out;
  for (const std::string& text : texts) {
    const bool yes = text == "True" || text == "TRUE" || text == "true",
               no = text == "False" || text == "FALSE" || text == "false";
    if (!yes && !no) return {};
    out.push_back(yes ? 1 : 0);
  }
  return out;
}

/// Labels where few texts come again and again.
std::optional<Categorical> as_labels(const std::vector<std::string>& texts) {
  Categorical out;
  std::map<std::string, std::int32_t> codes;
  for (const std::string& text : texts) {
    if (is_absent(text)) {
      out.codes.push_back(-1);
      continue;
    }
    const auto [at, is_new] = codes.try_emplace(text, static_cast<std::int32_t>(codes.size()));
    if (is_new) out.categories.push_back(text);
    if (codes.size() > most_labels || 2 * codes.size() > texts.size()) return {};
    out.codes.push_back(at->second);
  }
  return out;
}

Column typed(std::string name, std::vector<std::string> texts) {
  Column out{std::move(name), {}, {}};
  if (auto integers = as_integers(texts))
    out.values = std::move(*integers);
  else if (auto numbers = as_numbers(texts))
    out.values = std::move(*numbers);
  else if (auto booleans = as_booleans(texts))
    out.values = std::move(*booleans);
  else if (auto labels = as_labels(texts))
    out.values = std::move(*labels);
  else
    out.values = std::move(texts);
  return out;
}

/// The last word of a file's name without its endings: "obs" of "merged.obs.csv.gz"; empty where it ends otherwise.
std::string last_word(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (!name.ends_with(".csv") && !name.ends_with(".tsv") && !name.ends_with(".txt")) return {};
  name.resize(name.size() - 4);
  return name.substr(name.find_last_of("._- ") + 1);  // all of it where there is none: npos + 1 is 0
}

}  // namespace

bool SideTable::fits(std::int64_t n) const {
  const auto rows = static_cast<std::int64_t>(lines.size());
  return n > 0 && (rows == n || rows == n + 1);
}

Table SideTable::table(std::int64_t n, const std::string& what, std::vector<std::string>& notes) const {
  const std::size_t first = lines.size() - static_cast<std::size_t>(n);
  const auto column = [&](std::size_t k) {
    std::vector<std::string> texts;
    for (std::size_t i = first; i < lines.size(); ++i) texts.push_back(lines[i][k]);
    return texts;
  };
  Table out;
  out.names = column(0);
  make_unique(out.names, what, notes);
  for (std::size_t k = 1; k < columns; ++k) {
    const bool named = first == 1 && !lines[0][k].empty();
    out.columns.push_back(typed(named ? lines[0][k] : "column " + std::to_string(k + 1), column(k)));
  }
  return out;
}

SideTables tables_beside(const std::string& folder, std::vector<std::string>& notes, const RunControl& control) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->is_regular_file(error)) files.push_back(at->path());
  std::sort(files.begin(), files.end());
  SideTables out;
  for (const fs::path& file : files) {
    const std::string word = last_word(file.filename().string());
    const auto is_in = [&](const auto& words) { return std::find(words.begin(), words.end(), word) != words.end(); };
    if (!is_in(cell_words) && !is_in(gene_words)) continue;
    if (auto table = read_lines(file, notes, control))
      (is_in(cell_words) ? out.cells : out.genes).push_back(std::move(*table));
  }
  return out;
}

}  // namespace scriptorium::data
