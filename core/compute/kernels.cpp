#include "core/compute/kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SCRIPTORIUM_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SCRIPTORIUM_CLONES
#endif

namespace scriptorium::compute {
namespace {

/// e^x for −708 ≤ x ≤ 0.
inline __attribute__((always_inline)) double exp_negative(double x) {
  constexpr double log2e = 1.44269504088896340736, ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
  constexpr double shifter = 6755399441055744.0;  // 1.5 · 2⁵²: adding it rounds to a whole number in the low bits
  const double biased = x * log2e + shifter, k = biased - shifter;
  const double r = (x - k * ln2_high) - k * ln2_low;
  // Taylor to r¹³: |r| ≤ ln2/2, remainder below 1e-17.
  double p = 1.0 / 6227020800;
  p = p * r + 1.0 / 479001600;
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1;
  p = p * r + 1;
  const std::int64_t exponent = (std::bit_cast<std::int64_t>(biased) - std::bit_cast<std::int64_t>(shifter) + 1023)
                                << 52;
  return p * std::bit_cast<double>(exponent);
}

/// 2 atanh(s)/s for s² = q ≤ 1/9, less 2.
inline __attribute__((always_inline)) double atanh_tail(double q) {
  double p = 2.0 / 33;
  p = p * q + 2.0 / 31;
  p = p * q + 2.0 / 29;
  p = p * q + 2.0 / 27;
  p = p * q + 2.0 / 25;
  p = p * q + 2.0 / 23;
  p = p * q + 2.0 / 21;
  p = p * q + 2.0 / 19;
  p = p * q + 2.0 / 17;
  p = p * q + 2.0 / 15;
  p = p * q + 2.0 / 13;
  p = p * q + 2.0 / 11;
  p = p * q + 2.0 / 9;
  p = p * q + 2.0 / 7;
  p = p * q + 2.0 / 5;
  p = p * q + 2.0 / 3;
  return p * q;
}

/// ln x: x = 2^k m with m in [√½, √2); ln m = 2 atanh((m−1)/(m+1)).
inline __attribute__((always_inline)) double log_positive(double x) {
  constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
  constexpr std::int64_t half_root = 0x3FE6A09E667F3BCD;  // √½
  const std::int64_t bits = std::bit_cast<std::int64_t>(x), steps = bits - half_root, k = steps >> 52;
  const double m = std::bit_cast<double>(bits - (k << 52));
  // Whole number to double without a conversion instruction (AVX2 has none for 64 bits): k + 2⁵² · 1.5 in the bits.
  const double exponent =
      std::bit_cast<double>(k + std::bit_cast<std::int64_t>(6755399441055744.0)) - 6755399441055744.0;
  const double s = (m - 1) / (m + 1);
  return exponent * ln2_high + (exponent * ln2_low + (2 * s + s * atanh_tail(s * s)));
}

}  // namespace

SCRIPTORIUM_CLONES void softplus(const double* x, double* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    // Below e^−200 it stays there: the squares of what is smaller are no normal numbers, and those are slow.
    const double v = x[i], size = std::fabs(v) < 200 ? std::fabs(v) : 200;
    const double e = exp_negative(-size), s = e / (2 + e);
    out[i] = (v > 0 ? v : 0.0) + (2 * s + s * atanh_tail(s * s));
  }
}

SCRIPTORIUM_CLONES void add_log(const double* x, double shift, double weight, double* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] += weight * log_positive(x[i] + shift);
}

SCRIPTORIUM_CLONES void log(const double* x, double* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = log_positive(x[i]);
}

SCRIPTORIUM_CLONES double dot(const double* x, const double* y, std::size_t n) {
  double sum[4] = {0, 0, 0, 0};
  for (std::size_t i = 0; i < n; i += 4)
    for (std::size_t k = 0; k < 4; ++k) sum[k] += x[i + k] * y[i + k];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

SCRIPTORIUM_CLONES void add_scaled(const double* x, double scale, double* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] += scale * x[i];
}

SCRIPTORIUM_CLONES void add_rows(const std::uint32_t* rows, const std::uint32_t* scale, std::size_t n,
                                 const double* table, std::size_t stride, double* out, std::size_t width) {
  for (std::size_t i = 0; i < n; ++i) {
    const double* row = table + rows[i] * stride;
    if (scale) {
      const double by = scale[i];
      for (std::size_t k = 0; k < width; k += 4)
        for (std::size_t j = k; j < k + 4; ++j) out[j] += by * row[j];
    } else {
      for (std::size_t k = 0; k < width; k += 4)
        for (std::size_t j = k; j < k + 4; ++j) out[j] += row[j];
    }
  }
}

SCRIPTORIUM_CLONES void add_windows(const std::uint32_t* rows, const std::uint32_t* scale, std::size_t n,
                                    const Window* windows, const double* pool, double* out) {
  for (std::size_t i = 0; i < n; ++i) {
    const Window& window = windows[rows[i]];
    const double* from = pool + window.at;
    double* to = out + window.first;
    const auto width = static_cast<std::size_t>(window.width);
    if (scale) {
      const double by = scale[i];
      for (std::size_t k = 0; k < width; k += 4)
        for (std::size_t j = k; j < k + 4; ++j) to[j] += by * from[j];
    } else {
      for (std::size_t k = 0; k < width; k += 4)
        for (std::size_t j = k; j < k + 4; ++j) to[j] += from[j];
    }
  }
}

}  // namespace scriptorium::compute
