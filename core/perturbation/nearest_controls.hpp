#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/compute/backend.hpp"

namespace scriptorium::perturbation {

/// The `k` candidates nearest to each query, nearest first, by exact Euclidean distance; ties by the lower row.
/// @param points      rows × dims, row-major, finite
/// @param candidates  rows, ascending, at least k; @param queries  rows
/// @returns queries × k rows. The same at any number of threads and on every device.
std::vector<std::int32_t> nearest_controls(std::span<const double> points, int dims,
                                           std::span<const std::int64_t> candidates,
                                           std::span<const std::int64_t> queries, int k,
                                           const compute::Backend& backend, const RunControl& control = {});

}  // namespace scriptorium::perturbation
