#include "core/perturbation/weighted_de.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/compute/parallel.hpp"
#include "core/perturbation/markers.hpp"
#include "core/perturbation/nb_regression.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Rounded to 3 decimals as R does it: to the nearer of the two neighbours, an even last digit where they are as near.
double three_decimals(double x) {
  const double low = std::floor(x * 1000) / 1000, high = std::ceil(x * 1000) / 1000, below = x - low, above = high - x;
  if (below != above) return below < above ? low : high;
  return std::fmod(std::round(low * 1000), 2) == 0 ? low : high;
}

/// What a gene is in the cells of the regression, before any fit.
struct Screened {
  bool tested = false;
  std::vector<double> log2fc;  ///< per group
};

/// A gene on its way through the fits.
struct Row {
  std::int64_t gene = -1;
  const std::vector<double>* own = nullptr;  ///< its own weight
  DeWeight weight = DeWeight::Score;
  NbFit fit;
  double dispersion = 0, fitted = 0, mean = 0;
  std::vector<double> error, log_p;
};

class Regression {
 public:
  Regression(const DeCells& cells, const data::CountMatrix& by_gene, const std::vector<double>& total,
             const DeOptions& options, const RunControl& control)
      : in_(cells), by_gene_(by_gene), options_(options), control_(control), n_groups_(cells.groups.size()) {
    place_.assign(total.size(), -1);
    for (std::size_t i = 0; i < in_.cells.size(); ++i) {
      place_[static_cast<std::size_t>(in_.cells[i])] = static_cast<std::int32_t>(i);
      log_total_.push_back(std::log10(total[static_cast<std::size_t>(in_.cells[i])]));
    }
    sizes_.assign(2 * n_groups_, 0);
    for (std::size_t i = 0; i < in_.cells.size(); ++i) ++sizes_[side(i)];
  }

  WeightedDe run(std::string target);

 private:
  std::size_t side(std::size_t i) const { return 2 * static_cast<std::size_t>(in_.group[i]) + in_.is_target[i]; }
  template <class Body>
  void over(std::size_t n, std::int64_t grain, const Body& body) const {
    compute::parallel_for(static_cast<std::int64_t>(n), grain, options_.threads,
                          [&](std::int64_t, std::int64_t first, std::int64_t last) {
                            for (std::int64_t i = first; i < last; ++i) {
                              control_.check();
                              body(static_cast<std::size_t>(i));
                            }
                          });
  }
  std::vector<double> counts_of(std::int64_t gene) const;
  Screened screen(std::int64_t gene) const;
  std::vector<Row> choose(std::vector<Screened>& screened) const;
  std::vector<std::vector<double>> columns(const std::vector<double>* weight) const;
  /// The design with a gene's own weight in the place of the common one.
  NbDesign design_of(const NbDesign& common, const Row& row) const;
  void first_fit(Row& row, const NbDesign& whole, const NbDesign& first) const;
  void trend(std::vector<Row>& rows) const;
  void last_fit(Row& row, const NbDesign& whole) const;
  void test(Row& row, const NbDesign& design, const std::vector<double>& counts) const;
  std::size_t weight_column(std::size_t group) const { return n_groups_ == 1 ? 1 : n_groups_ + 1 + group; }

  const DeCells& in_;
  const data::CountMatrix& by_gene_;
  const DeOptions& options_;
  const RunControl& control_;
  std::size_t n_groups_;
  std::vector<std::int32_t> place_;  ///< of each cell of the screen, −1: not of this target
  std::vector<double> log_total_, membership_{};
  std::vector<std::int64_t> sizes_;  ///< cells by group, controls and the target's
};

std::vector<double> Regression::counts_of(std::int64_t gene) const {
  std::vector<double> counts((in_.cells.size() + 3) / 4 * 4, 0.0);
  const auto g = static_cast<std::size_t>(gene);
  for (std::int64_t k = by_gene_.row_start[g]; k < by_gene_.row_start[g + 1]; ++k) {
    const auto at = static_cast<std::size_t>(k);
    if (const std::int32_t i = place_[by_gene_.gene[at]]; i >= 0)
      counts[static_cast<std::size_t>(i)] = by_gene_.count[at];
  }
  return counts;
}

Screened Regression::screen(std::int64_t gene) const {
  Screened result;
  std::vector<double> sum(2 * n_groups_, 0.0);
  std::vector<std::int64_t> expressing(2 * n_groups_, 0);
  const auto g = static_cast<std::size_t>(gene);
  for (std::int64_t k = by_gene_.row_start[g]; k < by_gene_.row_start[g + 1]; ++k) {
    const auto at = static_cast<std::size_t>(k);
    const std::int32_t i = place_[by_gene_.gene[at]];
    if (i < 0) continue;
    sum[side(static_cast<std::size_t>(i))] += by_gene_.count[at];
    ++expressing[side(static_cast<std::size_t>(i))];
  }
  for (std::size_t s = 0; s < 2 * n_groups_; s += 2) {
    const auto n0 = static_cast<double>(sizes_[s]), n1 = static_cast<double>(sizes_[s + 1]);
    const double fc = std::log2((sum[s + 1] + 1) / n1) - std::log2((sum[s] + 1) / n0);
    const double pct = std::max(three_decimals(static_cast<double>(expressing[s]) / n0),
                                three_decimals(static_cast<double>(expressing[s + 1]) / n1));
    const bool seen = pct >= options_.min_pct && std::max(expressing[s], expressing[s + 1]) >= options_.min_cells;
    result.tested = result.tested || (seen && std::fabs(fc) >= options_.logfc_threshold);
    result.log2fc.push_back(seen ? fc : none);
  }
  return result;
}

/// Genes that pass, the target's own, and those with a weight of their own.
std::vector<Row> Regression::choose(std::vector<Screened>& screened) const {
  std::vector<const std::vector<double>*> own(screened.size(), nullptr);
  for (const auto& one : in_.own) {
    own[static_cast<std::size_t>(one.gene)] = &one.weight;
    screened[static_cast<std::size_t>(one.gene)].tested = true;
  }
  if (in_.target_gene >= 0) screened[static_cast<std::size_t>(in_.target_gene)].tested = true;
  std::vector<Row> rows;
  for (std::size_t g = 0; g < screened.size(); ++g) {
    if (!screened[g].tested) continue;
    Row row;
    row.gene = static_cast<std::int64_t>(g);
    if (in_.scored && row.gene == in_.target_gene)
      row.own = &membership_;
    else
      row.own = own[g];
    const bool membership = !in_.scored || row.own == &membership_ || (row.own && *row.own == membership_);
    row.weight = membership ? DeWeight::Membership : row.own ? DeWeight::LeaveOneOut : DeWeight::Score;
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Intercept, weight, log total; or groups, log total, weight in each group. Without a weight: those alone.
std::vector<std::vector<double>> Regression::columns(const std::vector<double>* weight) const {
  const std::size_t n = in_.cells.size();
  std::vector<std::vector<double>> result;
  for (std::size_t g = 0; g < n_groups_; ++g) {
    result.emplace_back(n, 0.0);
    for (std::size_t i = 0; i < n; ++i) result.back()[i] = in_.group[i] == static_cast<std::int32_t>(g);
  }
  if (n_groups_ == 1 && weight) result.push_back(*weight);
  result.push_back(log_total_);
  if (n_groups_ == 1 || !weight) return result;
  for (std::size_t g = 0; g < n_groups_; ++g) {
    result.emplace_back(n, 0.0);
    for (std::size_t i = 0; i < n; ++i)
      if (in_.group[i] == static_cast<std::int32_t>(g)) result.back()[i] = (*weight)[i];
  }
  return result;
}

NbDesign Regression::design_of(const NbDesign& common, const Row& row) const {
  return row.own ? NbDesign(columns(row.own)) : common;
}

/// Dispersion: of one group, or a gene with a weight of its own, by the whole model; else by the one without weights.
void Regression::first_fit(Row& row, const NbDesign& whole, const NbDesign& first) const {
  const auto counts = counts_of(row.gene);
  const NbDesign own = design_of(first, row);
  if (options_.r_compatible) {
    const double rough = moment_dispersion(counts, in_.cells.size());
    row.fit = fit_nb(own, counts, rough);
    row.dispersion = glmgampoi_dispersion(own, counts, row.fit.mean, rough);
  } else {
    auto fitted = fit_nb_with_dispersion(own, counts);
    row.fit = std::move(fitted.fit);
    row.dispersion = fitted.dispersion;
  }
  row.fitted = row.dispersion;
  for (std::size_t i = 0; i < in_.cells.size(); ++i) row.mean += row.fit.mean[i];
  row.mean /= static_cast<double>(in_.cells.size());
  row.fit.mean = {};
  if (own.columns() != whole.columns()) row.fit.coefficient.clear();
}

void Regression::trend(std::vector<Row>& rows) const {
  std::vector<std::size_t> common;
  std::vector<double> mean, dispersion;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (rows[r].own) continue;
    common.push_back(r);
  }
  // The target's own gene comes first in the source: the order counts where there are few genes.
  std::stable_partition(common.begin(), common.end(), [&](std::size_t r) { return rows[r].gene == in_.target_gene; });
  for (const std::size_t r : common) {
    mean.push_back(rows[r].mean);
    dispersion.push_back(rows[r].dispersion);
  }
  const auto smooth = local_median(mean, dispersion, std::max(0.1 * static_cast<double>(common.size()), 100.0));
  for (std::size_t k = 0; k < common.size(); ++k) rows[common[k]].fitted = smooth[k];
}

void Regression::last_fit(Row& row, const NbDesign& whole) const {
  const auto counts = counts_of(row.gene);
  const NbDesign design = design_of(whole, row);
  row.fit = fit_nb(design, counts, row.fitted, row.fit.coefficient);
  test(row, design, counts);
  row.fit.mean = {};
}

void Regression::test(Row& row, const NbDesign& design, const std::vector<double>& counts) const {
  row.error.assign(design.columns(), none);
  row.log_p.assign(design.columns(), none);
  if (row.fit.state == NbFit::State::Empty) return;
  row.error = standard_errors(design, row.fit.mean, row.dispersion);
  for (std::size_t j = 0; j < design.columns(); ++j)
    if (std::isfinite(row.error[j])) row.log_p[j] = log_two_sided_p(row.fit.coefficient[j] / row.error[j]);
  if (row.fit.state != NbFit::State::Separated || options_.r_compatible || !options_.mend_separated) return;
  const std::size_t n = in_.cells.size();
  const double full = nb_log_likelihood(counts, row.fit.mean, n, row.fitted);
  for (std::size_t g = 0; g < n_groups_; ++g) {
    const std::size_t j = weight_column(g);
    if (!std::isfinite(row.fit.coefficient[j])) continue;
    const auto less = fit_nb(design.without_column(j), counts, row.fitted);
    const double gain = full - nb_log_likelihood(counts, less.mean, n, row.fitted);
    row.log_p[j] = log_two_sided_p(std::sqrt(2 * std::max(0.0, gain)));
  }
}

WeightedDe Regression::run(std::string target) {
  membership_.assign(in_.is_target.begin(), in_.is_target.end());
  WeightedDe de;
  de.target = std::move(target);
  de.groups = in_.groups;
  for (std::size_t i = 0; i < in_.cells.size(); ++i) ++(in_.is_target[i] ? de.n_target : de.n_control);
  if (n_groups_ == 1) de.columns = {"Intercept", "weight", "log_ct"};
  if (n_groups_ > 1) {
    de.columns = in_.groups;
    de.columns.emplace_back("log_ct");
    for (const auto& group : in_.groups) de.columns.push_back(group + ":weight");
  }
  std::vector<Screened> screened(static_cast<std::size_t>(by_gene_.n_cells));
  over(screened.size(), 64, [&](std::size_t g) { screened[g] = screen(static_cast<std::int64_t>(g)); });
  std::vector<Row> rows = choose(screened);

  const NbDesign whole(columns(&in_.weight)), first = n_groups_ == 1 ? whole : NbDesign(columns(nullptr));
  over(rows.size(), 1, [&](std::size_t r) { first_fit(rows[r], whole, rows[r].own ? whole : first); });
  if (options_.r_compatible && n_groups_ == 1) trend(rows);
  over(rows.size(), 1, [&](std::size_t r) { last_fit(rows[r], whole); });

  const std::size_t last = weight_column(n_groups_ - 1);
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t r) { return std::isnan(rows[r].log_p[last]) ? HUGE_VAL : rows[r].log_p[last]; };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  for (const std::size_t r : order) {
    const Row& row = rows[r];
    const auto& fc = screened[static_cast<std::size_t>(row.gene)].log2fc;
    de.gene.push_back(row.gene);
    de.log2fc.insert(de.log2fc.end(), fc.begin(), fc.end());
    de.coefficient.insert(de.coefficient.end(), row.fit.coefficient.begin(), row.fit.coefficient.end());
    de.error.insert(de.error.end(), row.error.begin(), row.error.end());
    de.log_p.insert(de.log_p.end(), row.log_p.begin(), row.log_p.end());
    de.dispersion.push_back(row.dispersion);
    de.fitted_dispersion.push_back(row.fitted);
    de.weight.push_back(row.weight);
    de.separated.push_back(row.fit.state == NbFit::State::Separated);
  }
  for (std::size_t g = 0; g < n_groups_; ++g)
    if (const auto kept = whole.kept(); std::find(kept.begin(), kept.end(), weight_column(g)) == kept.end())
      de.notes.push_back("No cell of " + de.target + (n_groups_ > 1 ? " in " + in_.groups[g] : std::string()) +
                         " answers its perturbation more than the controls do: weights are all the same, and there is "
                         "nothing to test.");
  return de;
}

/// Without the cells that have no counts.
DeCells with_counts(const DeCells& cells, const std::vector<double>& total, std::size_t& dropped) {
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < cells.cells.size(); ++i)
    if (total[static_cast<std::size_t>(cells.cells[i])] > 0) kept.push_back(i);
  dropped = cells.cells.size() - kept.size();
  if (dropped == 0) return cells;
  const auto chosen = [&](const auto& values) {
    auto some = values;
    some.clear();
    for (const std::size_t i : kept) some.push_back(values[i]);
    return some;
  };
  DeCells some = cells;
  some.cells = chosen(cells.cells);
  some.is_target = chosen(cells.is_target);
  some.group = chosen(cells.group);
  some.weight = chosen(cells.weight);
  for (auto& own : some.own) own.weight = chosen(own.weight);
  return some;
}

}  // namespace

WeightedDe weighted_de(const std::string& target, const DeCells& cells, const data::CountMatrix& by_gene,
                       const std::vector<double>& total, const DeOptions& options, const RunControl& control) {
  std::size_t dropped = 0;
  const DeCells used = with_counts(cells, total, dropped);
  std::vector<std::uint8_t> seen(2 * used.groups.size(), 0);
  for (std::size_t i = 0; i < used.cells.size(); ++i)
    seen[2 * static_cast<std::size_t>(used.group[i]) + used.is_target[i]] = 1;
  if (seen.empty() || std::count(seen.begin(), seen.end(), 0) > 0) {
    WeightedDe de;
    de.target = target;
    de.groups = used.groups.empty() ? std::vector<std::string>{"all"} : used.groups;
    de.notes = {target + " was not tested: some group has no cells with counts of the target, or of controls."};
    return de;
  }
  WeightedDe de = Regression(used, by_gene, total, options, control).run(target);
  if (dropped > 0)
    de.notes.push_back(std::to_string(dropped) + " cells of " + target +
                       " and controls have no counts and were left out.");
  return de;
}

report::Table de_table(const WeightedDe& de, const std::vector<std::string>& genes, bool full) {
  report::Table table;
  const std::size_t n = de.rows(), groups = de.groups.size(), p = de.columns.size();
  const auto column = [&](const std::vector<double>& values, std::size_t width, std::size_t j, bool exponential) {
    std::vector<double> out(n);
    for (std::size_t r = 0; r < n; ++r) out[r] = exponential ? std::exp(values[r * width + j]) : values[r * width + j];
    return out;
  };
  const auto named = [&](const char* what, std::size_t g) {
    return groups == 1 && !de.by_group ? std::string(what) : what + ("_" + de.groups[g]);
  };
  std::vector<std::string> names, methods;
  for (std::size_t r = 0; r < n; ++r) {
    names.push_back(genes[static_cast<std::size_t>(de.gene[r])]);
    methods.push_back(to_string(de.weight[r]));
  }
  table.add("gene", std::move(names));
  for (std::size_t g = 0; g < groups; ++g) table.add(named("log2fc", g), column(de.log2fc, groups, g, false));
  for (std::size_t g = 0; g < groups; ++g) {
    const std::size_t j = de.weight_column(g);
    const auto value = column(de.log_p, p, j, true);
    table.add(named("beta_weight", g), column(de.coefficient, p, j, false));
    table.add(named("se_weight", g), column(de.error, p, j, false));
    auto adjusted = benjamini_hochberg(value);
    for (std::size_t r = 0; r < n; ++r)
      if (std::isnan(value[r])) adjusted[r] = none;
    table.add(named("p_weight", g), value);
    table.add(named("p_adj_weight", g), std::move(adjusted));
  }
  table.add("dispersion", de.dispersion);
  table.add("DE_method", std::move(methods));
  table.add("separated", std::vector<bool>(de.separated.begin(), de.separated.end()));
  if (!full) return table;
  table.add("dispersion_of_beta", de.fitted_dispersion);
  for (std::size_t j = 0; j < p; ++j) {
    bool weight = false;
    for (std::size_t g = 0; g < groups; ++g) weight = weight || j == de.weight_column(g);
    if (weight) continue;
    // The intercept of a single group is the group's.
    const std::string& name = groups == 1 && de.by_group && j == 0 ? de.groups.front() : de.columns[j];
    table.add("beta_" + name, column(de.coefficient, p, j, false));
    table.add("p_" + name, column(de.log_p, p, j, true));
  }
  return table;
}

}  // namespace scriptorium::perturbation
