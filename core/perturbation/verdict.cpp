#include "core/perturbation/verdict.hpp"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <limits>
#include <tuple>

#include "core/error.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Chance that one of the first `n_target` values is above one of the others, ties count half.
double area_under_curve(std::span<const double> values, std::size_t n_target) {
  std::vector<std::pair<double, bool>> sorted;
  for (std::size_t i = 0; i < values.size(); ++i) sorted.emplace_back(values[i], i < n_target);
  std::sort(sorted.begin(), sorted.end());
  double below = 0, wins = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    double targets = 0, controls = 0;
    std::size_t end = i;
    for (; end < sorted.size() && sorted[end].first == sorted[i].first; ++end)
      ++(sorted[end].second ? targets : controls);
    wins += targets * (below + controls / 2);
    below += controls;
    i = end;
  }
  return wins / (static_cast<double>(n_target) * static_cast<double>(values.size() - n_target));
}

/// Means of the areas of a target's groups by their cells: of scores, or of calls where there are none.
class Areas {
 public:
  explicit Areas(std::size_t targets) : sum_(targets, 0), cells_(targets, 0) {}
  void add(std::int32_t target, std::span<const double> projection, std::size_t n_target) {
    if (n_target == 0 || projection.size() == n_target) return;
    const auto n = static_cast<double>(n_target);
    sum_[target] += n * area_under_curve(projection, n_target);
    cells_[target] += n;
  }
  double of(std::int32_t target) const { return cells_[target] > 0 ? sum_[target] / cells_[target] : nan; }

 private:
  std::vector<double> sum_, cells_;
};

/// Each target's own gene against controls, over all cells.
void judge_own_genes(std::vector<TargetSummary>& targets, const Expression& x, const Screen& screen, int threads,
                     const RunControl& control) {
  std::vector<std::int64_t> gene_of(static_cast<std::size_t>(screen.n_targets()), -1), column(gene_of);
  std::vector<std::int64_t> column_of(static_cast<std::size_t>(x.n_genes()), -1);
  std::int64_t columns = 0;
  for (std::int64_t g = 0; g < x.n_genes(); ++g)
    if (const std::int32_t t = screen.target_code(screen.genes[g]); t >= 0 && t != screen.control && gene_of[t] < 0) {
      gene_of[t] = g;
      column_of[g] = column[t] = columns++;
    }
  if (columns == 0) return;
  std::vector<std::int64_t> row_start{0};
  std::vector<std::uint32_t> index;
  std::vector<double> value;
  for (std::int64_t i = 0; i < x.n_cells(); ++i) {
    const auto row = x.cell(i);
    for (std::size_t e = 0; e < row.index.size(); ++e)
      if (column_of[row.index[e]] >= 0) {
        index.push_back(static_cast<std::uint32_t>(column_of[row.index[e]]));
        value.push_back(row.value[e]);
      }
    row_start.push_back(static_cast<std::int64_t>(value.size()));
  }
  MarkerOptions options;
  options.threads = threads;
  const auto tables = markers_of_targets(Expression::of_values(x.n_cells(), columns, row_start, index, value, control),
                                         screen, -1, options, control);
  for (TargetSummary& target : targets) {
    const auto& table = tables[target.target];
    if (column[target.target] < 0 || !table.not_tested.empty()) continue;
    target.log2fc_own = table.log2fc[column[target.target]];
    target.p_own = table.p[column[target.target]];
  }
}

/// Chi-square test that the guides' shares are one; NaN where fewer than two have enough cells.
double guides_differ(const TargetSummary& target, const TargetRule& rule, double& difference) {
  double cells = 0, perturbed = 0, least = 1, most = 0;
  std::vector<const GuideShare*> compared;
  for (const GuideShare& guide : target.by_guide) {
    if (guide.cells < rule.min_guide_cells) continue;
    compared.push_back(&guide);
    cells += static_cast<double>(guide.cells);
    perturbed += static_cast<double>(guide.perturbed);
    const double share = static_cast<double>(guide.perturbed) / static_cast<double>(guide.cells);
    least = std::min(least, share);
    most = std::max(most, share);
  }
  difference = std::max(0.0, most - least);
  if (compared.size() < 2) return nan;
  const double share = perturbed / cells;
  if (share == 0 || share == 1) return 1;
  double statistic = 0;
  for (const GuideShare* guide : compared) {
    const double n = static_cast<double>(guide->cells), apart = static_cast<double>(guide->perturbed) - n * share;
    statistic += apart * apart / (n * share * (1 - share));
  }
  return boost::math::cdf(
      boost::math::complement(boost::math::chi_squared(static_cast<double>(compared.size() - 1)), statistic));
}

std::string percent(double share) {
  return std::to_string(std::lround(100 * share)) + " %";
}

void decide(TargetSummary& target, const Scores* scores, const TargetRule& rule, double guide_difference) {
  const auto say = [&](TargetVerdict verdict, std::string reason) {
    target.verdict = verdict;
    target.reason = std::move(reason);
  };
  const std::string given = scores ? scores->reason[target.target] : "";
  if (target.cells < rule.min_cells)
    return say(TargetVerdict::TooFewCells, "it has " + std::to_string(target.cells) + " cells, fewer than the " +
                                               std::to_string(rule.min_cells) + " that can be judged");
  if (target.markers == 0)
    return say(TargetVerdict::TooFewMarkers,
               given.empty() ? "too few genes differ between its cells and the controls" : given);
  if (!given.empty()) return say(TargetVerdict::NotScored, given);
  const bool by_calls = target.share_perturbed >= rule.min_share, by_score = target.auc >= rule.min_auc;
  std::string seen;
  if (!std::isnan(target.share_perturbed)) seen = percent(target.share_perturbed) + " of its cells are perturbed";
  if (!std::isnan(target.auc))
    seen += (seen.empty() ? "" : ", ") + ("its cells score above a control in " + percent(target.auc) + " of pairs");
  if (!by_calls && !by_score) return say(TargetVerdict::NoEffect, seen);
  if (target.guide_p_adj < rule.guide_p_adj && guide_difference >= rule.guide_difference)
    return say(TargetVerdict::GuidesDisagree,
               "shares of perturbed cells of its guides differ by up to " + percent(guide_difference));
  say(TargetVerdict::Effect, seen);
}

/// Cells by guide, with calls and scores.
void count_guides(TargetSummary& target, const Screen& screen, const Scores* scores, const Calls* calls) {
  std::vector<std::int32_t> place(screen.guide.names.size(), -1);
  std::vector<double> scored;
  for (const std::int64_t cell : screen.cells_of(target.target)) {
    const std::int32_t guide = screen.guide.code[cell];
    if (guide < 0) continue;
    if (place[guide] < 0) {
      place[guide] = static_cast<std::int32_t>(target.by_guide.size());
      target.by_guide.push_back({guide, 0, 0, 0});
      scored.push_back(0);
    }
    GuideShare& entry = target.by_guide[place[guide]];
    ++entry.cells;
    if (calls && calls->state[cell] == CellState::Perturbed) ++entry.perturbed;
    if (scores && scores->reason[target.target].empty() && std::isfinite(scores->score[cell])) {
      entry.mean_score += scores->score[cell];
      ++scored[place[guide]];
    }
  }
  for (std::size_t j = 0; j < scored.size(); ++j) target.by_guide[j].mean_score /= scored[j] > 0 ? scored[j] : nan;
  std::sort(target.by_guide.begin(), target.by_guide.end(),
            [](const GuideShare& a, const GuideShare& b) { return a.guide < b.guide; });
  target.guides = static_cast<std::int64_t>(target.by_guide.size());
}

TargetSummary count_cells(std::int32_t code, const Screen& screen, const Scores* scores, const Calls* calls) {
  TargetSummary target;
  target.target = code;
  target.log2fc_own = target.p_own = target.guide_p_adj = nan;
  std::int64_t called = 0, scored = 0;
  double sum = 0;
  for (const std::int64_t cell : screen.cells_of(code)) {
    ++target.cells;
    if (calls && calls->state[cell] != CellState::Unknown) ++called;
    if (calls && calls->state[cell] == CellState::Perturbed) ++target.perturbed;
    if (scores && scores->reason[code].empty() && std::isfinite(scores->score[cell])) {
      sum += scores->score[cell];
      ++scored;
    }
  }
  target.share_perturbed = called > 0 ? static_cast<double>(target.perturbed) / static_cast<double>(called) : nan;
  target.mean_score = scored > 0 ? sum / static_cast<double>(scored) : nan;
  if (scores) {
    target.markers = static_cast<std::int64_t>(scores->markers[code].size());
  } else {
    for (const GroupCall& group : calls->groups)
      if (group.target == code)
        target.markers = std::max(target.markers, static_cast<std::int64_t>(group.markers.size()));
  }
  count_guides(target, screen, scores, calls);
  return target;
}

/// Where a verdict stands in the list.
int order_of(TargetVerdict verdict) {
  return verdict == TargetVerdict::GuidesDisagree ? static_cast<int>(TargetVerdict::Effect) : static_cast<int>(verdict);
}

}  // namespace

std::string to_string(TargetVerdict verdict) {
  switch (verdict) {
    case TargetVerdict::Effect:
      return "effect";
    case TargetVerdict::GuidesDisagree:
      return "two guides disagree";
    case TargetVerdict::NoEffect:
      return "no effect seen";
    case TargetVerdict::TooFewMarkers:
      return "too few marker genes";
    case TargetVerdict::TooFewCells:
      return "too few cells";
    case TargetVerdict::NotScored:
      return "not scored";
  }
  return {};
}

std::vector<TargetSummary> judge_targets(const Expression& x, const Screen& screen, const Scores* scores,
                                         const Calls* calls, const TargetRule& rule, int threads,
                                         const RunControl& control) {
  if (!scores && !calls)
    throw Error(ErrorCode::BadInput, "There are neither scores nor calls to judge targets by.",
                "Score or call the cells first.");
  std::vector<TargetSummary> targets;
  for (std::int32_t t = 0; t < screen.n_targets(); ++t)
    if (t != screen.control) targets.push_back(count_cells(t, screen, scores, calls));
  control.check();
  Areas areas(static_cast<std::size_t>(screen.n_targets()));
  if (scores)
    for (const GroupScore& group : scores->groups) areas.add(group.target, group.projection, group.n_target);
  else
    for (const GroupCall& group : calls->groups)
      areas.add(group.target, group.projection, group.projection.empty() ? 0 : group.n_target);
  judge_own_genes(targets, x, screen, threads, control);

  std::vector<double> p, difference(targets.size(), 0);
  std::vector<std::size_t> compared;
  for (std::size_t j = 0; j < targets.size(); ++j) {
    targets[j].auc = areas.of(targets[j].target);
    const double one = calls ? guides_differ(targets[j], rule, difference[j]) : nan;
    if (std::isnan(one)) continue;
    p.push_back(one);
    compared.push_back(j);
  }
  const auto adjusted = benjamini_hochberg(p);
  for (std::size_t j = 0; j < compared.size(); ++j) targets[compared[j]].guide_p_adj = adjusted[j];
  for (std::size_t j = 0; j < targets.size(); ++j) decide(targets[j], scores, rule, difference[j]);
  const auto strength = [](const TargetSummary& t) {
    const auto or_nothing = [](double value) { return std::isnan(value) ? 0 : value; };
    return std::tuple(-order_of(t.verdict), or_nothing(t.share_perturbed), or_nothing(t.auc), t.markers);
  };
  std::stable_sort(targets.begin(), targets.end(),
                   [&](const TargetSummary& a, const TargetSummary& b) { return strength(a) > strength(b); });
  return targets;
}

}  // namespace scriptorium::perturbation
