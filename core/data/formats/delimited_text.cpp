#include "core/data/formats/delimited_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "core/data/formats/missing_builder.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data::text {
namespace {

constexpr std::size_t most_first_bytes = 1 << 16;
constexpr std::int64_t most_fields = 10'000'000;  ///< of one line
constexpr std::array<char, 4> separators{'\t', ',', ';', ' '};

bool only_blanks(std::string_view line) {
  return std::all_of(line.begin(), line.end(), is_blank);
}

std::string_view without_mark(std::string_view line) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (line.substr(0, 3) == byte_order_mark) line.remove_prefix(3);
  return line;
}

std::string lower(std::string_view word) {
  std::string out(word);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

bool is_number(std::string_view field) {
  return value_of(field).kind == Value::Kind::Number;
}

/// Whether a header's fields are numbers only because the columns were never named: 0, 1, 2, … or 1, 2, 3, …
bool count_up(const std::vector<std::string>& header, std::size_t from) {
  const auto first = value_of(header[from]).number;
  if (first != 0 && first != 1) return false;
  for (std::size_t i = from; i < header.size(); ++i)
    if (value_of(header[i]).number != first + static_cast<double>(i - from)) return false;
  return header.size() > from + 1;
}

/// Words that stand above row names and never name a cell or gene themselves.
bool heads_names(const std::string& corner) {
  static constexpr std::array<std::string_view, 5> parts{"gene", "cell", "barcode", "symbol", "ensembl"};
  static constexpr std::array<std::string_view, 8> words{"",      "id",      "name",    "names",
                                                         "index", "feature", "rowname", "unnamed: 0"};
  const std::string word = lower(corner);
  return std::find(words.begin(), words.end(), word) != words.end() ||
         std::any_of(parts.begin(), parts.end(), [&](auto part) { return word.find(part) != std::string::npos; });
}

[[noreturn]] void no_table(const std::string& what) {
  throw Error(ErrorCode::BadInput, what, "A matrix of counts is expected: one line a cell or gene, with its counts.");
}

/// What the first bytes of a file hold when unpacked; empty where it cannot be read.
std::string first_bytes(const std::string& path) {
  std::string out(most_first_bytes, '\0');
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return {};
  int got = 0;  // read in small pieces, so that damage further on does not take what comes before
  for (std::size_t at = 0; at < out.size(); at += 1024) {
    const int n = gzread(file, out.data() + at, 1024);
    if (n > 0) got += n;
    if (n < 1024) break;
  }
  gzclose(file);
  out.resize(static_cast<std::size_t>(got));
  return out;
}

bool is_text(std::string_view bytes) {
  return std::none_of(bytes.begin(), bytes.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
  });
}

}  // namespace

Fields::Fields(std::string_view line, char separator)
    : at_(line.data()), end_(line.data() + line.size()), separator_(separator) {
  if (separator_ != ' ') return;
  while (at_ < end_ && is_blank(*at_)) ++at_;
  while (end_ > at_ && is_blank(end_[-1])) --end_;
}

std::string_view Fields::quoted() {
  unquoted_.clear();
  for (++at_; at_ < end_; ++at_) {
    if (*at_ == '"') {
      if (at_ + 1 == end_ || at_[1] != '"') break;
      ++at_;
    }
    unquoted_.push_back(*at_);
  }
  broken_ = broken_ || at_ == end_;
  if (at_ < end_) ++at_;
  return unquoted_;
}

bool Fields::next(std::string_view& field) {
  if (!more_) return false;
  const bool blanks = separator_ == ' ';
  if (!blanks)
    while (at_ < end_ && *at_ == ' ') ++at_;
  if (at_ < end_ && *at_ == '"') {
    field = quoted();
    while (at_ < end_ && (blanks ? !is_blank(*at_) : *at_ != separator_)) ++at_;
  } else {
    const char* const begin = at_;
    if (blanks) {
      while (at_ < end_ && !is_blank(*at_)) ++at_;
    } else {
      const void* const found = std::memchr(at_, separator_, static_cast<std::size_t>(end_ - at_));
      at_ = found != nullptr ? static_cast<const char*>(found) : end_;
    }
    const char* stop = at_;
    while (stop > begin && stop[-1] == ' ') --stop;
    field = {begin, static_cast<std::size_t>(stop - begin)};
  }
  step_over();
  return true;
}

std::vector<std::string> split(std::string_view line, char separator) {
  std::vector<std::string> out;
  Fields fields(line, separator);
  for (std::string_view field; fields.next(field);) out.emplace_back(field);
  return out;
}

std::int64_t count_fields(std::string_view line, char separator) {
  std::int64_t n = 0;
  Fields fields(line, separator);
  for (std::string_view field; fields.next(field);) ++n;
  return n;
}

char find_separator(std::string_view first, std::string_view second) {
  char best = ',';
  std::int64_t most = 1;
  for (const char separator : separators) {
    const std::int64_t fields = std::min(count_fields(first, separator), count_fields(second, separator));
    if (fields > most) {
      most = fields;
      best = separator;
    }
  }
  if (most > 1) return best;
  // A single column of numbers below a header that is one field shorter.
  for (const char separator : separators)
    if (count_fields(second, separator) == 2 && count_fields(first, separator) == 1) return separator;
  return best;
}

Value value_of(std::string_view field) {
  if (field.empty()) return {Value::Kind::Missing, 0};
  const char* const end = field.data() + field.size();
  std::int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(field.data(), end, whole); error == std::errc{} && stop == end) {
    if (is_missing_mark(whole)) return {Value::Kind::Missing, 0};
    return {Value::Kind::Number, static_cast<double>(whole)};
  }
  double number = 0;
  if (const auto [stop, error] = std::from_chars(field.data(), end, number); error == std::errc{} && stop == end)
    return is_missing_mark(number) ? Value{Value::Kind::Missing, 0} : Value{Value::Kind::Number, number};
  const std::string word = lower(field.substr(0, 8));
  if (word == "na" || word == "n/a" || word == "null" || word == "none") return {Value::Kind::Missing, 0};
  return {};
}

double looks_like_matrix(const std::string& path) {
  const std::string bytes = first_bytes(path);
  if (bytes.empty() || !is_text(bytes)) return 0;
  std::string_view rest = without_mark(bytes);
  constexpr std::string_view matrix_market = "%%MatrixMarket";
  if (rest.substr(0, matrix_market.size()) == matrix_market) return 0;
  std::array<std::string_view, 2> lines;
  for (std::string_view& line : lines) {
    while (!rest.empty() && (rest.front() == '\n' || rest.front() == '\r')) rest.remove_prefix(1);
    const std::size_t stop = std::min(rest.find('\n'), rest.size());
    line = rest.substr(0, stop);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    rest.remove_prefix(stop);
  }
  const bool long_header = lines[1].empty() && bytes.size() == most_first_bytes;
  const std::string_view judged = long_header ? lines[0] : lines[1];
  const auto fields = split(judged, find_separator(lines[0], judged));
  if (long_header) return fields.size() > 1 ? 0.2 : 0;
  if (fields.size() < 2) return 0;
  const auto numbers = std::count_if(fields.begin() + 1, fields.end(), is_number);
  return 2 * numbers >= static_cast<std::ptrdiff_t>(fields.size()) - 1 ? 0.4 : 0;
}

Layout learn_layout(const std::string& path, const RunControl& control) {
  ByteStream in(path, longest_row);
  std::array<std::string, 2> lines;
  std::array<std::int64_t, 2> numbers{};
  std::int64_t line_number = 0;
  std::size_t found = 0;
  for (std::string_view line; found < lines.size() && in.line(line, control);) {
    if (++line_number == 1) line = without_mark(line);
    if (only_blanks(line)) continue;
    lines[found] = line;
    numbers[found++] = line_number;
  }
  if (found == 0) no_table(in.name() + " holds only blank lines");
  const auto line_at = [&](std::size_t i) { return in.name() + ", line " + std::to_string(numbers[i]); };
  Layout out;
  out.separator = find_separator(lines[0], lines[found - 1]);
  for (std::size_t i = 0; i < found; ++i) {
    Fields fields(lines[i], out.separator);
    std::int64_t n = 0;
    for (std::string_view field; fields.next(field);) {
      if (fields.broken()) no_table(line_at(i) + ": a quoted name has no end");
      if (++n > most_fields) no_table(line_at(i) + " has more than " + grouped(most_fields) + " fields");
    }
  }
  std::vector<std::string> header = split(lines[0], out.separator);
  const bool all_numbers = header.size() > 1 && std::all_of(header.begin() + 1, header.end(), is_number);
  const bool numbered = is_number(header[0]) ? count_up(header, 0) : heads_names(header[0]) && count_up(header, 1);
  out.has_header = !all_numbers || header[0].empty() || numbered;
  if (out.has_header && found < 2) no_table(in.name() + " holds one line only");
  const std::vector<std::string> row = out.has_header ? split(lines[1], out.separator) : header;
  if (row.size() < 2 && !is_number(row[0]))
    no_table(line_at(found - 1) + ": no numbers between commas, tabs or blanks");
  const bool shorter = out.has_header && header.size() + 1 == row.size();
  if (out.has_header && !shorter && header.size() != row.size())
    no_table(line_at(1) + " has " + grouped(static_cast<std::int64_t>(row.size())) + " fields, the header " +
             grouped(static_cast<std::int64_t>(header.size())));
  out.first_line = numbers[out.has_header ? 1 : 0];
  out.ends_empty = row.size() > 2 && row.back().empty() && (!out.has_header || (!shorter && header.back().empty()));
  out.has_names = shorter || !is_number(row[0]) || (out.has_header && heads_names(header[0]));
  out.n_columns = static_cast<std::int64_t>(row.size()) - (out.has_names ? 1 : 0) - (out.ends_empty ? 1 : 0);
  if (!out.has_header) return out;
  if (out.ends_empty) header.pop_back();
  if (out.has_names && !shorter) {
    out.corner = valid_utf8(header.front());
    header.erase(header.begin());
  }
  for (std::string& name : header) out.columns.push_back(valid_utf8(std::move(name)));
  return out;
}

Rows::Rows(const std::string& path, const Layout& layout, const RunControl& control)
    : in_(path, longest_row), control_(control) {
  for (std::string_view line; line_number_ + 1 < layout.first_line && in_.line(line, control); ++line_number_) {
  }
}

bool Rows::next(std::string_view& line) {
  while (in_.line(line, control_)) {
    ++line_number_;
    if (line_number_ == 1) line = without_mark(line);
    if (!only_blanks(line)) return true;
  }
  return false;
}

std::string Rows::here() const {
  return in_.name() + ", line " + std::to_string(line_number_);
}

}  // namespace scriptorium::data::text
