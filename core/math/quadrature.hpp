#pragma once
#include <cmath>
#include <vector>

#include "core/math/special.hpp"

namespace scriptorium::math {

/// Nodes and weights of a rule; the weights sum to one.
struct Rule {
  std::vector<double> node, weight;
};

/// Gauss–Hermite rule for a standard normal variable: Σ w_i f(x_i) = E f(Z), exact for polynomials to degree 2n−1.
/// Roots by Newton's method on orthonormal Hermite functions, which neither over- nor underflow; n = 1 … 200.
inline Rule gauss_hermite(int n) {
  Rule rule{std::vector<double>(static_cast<std::size_t>(n)), std::vector<double>(static_cast<std::size_t>(n))};
  // h_k(x) = He_k(x)/√k!, h_{k+1} = (x h_k − √k h_{k−1})/√(k+1); h_n' = √n h_{n−1}; w = 1/(n h_{n−1}²).
  const auto hermite = [n](double x, double& below) {
    double previous = 0, current = 1;
    for (int k = 0; k < n; ++k) {
      const double next = (x * current - std::sqrt(static_cast<double>(k)) * previous) / std::sqrt(k + 1.0);
      previous = current;
      current = next;
    }
    below = previous;
    return current;
  };
  // Sturm bisection on the sign changes gives safe starts: roots interlace, so count roots above x by the recurrence.
  const auto roots_above = [n](double x) {
    int count = 0;
    double d = 1;
    for (int k = 0; k < n; ++k) {
      d = (k == 0 ? -x : -x - static_cast<double>(k) / d);
      if (d == 0) d = 1e-300;
      if (d > 0) ++count;
    }
    return count;
  };
  const double limit = 2 * std::sqrt(n + 1.0) + 1;
  for (int i = 0; i < n; ++i) {  // i-th smallest root
    double low = -limit, high = limit;
    for (int step = 0; step < 60; ++step) {
      const double middle = 0.5 * (low + high);
      (n - roots_above(middle) > i ? high : low) = middle;
    }
    double x = 0.5 * (low + high), below = 0;
    for (int step = 0; step < 3; ++step) {
      const double h = hermite(x, below);
      x -= h / (std::sqrt(static_cast<double>(n)) * below);
    }
    hermite(x, below);
    rule.node[static_cast<std::size_t>(i)] = x;
    rule.weight[static_cast<std::size_t>(i)] = 1 / (n * below * below);
  }
  return rule;
}

/// Where the density of the logit of Beta(a, b), a·ln p + b·ln(1−p), has fallen by `drop` below its peak.
struct LogitInterval {
  double low, high;
};
inline LogitInterval beta_logit_interval(double a, double b, double drop) {
  const double peak = std::log(a / b);
  const auto fall = [a, b](double z) { return a * softplus(-z) + b * softplus(z); };
  const double level = fall(peak) + drop;
  double low, high;
  int steps = 40;
  if (std::fmin(a, b) >= 5) {
    // Nearly normal: from where a normal's density would have fallen so far, a few steps do.
    const double reach = std::sqrt(2 * drop * (1 / a + 1 / b));
    low = peak - reach;
    high = peak + reach;
    steps = 4;
  } else {
    // From the outside in: the tails are straight lines of slope a and b, where Newton's steps do not overshoot.
    low = -level / a - 1;
    high = level / b + 1;
  }
  for (int step = 0; step < steps; ++step) {
    const double l = (fall(low) - level) / (b * sigmoid(low) - a * sigmoid(-low));
    const double h = (fall(high) - level) / (b * sigmoid(high) - a * sigmoid(-high));
    low -= l;
    high -= h;
    if (std::fabs(l) < 1e-9 && std::fabs(h) < 1e-9) break;
  }
  return {low, high};
}

/// From this min(a, b) on a Beta is so nearly normal on the logit axis that Gauss–Hermite nodes, weighted by the true
/// density, need fewer: eight for 1e-8, six from a hundred times that.
inline constexpr double beta_sharp = 1e4;
inline constexpr int beta_most_hermite = 8;

/// Rule for X ~ Beta(a, b): `n` equidistant nodes on the logit axis where the density is within e^−`beta_drop` of its
/// peak, weighted by it. The density and softplus-like integrands are analytic to ±iπ, so the trapezoidal rule
/// converges exponentially in one over its step, for flat Betas (down to a of 0.1) and sharp ones alike. Weights sum to
/// one. `log_p` and `log_1mp` are ln X and ln(1−X) at the nodes less what they are at the peak, to full relative
/// precision however sharp the Beta is: of ln X itself a sum of 1e10 counts would leave nothing.
inline constexpr double beta_drop = 22;
inline void beta_rule(int n, double a, double b, double* logit, double* weight, double* log_p, double* log_1mp) {
  const double peak = std::log(a / b), p = a / (a + b), q = b / (a + b);
  const auto place = [&](int i, double from_peak, double factor) {
    logit[i] = peak + from_peak;
    log_p[i] = -std::log1p(q * std::expm1(-from_peak));
    log_1mp[i] = -std::log1p(p * std::expm1(from_peak));
    return weight[i] = factor * std::exp(a * log_p[i] + b * log_1mp[i]);
  };
  double sum = 0;
  if (n <= beta_most_hermite) {
    static const Rule six = gauss_hermite(6), eight = gauss_hermite(8);
    const Rule& rule = n == 6 ? six : eight;
    const double sd = std::sqrt(1 / a + 1 / b);
    for (int i = 0; i < n; ++i) {
      const double x = rule.node[static_cast<std::size_t>(i)];
      sum += place(i, sd * x, rule.weight[static_cast<std::size_t>(i)] * std::exp(0.5 * x * x));
    }
  } else {
    const auto [low, high] = beta_logit_interval(a, b, beta_drop);
    const double step = (high - low) / (n - 1);
    for (int i = 0; i < n; ++i) sum += place(i, low - peak + step * i, 1);
  }
  for (int i = 0; i < n; ++i) weight[i] /= sum;
}

/// Nodes beta_rule needs for about 1e-8. The trapezoidal rule with step h errs by the density's Fourier transform at
/// ω = 2π/h, |Γ(a+iω)Γ(b+iω)|/Γ(a)Γ(b), of which the leading term of Stirling's series is solved for ω. At most 255,
/// enough for a, b ≥ 0.1.
inline int beta_nodes(double a, double b) {
  if (std::fmin(a, b) >= beta_sharp) return std::fmin(a, b) >= 100 * beta_sharp ? 6 : 8;
  const auto decay = [](double shape, double w) {
    return 0.5 * (shape - 0.5) * std::log1p(w * w / (shape * shape)) - w * std::atan(w / shape);
  };
  double low = 0, high = 12 + 6 * std::sqrt(a * b / (a + b));
  for (int step = 0; step < 24; ++step) {
    const double w = 0.5 * (low + high);
    (decay(a, w) + decay(b, w) < -18 ? high : low) = w;
  }
  const auto interval = beta_logit_interval(a, b, beta_drop);
  return static_cast<int>(
      std::fmin(255.0, std::fmax(9.0, std::ceil((interval.high - interval.low) * high / (2 * pi)) + 1)));
}

}  // namespace scriptorium::math
