#include "core/perturbation/score.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"
#include "core/perturbation/jobs.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// One target in one group; nothing in `projection` where it cannot be scored.
GroupScore score_group(const Signature& signature, const Screen& screen, const Job& job,
                       const std::vector<std::int64_t>& markers, const ScoreOptions& options,
                       const RunControl& control) {
  GroupScore group;
  group.target = job.target;
  group.split = job.split;
  group.cells = screen.cells_of(job.target, job.split);
  group.n_target = group.cells.size();
  const auto controls = screen.cells_of(screen.control, job.split);
  if (group.n_target == 0 || controls.empty()) return group;
  group.cells.insert(group.cells.end(), controls.begin(), controls.end());
  group.markers = markers;
  auto values = signature.columns(group.cells, markers, 1, control);
  if (options.scale) scale_columns(values, markers.size(), scaled_at_most);
  project(group, values, options.rule, options.leave_one_out);
  return group;
}

/// Scores of cells that no group scored.
std::vector<double> unscored(const Screen& screen, const std::vector<bool>& target_scored, Rule rule) {
  std::vector<double> score(static_cast<std::size_t>(screen.n_cells));
  for (std::int64_t i = 0; i < screen.n_cells; ++i) {
    const std::int32_t target = screen.target.code[i];
    if (target == screen.control)
      score[i] = 0;
    else if (target < 0 || screen.split.code[i] < 0 || (rule == Rule::R && target_scored[target]))
      score[i] = nan;
    else
      score[i] = 1;
  }
  return score;
}

void check(const Signature& signature, const Screen& screen) {
  if (signature.empty())
    throw Error(ErrorCode::BadInput, "There is no perturbation signature to score.", "Run the signature first.");
  if (signature.n_cells() != screen.n_cells)
    throw Error(ErrorCode::BadInput, "The perturbation signature is of other cells than the screen.",
                "Run the signature again.");
}

}  // namespace

ScoreOptions score_defaults(Rule rule) {
  ScoreOptions options;
  options.rule = rule;
  if (rule == Rule::R) options.markers.test = Test::LikelihoodRatio;
  return options;
}

void to_json(nlohmann::json& json, const ScoreOptions& options) {
  json = options.markers;
  json["rule"] = to_string(options.rule);
  json["scale"] = options.scale;
  json["fine_mode"] = options.fine_mode;
  json["harmonize"] = options.harmonize;
  json["harmonize_min_proportion"] = options.harmonize_min_proportion;
  if (options.de_genes_by_target) json["de_genes_by_target"] = *options.de_genes_by_target;
  if (!options.drawn_controls.empty()) json["drawn_controls"] = options.drawn_controls;
  json["random_state"] = options.seed;
}

void from_json(const nlohmann::json& json, ScoreOptions& options) {
  options = score_defaults(rule_from_string(json.value("rule", "py")));
  from_json(json, options.markers);
  const ScoreOptions standard = options;
  options.scale = json.value("scale", standard.scale);
  options.fine_mode = json.value("fine_mode", standard.fine_mode);
  options.harmonize = json.value("harmonize", standard.harmonize);
  options.harmonize_min_proportion = json.value("harmonize_min_proportion", standard.harmonize_min_proportion);
  if (json.contains("de_genes_by_target") && !json["de_genes_by_target"].is_null())
    options.de_genes_by_target = json["de_genes_by_target"].get<std::map<std::string, std::vector<std::string>>>();
  if (json.contains("drawn_controls"))
    options.drawn_controls = json["drawn_controls"].get<std::map<std::string, std::vector<std::int64_t>>>();
  if (json.contains("random_state") && json["random_state"].is_number_unsigned()) options.seed = json["random_state"];
}

Scores mixscale(const Expression& x, const Signature& signature, const Screen& screen, const ScoreOptions& options,
                const RunControl& control) {
  check(signature, screen);
  Scores out = mixscale_markers(x, screen, options, control);
  std::vector<Job> jobs;
  for (const Job& job : jobs_of(screen))
    if (!out.markers[job.target].empty()) jobs.push_back(job);
  std::vector<GroupScore> groups(jobs.size());
  run_jobs(jobs, screen, "scoring", options.threads, control, [&](std::size_t i) {
    groups[i] = score_group(signature, screen, jobs[i], out.markers[jobs[i].target], options, control);
  });

  std::vector<bool> target_scored(static_cast<std::size_t>(screen.n_targets()), false);
  std::string without_controls;
  for (const GroupScore& group : groups) {
    if (!group.projection.empty()) {
      target_scored[group.target] = true;
      continue;
    }
    std::string& reason = out.reason[group.target];
    if (group.n_target == 0) continue;
    reason = group.cells.size() == group.n_target
                 ? "there are no control cells in " + (screen.has_split ? screen.split.names[group.split] : "the data")
                 : "its markers do not differ from the controls'";
  }
  out.score = unscored(screen, target_scored, options.rule);
  for (GroupScore& group : groups) {
    if (group.projection.empty()) continue;
    for (std::size_t i = 0; i < group.n_target; ++i) out.score[group.cells[i]] = standardised(group, i);
    out.groups.push_back(std::move(group));
  }
  for (std::int32_t t = 0; t < screen.n_targets(); ++t) {
    if (t == screen.control) continue;
    if (target_scored[t])
      out.reason[t].clear();
    else if (out.reason[t].empty())
      out.reason[t] = "it has no cell in any group";
  }
  return out;
}

}  // namespace scriptorium::perturbation
