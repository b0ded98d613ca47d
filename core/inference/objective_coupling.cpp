#include <algorithm>
#include <array>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/inference/chebyshev_axis.hpp"
#include "core/inference/objective.hpp"
#include "core/inference/objective_pieces.hpp"
#include "core/math/distributions.hpp"

namespace scriptorium::inference {
namespace {

/// Expected information between what a gene's parameters and t = ln(what multiplies its mean) do to one count,
/// E ∂²(log likelihood)/∂·∂t over counts that the parameters themselves make: in ln θ (θ = r, or μ), in ln r where it
/// is a site of its own, and in the logit of the gate.
struct Information {
  double mean = 0, dispersion = 0, gate = 0;
};

/// A negative binomial whose zeros have probability e^−zero, with slope = d zero/dt and, in ln r, dispersion_slope.
/// Of the inflated law P(0) = g + (1−g) e^−zero the zeros are the count's own with probability w.
Information expected(double zero, double slope, double dispersion_slope, double gate) {
  const double none = std::exp(-zero), own = (1 - gate) * none, all = gate + own, by_gate = all > 0 ? gate / all : 0;
  Information out;
  out.mean = -(1 - gate) * slope + own * by_gate * slope * slope;
  out.dispersion = own * by_gate * slope * dispersion_slope;
  out.gate = own * by_gate * slope;
  return out;
}

}  // namespace

/// The coupling of genes and cells where it does not separate, to first order in the spread of the marginals: a gene's
/// expected information with t, interpolated at a few nodes in t, times the unit's weights at them. The non-zeros enter
/// by their expected share.
void Objective::couple(const std::vector<double>& x) {
  const auto& p = *problem_;
  const std::size_t size = gene_size();
  const bool own_p = p.mean == Mean::MeanAndDispersion;
  std::vector<double> position(p.units.size());
  double low = INFINITY, high = -INFINITY;
  for (std::size_t u = 0; u < position.size(); ++u) {
    if (p.units[u].cells == 0) continue;
    position[u] = std::log(-unit_rate_[u].value);
    low = std::min(low, position[u]);
    high = std::max(high, position[u]);
  }
  if (low > high) low = high = 0;  // no cell has weight
  ChebyshevAxis axis;
  axis.set(low, high, 0.6 * math::pi, 1e-3, NewtonSystem::most_rank);
  const auto rank = index(axis.size());
  system_.rank = axis.size();

  system_.cell_rate.assign(position.size() * 2 * rank, 0.0);
  system_.scalar_rate.assign(p.n_patterns() * rank * 2, 0.0);
  std::array<double, NewtonSystem::most_rank> moments, weights;
  for (std::size_t u = 0; u < position.size(); ++u) {
    if (p.units[u].cells == 0) continue;
    moments.fill(0);
    axis.add_polynomials(position[u], 1 / unit_rate_[u].value, moments.data());
    axis.to_node_weights(moments.data(), weights.data());
    const double cells = p.units[u].cells;
    double* scalar = &system_.scalar_rate[p.units[u].pattern * rank * 2];
    for (std::size_t m = 0; m < rank; ++m)
      for (std::size_t b = 0; b < 2; ++b) {
        system_.cell_rate[(u * 2 + b) * rank + m] = cells * weights[m] * unit_rate_[u].gradient[b];
        scalar[m * 2 + b] += cells * weights[m] * unit_rate_[u].scalar[b];
      }
  }

  system_.gene_mean.assign(index(p.n_genes()) * size * rank, 0.0);
  compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (auto g = first; g < last; ++g) {
      const auto at = gene_at(g);
      const auto& mean = mean_[index(g)];
      const double gate = p.gate_at >= 0 ? math::sigmoid(x[at + 2 * index(p.gate_at)]) : 0;
      const double log_r = own_p ? p.gene_sites[1].read(x[at + 2]) : 0, r = std::exp(log_r);
      double* out = &system_.gene_mean[index(g) * size * rank];
      for (std::size_t m = 0; m < rank; ++m) {
        Information information;
        if (own_p) {
          const double d = std::log(mean.value) + axis.nodes()[m] - log_r, zero = r * math::softplus(d),
                       slope = r * math::sigmoid(d);
          information = expected(zero, slope, zero - slope, gate);
        } else {
          const double zero = mean.value * std::exp(axis.nodes()[m]);
          information = expected(zero, zero, 0, gate);
        }
        for (std::size_t b = 0; b < 2; ++b) out[b * rank + m] = information.mean * mean.gradient[b] / mean.value;
        if (own_p) out[2 * rank + m] = information.dispersion * p.gene_sites[1].read_slope(x[at + 2]);
        if (p.gate_at >= 0) out[2 * index(p.gate_at) * rank + m] = information.gate;
      }
    }
  });
}

}  // namespace scriptorium::inference
