#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/math/portable.hpp"

/// Elementary functions of additions, multiplications and divisions only: the same bits on every machine, host or
/// device, where no multiplication and addition are fused (we compile so). For draws of random numbers, which must be
/// the same everywhere; elsewhere <cmath> is quicker. Accuracy about 1 ulp.
namespace scriptorium::math::same {

SCRIPTORIUM_HD inline std::int64_t bits_of(double x) {
  std::int64_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
SCRIPTORIUM_HD inline double from_bits(std::int64_t bits) {
  double x = 0;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// e^x: 0 below −708 (no subnormal results), infinity above 709.
SCRIPTORIUM_HD inline double exp(double x) {
  if (!(x >= -708)) return x < -708 ? 0.0 : x;  // a NaN stays one
  if (x > 709) return HUGE_VAL;
  constexpr double log2e = 1.44269504088896340736, ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
  constexpr double shifter = 6755399441055744.0;  // 1.5 · 2⁵²: adding it rounds to a whole number in the low bits
  const double biased = x * log2e + shifter, k = biased - shifter, r = (x - k * ln2_high) - k * ln2_low;
  // Taylor to r¹³, in pairs so that they need not wait for each other: |r| ≤ ln2/2, remainder below 1e-17.
  const double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
  const double low = (1.0 / 2 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120));
  const double middle = (1.0 / 720 + r * (1.0 / 5040)) + r2 * (1.0 / 40320 + r * (1.0 / 362880));
  const double high = (1.0 / 3628800 + r * (1.0 / 39916800)) + r2 * (1.0 / 479001600 + r * (1.0 / 6227020800));
  const double p = 1 + (r + r2 * (low + (r4 * middle + r8 * high)));
  // k ≤ 1023 here, and p < √2: 2^(k−1) is finite.
  return 2 * p * from_bits((bits_of(biased) - bits_of(shifter) + 1022) << 52);
}

/// ln x, x > 0; −infinity at 0 and NaN below. The polynomial is fdlibm's.
SCRIPTORIUM_HD inline double log(double x) {
  constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
  constexpr std::int64_t half_root = 0x3FE6A09E667F3BCD;  // √½
  double shift = 0;
  if (!(x >= 2.3e-308 && x <= 1.7e308)) {
    if (!(x > 0)) return x == 0 ? -HUGE_VAL : NAN;
    if (x > 1.7e308) return std::log(x);  // infinity; nothing that is drawn comes here
    x *= 0x1p54;                          // subnormal
    shift = -54;
  }
  // x = 2^k (1 + f) with 1 + f in [√½, √2).
  const std::int64_t bits = bits_of(x), k = (bits - half_root) >> 52;
  const double f = from_bits(bits - k * (std::int64_t{1} << 52)) - 1, s = f / (2 + f), z = s * s, w = z * z;
  const double odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  const double even =
      z * (6.666666666666735130e-01 +
           w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  const double twos = static_cast<double>(k) + shift, half = 0.5 * f * f;
  return twos * ln2_high - ((half - (s * (half + (odd + even)) + twos * ln2_low)) - f);
}

/// ln(1 + x), x > −1.
SCRIPTORIUM_HD inline double log1p(double x) {
  const double u = 1 + x;
  return log(u) + (x - (u - 1)) / u;
}

/// sin and cos of 2πu, 0 ≤ u ≤ 1.
SCRIPTORIUM_HD inline void sin_cos_turn(double u, double& sine, double& cosine) {
  constexpr double two_pi = 6.28318530717958647693;
  const double quarter = std::floor(4 * u + 0.5), y = two_pi * (u - 0.25 * quarter), z = y * y;  // |y| ≤ π/4
  double s = -1.0 / 1307674368000;
  s = s * z + 1.0 / 6227020800;
  s = s * z - 1.0 / 39916800;
  s = s * z + 1.0 / 362880;
  s = s * z - 1.0 / 5040;
  s = s * z + 1.0 / 120;
  s = s * z - 1.0 / 6;
  s = y + y * (s * z);
  double c = 1.0 / 20922789888000;
  c = c * z - 1.0 / 87178291200;
  c = c * z + 1.0 / 479001600;
  c = c * z - 1.0 / 3628800;
  c = c * z + 1.0 / 40320;
  c = c * z - 1.0 / 720;
  c = c * z + 1.0 / 24;
  c = c * z - 0.5;
  c = 1 + c * z;
  const int turn = static_cast<int>(quarter) & 3;
  sine = turn == 0 ? s : turn == 1 ? c : turn == 2 ? -s : -c;
  cosine = turn == 0 ? c : turn == 1 ? -s : turn == 2 ? -c : s;
}

/// ln(1 + e^x) and 1/(1 + e^−x).
SCRIPTORIUM_HD inline double softplus(double x) {
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}
SCRIPTORIUM_HD inline double sigmoid(double x) {
  if (x >= 0) return 1 / (1 + exp(-x));
  const double e = exp(x);
  return e / (1 + e);
}

}  // namespace scriptorium::math::same
