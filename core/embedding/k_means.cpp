#include "core/embedding/k_means.hpp"

#include <algorithm>
#include <cmath>
#include <kmeans/kmeans.hpp>
#include <limits>
#include <numeric>
#include <string>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"

namespace scriptorium::embedding {
namespace {

using Matrix = kmeans::SimpleMatrix<std::int64_t, double>;

struct Start {
  std::vector<std::int32_t> cluster;
  std::vector<double> centre;
  double within = std::numeric_limits<double>::infinity();
};

double within(std::span<const double> points, std::size_t dims, const Start& start) {
  double sum = 0;
  for (std::size_t i = 0; i < start.cluster.size(); ++i) {
    const double* at = points.data() + i * dims;
    const double* centre = start.centre.data() + static_cast<std::size_t>(start.cluster[i]) * dims;
    for (std::size_t d = 0; d < dims; ++d) sum += (at[d] - centre[d]) * (at[d] - centre[d]);
  }
  return sum;
}

/// One iteration a call, so that it can be stopped in between.
Start run(const Matrix& matrix, std::span<const double> points, const KMeansOptions& options, std::uint64_t seed,
          const RunControl& control) {
  using Lloyd = kmeans::RefineLloyd<std::int64_t, double, std::int32_t, double, Matrix>;
  const auto dims = matrix.num_dimensions();
  const int threads = compute::resolve_threads(options.threads);
  Start out;
  out.cluster.assign(static_cast<std::size_t>(matrix.num_observations()), 0);
  out.centre.assign(static_cast<std::size_t>(options.clusters) * dims, 0);
  const kmeans::InitializeKmeanspp<std::int64_t, double, std::int32_t, double, Matrix> start({seed, threads});
  const std::int32_t centres = start.run(matrix, options.clusters, out.centre.data());
  std::vector<std::int32_t> before;
  const Lloyd lloyd({1, threads});
  for (int i = 0; i < options.max_iterations && out.cluster != before; ++i) {
    control.check();
    before = out.cluster;
    lloyd.run(matrix, centres, out.centre.data(), out.cluster.data());
    if (i == 0) before.clear();  // the first labels are no labels
  }
  out.within = within(points, dims, out);
  return out;
}

}  // namespace

KMeans k_means(std::span<const double> points, int dims, const KMeansOptions& options, const RunControl& control) {
  const std::size_t n = dims > 0 ? points.size() / static_cast<std::size_t>(dims) : 0;
  if (options.clusters < 1 || static_cast<std::size_t>(options.clusters) > n)
    throw Error(ErrorCode::BadInput,
                "k-means: " + std::to_string(options.clusters) + " clusters of " + std::to_string(n) + " points",
                "Ask for at least one cluster and at most as many as there are points.");
  const Matrix matrix(static_cast<std::size_t>(dims), static_cast<std::int64_t>(n), points.data());
  Start best;
  for (int restart = 0; restart < std::max(1, options.restarts); ++restart) {
    Start start = run(matrix, points, options, options.seed + static_cast<std::uint64_t>(restart), control);
    if (start.within < best.within) best = std::move(start);
  }

  const auto clusters = static_cast<std::size_t>(options.clusters), width = static_cast<std::size_t>(dims);
  std::vector<std::int64_t> size(clusters, 0);
  for (const std::int32_t c : best.cluster) ++size[static_cast<std::size_t>(c)];
  std::vector<std::int32_t> order(clusters), rank(clusters);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return size[a] > size[b]; });
  KMeans out;
  out.within = best.within;
  out.centre.assign(clusters * width, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t c = 0; c < clusters; ++c) {
    const auto from = static_cast<std::size_t>(order[c]);
    rank[from] = static_cast<std::int32_t>(c);
    out.size.push_back(size[from]);
    if (size[from] > 0) std::copy_n(best.centre.data() + from * width, width, out.centre.data() + c * width);
  }
  for (const std::int32_t c : best.cluster) out.cluster.push_back(rank[static_cast<std::size_t>(c)]);
  return out;
}

}  // namespace scriptorium::embedding
