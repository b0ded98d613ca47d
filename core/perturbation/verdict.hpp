#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/perturbation/call.hpp"
#include "core/perturbation/score.hpp"

/// The screen target by target: is there an effect, how strong, do the guides agree.
namespace scriptorium::perturbation {

/// Thresholds of the verdicts.
struct TargetRule {
  std::int64_t min_cells = 10;        ///< fewer cells of a target are too few to judge
  double min_share = 0.05;            ///< share of perturbed cells from which an effect is seen …
  double min_auc = 0.6;               ///< … or the score's AUC against controls
  std::int64_t min_guide_cells = 20;  ///< guides with fewer cells are not compared
  double guide_p_adj = 0.01;          ///< guides differ: adjusted p of a chi-square test of their shares, below …
  double guide_difference = 0.3;      ///< … and largest − smallest share, this or more
};

struct GuideShare {
  std::int32_t guide = -1;  ///< code in the screen
  std::int64_t cells = 0, perturbed = 0;
  double mean_score = 0;  ///< NaN where the target was not scored
};

enum class TargetVerdict : std::uint8_t {
  Effect,          ///< "effect"
  GuidesDisagree,  ///< "two guides disagree": an effect, but not of all guides alike
  NoEffect,        ///< "no effect seen": there are markers, but no cells stand out
  TooFewMarkers,   ///< "too few marker genes"
  TooFewCells,     ///< "too few cells"
  NotScored        ///< another reason, in words
};
/// The words above.
std::string to_string(TargetVerdict verdict);

struct TargetSummary {
  std::int32_t target = -1;
  TargetVerdict verdict = TargetVerdict::NotScored;
  std::string reason;  ///< one sentence: why this verdict
  std::int64_t cells = 0, guides = 0;
  std::int64_t markers = 0;    ///< of Mixscale's list, or of Mixscape's longest where there are no scores
  std::int64_t perturbed = 0;  ///< cells called perturbed
  double share_perturbed = 0;  ///< of the target's cells; NaN without calls
  double mean_score = 0;       ///< of its scored cells; NaN without scores
  double auc = 0;              ///< chance that a cell of the target scores above a control, over groups by size; NaN
  double log2fc_own = 0;       ///< of the target's own gene against controls; NaN where it is not among the genes
  double p_own = 0;            ///< its rank-sum p; NaN likewise
  double guide_p_adj = 0;      ///< of the test that guides differ, over targets; NaN where none could be compared
  std::vector<GuideShare> by_guide;
};

/// One entry a target, controls left out, strongest first: by verdict, then share of perturbed cells (0 without calls),
/// then AUC.
/// @param scores, calls  either may be null, not both; @throws Error(BadInput), Cancelled
std::vector<TargetSummary> judge_targets(const Expression& x, const Screen& screen, const Scores* scores,
                                         const Calls* calls, const TargetRule& rule = {}, int threads = 0,
                                         const RunControl& control = {});

}  // namespace scriptorium::perturbation
