#include "core/data/expression.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

using Mask = std::vector<std::uint8_t>;

enum class Kind { Word, Name, Text, Number, Symbol, End };
struct Token {
  Kind kind = Kind::End;
  std::string text;
  double number = 0;
  std::size_t at = 0;
};

constexpr int deepest = 200;  ///< nested parentheses and nots

/// Recursive descent: or < and < not < comparison, evaluated on all cells at once.
class Parser {
 public:
  Parser(const std::string& source, const Table& cells, const CountSource& counts)
      : source_(source), cells_(cells), counts_(counts) {
    advance();
  }

  Mask whole() {
    Mask mask = either();
    if (token_.kind != Kind::End) fail("“" + token_.text + "” is not expected here");
    return mask;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::BadInput,
                "The condition on cells cannot be read at character " + std::to_string(token_.at + 1) + ": " + what,
                "Write it like: batch == \"r1\" and n_counts >= 500");
  }

  void advance() {
    while (next_ < source_.size() && std::isspace(static_cast<unsigned char>(source_[next_])) != 0) ++next_;
    token_ = {Kind::End, "the end", 0, next_};
    if (next_ >= source_.size()) return;
    const char c = source_[next_];
    if (c == '"' || c == '\'' || c == '`') {
      token_.text.clear();
      std::size_t i = next_ + 1;
      for (; i < source_.size() && source_[i] != c; ++i) {
        if (source_[i] == '\\' && i + 1 < source_.size()) ++i;
        token_.text += source_[i];
      }
      if (i >= source_.size()) fail(std::string("the quote ") + c + " is not closed");
      next_ = i + 1;
      token_.kind = c == '`' ? Kind::Name : Kind::Text;
      return;
    }
    if (const auto length = number_length(); length > 0) {
      token_.kind = Kind::Number;
      token_.text = source_.substr(next_, length);
      next_ += length;
      return;
    }
    const auto is_word = [](char w) {
      return std::isalnum(static_cast<unsigned char>(w)) != 0 || w == '_' || w == '.' ||
             static_cast<unsigned char>(w) >= 0x80;
    };
    std::size_t end = next_;
    while (end < source_.size() && is_word(source_[end])) ++end;
    if (end > next_) {
      token_.kind = Kind::Word;
    } else {
      token_.kind = Kind::Symbol;
      end = next_ +
            (next_ + 1 < source_.size() && source_[next_ + 1] == '=' && std::string("=!<>").find(c) != std::string::npos
                 ? 2
                 : 1);
    }
    token_.text = source_.substr(next_, end - next_);
    next_ = end;
  }

  /// Characters of the number that starts here and ends where a word would; 0 where there is none.
  std::size_t number_length() {
    const char* const begin = source_.data() + next_;
    const char* const end = source_.data() + source_.size();
    const bool plus = *begin == '+';
    if (std::isalpha(static_cast<unsigned char>(*begin)) != 0) return 0;  // "inf" and "nan" are words
    const auto [stop, error] = std::from_chars(begin + (plus ? 1 : 0), end, token_.number);
    if (error != std::errc{}) return 0;
    const bool in_word = stop < end && (std::isalnum(static_cast<unsigned char>(*stop)) != 0 || *stop == '_');
    return in_word ? 0 : static_cast<std::size_t>(stop - begin);
  }

  bool accept(Kind kind, const char* text) {
    if (token_.kind != kind || token_.text != text) return false;
    advance();
    return true;
  }
  void expect(const char* symbol) {
    if (!accept(Kind::Symbol, symbol)) fail(std::string("“") + symbol + "” is expected before “" + token_.text + "”");
  }

  Mask either() {
    Mask left = both();
    while (accept(Kind::Word, "or") || accept(Kind::Symbol, "|")) {
      const Mask right = both();
      for (std::size_t i = 0; i < left.size(); ++i) left[i] |= right[i];
    }
    return left;
  }
  Mask both() {
    Mask left = negated();
    while (accept(Kind::Word, "and") || accept(Kind::Symbol, "&")) {
      const Mask right = negated();
      for (std::size_t i = 0; i < left.size(); ++i) left[i] &= right[i];
    }
    return left;
  }
  Mask negated() {
    if (++depth_ > deepest) fail("it is nested too deeply");
    Mask mask;
    if (accept(Kind::Word, "not") || accept(Kind::Symbol, "!")) {
      mask = negated();
      for (std::uint8_t& m : mask) m ^= 1;
    } else if (accept(Kind::Symbol, "(")) {
      mask = either();
      expect(")");
    } else {
      mask = comparison();
    }
    --depth_;
    return mask;
  }

  Mask comparison() {
    if (token_.kind != Kind::Word && token_.kind != Kind::Name)
      fail("the name of a column is expected before “" + token_.text + "”");
    const Column& column = find(token_.text);
    advance();
    const bool negative = token_.kind == Kind::Word && token_.text == "not";
    if (negative) advance();
    if (accept(Kind::Word, "in")) {
      expect("(");
      Mask mask(column.size(), 0);
      do {
        const Mask one = compare(column, "==", take_value());
        for (std::size_t i = 0; i < mask.size(); ++i) mask[i] |= one[i];
      } while (accept(Kind::Symbol, ","));
      expect(")");
      if (negative)
        for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = mask[i] == 0 && !column.is_missing(i) ? 1 : 0;
      return mask;
    }
    if (negative) fail("“in” is expected after “not”");
    const std::string op = token_.kind == Kind::Symbol ? token_.text : std::string{};
    if (op != "==" && op != "!=" && op != "<" && op != "<=" && op != ">" && op != ">=")
      fail("a comparison (==, !=, <, <=, >, >=, in) is expected before “" + token_.text + "”");
    advance();
    return compare(column, op, take_value());
  }

  Token take_value() {
    Token value = token_;
    const bool boolean = value.kind == Kind::Word && (value.text == "True" || value.text == "False" ||
                                                      value.text == "true" || value.text == "false");
    if (value.kind != Kind::Text && value.kind != Kind::Number && !boolean)
      fail("a number, a quoted text, True or False is expected before “" + value.text + "”");
    if (boolean) value.number = value.text.front() == 'T' || value.text.front() == 't' ? 1 : 0;
    advance();
    return value;
  }

  Mask compare(const Column& column, const std::string& op, const Token& value) const {
    const std::size_t n = column.size();
    Mask mask(n, 0);
    const std::string type = column.type();
    const bool as_text = type == "text" || type == "label";
    if (as_text && op != "==" && op != "!=")
      fail("the column " + column.name + " holds " + type + "s, which only ==, != and in compare");
    if (!as_text && value.kind == Kind::Text)
      fail("the column " + column.name + " holds numbers: write " + value.text + " without quotes");
    for (std::size_t i = 0; i < n; ++i) {
      if (column.is_missing(i)) continue;
      bool holds = false;
      if (as_text) {
        holds = (column.text(i) == value.text) == (op == "==");
      } else {
        const double x = column.number(i), y = value.number;
        holds = op == "=="   ? x == y
                : op == "!=" ? x != y
                : op == "<"  ? x < y
                : op == "<=" ? x <= y
                : op == ">"  ? x > y
                             : x >= y;
      }
      mask[i] = holds ? 1 : 0;
    }
    return mask;
  }

  const Column& find(const std::string& name) {
    if (const Column* column = cells_.find(name)) return *column;
    if (name == "n_counts" || name == "n_genes") return computed(name);
    std::vector<std::string> known;
    for (const Column& column : cells_.columns) known.push_back(column.name);
    known.insert(known.end(), {"n_counts", "n_genes"});
    throw Error(ErrorCode::BadInput, "The cell table has no column " + name,
                "Its columns are " + listed(known, 20) + ".");
  }

  const Column& computed(const std::string& name) {
    std::optional<Column>& column = name == "n_counts" ? n_counts_ : n_genes_;
    if (column) return *column;
    std::vector<std::int64_t> values(cells_.size(), 0);
    for_each_entry(counts_, [&](std::size_t cell, std::size_t, Count count) {
      values[cell] += name == "n_counts" ? static_cast<std::int64_t>(count) : 1;
    });
    return column.emplace(Column{name, std::move(values), {}});
  }

  const std::string& source_;
  const Table& cells_;
  const CountSource& counts_;
  std::size_t next_ = 0;
  Token token_;
  int depth_ = 0;
  std::optional<Column> n_counts_, n_genes_;
};

}  // namespace

std::vector<std::uint8_t> evaluate(const std::string& expression, const Table& cells, const CountSource& counts) {
  return Parser(expression, cells, counts).whole();
}

}  // namespace scriptorium::data
