#include "core/perturbation/nearest_controls.hpp"

#include <algorithm>
#include <limits>

#include "core/compute/parallel.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr std::int64_t tile = 512;  // candidates whose coordinates stay in the cache
constexpr std::int64_t queries_a_piece = 32;

/// The k nearest so far, by rising distance.
class Nearest {
 public:
  explicit Nearest(int k)
      : distance_(static_cast<std::size_t>(k), std::numeric_limits<double>::infinity()), row_(distance_.size(), -1) {}
  double worst() const { return distance_.back(); }
  /// Candidates come by rising row, so an equal distance goes behind.
  void add(double distance, std::int32_t row) {
    std::size_t at = distance_.size() - 1;
    for (; at > 0 && distance_[at - 1] > distance; --at) {
      distance_[at] = distance_[at - 1];
      row_[at] = row_[at - 1];
    }
    distance_[at] = distance;
    row_[at] = row;
  }
  const std::vector<std::int32_t>& rows() const { return row_; }

 private:
  std::vector<double> distance_;
  std::vector<std::int32_t> row_;
};

/// Coordinates of the candidates, tile by tile, within a tile by dimension: tiles × dims × tile.
std::vector<double> tiled(std::span<const double> points, int dims, std::span<const std::int64_t> candidates) {
  const auto n = static_cast<std::int64_t>(candidates.size());
  std::vector<double> out(static_cast<std::size_t>(compute::pieces(n, tile) * tile * dims), 0);
  for (std::int64_t j = 0; j < n; ++j)
    for (int d = 0; d < dims; ++d) out[((j / tile) * dims + d) * tile + j % tile] = points[candidates[j] * dims + d];
  return out;
}

/// Squared distances of a point to the candidates of one tile, summed dimension by dimension.
void distances(const double* point, const double* candidates, int dims, double* out) {
  std::fill_n(out, tile, 0.0);
  for (int d = 0; d < dims; ++d) {
    const double at = point[d];
    const double* const row = candidates + d * tile;
    for (std::int64_t j = 0; j < tile; ++j) {
      const double apart = at - row[j];
      out[j] += apart * apart;
    }
  }
}

}  // namespace

std::vector<std::int32_t> nearest_controls(std::span<const double> points, int dims,
                                           std::span<const std::int64_t> candidates,
                                           std::span<const std::int64_t> queries, int k, int threads,
                                           const RunControl& control) {
  const auto n = static_cast<std::int64_t>(candidates.size());
  std::vector<std::int32_t> out(queries.size() * static_cast<std::size_t>(k));
  const std::vector<double> coordinates = tiled(points, dims, candidates);
  const auto search = [&](std::int64_t, std::int64_t first, std::int64_t last) {
    std::vector<Nearest> found(static_cast<std::size_t>(last - first), Nearest(k));
    double distance[tile];
    for (std::int64_t at = 0; at < n; at += tile) {
      control.check();
      const std::int64_t in_tile = std::min(tile, n - at);
      for (std::int64_t q = first; q < last; ++q) {
        distances(points.data() + queries[q] * dims, coordinates.data() + at * dims, dims, distance);
        Nearest& nearest = found[q - first];
        for (std::int64_t j = 0; j < in_tile; ++j)
          if (distance[j] < nearest.worst()) nearest.add(distance[j], static_cast<std::int32_t>(candidates[at + j]));
      }
    }
    for (std::int64_t q = first; q < last; ++q)
      std::copy(found[q - first].rows().begin(), found[q - first].rows().end(), out.begin() + q * k);
  };
  compute::parallel_for(static_cast<std::int64_t>(queries.size()), queries_a_piece, threads, search);
  return out;
}

}  // namespace scriptorium::perturbation
