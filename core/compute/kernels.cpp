#include "core/compute/kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SCRIPTORIUM_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SCRIPTORIUM_CLONES
#endif

namespace scriptorium::compute {
namespace {

/// e^x for |x| ≤ 708.
inline __attribute__((always_inline)) double exp_within(double x) {
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
    const double e = exp_within(-size), s = e / (2 + e);
    out[i] = (v > 0 ? v : 0.0) + (2 * s + s * atanh_tail(s * s));
  }
}

SCRIPTORIUM_CLONES void add_log(const double* x, double shift, double weight, double* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] += weight * log_positive(x[i] + shift);
}

SCRIPTORIUM_CLONES void log(const double* x, double* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = log_positive(x[i]);
}

SCRIPTORIUM_CLONES void nb_terms(const double* eta, const double* y, double a, std::size_t n, double* mean,
                                 double* expected, double* observed, double* score) {
  for (std::size_t i = 0; i < n; ++i) {
    const double low = eta[i] > -300 ? eta[i] : -300, mu = exp_within(low < 300 ? low : 300);
    const double share = 1 / (1 + a * mu), information = mu * share;
    mean[i] = mu;
    expected[i] = information;
    observed[i] = information * ((1 + a * y[i]) * share);
    score[i] = (y[i] - mu) * share;
  }
}

SCRIPTORIUM_CLONES void nb_dispersion_terms(const double* mean, const double* y, double a, std::size_t n, double* slope,
                                            double* expected) {
  const double inverse = 1 / a;
  for (std::size_t i = 0; i < n; ++i) {
    const double z = a * mean[i], share = 1 / (1 + z), t = z * share;
    // Σ_k≥2 (−1)^k (k−1)/k z^k; both are computed, one is taken.
    double series = 8.0 / 9;
    series = 7.0 / 8 - z * series;
    series = 6.0 / 7 - z * series;
    series = 5.0 / 6 - z * series;
    series = 4.0 / 5 - z * series;
    series = 3.0 / 4 - z * series;
    series = 2.0 / 3 - z * series;
    series = z * z * (0.5 - z * series);
    const double direct = log_positive(1 + z) - t;
    slope[i] = (z < 0.01 ? series : direct) * inverse - y[i] * t;
    expected[i] = mean[i] * share;
  }
}

SCRIPTORIUM_CLONES void multiply(const double* x, const double* y, double* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = x[i] * y[i];
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

namespace {

using Four = double __attribute__((vector_size(32)));

/// out[0, 4·Fours) += Σ_i scale_i · row(i)[…], the sums kept in registers. Rows lie anywhere in memory: those to come
/// are asked for early.
template <int Fours, typename Row>
inline __attribute__((always_inline)) void sum_rows(const Row& row, const std::uint32_t* scale, std::size_t n,
                                                    double* out) {
  constexpr std::size_t ahead = 12;
  Four sum[Fours];
  std::memcpy(sum, out, sizeof(sum));
  for (std::size_t i = 0; i < n; ++i) {
    if (i + ahead < n) {
      const double* next = row(i + ahead);
      __builtin_prefetch(next);
      if constexpr (Fours > 2) __builtin_prefetch(next + 8);
      if constexpr (Fours > 4) __builtin_prefetch(next + 16);
    }
    Four values[Fours];
    std::memcpy(values, row(i), sizeof(values));
    if (scale) {
      const double by = scale[i];
      for (int k = 0; k < Fours; ++k) sum[k] += by * values[k];
    } else {
      for (int k = 0; k < Fours; ++k) sum[k] += values[k];
    }
  }
  std::memcpy(out, sum, sizeof(sum));
}

/// Any width that is a multiple of four, in stretches of at most 24.
template <typename Row>
inline __attribute__((always_inline)) void sum_rows(const Row& row, const std::uint32_t* scale, std::size_t n,
                                                    double* out, std::size_t width) {
  for (std::size_t from = 0; from < width; from += 24) {
    const auto part = [&](std::size_t i) __attribute__((always_inline)) {
      return row(i) + from;
    };
    switch (std::min<std::size_t>(24, width - from) / 4) {
      case 1:
        sum_rows<1>(part, scale, n, out + from);
        break;
      case 2:
        sum_rows<2>(part, scale, n, out + from);
        break;
      case 3:
        sum_rows<3>(part, scale, n, out + from);
        break;
      case 4:
        sum_rows<4>(part, scale, n, out + from);
        break;
      case 5:
        sum_rows<5>(part, scale, n, out + from);
        break;
      default:
        sum_rows<6>(part, scale, n, out + from);
    }
  }
}

}  // namespace

SCRIPTORIUM_CLONES void add_rows(const std::uint32_t* rows, const std::uint32_t* scale, std::size_t n,
                                 const double* table, std::size_t stride, double* out, std::size_t width) {
  const auto row = [&](std::size_t i) __attribute__((always_inline)) {
    return table + rows[i] * stride;
  };
  sum_rows(row, scale, n, out, width);
}

SCRIPTORIUM_CLONES void add_windows(const std::uint32_t* rows, const std::uint32_t* scale, std::size_t n,
                                    const Window* windows, const double* pool, double* out) {
  for (std::size_t i = 0; i < n;) {
    const Window& window = windows[rows[i]];
    std::size_t end = i + 1;
    while (end < n && windows[rows[end]].first == window.first && windows[rows[end]].width == window.width) ++end;
    const auto row = [&](std::size_t k) __attribute__((always_inline)) {
      return pool + windows[rows[i + k]].at;
    };
    sum_rows(row, scale ? scale + i : nullptr, end - i, out + window.first, static_cast<std::size_t>(window.width));
    i = end;
  }
}

namespace {

/// Eight numbers that are added at once: as many registers as the machine needs for them.
using Eight [[gnu::vector_size(64), gnu::aligned(8), gnu::may_alias]] = double;

inline __attribute__((always_inline)) const Eight* eight(const double* at) {
  return reinterpret_cast<const Eight*>(at);
}
inline __attribute__((always_inline)) Eight* eight(double* at) {
  return reinterpret_cast<Eight*>(at);
}

}  // namespace

SCRIPTORIUM_CLONES void gather_rows(const std::uint32_t* columns, const double* value, std::size_t n,
                                    const double* matrix, std::size_t stride, double* out, std::size_t width) {
  std::size_t k = 0;
  for (; k + 16 <= width; k += 16) {
    Eight low[2]{}, high[2]{};  // two chains: an addition waits for the one before it
    const auto add = [&](std::size_t i, std::size_t chain) __attribute__((always_inline)) {
      const double* const from = matrix + columns[i] * stride + k;
      low[chain] += value[i] * *eight(from);
      high[chain] += value[i] * *eight(from + 8);
    };
    std::size_t i = 0;
    for (; i + 2 <= n; i += 2) {
      add(i, 0);
      add(i + 1, 1);
    }
    if (i < n) add(i, 0);
    *eight(out + k) = low[0] + low[1];
    *eight(out + k + 8) = high[0] + high[1];
  }
  if (k == width) return;
  Eight sum[2]{};  // as above: a column's sum does not depend on where it stands
  const auto add = [&](std::size_t i, std::size_t chain) __attribute__((always_inline)) {
    sum[chain] += value[i] * *eight(matrix + columns[i] * stride + k);
  };
  std::size_t i = 0;
  for (; i + 2 <= n; i += 2) {
    add(i, 0);
    add(i + 1, 1);
  }
  if (i < n) add(i, 0);
  *eight(out + k) = sum[0] + sum[1];
}

SCRIPTORIUM_CLONES void scatter_rows(const std::uint32_t* columns, const double* value, std::size_t n,
                                     const double* row, double* matrix, std::size_t stride, std::size_t width) {
  std::size_t k = 0;
  for (; k + 16 <= width; k += 16) {
    const Eight low = *eight(row + k), high = *eight(row + k + 8);
    for (std::size_t i = 0; i < n; ++i) {
      double* const to = matrix + columns[i] * stride + k;
      *eight(to) += value[i] * low;
      *eight(to + 8) += value[i] * high;
    }
  }
  if (k == width) return;
  const Eight rest = *eight(row + k);
  for (std::size_t i = 0; i < n; ++i) *eight(matrix + columns[i] * stride + k) += value[i] * rest;
}

}  // namespace scriptorium::compute
