#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/perturbation/cross_groups.hpp"
#include "core/perturbation/programs.hpp"
#include "core/perturbation/target_clusters.hpp"
#include "core/report/table.hpp"

/// From Z matrices to programs: which targets go together, and which genes answer them.
namespace scriptorium::perturbation {

struct ProgramSearchOptions {
  CleanOptions clean;
  PcaTestOptions pca;
  ProgramOptions genes;
  CrossOptions cross;
  double height = 0.6;  ///< of clusters: 1 − |correlation| with the central target, at most
  bool whole = false;   ///< all targets of a matrix are one program; no clusters
  bool each = false;    ///< several matrices: each by itself, not what they share
};

struct FoundProgram {
  std::string name;                                          ///< "cluster 1", "program 1", "all"
  std::vector<std::pair<std::string, std::string>> members;  ///< group and target
  std::vector<Program> components;                           ///< empty: not tested, a note says why
};
struct ProgramSearch {
  std::vector<ZMatrix> z;                ///< cleaned; groups with fewer than two targets are left out
  std::vector<TargetClusters> clusters;  ///< of each of `z`, where targets were clustered
  std::vector<FoundProgram> programs;
  std::vector<std::string> notes;
};

/// One matrix, or `each`: clusters of two targets or more are programs. Several: what they share across groups.
/// @throws Error(BadInput) as cluster_targets() and cross_group_programs() do; Cancelled
ProgramSearch find_programs(std::vector<ZMatrix> matrices, const ProgramSearchOptions& options,
                            const RunControl& control = {});

/// One row a gene: program, component, share_of_variance, direction (up: higher in perturbed cells), gene, score.
report::Table program_table(const ProgramSearch& found);
/// One row a member: program, group, target.
report::Table member_table(const ProgramSearch& found);
/// One row a target of a matrix, clusters first: target, group, cluster ("cluster 1", as the programs are named; empty:
/// alone), nearest (the target of largest |correlation|), correlation (with it).
report::Table cluster_table(const ZMatrix& z, const TargetClusters& clusters);
/// Columns of the matrix as cluster_table() has them: clusters of two or more, then the others.
std::vector<std::size_t> cluster_order(const TargetClusters& clusters);

}  // namespace scriptorium::perturbation
