#pragma once
#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

#include "core/perturbation/expression.hpp"

namespace scriptorium::perturbation {

/// Loadings of the leading principal components of all genes, scaled to sd 1 (n − 1), over the controls and the cells
/// of one target: for every target, genes × components (fewer where the rank is less), orthonormal, up to sign. The
/// controls, most of the cells of each, are read once for several targets. Genes that do not vary have loadings of 0.
/// Tells how far it is.
/// @param cells  of each target, not empty and without controls
/// @param seed   of the start: beyond rounding the result does not depend on it, and not on `threads` at all
/// @throws Error(Numerical) where components do not converge; Cancelled
std::vector<Eigen::MatrixXd> target_loadings(const Expression& x, std::span<const std::int64_t> controls,
                                             const std::vector<std::vector<std::int64_t>>& cells, int components,
                                             std::uint64_t seed, int threads, const RunControl& control = {});

}  // namespace scriptorium::perturbation
