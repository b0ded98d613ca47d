#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/progress.hpp"

namespace scriptorium::embedding {

/// The nearest neighbours of every point, itself left out, by rising Euclidean distance: points × k, row-major.
struct Neighbours {
  int k = 0;
  std::vector<std::int32_t> index;
  std::vector<double> distance;
  /// As libraries take them: a list a point of neighbour and distance.
  std::vector<std::vector<std::pair<std::int32_t, double>>> lists() const;
};

/// More points than this are searched by Annoy (random trees, seeded; a neighbour may be missed), fewer exactly.
inline constexpr std::int64_t exact_search_up_to = 20'000;

/// @param points  n × dims, row-major, finite; @param k  at most n − 1. The same at any number of threads.
Neighbours nearest_neighbours(std::span<const double> points, int dims, int k, int threads,
                              const RunControl& control = {}, std::int64_t exact_up_to = exact_search_up_to);

}  // namespace scriptorium::embedding
