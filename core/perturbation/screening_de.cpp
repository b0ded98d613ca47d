#include "core/perturbation/screening_de.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace scriptorium::perturbation {

namespace {

WeightedDe test_target(const Screening& of, const data::CountMatrix& by_gene, std::int32_t target,
                       const DeOptions& options, const RunControl& control) {
  std::vector<GroupScore> groups;
  for (const GroupScore& group : of.scores.groups)
    if (group.target == target && !options.unweighted) groups.push_back(group);
  for (GroupScore& group : groups)
    if (group.leave_one_out.empty())
      add_leave_one_out(group, of.signature, of.options.score.scale, options.threads, control);
  return weighted_de(of.screen.target.names[static_cast<std::size_t>(target)], de_cells(of.screen, target, groups),
                     by_gene, of.expression->total(), options, control);
}

}  // namespace

void for_each_weighted_de(const Screening& of, const data::CountMatrix& counts, std::span<const std::int32_t> targets,
                          const DeOptions& options, const DeState& state, const RunControl& control,
                          const std::function<void(std::int32_t target, WeightedDe)>& take) {
  const data::CountMatrix by_gene = counts.transposed();
  const RunControl silent{control.stop, {}};
  std::size_t done = 0;
  for (const std::int32_t target : targets) {
    control.check();
    control.tell(static_cast<double>(done++) / static_cast<double>(targets.size()),
                 "testing genes of " + of.screen.target.names[static_cast<std::size_t>(target)]);
    std::optional<WeightedDe> de = state.find(target);
    if (!de) {
      de = test_target(of, by_gene, target, options, silent);
      state.keep(target, *de);
    }
    de->by_group = of.screen.has_split;
    take(target, std::move(*de));
  }
}

std::vector<WeightedDe> weighted_de_of(const Screening& of, const data::CountMatrix& counts,
                                       std::span<const std::int32_t> targets, const DeOptions& options,
                                       const RunControl& control) {
  std::vector<WeightedDe> out;
  for_each_weighted_de(of, counts, targets, options, {}, control,
                       [&](std::int32_t, WeightedDe de) { out.push_back(std::move(de)); });
  return out;
}

std::vector<double> adjusted_p(const WeightedDe& de, std::size_t group) {
  const std::size_t column = de.weight_column(group), columns = de.columns.size();
  std::vector<double> p(de.rows());
  for (std::size_t r = 0; r < p.size(); ++r) p[r] = std::exp(de.log_p[r * columns + column]);
  std::vector<double> adjusted = benjamini_hochberg(p);
  for (std::size_t r = 0; r < p.size(); ++r)
    if (std::isnan(p[r])) adjusted[r] = p[r];
  return adjusted;
}

std::vector<DeList> changed_genes(const WeightedDe& de, const std::vector<std::string>& genes,
                                  const ListOptions& options) {
  std::vector<DeList> out;
  for (std::size_t group = 0; group < de.groups.size(); ++group) {
    const std::vector<double> p_adj = adjusted_p(de, group);
    const auto log_p = [&](std::size_t r) { return de.log_p[r * de.columns.size() + de.weight_column(group)]; };
    const auto log2fc = [&](std::size_t r) { return de.log2fc[r * de.groups.size() + group]; };
    const auto name = [&](std::size_t r) { return genes[static_cast<std::size_t>(de.gene[r])]; };
    DeList list{de.target, de.groups[group], true, {}, {}};
    for (std::size_t r = 0; r < de.rows(); ++r)
      if (!std::isnan(p_adj[r])) list.background.push_back(name(r));
    for (const bool up : {true, false}) {
      std::vector<std::size_t> chosen;
      for (std::size_t r = 0; r < de.rows(); ++r)
        if (p_adj[r] <= options.p_adj && (up ? log2fc(r) > options.log2fc : log2fc(r) < -options.log2fc))
          chosen.push_back(r);
      if (static_cast<std::int64_t>(chosen.size()) < options.least) continue;
      std::stable_sort(chosen.begin(), chosen.end(), [&](std::size_t a, std::size_t b) {
        return log_p(a) != log_p(b) ? log_p(a) < log_p(b) : std::fabs(log2fc(a)) > std::fabs(log2fc(b));
      });
      list.up = up;
      list.genes.clear();
      for (const std::size_t r : chosen) list.genes.push_back(name(r));
      out.push_back(list);
    }
  }
  return out;
}

std::vector<std::size_t> gene_order(const ZMatrix& matrix) {
  const std::size_t columns = matrix.targets.size();
  std::vector<std::size_t> best(matrix.genes.size(), columns), order(matrix.genes.size());
  std::vector<double> top(matrix.genes.size(), 0);
  for (std::size_t r = 0; r < best.size(); ++r)
    for (std::size_t c = 0; c < columns; ++c) {
      const double z = matrix.at(r, c);
      if (std::isnan(z) || std::fabs(z) <= std::fabs(top[r])) continue;
      top[r] = z;
      best[r] = c;
    }
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return best[a] != best[b] ? best[a] < best[b] : top[a] > top[b];
  });
  return order;
}

}  // namespace scriptorium::perturbation
