#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/data/count_sink.hpp"

namespace scriptorium::data {

/// Why a stored number is no count.
enum class Fault { None, Fraction, Negative, NotANumber, Infinite, TooLarge };

inline constexpr double largest_count = 4294967295.0;

/// Judges a stored value; the test that nearly every value passes comes first.
inline Fault judge(double value) {
  if (value >= 0 && value <= largest_count && value == std::floor(value)) return Fault::None;
  if (std::isnan(value)) return Fault::NotANumber;
  if (std::isinf(value)) return Fault::Infinite;
  if (value < 0) return Fault::Negative;
  return value > largest_count ? Fault::TooLarge : Fault::Fraction;
}
inline Fault judge(std::int64_t value) {
  if (value >= 0 && value <= std::numeric_limits<Count>::max()) return Fault::None;
  return value < 0 ? Fault::Negative : Fault::TooLarge;
}

/// "a fraction", "negative", …: what the fault says about the value.
std::string describe(Fault fault);
/// The value as short as it can be written without loss; `single` for values stored as 32-bit floats.
std::string number_text(double value, bool single);

/// Makes blocks for a sink of the entries that a file stores row by row (cells, or genes): sorts within a row and sums
/// entries stored twice. One per thread and stretch of rows.
class CountBuilder {
 public:
  /// `sink` may be null: entries are checked and dropped. Rows are numbered from `first`.
  CountBuilder(CountSink* sink, Major major, std::int64_t first = 0) : sink_(sink), major_(major), first_(first) {}
  void add(std::uint32_t minor, Count count) {
    if (count == 0) return;
    if (minor_.size() > static_cast<std::size_t>(start_.back()) && minor <= minor_.back()) sorted_ = false;
    minor_.push_back(minor);
    count_.push_back(count);
  }
  /// @throws Error(BadInput) if a sum of entries stored twice leaves 32 bits.
  void end_row();
  /// Hands on what is left. @returns how many entries were stored twice and added up
  std::int64_t finish();

 private:
  void tidy_row();
  void flush();
  CountSink* sink_;
  Major major_;
  std::int64_t first_;
  bool sorted_ = true;  // the row in progress
  std::int64_t merged_ = 0;
  std::vector<std::int64_t> start_{0};
  std::vector<std::uint32_t> minor_;
  std::vector<Count> count_;
};

/// Notes what finish() counted.
void note_merged(std::int64_t merged, std::vector<std::string>& notes);

}  // namespace scriptorium::data
