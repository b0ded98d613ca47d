#pragma once
#include "core/embedding/embed.hpp"

namespace scriptorium::embedding {

/// The first two components, the first scaled to a standard deviation of `spread`, both with a little noise: points
/// that are the same would never part. @throws Error(BadInput) for fewer than `fewest_cells`
std::vector<double> start_of_layout(const PrincipalComponents& components, double spread, Method method,
                                    std::uint64_t seed);

}  // namespace scriptorium::embedding
