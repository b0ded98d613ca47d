#pragma once
#include <array>
#include <span>

#include "core/inference/site_rule.hpp"

namespace scriptorium::inference {

/// Value, gradient and Hessian of an expectation in the coordinates of up to three sites (2 each).
struct Moments {
  static constexpr int most = 6;
  double value = 0;
  std::array<double, most> gradient{};
  std::array<std::array<double, most>, most> hessian{};  ///< upper triangle
};

/// Contracts f, given at the tensor nodes of `rules` (row-major, last site fastest), to its expectation and
/// derivatives.
inline void contract(std::span<const SiteRule* const> rules, const double* f, Moments& out) {
  const SiteRule& first = *rules.front();
  out = {};
  if (rules.size() == 1) {
    double v = 0, g0 = 0, g1 = 0, h0 = 0, h1 = 0, h2 = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
      const double wf = first.weight[i] * f[i];
      v += wf;
      g0 += wf * first.score[0][i];
      g1 += wf * first.score[1][i];
      h0 += wf * first.curvature[0][i];
      h1 += wf * first.curvature[1][i];
      h2 += wf * first.curvature[2][i];
    }
    out.value = v;
    out.gradient[0] = g0;
    out.gradient[1] = g1;
    out.hessian[0][0] = h0;
    out.hessian[0][1] = h1;
    out.hessian[1][1] = h2;
    return;
  }
  const auto rest = rules.subspan(1);
  const std::size_t inner_sites = rest.size(), inner_coordinates = 2 * inner_sites;
  std::size_t stride = 1;
  for (const auto* rule : rest) stride *= rule->size();
  Moments inner;
  for (std::size_t i = 0; i < first.size(); ++i) {
    contract(rest, f + i * stride, inner);
    const double w = first.weight[i], s0 = w * first.score[0][i], s1 = w * first.score[1][i];
    out.value += w * inner.value;
    out.gradient[0] += s0 * inner.value;
    out.gradient[1] += s1 * inner.value;
    out.hessian[0][0] += w * first.curvature[0][i] * inner.value;
    out.hessian[0][1] += w * first.curvature[1][i] * inner.value;
    out.hessian[1][1] += w * first.curvature[2][i] * inner.value;
    for (std::size_t a = 0; a < inner_coordinates; ++a) {
      out.gradient[2 + a] += w * inner.gradient[a];
      out.hessian[0][2 + a] += s0 * inner.gradient[a];
      out.hessian[1][2 + a] += s1 * inner.gradient[a];
      for (std::size_t b = a; b < inner_coordinates; ++b) out.hessian[2 + a][2 + b] += w * inner.hessian[a][b];
    }
  }
}

}  // namespace scriptorium::inference
