#include "core/embedding/neighbours.hpp"

#include <algorithm>
#include <knncolle/knncolle.hpp>
#include <knncolle_annoy/knncolle_annoy.hpp>
#include <memory>

#include "core/compute/parallel.hpp"

namespace scriptorium::embedding {
namespace {

using Index = std::int32_t;
using Points = knncolle::SimpleMatrix<Index, double>;

std::unique_ptr<knncolle::Prebuilt<Index, double, double>> build(const Points& points, bool exact) {
  if (exact)
    return knncolle::VptreeBuilder<Index, double, double>(
               std::make_shared<knncolle::EuclideanDistance<double, double>>())
        .build_unique(points);
  return knncolle_annoy::AnnoyBuilder<Index, double, double, Annoy::Euclidean>().build_unique(points);
}

}  // namespace

std::vector<std::vector<std::pair<std::int32_t, double>>> Neighbours::lists() const {
  std::vector<std::vector<std::pair<std::int32_t, double>>> out(k > 0 ? index.size() / static_cast<std::size_t>(k) : 0);
  for (std::size_t i = 0, at = 0; i < out.size(); ++i)
    for (int j = 0; j < k; ++j, ++at) out[i].emplace_back(index[at], distance[at]);
  return out;
}

Neighbours nearest_neighbours(std::span<const double> points, int dims, int k, int threads, const RunControl& control,
                              std::int64_t exact_up_to) {
  const auto n = dims > 0 ? static_cast<std::int64_t>(points.size()) / dims : 0;
  Neighbours out;
  out.k = static_cast<int>(std::clamp<std::int64_t>(k, 0, std::max<std::int64_t>(n - 1, 0)));
  const auto width = static_cast<std::size_t>(out.k);
  out.index.resize(static_cast<std::size_t>(n) * width);
  out.distance.resize(out.index.size());
  if (out.index.empty()) return out;
  control.tell(-1, "looking for neighbours of " + std::to_string(n) + " cells");
  const Points matrix(static_cast<std::size_t>(dims), static_cast<Index>(n), points.data());
  const auto tree = build(matrix, n <= exact_up_to);
  control.check();
  compute::parallel_for(n, 64, threads, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    control.check();
    const auto searcher = tree->initialize();
    std::vector<Index> index;
    std::vector<double> distance;
    for (std::int64_t i = first; i < last; ++i) {
      searcher->search(static_cast<Index>(i), out.k, &index, &distance);
      const auto at = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(i) * width);
      std::copy(index.begin(), index.end(), out.index.begin() + at);
      std::copy(distance.begin(), distance.end(), out.distance.begin() + at);
    }
  });
  return out;
}

}  // namespace scriptorium::embedding
