#pragma once
#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "core/data/formats/count_builder.hpp"
#include "core/data/formats/missing_builder.hpp"

namespace scriptorium::data {

/// The positive counts, and the marks of what was not measured, found in rows of stored values. Keeps its room from one
/// use to the next.
class RowEntries {
 public:
  void clear() { n_counts_ = n_missing_ = 0; }
  std::span<const std::uint32_t> minor() const { return {minor_.data(), n_counts_}; }
  std::span<const Count> count() const { return {count_.data(), n_counts_}; }
  std::span<const std::uint32_t> missing() const { return {missing_.data(), n_missing_}; }

  /// Takes apart the values of a row from minor `first` on. Most are zero: 64 bytes of zeros are passed at a time.
  /// @returns the position of the first value that is neither a count nor a mark; nothing when all are
  template <class T>
  std::optional<std::size_t> take(std::span<const T> values, std::uint32_t first) {
    make_room(values.size());
    std::uint32_t* minor = minor_.data() + n_counts_;
    Count* count = count_.data() + n_counts_;
    std::uint32_t* missing = missing_.data() + n_missing_;
    const auto put = [&](T value, std::uint32_t at) {
      if (is_count(value)) {
        *minor++ = at;
        *count++ = as_count(value);
        return true;
      }
      if (!is_mark(value)) return false;
      *missing++ = at;
      return true;
    };
    constexpr std::size_t at_once = 64 / sizeof(T);
    std::size_t i = 0, stop = 0;
    bool sound = true;
    while (sound && i < values.size()) {
      stop = std::min(i + at_once, values.size());
      if (stop - i == at_once) {
        std::uint64_t words[8], any = 0;
        std::memcpy(words, values.data() + i, sizeof words);
        for (const std::uint64_t word : words) any |= word;
        if (any == 0) {
          i = stop;
          continue;
        }
      }
      for (; i < stop && sound; ++i)
        if (values[i] != 0) sound = put(values[i], first + static_cast<std::uint32_t>(i));
    }
    n_counts_ = static_cast<std::size_t>(minor - minor_.data());
    n_missing_ = static_cast<std::size_t>(missing - missing_.data());
    return sound ? std::nullopt : std::optional(i - 1);
  }

 private:
  template <class T>
  static bool is_count(T value) {
    if constexpr (std::is_floating_point_v<T>)
      return judge(static_cast<double>(value)) == Fault::None;
    else
      return static_cast<std::uint64_t>(value) <= std::numeric_limits<Count>::max();  // negative ones wrap to above
  }
  template <class T>
  static Count as_count(T value) {
    if constexpr (std::is_floating_point_v<T>)
      return static_cast<Count>(value);
    else
      return static_cast<Count>(static_cast<std::make_unsigned_t<T>>(value));
  }
  template <class T>
  static bool is_mark(T value) {
    if constexpr (std::is_floating_point_v<T>)
      return is_missing_mark(static_cast<double>(value));
    else if constexpr (std::is_same_v<T, std::int64_t>)
      return is_missing_mark(value);
    else
      return false;
  }
  void make_room(std::size_t more) {
    const auto grow = [&](auto& list, std::size_t used) {
      if (list.size() < used + more) list.resize(std::max(used + more, 2 * list.size()));
    };
    grow(minor_, n_counts_);
    grow(count_, n_counts_);
    grow(missing_, n_missing_);
  }
  std::vector<std::uint32_t> minor_, missing_;  // used up to the numbers below
  std::vector<Count> count_;
  std::size_t n_counts_ = 0, n_missing_ = 0;
};

}  // namespace scriptorium::data
