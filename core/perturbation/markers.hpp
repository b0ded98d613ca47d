#pragma once
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/perturbation/expression.hpp"
#include "core/perturbation/screen.hpp"

namespace scriptorium::perturbation {

/// How a gene of a target's cells is compared with control cells.
enum class Test : std::uint8_t {
  RankSum,             ///< Wilcoxon's, normal approximation, as scanpy does it ("wilcoxon")
  Welch,               ///< t test with unequal variances ("t-test")
  WelchOverestimated,  ///< the same, controls counted as if they were as many as the target's cells
                       ///< ("t-test_overestim_var")
  LikelihoodRatio      ///< of a logistic regression of membership on x, as Seurat does it ("lr")
};
/// @throws Error(BadInput) naming the known ones
Test test_from_string(const std::string& text);
std::string to_string(Test test);

struct MarkerOptions {
  Test test = Test::RankSum;
  double pval_cutoff = 0.05;        ///< adjusted p, strictly below
  double logfc_threshold = 0.25;    ///< |log2 fold change|, this or more
  std::int64_t min_de_genes = 5;    ///< fewer markers are none
  std::int64_t max_de_genes = 100;  ///< the most that Mixscale takes
  bool tie_correction = false;      ///< of the rank sum's variance; the references do without
  double min_pct = 0.1;             ///< LikelihoodRatio: share of expressing cells that one side must reach
  int threads = 0;                  ///< 0: all cores; the result is the same at any number
};
void to_json(nlohmann::json& json, const MarkerOptions& options);
void from_json(const nlohmann::json& json, MarkerOptions& options);

/// One target against controls; a row a gene. All genes in their order, but for LikelihoodRatio: the tested ones by
/// rising p.
struct MarkerTable {
  std::int64_t n_target = 0, n_control = 0;  ///< cells compared
  std::vector<std::int64_t> gene;
  std::vector<double> z;       ///< 0 where it is undefined; of LikelihoodRatio the signed root of its statistic
  std::vector<double> p;       ///< two-sided
  std::vector<double> p_adj;   ///< Benjamini–Hochberg over all genes; LikelihoodRatio: Bonferroni, likewise
  std::vector<double> log2fc;  ///< above 0: higher in the target's cells. Compared as 32-bit float, but for
                               ///< LikelihoodRatio
  std::vector<double> pct_target, pct_control;  ///< share of cells with x > 0
  std::string not_tested;                       ///< why the table is empty, in words
};

/// Which cells are compared: groups 1 … n_groups, each with the controls, which are group 0; −1 is left out.
struct Groups {
  std::vector<std::int32_t> of_cell;
  std::int32_t n_groups = 0;
};

/// A table for each of the groups 1 … n_groups. Entries of a gene are sorted once for all groups: O(stored log stored).
/// A group of one cell, or none, or a single control, is not tested, and the table says so (LikelihoodRatio: fewer than
/// 3 on a side).
std::vector<MarkerTable> test_markers(const Expression& x, const Groups& groups, const MarkerOptions& options,
                                      const RunControl& control = {});

/// The same, each table handed over as it is made and not kept: memory follows a few hundred tables, not the groups.
void visit_markers(const Expression& x, const Groups& groups, const MarkerOptions& options,
                   const std::function<void(std::int32_t group, MarkerTable table)>& visit,
                   const RunControl& control = {});

/// Benjamini–Hochberg: p·n/rank, running minimum from the largest; NaN counts as 1.
std::vector<double> benjamini_hochberg(std::span<const double> p);

/// Genes that pass both thresholds, by rising p, equal p by falling z, then by index; the first `max_de_genes`, and
/// none when fewer than `min_de_genes` are left. Without limits: `limit` false.
std::vector<std::int64_t> select_ordered(const MarkerTable& table, const MarkerOptions& options, bool limit = true);
/// Cuts a list that was put together otherwise as select_ordered() does.
std::vector<std::int64_t> limited(std::vector<std::int64_t> genes, const MarkerOptions& options);
/// Genes that pass both thresholds, ascending; none when fewer than `min_de_genes`. No maximum: Mixscape's choice.
std::vector<std::int64_t> select_all(const MarkerTable& table, const MarkerOptions& options);

/// Each target against the controls, over all cells (`split` −1) or within one group, controls left out.
void visit_markers_of_targets(const Expression& x, const Screen& screen, std::int32_t split,
                              const MarkerOptions& options,
                              const std::function<void(std::int32_t target, MarkerTable table)>& visit,
                              const RunControl& control = {});
/// The same, all tables kept: by target code, the control's entry empty.
std::vector<MarkerTable> markers_of_targets(const Expression& x, const Screen& screen, std::int32_t split,
                                            const MarkerOptions& options, const RunControl& control = {});

}  // namespace scriptorium::perturbation
