#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/perturbation/weighted_de.hpp"

namespace scriptorium::perturbation {
namespace {

/// Values of the target's cells against mean and sd (n − 1; 0: 1) of the controls', negatives 0; controls 0. NaN stays.
std::vector<double> weights_of(const std::vector<double>& value, std::size_t n_target) {
  const std::size_t n = value.size();
  double mean = 0, squares = 0;
  for (std::size_t i = n_target; i < n; ++i) mean += value[i];
  mean /= static_cast<double>(n - n_target);
  for (std::size_t i = n_target; i < n; ++i) squares += (value[i] - mean) * (value[i] - mean);
  double sd = std::sqrt(squares / static_cast<double>(n - n_target - 1));
  if (!(sd > 0)) sd = 1;
  std::vector<double> weight(n, 0.0);
  for (std::size_t i = 0; i < n_target; ++i) weight[i] = value[i] < mean ? 0 : (value[i] - mean) / sd;
  return weight;
}

void append(std::vector<double>& to, const std::vector<double>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void add_scored(DeCells& result, const GroupScore& group) {
  const auto code = static_cast<std::int32_t>(result.groups.size()) - 1;
  result.cells.insert(result.cells.end(), group.cells.begin(), group.cells.end());
  result.group.insert(result.group.end(), group.cells.size(), code);
  for (std::size_t i = 0; i < group.cells.size(); ++i) {
    const bool target = i < group.n_target;
    const double value = target ? standardised(group, i) : 0;
    result.is_target.push_back(target);
    result.weight.push_back(value > 0 ? value : 0);
  }
}

/// Weights of the markers without themselves. A marker that has none (the only one of a target) has no entry.
void add_own(DeCells& result, const std::vector<const GroupScore*>& groups, std::int64_t target_gene) {
  const auto& markers = groups.front()->markers;
  for (std::size_t m = 0; m < markers.size(); ++m) {
    if (markers[m] == target_gene) continue;
    DeCells::Own own;
    own.gene = markers[m];
    for (const auto* group : groups) {
      const auto found = std::find(group->markers.begin(), group->markers.end(), markers[m]);
      if (found == group->markers.end()) break;
      const auto column = static_cast<std::size_t>(found - group->markers.begin());
      if (group->leave_one_out.size() != group->cells.size() * group->markers.size())
        throw Error(ErrorCode::BadInput, "The scores lack the projections that leave a marker out.",
                    "Score the screen again with leave_one_out.");
      std::vector<double> value;
      for (std::size_t i = 0; i < group->cells.size(); ++i)
        value.push_back(group->leave_one_out[i * group->markers.size() + column]);
      append(own.weight, weights_of(value, group->n_target));
    }
    const bool whole = own.weight.size() == result.cells.size() &&
                       std::all_of(own.weight.begin(), own.weight.end(), [](double w) { return std::isfinite(w); });
    if (!whole) own.weight.assign(result.is_target.begin(), result.is_target.end());
    result.own.push_back(std::move(own));
  }
}

}  // namespace

std::string to_string(DeWeight weight) {
  switch (weight) {
    case DeWeight::Score:
      return "weighted";
    case DeWeight::LeaveOneOut:
      return "leave-one-out";
    default:
      return "standard";
  }
}

DeCells de_cells(const Screen& screen, std::int32_t target, const std::vector<GroupScore>& scores) {
  DeCells result;
  result.target_gene = screen.gene_index(screen.target.names[static_cast<std::size_t>(target)]);
  std::vector<const GroupScore*> groups;
  for (const auto& group : scores)
    if (group.target == target && group.n_target > 0 && group.n_target < group.cells.size()) groups.push_back(&group);
  result.scored = !groups.empty();
  if (result.scored) {
    for (const auto* group : groups) {
      result.groups.push_back(screen.split.names[static_cast<std::size_t>(group->split)]);
      add_scored(result, *group);
    }
    add_own(result, groups, result.target_gene);
    return result;
  }
  for (std::int32_t split = 0; split < screen.n_splits(); ++split) {
    const auto own = screen.cells_of(target, split), controls = screen.cells_of(screen.control, split);
    if (own.empty() || controls.empty()) continue;
    const auto code = static_cast<std::int32_t>(result.groups.size());
    result.groups.push_back(screen.split.names[static_cast<std::size_t>(split)]);
    for (const auto* cells : {&own, &controls}) {
      result.cells.insert(result.cells.end(), cells->begin(), cells->end());
      result.group.insert(result.group.end(), cells->size(), code);
      result.is_target.insert(result.is_target.end(), cells->size(), cells == &own);
      result.weight.insert(result.weight.end(), cells->size(), cells == &own ? 1.0 : 0.0);
    }
  }
  return result;
}

}  // namespace scriptorium::perturbation
