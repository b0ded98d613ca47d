#pragma once
#include <cmath>

#include "core/math/random.hpp"
#include "core/perturbation/chain.hpp"

/// A made-up result of a screen: 60 controls, 40 cells of "A" (the even ones answer: their score grows, their own gene
/// falls), 12 cells of "B" that were not scored. Two guides each, two groups.
namespace small_screening {

inline constexpr std::int64_t kControls = 60, kOfA = 40, kOfB = 12, kCells = kControls + kOfA + kOfB, kGenes = 6;

inline double score_of(std::int64_t cell) {  // projection
  scriptorium::math::Random random(9, scriptorium::math::Purpose::Test, static_cast<std::uint64_t>(cell));
  const double noise = 0.1 * random.normal();
  if (cell < kControls || cell >= kControls + kOfA) return noise;
  return cell % 2 == 0 ? 1 + 0.02 * static_cast<double>(cell - kControls) + noise : 0.1 + noise;
}

inline scriptorium::perturbation::Screening make(bool called = true, bool groups = true) {
  using namespace scriptorium::perturbation;
  Screening out;
  Screen& screen = out.screen;
  screen.n_cells = kCells;
  screen.genes = {"A", "g1", "g2", "g3", "g4", "g5"};
  screen.target = {{}, {"A", "B", "NT"}};
  screen.guide = {{}, {"Ag1", "Ag2", "Bg1", "Bg2", "NTg1"}};
  screen.split = {{}, groups ? std::vector<std::string>{"r1", "r2"} : std::vector<std::string>{"all"}};
  screen.has_split = groups;
  screen.control = 2;
  std::vector<double> x;
  for (std::int64_t cell = 0; cell < kCells; ++cell) {
    const bool of_a = cell >= kControls && cell < kControls + kOfA, control = cell < kControls;
    screen.target.code.push_back(control ? 2 : of_a ? 0 : 1);
    screen.guide.code.push_back(control ? 4 : (of_a ? 0 : 2) + (cell % 3 == 0 ? 1 : 0));
    screen.split.code.push_back(groups && cell % 4 >= 2 ? 1 : 0);
    const double score = score_of(cell);
    x.push_back(std::max(0.0, 2 - score));  // "A" itself falls as the score grows
    for (int g = 1; g < kGenes; ++g) x.push_back(std::max(0.0, g % 2 == 1 ? 1 + g * 0.1 + score : 3 - g * 0.1 - score));
  }
  out.expression = std::make_shared<const Expression>(Expression::of_dense(kCells, kGenes, x));
  out.scores.score.assign(kCells, 1);
  out.scores.markers = {{1, 2, 3, 4, 5}, {}, {}};
  out.scores.reason = {"", "too few markers", ""};
  out.calls.posterior.assign(kCells, 0);
  out.calls.state.assign(kCells, CellState::Control);
  for (std::int32_t split = 0; split < screen.n_splits(); ++split) {
    GroupScore group;
    group.target = 0;
    group.split = split;
    group.cells = screen.cells_of(0, split);
    group.n_target = group.cells.size();
    for (const std::int64_t cell : screen.cells_of(2, split)) group.cells.push_back(cell);
    group.markers = out.scores.markers[0];
    for (const std::int64_t cell : group.cells) group.projection.push_back(score_of(cell));
    group.control_sd = 0.1;
    for (std::size_t i = 0; i < group.cells.size(); ++i) {
      const auto cell = static_cast<std::size_t>(group.cells[i]);
      out.scores.score[cell] = i < group.n_target ? standardised(group, i) : 0;
      const bool perturbed = i < group.n_target && group.projection[i] > 0.6;
      out.calls.state[cell] = i >= group.n_target ? CellState::Control
                              : perturbed         ? CellState::Perturbed
                                                  : CellState::NotPerturbed;
      out.calls.posterior[cell] = i >= group.n_target ? 0 : perturbed ? 0.99 : 0.02 + 0.001 * static_cast<double>(i);
    }
    GroupCall call;
    call.target = 0;
    call.split = split;
    call.cells = group.cells;
    call.n_target = group.n_target;
    call.markers = group.markers;
    call.projection = group.projection;
    if (called) out.calls.groups.push_back(std::move(call));
    out.scores.groups.push_back(std::move(group));
  }
  for (const std::int64_t cell : screen.cells_of(1))
    out.calls.state[static_cast<std::size_t>(cell)] = CellState::NotPerturbed;
  if (!called) {
    out.calls.state.clear();
    out.calls.posterior.clear();
  }
  TargetSummary a, b;
  a.target = 0;
  a.verdict = TargetVerdict::Effect;
  a.reason = "21 of 40 cells are called perturbed.";
  a.cells = kOfA;
  a.guides = 2;
  a.markers = 5;
  a.auc = 0.8;
  for (const std::int32_t guide : {0, 1}) {
    GuideShare share;
    share.guide = guide;
    for (const std::int64_t cell : screen.cells_of(0)) {
      if (screen.guide.code[static_cast<std::size_t>(cell)] != guide) continue;
      ++share.cells;
      share.perturbed += called && out.calls.state[static_cast<std::size_t>(cell)] == CellState::Perturbed ? 1 : 0;
    }
    a.perturbed += share.perturbed;
    a.by_guide.push_back(share);
  }
  a.share_perturbed = static_cast<double>(a.perturbed) / kOfA;
  b.target = 1;
  b.verdict = TargetVerdict::TooFewMarkers;
  b.reason = "No gene differs from the controls.";
  b.cells = kOfB;
  b.auc = b.mean_score = b.log2fc_own = std::nan("");
  out.targets = {a, b};
  if (called) {
    Discriminant axes;
    axes.axes = 2;
    axes.explained = {0.9, 0.1};
    for (std::int64_t cell = 0; cell < kCells; ++cell) {
      const CellState state = out.calls.state[static_cast<std::size_t>(cell)];
      if (state != CellState::Control && state != CellState::Perturbed) continue;
      axes.cells.push_back(cell);
      axes.label.push_back(state == CellState::Control ? 2 : 0);
      axes.coordinates.push_back(score_of(cell));
      axes.coordinates.push_back(0.1 * static_cast<double>(cell % 7));
    }
    out.discriminant = std::move(axes);
  }
  return out;
}

}  // namespace small_screening
