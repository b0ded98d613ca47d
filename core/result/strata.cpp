#include "core/result/strata.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/math/random.hpp"

namespace scriptorium::result {
namespace {

constexpr double finest_strata = 24;
constexpr std::size_t merge[Strata::levels] = {1, 4, 8};  // strata of the finest level in one of each level

/// Gauss–Legendre points on the quantile function of sorted values.
Stratum make_stratum(std::uint32_t pattern, std::uint32_t component, const double* sorted, std::size_t size,
                     int points) {
  static constexpr double position[4][3] = {
      {}, {0.5}, {0.21132486540518712, 0.78867513459481288}, {0.11270166537925831, 0.5, 0.88729833462074169}};
  static constexpr double weight[4][3] = {{}, {1}, {0.5, 0.5}, {5.0 / 18, 8.0 / 18, 5.0 / 18}};
  Stratum stratum;
  stratum.pattern = pattern;
  stratum.component = component;
  stratum.cells = size;
  stratum.points = sorted[0] == sorted[size - 1] ? 1 : points;
  double mean = 0, rule_mean = 0;
  for (std::size_t i = 0; i < size; ++i) mean += std::exp(sorted[i]);
  mean /= static_cast<double>(size);
  for (int k = 0; k < stratum.points; ++k) {
    const double at = position[stratum.points][k] * static_cast<double>(size) - 0.5;
    const double clamped = std::clamp(at, 0.0, static_cast<double>(size - 1));
    const auto low = static_cast<std::size_t>(clamped);
    const std::size_t high = std::min(low + 1, size - 1);
    stratum.n[k] = sorted[low] + (clamped - static_cast<double>(low)) * (sorted[high] - sorted[low]);
    stratum.weight[k] = weight[stratum.points][k];
    rule_mean += stratum.weight[k] * std::exp(stratum.n[k]);
  }
  for (int k = 0; k < stratum.points && mean > 0 && rule_mean > 0; ++k) stratum.n[k] += std::log(mean / rule_mean);
  return stratum;
}

}  // namespace

Strata stratify(const summary::CountSummary& summary, const std::vector<double>& n,
                const std::vector<std::uint32_t>& component) {
  const std::size_t components = component.empty() ? 1 : *std::max_element(component.begin(), component.end()) + 1;
  std::vector<std::vector<double>> groups(summary.patterns.size() * components);  // pattern × component
  for (std::size_t c = 0; c < summary.class_of_cell.size(); ++c) {
    const auto pattern = summary.classes[summary.class_of_cell[c]].pattern;
    groups[pattern * components + (component.empty() ? 0 : component[c])].push_back(n.empty() ? 0 : n[c]);
  }
  const double all = static_cast<double>(summary.class_of_cell.size());
  Strata strata;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    auto& values = groups[group];
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    const double share = finest_strata * static_cast<double>(values.size()) / all;
    const std::size_t count =
        values.front() == values.back()
            ? 1
            : std::clamp<std::size_t>(static_cast<std::size_t>(std::ceil(share)), 1, values.size());
    const auto start = [&](std::size_t i) { return i * values.size() / count; };
    for (int level = 0; level < Strata::levels; ++level) {
      const std::size_t step = merge[level];
      // The coarser level has as many strata so far as the groups before this one gave it.
      if (level + 1 < Strata::levels)
        for (std::size_t i = 0; i < count; i += step)
          strata.parent[level].push_back(strata.level[level + 1].size() + i / merge[level + 1]);
      for (std::size_t i = 0; i < count; i += step) {
        const std::size_t first = start(i), last = start(std::min(i + step, count));
        strata.level[level].push_back(make_stratum(static_cast<std::uint32_t>(group / components),
                                                   static_cast<std::uint32_t>(group % components),
                                                   values.data() + first, last - first, level == 0 ? 2 : 3));
      }
    }
  }
  return strata;
}

std::vector<std::uint32_t> draw_components(std::span<const double> weights, std::size_t components, std::int64_t cells,
                                           std::uint64_t seed, std::uint64_t draw) {
  std::vector<double> upto(components);
  math::Random random(seed, math::Purpose::Component, 0, draw);
  std::vector<std::uint32_t> out(static_cast<std::size_t>(cells));
  const std::size_t rows = weights.size() / components;
  for (std::size_t c = 0; c < out.size(); ++c) {
    if (c < rows) std::partial_sum(&weights[c * components], &weights[c * components] + components, upto.begin());
    const auto at = std::upper_bound(upto.begin(), upto.end() - 1, random.uniform() * upto.back());
    out[c] = static_cast<std::uint32_t>(at - upto.begin());
  }
  return out;
}

std::vector<double> log_capture(const model::Model& model, const std::string& site, std::vector<double> values) {
  if (!model::find_likelihood(model.likelihood).variable_capture) return {};
  constexpr double nothing = -60;  // a capture of zero: no count to speak of, and still a number
  for (double& value : values) {
    value = site == "p_capture" ? std::log(value) : site == "phi_capture" ? -std::log1p(value) : -value;
    value = std::clamp(value, nothing, 0.0);
  }
  return values;
}

GenePoint gene_point(const std::string& parameterization, double shared, double r, double mu, double gate) {
  constexpr double limit = 34;  // of logit p: modes may sit at 0 or 1 exactly
  GenePoint point;
  point.gate = gate;
  if (parameterization == "mean_disp") {
    point.r = r;
    point.x = std::log(mu) - std::log(r);
  } else if (parameterization == "mean_odds") {
    point.x = -std::log(shared);
  } else {
    point.x = std::log(shared) - std::log1p(-shared);
  }
  point.x = std::clamp(point.x, -limit, limit);
  if (parameterization == "canonical") point.r = r;
  if (parameterization == "mean_prob" || parameterization == "mean_odds") point.r = mu * std::exp(-point.x);
  return point;
}

}  // namespace scriptorium::result
