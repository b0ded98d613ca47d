#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/progress.hpp"

namespace scriptorium::perturbation {

/// Genes that differential expression found to go one way, to be held against sets of genes.
struct DeList {
  std::string target, group;  ///< empty where the table has none
  bool up = true;
  std::vector<std::string> genes;       ///< by rising p, equal p by falling |log2 fold change|
  std::vector<std::string> background;  ///< all genes tested
};

struct ListOptions {
  double p_adj = 0.05;     ///< this or less
  double log2fc = 0.25;    ///< |log2 fold change| above this
  std::int64_t least = 5;  ///< shorter lists are left out
};

/// The lists of a table as `perturb de` or `perturb markers` write it: columns gene and, for one or several groups g,
/// log2fc (log2fc_g), p_adj_weight or p_adj (p_adj_weight_g, …); rows by target and split where it has these columns.
/// @throws Error(BadInput) naming the column that is not there
std::vector<DeList> read_de_lists(const std::string& path, const ListOptions& options, const RunControl& control = {});

}  // namespace scriptorium::perturbation
