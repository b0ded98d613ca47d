#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/data/count_matrix.hpp"
#include "core/perturbation/score.hpp"
#include "core/perturbation/screen.hpp"
#include "core/progress.hpp"
#include "core/report/table.hpp"

/// Which genes change with a perturbation: negative-binomial regression of counts on how strongly each cell answers it
/// (Mixscale's Run_wmvRegDE).
namespace scriptorium::perturbation {

struct DeOptions {
  double logfc_threshold = 0;   ///< |log2 fold change| of a gene, this or more, in some group
  double min_pct = 0.1;         ///< share of expressing cells (3 decimals), in the target's or the control cells
  std::int64_t min_cells = 10;  ///< expressing cells, likewise
  /// As Mixscale with glmGamPoi: coefficients at the trend of dispersions over genes, errors at the gene's own.
  /// Otherwise both at the gene's own dispersion, which is fitted together with the means.
  bool r_compatible = false;
  /// Where a weight's coefficient runs off to infinity (counts only in cells of weight 0) Wald's p says nothing; take
  /// that of the likelihood-ratio test. Not with r_compatible.
  bool mend_separated = true;
  bool unweighted = false;  ///< cells of a target all weigh 1, whatever their scores
  int threads = 0;          ///< 0: all cores; the result is the same at any number
  bool operator==(const DeOptions&) const = default;
};

/// How a gene's weight was made.
enum class DeWeight : std::uint8_t {
  Score,        ///< "weighted": from the score of each cell
  LeaveOneOut,  ///< "leave-one-out": from the score without this gene, which is one of its markers
  Membership    ///< "standard": 1 for cells of the target
};
std::string to_string(DeWeight weight);

/// What the regression of one target reads.
struct DeCells {
  std::vector<std::int64_t> cells;      ///< in the counts; those of a group follow each other, groups ascending
  std::vector<std::uint8_t> is_target;  ///< of each of `cells`
  std::vector<std::int32_t> group;      ///< of each of `cells`, into `groups`
  std::vector<std::string> groups;      ///< at least one
  std::vector<double> weight;           ///< of each of `cells`: 0 or more, 0 for controls
  struct Own {
    std::int64_t gene = -1;
    std::vector<double> weight;
  };
  std::vector<Own> own;           ///< genes that have a weight of their own: markers
  std::int64_t target_gene = -1;  ///< its weight is membership; −1: the target is not among the genes
  bool scored = false;            ///< whether `weight` comes from scores
};

/// The cells of a target in the groups it was scored in, weights max(0, standardised projection); of an unscored
/// target, its cells in all groups that have both its own and control cells, with weight 1. Groups are named as in the
/// screen. Empty `cells`: no group has both.
/// @param scores  those of this target are used; with leave_one_out, where there are markers
/// @throws Error(BadInput) when leave_one_out was not made (add_leave_one_out)
DeCells de_cells(const Screen& screen, std::int32_t target, const std::vector<GroupScore>& scores);

/// One target against controls, a row a gene, by rising p of the last weight.
struct WeightedDe {
  std::string target;
  std::vector<std::string> groups;   ///< one: a single weight, the model has no groups
  bool by_group = false;             ///< the screen has groups, even if the target is in a single one
  std::vector<std::string> columns;  ///< covariates: Intercept, weight, log_ct; or by group g, log_ct, g:weight
  std::vector<std::int64_t> gene;
  std::vector<double> log2fc;             ///< rows × groups; NaN where a group has too few expressing cells
  std::vector<double> coefficient;        ///< rows × columns; NaN where there is no estimate
  std::vector<double> error;              ///< standard errors, likewise
  std::vector<double> log_p;              ///< ln p of each, likewise
  std::vector<double> dispersion;         ///< a_g: Var = μ + a μ²
  std::vector<double> fitted_dispersion;  ///< at which coefficients were fitted: the trend with r_compatible
  std::vector<DeWeight> weight;
  std::vector<std::uint8_t> separated;  ///< 1: some coefficient runs off to infinity
  std::vector<std::string> notes;
  std::int64_t n_target = 0, n_control = 0;

  std::size_t rows() const { return gene.size(); }
  /// The column of the weight of a group.
  std::size_t weight_column(std::size_t group) const { return groups.size() == 1 ? 1 : groups.size() + 1 + group; }
};

/// @param by_gene  counts with a row a gene (CountMatrix::transposed)
/// @param total    counts of each cell over all genes
/// Cells without counts are left out, with a note. @throws Cancelled
WeightedDe weighted_de(const std::string& target, const DeCells& cells, const data::CountMatrix& by_gene,
                       const std::vector<double>& total, const DeOptions& options, const RunControl& control = {});

/// The table of a target: gene, log2fc (of a screen with groups one for each of the target's, log2fc_<group>),
/// beta_weight, se_weight, p_weight, p_adj_weight (likewise), dispersion, DE_method, separated. With `full` also the
/// coefficients and p of the other covariates. p_adj is Benjamini and Hochberg's over the rows.
report::Table de_table(const WeightedDe& de, const std::vector<std::string>& genes, bool full = false);

/// A local median of y along x (glmGamPoi's trend of dispersions): weighted by a normal density from −3 to 3 over the
/// `points` nearest in rank, the two ends level. Where ranks have no such window one (interpolated) median for all,
/// with the weights in the order in which the points come, as glmGamPoi 1.10 has it.
std::vector<double> local_median(const std::vector<double>& x, const std::vector<double>& y, double points);

}  // namespace scriptorium::perturbation
