#pragma once
#include <cstdint>
#include <vector>

#include "core/perturbation/z_matrix.hpp"
#include "core/progress.hpp"

/// Targets whose perturbations change the same genes.
namespace scriptorium::perturbation {

/// Two clusters become one. Clusters are numbered: points first, then merges in their order.
struct Merge {
  std::size_t first = 0, second = 0;
  double height = 0;
  std::size_t prototype = 0;  ///< the point nearest to its farthest fellow: none is farther than `height`
};

/// Minimax linkage (Bien and Tibshirani 2011): the distance of two clusters is the least radius around one of their
/// points that holds all of them. Merges by rising height. O(n²) memory, O(n³) time at worst.
/// @param distance  n × n, symmetric, zeros on the diagonal
std::vector<Merge> minimax_linkage(const std::vector<double>& distance, std::size_t n, const RunControl& control = {});
/// Clusters of the merges up to `height`: their points ascending, clusters by their first point.
std::vector<std::vector<std::size_t>> cut_tree(const std::vector<Merge>& merges, std::size_t n, double height);

struct TargetClusters {
  std::vector<Merge> merges;
  std::vector<std::vector<std::size_t>> clusters;  ///< columns of the matrix
};
/// Distance 1 − |correlation| of columns; a constant column is 1 from all. At the default height each target of a
/// cluster has a correlation of 0.4 or more, either way, with the prototype.
/// @throws Error(BadInput) for fewer than two targets or three genes, or values that are not finite; Cancelled
TargetClusters cluster_targets(const ZMatrix& z, double height = 0.6, const RunControl& control = {});

}  // namespace scriptorium::perturbation
