#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/data/count_matrix.hpp"

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

/// Collects the entries of one matrix in the order in which a file stores them: majors (cells, or genes when
/// gene-major) one after the other, minors in any order.
class CountBuilder {
 public:
  CountBuilder(std::int64_t majors, std::int64_t minors) : majors_(majors), minors_(minors) {}
  void reserve(std::int64_t entries);
  void add(std::uint32_t minor, Count count) {
    if (count == 0) return;
    minor_.push_back(minor);
    count_.push_back(count);
  }
  void end_major() { start_.push_back(static_cast<std::int64_t>(count_.size())); }
  /// Cells × genes. Sorts within a cell and sums entries stored twice, with a note.
  /// @throws Error(BadInput) if such a sum leaves 32 bits.
  CountMatrix finish(bool gene_major, std::vector<std::string>& notes);

 private:
  std::int64_t majors_, minors_;
  std::vector<std::int64_t> start_{0};
  std::vector<std::uint32_t> minor_;
  std::vector<Count> count_;
};

}  // namespace scriptorium::data
