#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/perturbation/z_matrix.hpp"
#include "core/progress.hpp"

/// Which genes answer several perturbations together: the leading components of a Z matrix against random ones.
namespace scriptorium::perturbation {

/// How many components are looked at. The first that is set counts.
struct ComponentChoice {
  int number = 1;               ///< so many; 0: by the shares below
  double share = 0;             ///< all up to the last one that explains this share of the variance, or more
  double cumulative_share = 0;  ///< the fewest that explain this share together
};

struct PcaTestOptions {
  ComponentChoice components;
  double row_p = 0.05;     ///< genes are left out whose p is above this for every target; 1: none are
  int permutations = 200;  ///< of every column by itself
  std::uint64_t seed = 42;
  int threads = 0;  ///< 0: all cores; the result is the same at any number
};

/// Principal components with genes as observations, columns centred and scaled (a constant column counts as zeros).
struct PcaTest {
  ZMatrix z;                  ///< the genes that were kept, all targets
  int components = 0;         ///< k
  std::vector<double> score;  ///< genes × k
  std::vector<double> share;  ///< of the variance, of every component
  std::vector<double> p;  ///< genes × k: share of the pooled null scores, taken with both signs, at or below the score:
                          ///< near 0 and near 1 are far out
};
/// @throws Error(BadInput) for fewer than two targets or genes left, or a choice of components that none meets;
/// Cancelled
PcaTest pca_permutation_test(const ZMatrix& z, const PcaTestOptions& options, const RunControl& control = {});

struct ProgramOptions {
  double permutation_p = 0.05;  ///< a gene's p this or less, or 1 − it or more
  double z_p = genome_wide_p;   ///< and |z| beyond this p for a target …
  double correlation = 0.2;     ///< … whose |correlation| with the component is this or more
};
/// Genes of one component, the farthest out first.
struct Program {
  int component = 0;
  double share = 0;                  ///< of the variance
  std::vector<std::string> targets;  ///< that correlate with the component
  std::vector<std::string> up, down;
  std::vector<double> up_score, down_score;  ///< of the component, turned so that up is above 0
};
/// The set of genes with the larger sum of z over those targets is "up".
std::vector<Program> programs_of(const PcaTest& test, const ProgramOptions& options = {});

/// Pearson's correlation; NaN where one of them is constant.
double correlation(const std::vector<double>& a, const std::vector<double>& b);
/// A column of a matrix.
std::vector<double> column_of(const ZMatrix& z, std::size_t target);

}  // namespace scriptorium::perturbation
