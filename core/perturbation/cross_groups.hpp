#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/perturbation/z_matrix.hpp"
#include "core/progress.hpp"

/// Programs that several groups of cells (cell types, replicates) share: sparse multi-set canonical correlations of
/// their Z matrices, round by round.
namespace scriptorium::perturbation {

/// One weight vector a matrix, of length 1 and Σ|w| at most its bound, for which Σ_{i<j} (X_i w_i)·(X_j w_j) is large
/// (Witten and Tibshirani 2009): matrix after matrix, w_i is the soft-thresholded X_iᵀ Σ_{j≠i} X_j w_j. From the
/// leading right singular vectors, turned so that they agree.
/// @param bound       of each matrix; cut to [1, √columns]
/// @param iterations  at most; ends when the criterion changes by less than 0.001 of itself
std::vector<std::vector<double>> multi_set_weights(const std::vector<ZMatrix>& x, const std::vector<double>& bound,
                                                   int iterations = 30);

struct CrossOptions {
  double penalty = 0;  ///< bound on Σ|w| of every group; 0: √targets, which sets none to 0
  int iterations = 30;
  int rounds = 5;  ///< at most
  double mean_correlation =
      0.2;              ///< a group whose variate has a lower mean |correlation| with the others sits out the round
  double p = 0.05;      ///< a target joins when its correlation with a variate has this p or less,
  double own = 0.6;     ///< its |correlation| with its own group's variate is this or more,
  double others = 0.3;  ///< and its mean |correlation| with the other groups' variates (both in 2 decimals)
};

/// A target in a group that belongs to a program.
struct Member {
  std::string group, target;
  double own = 0, others = 0;  ///< correlations as above, `others` the mean of their sizes
  double weight = 0;           ///< of its group's variate; 0: not in it
};
struct CrossProgram {
  int round = 0;
  int needed = 0;                      ///< with how many variates a member correlates at least
  std::vector<std::string> groups;     ///< that took part
  std::vector<std::string> set_aside;  ///< that did not correlate with the others in this round
  std::vector<Member> members;         ///< groups in their order, targets in theirs
};
/// Members leave their matrices after each round; groups that were set aside come back. Ends when fewer than two groups
/// correlate or fewer than two targets join. Genes are those that all matrices have.
/// @throws Error(BadInput) for fewer than two matrices, fewer than three common genes, or missing values; Cancelled
std::vector<CrossProgram> cross_group_programs(std::vector<ZMatrix> matrices, const CrossOptions& options = {},
                                               const RunControl& control = {});

/// Rows that all matrices have, in the order of the first.
std::vector<ZMatrix> with_common_genes(std::vector<ZMatrix> matrices);
/// The members' columns side by side, named "<group>__<target>"; those of weight 0 are left out.
ZMatrix joined(const std::vector<ZMatrix>& matrices, const CrossProgram& program);

}  // namespace scriptorium::perturbation
