#include "core/inference/svi_start.hpp"

#include <algorithm>
#include <cmath>

#include "core/inference/mixture_objective.hpp"
#include "core/inference/objective.hpp"

namespace scriptorium::inference {

SviStarts::SviStarts(const FitInput& input, const FitOptions& options, const Problem& one, const Guide& guide,
                     const RunControl& control)
    : input_(input), options_(options), problem_(one), guide_(guide) {
  if (guide.n_weights() > 0) clusters_.emplace(input, options, control);
}

int SviStarts::size() const {
  return clusters_ && !clusters_->alike() ? std::max(1, options_.restarts) : 1;
}

std::vector<double> SviStarts::coordinates(int start, const RunControl& control) const {
  if (clusters_) return of_mixture(start, control);
  const Objective objective(problem_, options_.threads);
  const auto own = objective.start();  // in the same order
  std::vector<double> x(guide_.size());
  for (std::size_t e = 0; e < guide_.n_elements(); ++e) guide_.put(e, &own[2 * e], x);
  return x;
}

std::vector<double> SviStarts::of_mixture(int start, const RunControl& control) const {
  const auto& places = guide_.places();
  auto apart = input_.model;
  apart.mixture_params.clear();
  MixtureObjective objective(apart, *input_.summary, *input_.counts, options_.threads);
  objective.share_out(clusters_->responsibilities(start, control));
  const auto at = objective.start();
  std::vector<double> x(guide_.size());
  // What all components share starts at the moments of all cells.
  const Objective all(problem_, options_.threads);
  const auto shared = all.start();
  for (std::size_t k = 0; k < places.components(); ++k) {
    const auto& part = objective.part(k);
    const auto own = objective.of_part(at, k);
    double shift = 0;  // of ln r, so that means stay where p is shared
    if (places.n_scalars() > 0) {
      guide_.put(places.scalar(k), places.shared_scalar() ? shared.data() : own.data(), x);
      if (places.shared_scalar() && problem_.mean == Mean::DispersionIsSampled)
        shift = problem_.scalar->read(shared[0]) - problem_.scalar->read(own[0]);
    }
    for (std::size_t g = 0; g < places.n_genes(); ++g)
      for (std::size_t s = 0; s < places.n_sites(); ++s) {
        const auto gene = static_cast<std::int64_t>(g);
        const double* from =
            places.shared_site(s) ? &shared[all.gene_at(gene) + 2 * s] : &own[part.gene_at(gene) + 2 * s];
        double moved[2] = {from[0], from[1]};
        const auto& family = problem_.gene_sites[s];
        if (s == 0 && shift != 0 && !places.shared_site(s))
          family.place(family.read(from[0]) + shift, std::exp(from[1]), moved);
        guide_.put(places.gene(k, g, s), moved, x);
      }
    if (k > 0) continue;
    for (std::size_t u = 0; u < places.n_units(); ++u)  // units of the part may have another order
      guide_.put(places.unit(u), &own[part.cell_at(part.problem().unit_of_cell[u])], x);
  }
  std::vector<double> alpha;
  for (std::size_t k = 0; k < places.components(); ++k)
    alpha.push_back(guide_.weight_prior()[k] + objective.sizes()[k]);
  guide_.put_concentration(alpha, x);
  return x;
}

}  // namespace scriptorium::inference
