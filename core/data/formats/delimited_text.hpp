#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/count_matrix.hpp"
#include "core/data/formats/byte_stream.hpp"

/// Tables as text: fields between commas, tabs, semicolons or blanks, some in double quotes.
namespace scriptorium::data::text {

inline bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

constexpr std::size_t longest_row = 256U << 20;  ///< bytes of one line: ten million names

/// Takes the fields of a line one by one.
class Fields {
 public:
  /// @param separator ' ' stands for any run of blanks and tabs
  Fields(std::string_view line, char separator);
  /// The next field without its quotes and the blanks around it; valid until the next call. False after the last.
  bool next(std::string_view& field);
  /// Takes the next field if it is nothing but digits that make a count, which nearly all are; else it stays.
  bool next_count(Count& count) {
    if (!more_ || at_ == end_) return false;
    const char* p = at_;
    std::uint64_t number = 0;
    for (; p < end_ && *p >= '0' && *p <= '9' && number <= most; ++p) number = 10 * number + (*p - '0');
    if (p == at_ || number > most || (p < end_ && *p != separator_ && (separator_ != ' ' || !is_blank(*p))))
      return false;
    count = static_cast<Count>(number);
    at_ = p;
    step_over();
    return true;
  }
  /// Whether a quote had no end: its field was the rest of the line.
  bool broken() const { return broken_; }

 private:
  static constexpr std::uint64_t most = std::numeric_limits<Count>::max();
  std::string_view quoted();
  /// From the end of a field to the beginning of the next.
  void step_over() {
    more_ = at_ < end_;
    if (more_) ++at_;
    if (separator_ == ' ')
      while (at_ < end_ && is_blank(*at_)) ++at_;
  }
  const char* at_;
  const char* end_;
  char separator_;
  bool more_ = true, broken_ = false;
  std::string unquoted_;
};

std::vector<std::string> split(std::string_view line, char separator);
std::int64_t count_fields(std::string_view line, char separator);

/// The separator that gives the first two lines of a file the most fields; ',' where none does.
char find_separator(std::string_view first, std::string_view second);

/// What one field of a matrix says.
struct Value {
  enum class Kind { Number, Missing, Text } kind = Kind::Text;
  double number = 0;
};
/// "NA", "NaN", "null", the lowest 64-bit integer and nothing at all are Missing.
Value value_of(std::string_view field);

/// How the matrix of a text file is laid out, learned from its first lines.
struct Layout {
  char separator = ',';
  std::int64_t first_line = 2;  ///< of the data, from 1
  bool has_header = true;       ///< else `columns` is empty
  bool has_names = true;        ///< the first field of a line names its row
  bool ends_empty = false;      ///< every line ends with a separator and nothing after it
  std::string corner;           ///< what the header says above the row names
  std::vector<std::string> columns;
  std::int64_t n_columns = 0;  ///< of numbers
  /// Fields of a data line.
  std::int64_t fields() const { return n_columns + (has_names ? 1 : 0) + (ends_empty ? 1 : 0); }
};

/// How sure one can be from its first bytes that `path` is a table of numbers, plain or gzipped: 0 … 0.4.
double looks_like_matrix(const std::string& path);

/// Reads the first lines of the file. @throws Error when they are no table with at least one row and column
Layout learn_layout(const std::string& path, const RunControl& control);

/// Walks through the rows below the header, and says where in the file something is.
class Rows {
 public:
  Rows(const std::string& path, const Layout& layout, const RunControl& control);
  /// The next line that is not blank.
  bool next(std::string_view& line);
  std::int64_t line_number() const { return line_number_; }
  /// "x.csv, line 7"
  std::string here() const;
  const ByteStream& stream() const { return in_; }

 private:
  ByteStream in_;
  const RunControl& control_;
  std::int64_t line_number_ = 0;
};

}  // namespace scriptorium::data::text
