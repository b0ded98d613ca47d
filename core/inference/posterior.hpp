#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/model/model.hpp"

namespace scriptorium::inference {

/// The variational marginals of one site: one (arg1, arg2) per element.
/// Beta and BetaPrime: alpha, beta. LogNormal and TransformedNormal: loc, scale of the Normal under `transform`.
/// Dirichlet: the concentration of the share and that of all others together.
struct SitePosterior {
  std::string name;
  model::Extent extent = model::Extent::Scalar;
  model::Law law = model::Law::LogNormal;
  model::Transform transform = model::Transform::Exp;  ///< of LogNormal (Exp) and TransformedNormal
  std::vector<double> arg1, arg2;  ///< length 1, n_genes or n_cells; times the components, which come first
  std::int64_t components = 0;     ///< length of the component axis; 0: none
};

/// What `structured` adds: the shared scalar on a grid of its unconstrained axis, and everything else given it.
struct Conditional {
  std::string scalar;  ///< p or phi
  model::Transform transform = model::Transform::Sigmoid;
  std::vector<double> node;                       ///< ascending, on the axis of `transform`
  std::vector<double> log_density;                ///< of the scalar's marginal at the nodes, on that axis, normalised
  std::vector<std::vector<SitePosterior>> sites;  ///< per node: all other sites
};

/// The posterior a fit found. `sites` always holds every site's marginal; with `conditional` they are the marginals of
/// the coupled posterior, matched in mean and variance.
struct Posterior {
  std::vector<SitePosterior> sites;
  std::optional<Conditional> conditional;
  const SitePosterior& site(const std::string& name) const;  ///< @throws Error(BadInput) listing the names
};

}  // namespace scriptorium::inference
