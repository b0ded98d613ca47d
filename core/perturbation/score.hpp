#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/perturbation/markers.hpp"
#include "core/perturbation/signature.hpp"

/// Mixscale (Jiang et al. 2025): how strongly each cell answers its perturbation, a number from about 0 (as controls)
/// up.
namespace scriptorium::perturbation {

struct ScoreOptions {
  Rule rule = Rule::Py;
  MarkerOptions markers = {};  ///< of Rule::R the test is meant to be LikelihoodRatio: rule_defaults() sets it
  bool scale = true;  ///< columns of the signature to mean 0, sd 1, at most 10, over target and controls of a group
  bool fine_mode = false;                 ///< markers of each guide against the controls, lists strung together
  bool harmonize = false;                 ///< controls of the marker test drawn to the target's mix of groups
  double harmonize_min_proportion = 0.1;  ///< of the controls that must remain
  /// Lists of genes by target instead of a test. A target that is not in it is not scored.
  std::optional<std::map<std::string, std::vector<std::string>>> de_genes_by_target = {};
  /// Controls drawn elsewhere, by target (rows); the marker test takes them where `harmonize` would draw.
  std::map<std::string, std::vector<std::int64_t>> drawn_controls = {};
  bool leave_one_out = false;  ///< keep GroupScore::leave_one_out; add_leave_one_out() makes it when it is needed
  std::uint64_t seed = 0;      ///< of drawn controls
  int threads = 0;             ///< 0: all cores; the result is the same at any number
};
void to_json(nlohmann::json& json, const ScoreOptions& options);
void from_json(const nlohmann::json& json, ScoreOptions& options);
/// What a rule takes by default: of R the likelihood-ratio test.
ScoreOptions score_defaults(Rule rule);

/// One target in one group of cells.
struct GroupScore {
  std::int32_t target = -1, split = -1;  ///< codes in the screen
  std::vector<std::int64_t> cells;       ///< the target's first, then controls, each ascending
  std::size_t n_target = 0;              ///< how many of `cells` are the target's
  std::vector<std::int64_t> markers;     ///< genes, best first
  std::vector<double> direction;         ///< v: mean over the target's cells − mean over controls, of each marker
  std::vector<double> projection;     ///< pvec of each cell, (A·v) / (v·v): controls' mean + 1 is the target's mean
  std::vector<double> leave_one_out;  ///< cells × markers, each marker left out of its column; empty: not made
  double control_mean = 0, control_sd = 1;  ///< of the controls' projection (n − 1); sd 0 or undefined is 1 (Rule::Py)
};

struct Scores {
  std::vector<double> score;  ///< of each cell: controls 0, not scored 1 (Rule::R: NaN where the target was scored in
                              ///< another group), no target or no group known NaN
  std::vector<std::vector<std::int64_t>> markers;  ///< by target code, best first; empty: none
  std::vector<GroupScore> groups;                  ///< by target, then group; only what was scored
  std::vector<std::string> reason;  ///< by target code: why it was not scored in any group; empty: it was
  std::vector<std::string> notes;
};

/// @throws Error(BadInput) when there is no signature, or options cannot be; Cancelled
Scores mixscale(const Expression& x, const Signature& signature, const Screen& screen, const ScoreOptions& options,
                const RunControl& control = {});
/// The lists of markers alone, by target code, with reasons and notes where there are none.
Scores mixscale_markers(const Expression& x, const Screen& screen, const ScoreOptions& options,
                        const RunControl& control = {});

/// What Mixscale's scaled signature is cut at, above only.
inline constexpr double scaled_at_most = 10;
/// Signature of markers as Mixscale and Mixscape project it: columns centred and divided by their sd (n − 1; sd 0: 1)
/// over the rows given, values above `cap` set to it. In place. @param values  rows × columns, row-major
void scale_columns(std::vector<double>& values, std::size_t columns, double cap);

/// One target in one group from the signature of its markers (cells × markers, scaled already).
/// @returns whether the direction is not 0
bool project(GroupScore& group, std::span<const double> values, Rule rule, bool leave_one_out);
/// Makes GroupScore::leave_one_out of a group that lacks it.
void add_leave_one_out(GroupScore& group, const Signature& signature, bool scale, int threads = 1,
                       const RunControl& control = {});
/// Standardised projection of a cell of the group: (projection − control_mean) / control_sd.
inline double standardised(const GroupScore& group, std::size_t i) {
  return (group.projection[i] - group.control_mean) / group.control_sd;
}

/// How many controls harmonisation takes from each group; nothing: all of them.
/// @param target, controls  cells by group
std::optional<std::vector<std::int64_t>> harmonised_sizes(std::vector<std::int64_t> target,
                                                          std::vector<std::int64_t> controls, double min_proportion);

}  // namespace scriptorium::perturbation
