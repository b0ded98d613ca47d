#pragma once
#include <cstdint>

#include "core/math/elementary.hpp"
#include "core/math/special.hpp"

/// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011). A stream is named by (seed, purpose, i, j); the
/// same name gives the same numbers, to the last bit, on any thread and device, in any order of asking.
namespace scriptorium::math {

/// What a stream is for: keeps, say, posterior draws and minibatches of the same seed apart.
enum class Purpose : std::uint32_t {
  Test = 0,
  PosteriorDraw = 1,
  PredictiveMap = 2,
  PredictivePosterior = 3,
  Minibatch = 4,
  Svi = 5,
  Genes = 6,
  Start = 7,
  Component = 8,
  Layout = 20,
  RankPermutation = 32,
  ProgramPermutation = 33
};

class Random {
 public:
  SCRIPTORIUM_HD Random(std::uint64_t seed, Purpose purpose, std::uint64_t i = 0, std::uint64_t j = 0)
      : key0_(static_cast<std::uint32_t>(seed)), key1_(static_cast<std::uint32_t>(seed >> 32)) {
    // i and j share the upper 96 bits of the counter with the purpose; the lowest word counts blocks.
    counter_[1] = static_cast<std::uint32_t>(i);
    counter_[2] = static_cast<std::uint32_t>(j);
    counter_[3] = (static_cast<std::uint32_t>(purpose) << 24) ^ (static_cast<std::uint32_t>(i >> 32) << 12) ^
                  static_cast<std::uint32_t>(j >> 32);
  }

  SCRIPTORIUM_HD std::uint32_t next_u32() {
    if (left_ == 0) refill();
    return block_[--left_];
  }
  /// Uniform on the open interval (0, 1), 53 bits.
  SCRIPTORIUM_HD double uniform() {
    const std::uint64_t high = next_u32(), low = next_u32();
    return (static_cast<double>(((high << 32) | low) >> 11) + 0.5) * 0x1p-53;
  }
  /// Standard normal (Box–Muller; the second of each pair is kept).
  SCRIPTORIUM_HD double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double radius = std::sqrt(-2 * same::log(uniform()));
    double sine = 0, cosine = 0;
    same::sin_cos_turn(uniform(), sine, cosine);
    spare_ = radius * sine;
    has_spare_ = true;
    return radius * cosine;
  }
  /// ln of a Gamma(shape, 1) draw (Marsaglia–Tsang; boosted below 1 in log space, so tiny shapes do not underflow).
  SCRIPTORIUM_HD_CALL double log_gamma_variate(double shape) {
    double boost = 0;
    if (shape < 1) {
      boost = same::log(uniform()) / shape;
      shape += 1;
    }
    const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    for (;;) {
      const double x = normal(), t = 1 + c * x;
      if (t <= 0) continue;
      const double v = t * t * t;
      if (same::log(uniform()) < 0.5 * x * x + d - d * v + d * same::log(v)) return same::log(d) + same::log(v) + boost;
    }
  }
  SCRIPTORIUM_HD double gamma(double shape) { return same::exp(log_gamma_variate(shape)); }
  /// logit of a Beta(alpha, beta) draw.
  SCRIPTORIUM_HD double logit_beta(double alpha, double beta) {
    const double a = log_gamma_variate(alpha);
    return a - log_gamma_variate(beta);
  }
  /// Poisson: multiplication of uniforms for small means, Hörmann's PTRS above.
  SCRIPTORIUM_HD_CALL std::uint64_t poisson(double mean) {
    if (mean <= 0) return 0;
    if (mean < 10) {
      const double limit = same::exp(-mean);
      std::uint64_t k = 0;
      for (double product = uniform(); product > limit; product *= uniform()) ++k;
      return k;
    }
    const double slam = std::sqrt(mean), log_mean = same::log(mean), b = 0.931 + 2.53 * slam, a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
      const double u = uniform() - 0.5, v = uniform(), us = 0.5 - std::fabs(u);
      const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
      if (us >= 0.07 && v <= v_r) return static_cast<std::uint64_t>(k);
      if (k < 0 || (us < 0.013 && v > us)) continue;
      if (same::log(v) + same::log(inverse_alpha) - same::log(a / (us * us) + b) <=
          -mean + k * log_mean - log_gamma_by(k + 1, SameLog{}))
        return static_cast<std::uint64_t>(k);
    }
  }
  /// NB(r, p) as Poisson–Gamma; odds = p/(1−p).
  SCRIPTORIUM_HD std::uint64_t negative_binomial(double r, double odds) { return poisson(odds * gamma(r)); }
  /// Binomial(n, p): inversion for small n·p, Hörmann's BTRS above.
  SCRIPTORIUM_HD std::uint64_t binomial(std::uint64_t n, double p) {
    if (n == 0 || p <= 0) return 0;
    if (p >= 1) return n;
    return p > 0.5 ? n - rare_binomial(n, 1 - p) : rare_binomial(n, p);
  }

 private:
  struct SameLog {
    SCRIPTORIUM_HD double operator()(double x) const { return same::log(x); }
  };
  /// Binomial(n, p), n > 0, 0 < p ≤ ½.
  SCRIPTORIUM_HD_CALL std::uint64_t rare_binomial(std::uint64_t n, double p) {
    const double count = static_cast<double>(n);
    if (count * p < 10) {
      // Geometric gaps between successes.
      const double log_q = same::log1p(-p);
      double at = 0;
      for (std::uint64_t k = 0;; ++k) {
        at += std::floor(same::log(uniform()) / log_q) + 1;
        if (at > count) return k;
      }
    }
    const double spq = std::sqrt(count * p * (1 - p)), b = 1.15 + 2.53 * spq, a = -0.0873 + 0.0248 * b + 0.01 * p;
    const double c = count * p + 0.5, v_r = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spq;
    const double log_odds = same::log(p / (1 - p)), m = std::floor((count + 1) * p);
    const double at_mode = log_gamma_by(m + 1, SameLog{}) + log_gamma_by(count - m + 1, SameLog{});
    for (;;) {
      const double u = uniform() - 0.5;
      double v = uniform();
      const double us = 0.5 - std::fabs(u), k = std::floor((2 * a / us + b) * u + c);
      if (k < 0 || k > count) continue;
      if (us >= 0.07 && v <= v_r) return static_cast<std::uint64_t>(k);
      v = same::log(v * alpha / (a / (us * us) + b));
      if (v <= at_mode - log_gamma_by(k + 1, SameLog{}) - log_gamma_by(count - k + 1, SameLog{}) + (k - m) * log_odds)
        return static_cast<std::uint64_t>(k);
    }
  }
  SCRIPTORIUM_HD void refill() {
    std::uint32_t c0 = counter_[0], c1 = counter_[1], c2 = counter_[2], c3 = counter_[3], k0 = key0_, k1 = key1_;
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t m0 = std::uint64_t{0xD2511F53u} * c0, m1 = std::uint64_t{0xCD9E8D57u} * c2;
      c0 = static_cast<std::uint32_t>(m1 >> 32) ^ c1 ^ k0;
      c1 = static_cast<std::uint32_t>(m1);
      c2 = static_cast<std::uint32_t>(m0 >> 32) ^ c3 ^ k1;
      c3 = static_cast<std::uint32_t>(m0);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    block_[0] = c3;
    block_[1] = c2;
    block_[2] = c1;
    block_[3] = c0;
    left_ = 4;
    ++counter_[0];
  }

  std::uint32_t key0_, key1_;
  std::uint32_t counter_[4] = {0, 0, 0, 0};
  std::uint32_t block_[4] = {0, 0, 0, 0};
  int left_ = 0;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace scriptorium::math
