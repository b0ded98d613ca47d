#include "core/perturbation/plots.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <unordered_map>

#include "core/math/random.hpp"

namespace scriptorium::perturbation {
namespace {

const double kNone = std::nan("");

/// Quantile between order statistics (type 7). @param sorted  not empty
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double sd_of(std::span<const double> values, double mean) {
  double sum = 0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

struct Projected {
  std::int64_t cell = 0;
  std::int32_t split = -1;
  double value = 0;
  bool target = false;
};

template <class Group>
void append(std::vector<Projected>& out, const Group& group, std::int32_t target) {
  if (group.target != target || group.projection.size() != group.cells.size()) return;
  for (std::size_t i = 0; i < group.cells.size(); ++i)
    out.push_back({group.cells[i], group.split, group.projection[i], i < group.n_target});
}

/// Of the first round of calls, else of Mixscale.
std::vector<Projected> projected(const Screening& of, std::int32_t target) {
  std::vector<Projected> out;
  for (const GroupCall& group : of.calls.groups) append(out, group, target);
  if (out.empty())
    for (const GroupScore& group : of.scores.groups) append(out, group, target);
  return out;
}

CellKind kind_of(const Screening& of, std::int64_t cell, bool target) {
  if (!target) return CellKind::Control;
  if (of.calls.state.empty()) return CellKind::Target;
  return of.calls.state[static_cast<std::size_t>(cell)] == CellState::Perturbed ? CellKind::Perturbed
                                                                                : CellKind::NotPerturbed;
}

/// A number in [0, 1) that spreads neighbouring cells evenly (multiples of the golden section).
double spread(std::int64_t cell) {
  const double turn = static_cast<double>(cell) * (std::numbers::phi - 1);
  return turn - std::floor(turn);
}

void add_to(std::vector<KindCurve>& curves, CellKind kind, std::int64_t cell, double value) {
  auto found = std::find_if(curves.begin(), curves.end(), [&](const KindCurve& one) { return one.kind == kind; });
  if (found == curves.end()) {
    curves.push_back({kind, {}, {}, {}, {}});
    found = curves.end() - 1;
  }
  found->cells.push_back(cell);
  found->value.push_back(value);
}

void by_kind(std::vector<KindCurve>& curves) {
  std::sort(curves.begin(), curves.end(), [](const KindCurve& a, const KindCurve& b) { return a.kind < b.kind; });
}

}  // namespace

double kernel_bandwidth(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double sd = sd_of(values, mean_of(values));
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  if (sorted.front() == sorted.back()) return 0;
  const double quartiles = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 1.34;
  return 0.9 * (quartiles > 0 ? std::min(sd, quartiles) : sd) * std::pow(static_cast<double>(values.size()), -0.2);
}

Density density(std::span<const double> values, double low, double high, int points, double least) {
  Density out;
  out.bandwidth = values.empty() ? 0 : std::max(least, kernel_bandwidth(values));
  if (out.bandwidth <= 0 || points < 2) return out;
  const double scale = 1 / (std::sqrt(2 * std::numbers::pi) * out.bandwidth * static_cast<double>(values.size()));
  constexpr double reach = 9;  // bandwidths: beyond, less than 1e-17 of what a point gives at its own place
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  for (int i = 0; i < points; ++i) {
    const double x = low + (high - low) * i / (points - 1);
    double sum = 0;
    for (auto v = std::lower_bound(sorted.begin(), sorted.end(), x - reach * out.bandwidth);
         v != sorted.end() && *v <= x + reach * out.bandwidth; ++v) {
      const double u = (x - *v) / out.bandwidth;
      sum += std::exp(-0.5 * u * u);
    }
    out.x.push_back(x);
    out.y.push_back(scale * sum);
  }
  return out;
}

std::vector<ScoreFacet> score_densities(const Screening& of, std::int32_t target, Facets facets) {
  const std::vector<Projected> all = projected(of, target);
  std::vector<ScoreFacet> out;
  if (all.empty()) return out;
  const analysis::Labels& labels = facets == Facets::Guides ? of.screen.guide : of.screen.split;
  std::vector<std::int32_t> codes{-1};  // of the facets
  if (facets != Facets::Together) {
    codes.clear();
    for (const Projected& one : all)
      if (one.target) codes.push_back(labels.code[static_cast<std::size_t>(one.cell)]);
    std::sort(codes.begin(), codes.end());
    codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
    std::erase(codes, -1);
  }
  double low = all.front().value, high = low;
  for (const Projected& one : all) {
    low = std::min(low, one.value);
    high = std::max(high, one.value);
  }
  const double room = 0.05 * (high - low);
  for (const std::int32_t code : codes) {
    ScoreFacet facet;
    if (code >= 0) facet.name = labels.names[static_cast<std::size_t>(code)];
    for (const Projected& one : all) {
      const bool everywhere = facets == Facets::Together || (facets == Facets::Guides && !one.target);
      if (everywhere || labels.code[static_cast<std::size_t>(one.cell)] == code)
        add_to(facet.curves, kind_of(of, one.cell, one.target), one.cell, one.value);
    }
    by_kind(facet.curves);
    double top = 0;
    for (KindCurve& curve : facet.curves) {
      curve.density = density(curve.value, low - room, high + room);
      for (const double y : curve.density.y) top = std::max(top, y);
    }
    if (top <= 0) top = 1;
    for (KindCurve& curve : facet.curves)
      for (const std::int64_t cell : curve.cells)
        curve.height.push_back(curve.kind == CellKind::Control ? 0.001 + (top / 10 - 0.001) * spread(cell)
                                                               : -top / 10 * spread(cell));
    out.push_back(std::move(facet));
  }
  return out;
}

std::vector<KindCurve> posterior_curves(const Screening& of, std::int32_t target) {
  std::vector<KindCurve> curves;
  if (of.calls.posterior.empty()) return curves;
  for (const std::int64_t cell : of.screen.cells_of(target)) {
    const double p = of.calls.posterior[static_cast<std::size_t>(cell)];
    if (std::isfinite(p)) add_to(curves, kind_of(of, cell, true), cell, p);
  }
  by_kind(curves);
  for (KindCurve& curve : curves) {
    curve.density = density(curve.value, 0, 1, 256, 0.02);
    for (const std::int64_t cell : curve.cells) curve.height.push_back(2 * spread(cell) - 1);
  }
  return curves;
}

std::vector<KindCurve> expression_curves(const Screening& of, std::int32_t target, std::int64_t gene) {
  std::vector<KindCurve> curves;
  double high = 0;
  for (const bool its : {false, true})
    for (const std::int64_t cell : of.screen.cells_of(its ? target : of.screen.control)) {
      const double x = of.expression->at(cell, gene);
      add_to(curves, kind_of(of, cell, its), cell, x);
      high = std::max(high, x);
    }
  if (high <= 0) high = 1;
  by_kind(curves);
  for (KindCurve& curve : curves) {
    curve.density = density(curve.value, 0, high, 256, high / 50);
    for (const std::int64_t cell : curve.cells) curve.height.push_back(2 * spread(cell) - 1);
  }
  return curves;
}

std::vector<Ridge> score_ridges(const Screening& of, const RunControl& control) {
  std::vector<std::vector<double>> values(static_cast<std::size_t>(of.screen.n_targets()));
  double low = 0, high = 0;
  for (const GroupScore& group : of.scores.groups)
    for (std::size_t i = 0; i < group.cells.size(); ++i) {
      const double score = standardised(group, i);
      if (!std::isfinite(score)) continue;
      values[static_cast<std::size_t>(i < group.n_target ? group.target : of.screen.control)].push_back(score);
      low = std::min(low, score);
      high = std::max(high, score);
    }
  std::vector<std::int32_t> order{of.screen.control};
  for (const TargetSummary& one : of.targets) order.push_back(one.target);
  std::vector<Ridge> out;
  for (const std::int32_t target : order) {
    control.check();
    const auto& its = values[static_cast<std::size_t>(target)];
    if (!its.empty()) out.push_back({target, static_cast<std::int64_t>(its.size()), density(its, low, high)});
  }
  return out;
}

std::vector<KnockDown> knock_down(const Screening& of, std::int32_t target, int bins) {
  std::vector<KnockDown> out;
  const std::int64_t gene = of.screen.gene_index(of.screen.target.names[static_cast<std::size_t>(target)]);
  if (gene < 0 || !of.expression) return out;
  for (const GroupScore& group : of.scores.groups) {
    if (group.target != target || group.n_target == 0 || group.projection.size() != group.cells.size()) continue;
    KnockDown made;
    made.split = group.split;
    const std::span<const double> score(group.projection.data(), group.n_target);
    std::vector<double> sorted(score.begin(), score.end());
    std::sort(sorted.begin(), sorted.end());
    for (int b = 0; b <= bins; ++b) made.edge.push_back(quantile(sorted, static_cast<double>(b) / bins));
    std::vector<double> x;
    for (const std::int64_t cell : group.cells) x.push_back(of.expression->at(cell, gene));
    for (int b = 0; b < bins; ++b) {
      std::vector<double> scores, values;
      for (std::size_t i = 0; i < group.n_target; ++i)
        if (score[i] >= made.edge[static_cast<std::size_t>(b)] &&
            score[i] <= made.edge[static_cast<std::size_t>(b) + 1]) {
          scores.push_back(score[i]);
          values.push_back(x[i]);
        }
      const auto n = values.size();
      made.cells.push_back(static_cast<std::int64_t>(n));
      made.score.push_back(n > 0 ? mean_of(scores) : kNone);
      made.mean.push_back(n > 0 ? mean_of(values) : kNone);
      made.error.push_back(n > 1 ? sd_of(values, made.mean.back()) / std::sqrt(static_cast<double>(n)) : kNone);
    }
    const std::span<const double> controls(x.data() + group.n_target, x.size() - group.n_target);
    made.control_mean = controls.empty() ? kNone : mean_of(controls);
    out.push_back(std::move(made));
  }
  return out;
}

MarkerHeatMap marker_heat_map(const Screening& of, std::int32_t target, const HeatMapOptions& options) {
  struct Shown {
    std::int64_t cell;
    double score;
    CellKind kind;
    std::uint32_t key;
  };
  std::array<std::vector<Shown>, 4> kinds;
  for (const GroupScore& group : of.scores.groups) {
    if (group.target != target || group.projection.size() != group.cells.size()) continue;
    for (std::size_t i = 0; i < group.cells.size(); ++i) {
      const CellKind kind = kind_of(of, group.cells[i], i < group.n_target);
      math::Random random(options.seed, math::Purpose::Layout, static_cast<std::uint64_t>(group.cells[i]));
      kinds[static_cast<std::size_t>(kind)].push_back(
          {group.cells[i], standardised(group, i), kind, random.next_u32()});
    }
  }
  MarkerHeatMap out;
  const auto& markers = of.scores.markers[static_cast<std::size_t>(target)];
  if (markers.empty() || !of.expression) return out;
  std::vector<Shown> shown;
  for (auto& some : kinds) {
    std::sort(some.begin(), some.end(),
              [](const Shown& a, const Shown& b) { return a.key != b.key ? a.key < b.key : a.cell < b.cell; });
    some.resize(std::min(some.size(), static_cast<std::size_t>(options.cells_per_kind)));
    shown.insert(shown.end(), some.begin(), some.end());
  }
  if (shown.empty()) return out;
  std::sort(shown.begin(), shown.end(),
            [](const Shown& a, const Shown& b) { return a.score != b.score ? a.score < b.score : a.cell < b.cell; });
  for (const Shown& one : shown) {
    out.cells.push_back(one.cell);
    out.score.push_back(one.score);
    out.kind.push_back(one.kind);
  }
  const auto mean_over = [&](std::int64_t gene, bool of_target) {
    double sum = 0;
    std::int64_t n = 0;
    for (const GroupScore& group : of.scores.groups) {
      if (group.target != target) continue;
      for (std::size_t i = 0; i < group.cells.size(); ++i)
        if ((i < group.n_target) == of_target) {
          sum += of.expression->at(group.cells[i], gene);
          ++n;
        }
    }
    return n > 0 ? sum / static_cast<double>(n) : 0;
  };
  std::vector<std::int64_t> higher, lower;
  const auto most = static_cast<std::size_t>(options.genes_per_side);
  for (const std::int64_t gene : markers) {
    if (higher.size() >= most && lower.size() >= most) break;
    auto& side = mean_over(gene, true) > mean_over(gene, false) ? higher : lower;
    if (side.size() < most) side.push_back(gene);
  }
  out.n_higher = static_cast<std::int64_t>(higher.size());
  out.genes = std::move(higher);
  out.genes.insert(out.genes.end(), lower.begin(), lower.end());
  std::vector<double> x(out.cells.size());
  for (const std::int64_t gene : out.genes) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = of.expression->at(out.cells[i], gene);
    const double mean = mean_of(x);
    const double sd = x.size() > 1 ? sd_of(x, mean) : 0;
    for (const double v : x) out.z.push_back(std::clamp((v - mean) / (sd > 0 ? sd : 1), -options.cut, options.cut));
  }
  return out;
}

std::vector<GuideShare> guides_by_share(const TargetSummary& target) {
  std::vector<GuideShare> out = target.by_guide;
  const auto share = [](const GuideShare& one) {
    return one.cells > 0 ? static_cast<double>(one.perturbed) / static_cast<double>(one.cells) : 0;
  };
  std::stable_sort(out.begin(), out.end(), [&](const GuideShare& a, const GuideShare& b) {
    return share(a) != share(b) ? share(a) > share(b) : a.guide < b.guide;
  });
  return out;
}

}  // namespace scriptorium::perturbation
