#pragma once
#include <cmath>
#include <cstdint>

#include "core/math/portable.hpp"

/// Special functions of positive arguments, in double, without global state (std::lgamma writes `signgam`).
/// Differences of lnΓ, ψ and ψ₁ over whole steps are formed directly, so large arguments lose no digits.
namespace scriptorium::math {

inline constexpr double log_two_pi = 1.8378770664093454836;
inline constexpr double euler_gamma = 0.57721566490153286061;
inline constexpr double pi = 3.14159265358979323846;

/// lnΓ(x) − [(x − ½) ln x − x + ½ ln 2π] for x ≥ 10 (Stirling's series; below 1e-16 absolute there).
SCRIPTORIUM_HD inline double stirling_correction(double x) {
  const double i = 1 / x, i2 = i * i;
  return i * (1.0 / 12 +
              i2 * (-1.0 / 360 + i2 * (1.0 / 1260 + i2 * (-1.0 / 1680 + i2 * (1.0 / 1188 + i2 * (-691.0 / 360360 +
                                                                                                 i2 * (1.0 / 156)))))));
}

/// lnΓ(x), x > 0, by a logarithm of the caller's.
template <class Log>
SCRIPTORIUM_HD inline double log_gamma_by(double x, Log log) {
  double product = 1;
  double shift = 0;
  while (x < 10) {
    product *= x;
    x += 1;
    if (product > 1e280 || product < 1e-280) {
      shift += log(product);
      product = 1;
    }
  }
  return (x - 0.5) * log(x) - x + 0.5 * log_two_pi + stirling_correction(x) - log(product) - shift;
}

/// lnΓ(x), x > 0.
SCRIPTORIUM_HD inline double log_gamma(double x) {
  return log_gamma_by(x, [](double v) { return std::log(v); });
}

/// ψ(x), x > 0.
SCRIPTORIUM_HD inline double digamma(double x) {
  double below = 0;
  while (x < 10) {
    below += 1 / x;
    x += 1;
  }
  const double i = 1 / x, i2 = i * i;
  const double series =
      i2 * (1.0 / 12 -
            i2 * (1.0 / 120 - i2 * (1.0 / 252 - i2 * (1.0 / 240 - i2 * (1.0 / 132 - i2 * (691.0 / 32760 - i2 / 12))))));
  return std::log(x) - 0.5 * i - series - below;
}

/// ψ₁(x), x > 0.
SCRIPTORIUM_HD inline double trigamma(double x) {
  double below = 0;
  while (x < 10) {
    below += 1 / (x * x);
    x += 1;
  }
  const double i = 1 / x, i2 = i * i;
  const double series =
      i2 * i *
      (1.0 / 6 -
       i2 * (1.0 / 30 - i2 * (1.0 / 42 - i2 * (1.0 / 30 - i2 * (5.0 / 66 - i2 * (691.0 / 2730 - i2 * 7.0 / 6))))));
  return i + 0.5 * i2 + series + below;
}

/// ψ₂(x), x > 0.
SCRIPTORIUM_HD inline double tetragamma(double x) {
  double below = 0;
  while (x < 10) {
    below += 2 / (x * x * x);
    x += 1;
  }
  const double i = 1 / x, i2 = i * i;
  const double series =
      i2 * i2 * (0.5 - i2 * (1.0 / 6 - i2 * (1.0 / 6 - i2 * (0.3 - i2 * (5.0 / 6 - i2 * 691.0 / 210)))));
  return -(i2 + i2 * i + series) - below;
}

/// Γ-ratio: lnΓ(r + u) − lnΓ(r) = Σ_{j<u} ln(r + j), r > 0; 0 at u = 0.
SCRIPTORIUM_HD inline double log_rising(double r, std::uint64_t u) {
  double sum = 0;
  double product = 1;
  // Up to r = 10 (and for short products anyway) multiply; one logarithm for several factors.
  std::uint64_t j = 0;
  const bool brief = u <= 12;
  while (j < u && (brief || r < 10)) {
    product *= r;
    if (product > 1e280 || product < 1e-280) {
      sum += std::log(product);
      product = 1;
    }
    r += 1;
    ++j;
  }
  if (product != 1) sum += std::log(product);
  if (j == u) return sum;
  const double n = static_cast<double>(u - j);
  return sum + (r - 0.5) * std::log1p(n / r) + n * (std::log(r + n) - 1) + stirling_correction(r + n) -
         stirling_correction(r);
}

/// ψ(r + u) − ψ(r) = Σ_{j<u} 1/(r + j).
SCRIPTORIUM_HD inline double digamma_rising(double r, std::uint64_t u) {
  double sum = 0;
  std::uint64_t j = 0;
  const bool brief = u <= 12;
  while (j < u && (brief || r < 10)) {
    sum += 1 / r;
    r += 1;
    ++j;
  }
  if (j == u) return sum;
  const double n = static_cast<double>(u - j), e = r + n;
  const auto tail = [](double x) {
    const double i = 1 / x, i2 = i * i;
    return -0.5 * i -
           i2 * (1.0 / 12 -
                 i2 * (1.0 / 120 - i2 * (1.0 / 252 - i2 * (1.0 / 240 - i2 * (1.0 / 132 - i2 * 691.0 / 32760)))));
  };
  return sum + std::log1p(n / r) + tail(e) - tail(r);
}

/// ψ₁(r) − ψ₁(r + u) = Σ_{j<u} 1/(r + j)².
SCRIPTORIUM_HD inline double trigamma_falling(double r, std::uint64_t u) {
  double sum = 0;
  std::uint64_t j = 0;
  const bool brief = u <= 12;
  while (j < u && (brief || r < 10)) {
    sum += 1 / (r * r);
    r += 1;
    ++j;
  }
  if (j == u) return sum;
  const double n = static_cast<double>(u - j), e = r + n;
  const auto tail = [](double x) {
    const double i = 1 / x, i2 = i * i;
    return i2 * (0.5 + i * (1.0 / 6 -
                            i2 * (1.0 / 30 - i2 * (1.0 / 42 - i2 * (1.0 / 30 - i2 * (5.0 / 66 - i2 * 691.0 / 2730))))));
  };
  return sum + n / (r * e) + tail(r) - tail(e);
}

/// ln B(a, b), a, b > 0; exact for one large argument too.
SCRIPTORIUM_HD inline double log_beta(double a, double b) {
  const double small = a < b ? a : b, large = a < b ? b : a;
  if (large < 10) return log_gamma(a) + log_gamma(b) - log_gamma(a + b);
  const double tail = stirling_correction(large) - stirling_correction(large + small);
  // lnΓ(large) − lnΓ(large + small)
  const double ratio = -(large - 0.5) * std::log1p(small / large) - small * (std::log(large + small) - 1) + tail;
  return log_gamma(small) + ratio;
}

/// ln(1 + e^x).
SCRIPTORIUM_HD inline double softplus(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
/// The x with softplus(x) = y, y > 0.
SCRIPTORIUM_HD inline double inverse_softplus(double y) {
  return y + std::log(-std::expm1(-y));
}
SCRIPTORIUM_HD inline double sigmoid(double x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}
SCRIPTORIUM_HD inline double log_sigmoid(double x) {
  return -softplus(-x);
}
/// ln(e^a + e^b).
SCRIPTORIUM_HD inline double log_add_exp(double a, double b) {
  const double high = a > b ? a : b, low = a > b ? b : a;
  if (std::isinf(high)) return high;
  return high + std::log1p(std::exp(low - high));
}

/// ln Σ e^x_i.
inline double log_sum_exp(const double* x, std::size_t n) {
  double high = x[0], sum = 0;
  for (std::size_t i = 1; i < n; ++i) high = x[i] > high ? x[i] : high;
  if (std::isinf(high)) return high;
  for (std::size_t i = 0; i < n; ++i) sum += std::exp(x[i] - high);
  return high + std::log(sum);
}

/// x_i becomes e^x_i / Σ e^x_j; returns ln Σ e^x_j.
inline double softmax(double* x, std::size_t n) {
  const double sum = log_sum_exp(x, n);
  for (std::size_t i = 0; i < n; ++i) x[i] = std::exp(x[i] - sum);
  return sum;
}

/// ln Φ(x) of the standard normal.
SCRIPTORIUM_HD inline double log_normal_cdf(double x) {
  if (x > -10)
    return x > 5 ? std::log1p(-0.5 * std::erfc(x / 1.4142135623730950488))
                 : std::log(0.5 * std::erfc(-x / 1.4142135623730950488));
  // Continued asymptotic series for the far tail.
  const double i = 1 / (x * x);
  return -0.5 * x * x - std::log(-x) - 0.5 * log_two_pi +
         std::log1p(i * (-1 + i * (3 + i * (-15 + i * (105 + i * (-945 + i * 10395))))));
}

}  // namespace scriptorium::math
