#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/progress.hpp"

/// What sets of genes (pathways, other screens) have to do with a list of genes.
namespace scriptorium::perturbation {

/// A named set of genes; in a ranked set the first is the most important.
struct GeneSet {
  std::string name;
  std::vector<std::string> genes;
};
/// Sets of a GMT file: a line each, name, description and genes separated by tabs.
/// @throws Error(Io) for a file that cannot be read, Error(BadInput) naming the line that is no set
std::vector<GeneSet> read_gmt(const std::string& path);
/// The same from its text; `path` is what errors name.
std::vector<GeneSet> parse_gmt(const std::string& text, const std::string& path);

/// Numbers of a 2×2 table with rows (in set, not) and columns (in list, not), all ≥ 0.
struct FourFold {
  std::int64_t a = 0, b = 0, c = 0, d = 0;  ///< list ∩ set, set only, list only, neither
};
/// ln P(X ≥ a) of the hypergeometric with the table's margins: of Fisher's one-sided p.
double fisher_log_p(const FourFold& table);
/// The odds ratio of largest conditional likelihood: the ψ at which Fisher's noncentral hypergeometric has mean a. 0
/// where a is as small as the margins allow, infinite where it is as large.
double conditional_odds_ratio(const FourFold& table);

struct FisherOptions {
  bool ease = true;  ///< one gene of the overlap is taken away (DAVID's EASE score): careful with few genes
};
struct FisherResult {
  std::string set;
  std::int64_t overlap = 0;  ///< LH: genes of the list in the set
  std::int64_t in_set = 0;   ///< PH: genes of the set in the background
  std::int64_t in_list = 0;  ///< LT: genes of the list in the background
  std::int64_t set_size = 0;
  double odds_ratio = 0, p = 1, p_adjusted = 1;  ///< adjusted by Benjamini and Hochberg over the sets
  double combined = 0;                           ///< −ln(p) · odds ratio
  std::vector<std::string> genes;                ///< the overlap, in the list's order
};
/// Is a set over-represented in a list? Results in the order of `sets`. Genes of the list that the background lacks,
/// and repetitions, are left out.
/// @throws Error(BadInput) for an empty background; Cancelled
std::vector<FisherResult> fisher_tests(std::span<const std::string> list, std::span<const std::string> background,
                                       std::span<const GeneSet> sets, const FisherOptions& options = {},
                                       const RunControl& control = {});

/// Rank-biased overlap of two rankings, extrapolated (Webber, Moffat and Zobel 2010, equation 32), at most 1. Each
/// ranking has an item once.
/// @param p      in (0, 1): near 1 deep ranks count
/// @param depth  ranks beyond are not looked at
double rank_biased_overlap(std::span<const std::string> a, std::span<const std::string> b, double p,
                           std::int64_t depth = 300);

struct RankOptions {
  double p = 0.9;
  std::int64_t depth = 300;
  int permutations = 500;
  bool empirical = false;  ///< (1 + number of permutations as large)/(1 + permutations) instead of a normal's tail
  std::uint64_t seed = 42;
  int threads = 0;
};
struct RankResult {
  std::string set;
  std::int64_t overlap = 0, set_size = 0;
  double rbo = 0, p = 1, p_adjusted = 1;
};
/// Are a list and a set in the same order? The null: the first `depth` genes of the list in random orders. p = 1 for an
/// overlap of at most one gene, or RBO ≤ 0.01. Results in the order of `sets`.
/// @throws Error(BadInput) for p outside (0, 1), a depth or permutations below 1
std::vector<RankResult> rank_tests(std::span<const std::string> list, std::span<const GeneSet> sets,
                                   const RankOptions& options, const RunControl& control = {});

}  // namespace scriptorium::perturbation
