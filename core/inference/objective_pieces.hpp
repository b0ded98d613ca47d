#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/inference/site_rule.hpp"

/// What the passes of Objective over genes and over units share (objective_genes.cpp, objective_cells.cpp).
namespace scriptorium::inference {

inline constexpr std::int64_t grain = 64;  // genes or units a piece; pieces are summed in order

inline std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

inline constexpr double near_settled = 0.03;  // nats: settled genes are at least so near to their minimum
inline constexpr double fewest_nonzeros = 5;  // cells with a count: fewer say nothing about a gate
inline constexpr double hopeless_summit = 3;  // nats by which a summit may look lower and still be tried

/// Whether a site's marginal is one that its rules integrate (no Beta flatter than α or β = 0.1).
bool site_inside(const SiteFamily& family, const double* at);
/// Shortens a site's step that would leave that region, to nine tenths of the way there.
void keep_site_inside(const SiteFamily& family, const double* at, double* step);

/// Sums of one piece of genes or units, added up in the order of the pieces.
struct Piece {
  double log_likelihood = 0, divergence = 0;
  std::vector<double> rate, scalar_rate;  ///< patterns; patterns × 2
  std::vector<double> by_scalar;          ///< log likelihood at each scalar node
};

}  // namespace scriptorium::inference
