#pragma once
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace scriptorium {

/// FNV-1a of bytes: tells settings and data apart, guards nothing.
class Fingerprint {
 public:
  void add(const void* bytes, std::size_t n) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    for (std::size_t i = 0; i < n; ++i) hash_ = (hash_ ^ at[i]) * 1099511628211u;
  }
  template <class Number>
  void add(const std::vector<Number>& numbers) {
    add(numbers.data(), numbers.size() * sizeof(Number));
  }
  /// Sixteen hexadecimal digits.
  std::string text() const {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016" PRIx64, hash_);
    return digits;
  }

 private:
  std::uint64_t hash_ = 14695981039346656037u;
};

}  // namespace scriptorium
