#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/progress.hpp"

namespace scriptorium::embedding {

struct KMeansOptions {
  int clusters = 2;
  int restarts = 10;  ///< starts, of which the one with the least distance within clusters is kept
  int max_iterations = 100;
  std::uint64_t seed = 42;
  int threads = 0;  ///< 0: all cores; the result is the same at any number
};

struct KMeans {
  std::vector<std::int32_t> cluster;  ///< of each point, 0 … clusters − 1, numbered by falling size
  std::vector<std::int64_t> size;     ///< points of each cluster; 0 at the end where there are fewer distinct points
  std::vector<double> centre;         ///< clusters × dims, row-major; NaN for empty clusters
  double within = 0;                  ///< sum of squared distances to the centres
};

/// Lloyd's k-means from k-means++ starts (Arthur and Vassilvitskii 2007).
/// @param points  n × dims, row-major, finite. @throws Error(BadInput) for more clusters than points; Cancelled
KMeans k_means(std::span<const double> points, int dims, const KMeansOptions& options, const RunControl& control = {});

}  // namespace scriptorium::embedding
