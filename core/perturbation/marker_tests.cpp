// One gene of all groups at a time: its entries are parted by group, the controls' sorted once, and every group's
// compared with them. Zeros are one tie below all of these.
#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/compute/parallel.hpp"
#include "core/data/formats/names.hpp"
#include "core/perturbation/logistic.hpp"
#include "core/perturbation/markers.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t genes_a_piece = 8;
constexpr std::int64_t rows_at_a_time = std::int64_t{1} << 22;  // of genes and groups, before they are tables
constexpr double added_to_ratio = 1e-9;

/// Entries above 0 of one gene by group: those of group j are value[start[j]] … value[start[j + 1]).
class ByGroup {
 public:
  explicit ByGroup(const Groups& groups)
      : groups_(groups), start_(static_cast<std::size_t>(groups.n_groups) + 2), next_(start_.size()) {}
  void part(const Expression::Entries& entries) {
    std::fill(start_.begin(), start_.end(), 0);
    for (const std::uint32_t cell : entries.index)
      if (groups_.of_cell[cell] >= 0) ++start_[groups_.of_cell[cell] + 1];
    std::partial_sum(start_.begin(), start_.end(), start_.begin());
    next_ = start_;
    value_.resize(start_.back());
    for (std::size_t e = 0; e < entries.index.size(); ++e)
      if (const std::int32_t group = groups_.of_cell[entries.index[e]]; group >= 0)
        value_[next_[group]++] = entries.value[e];
  }
  std::span<double> of(std::int32_t group) {
    return std::span(value_).subspan(start_[group], start_[group + 1] - start_[group]);
  }

 private:
  const Groups& groups_;
  std::vector<std::size_t> start_, next_;
  std::vector<double> value_;
};

double cubed_less(double tied) {
  return tied * tied * tied - tied;
}

/// Σ(t³ − t) over the ties among sorted values.
double ties_of(std::span<const double> sorted) {
  double sum = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i;
    while (end < sorted.size() && sorted[end] == sorted[i]) ++end;
    sum += cubed_less(static_cast<double>(end - i));
    i = end;
  }
  return sum;
}

/// Rank sum of the target's cells (mid-ranks) and Σ(t³ − t) over ties of both sides, from sorted entries above 0 and
/// numbers of cells. The controls are searched, not gone through: there may be many more of them.
struct Ranks {
  double sum = 0, ties = 0;
};
Ranks rank_sum(std::span<const double> target, std::span<const double> control, double control_ties, double n1,
               double n0) {
  const double zeros1 = n1 - static_cast<double>(target.size()),
               zeros = zeros1 + n0 - static_cast<double>(control.size());
  Ranks out{zeros1 * (zeros + 1) / 2, cubed_less(zeros) + control_ties};
  auto below = control.begin();
  for (std::size_t i = 0; i < target.size();) {
    std::size_t end = i;
    while (end < target.size() && target[end] == target[i]) ++end;
    below = std::lower_bound(below, control.end(), target[i]);
    const auto above = std::upper_bound(below, control.end(), target[i]);
    const auto ours = static_cast<double>(end - i), theirs = static_cast<double>(above - below),
               before = zeros + static_cast<double>(i) + static_cast<double>(below - control.begin());
    out.sum += ours * (before + (ours + theirs + 1) / 2);
    out.ties += cubed_less(ours + theirs) - cubed_less(theirs);
    below = above;
    i = end;
  }
  return out;
}

/// Sums of x and of squared distances to the mean, of one side.
struct Moments {
  double mean = 0, variance = 0;  // n − 1
};
Moments moments(std::span<const double> values, double n) {
  Moments out;
  for (const double value : values) out.mean += value;
  out.mean /= n;
  for (const double value : values) out.variance += (value - out.mean) * (value - out.mean);
  out.variance += (n - static_cast<double>(values.size())) * out.mean * out.mean;
  out.variance /= n - 1;
  return out;
}

double normal_two_sided(double z) {
  return std::erfc(std::fabs(z) / std::sqrt(2.0));
}

struct Statistic {
  double z = 0, p = nan;
};

Statistic welch(const Moments& target, const Moments& control, double n1, double n0) {
  const double a = target.variance / n1, b = control.variance / n0, t = (target.mean - control.mean) / std::sqrt(a + b);
  const double freedom = (a + b) * (a + b) / (a * a / (n1 - 1) + b * b / (n0 - 1));
  if (!std::isfinite(t) || !(freedom > 0)) return {};
  return {t, 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(freedom), std::fabs(t)))};
}

Statistic by_ranks(std::span<const double> target, std::span<const double> control, double control_ties, double n1,
                   double n0, bool tie_correction) {
  const Ranks ranks = rank_sum(target, control, control_ties, n1, n0);
  const double n = n1 + n0, ties = tie_correction ? ranks.ties / (n * n * n - n) : 0;
  const double z = (ranks.sum - n1 * (n + 1) / 2) / std::sqrt(n1 * n0 * (n + 1) / 12 * (1 - ties));
  return std::isnan(z) ? Statistic{0, 1} : Statistic{z, normal_two_sided(z)};
}

double share_above_zero(std::span<const double> values, double n) {
  return static_cast<double>(values.size()) / n;
}

/// To three decimals as R rounds: to the nearer of the two neighbours, a tie to the even one.
double three_decimals(double share) {
  const double below = std::floor(share * 1000), above = std::ceil(share * 1000);
  const double down = share - below / 1000, up = above / 1000 - share;
  const bool to_below = down < up || (down == up && std::fmod(below, 2) == 0);
  return (to_below ? below : above) / 1000;
}

/// What one gene of one group came to; `kept` false: the likelihood ratio leaves it out.
struct Row {
  double z = 0, p = nan, log2fc = 0, pct_target = 0, pct_control = 0;
  bool kept = true;
};

/// Entries above 0 of one side, sorted, and its number of cells.
struct Side {
  std::span<const double> values;
  double n = 0;
};
/// The controls of a gene with what all groups share.
struct Controls : Side {
  Moments moments;
  double ties = 0;
};

double mean_of_linear(const Side& side) {
  double sum = 0;
  for (const double x : side.values) sum += std::expm1(x);
  return sum / side.n;
}

Row by_likelihood(const Side& target, const Side& control, const MarkerOptions& options) {
  Row row;
  row.pct_target = three_decimals(share_above_zero(target.values, target.n));
  row.pct_control = three_decimals(share_above_zero(control.values, control.n));
  row.log2fc = std::log2(mean_of_linear(target) + 1) - std::log2(mean_of_linear(control) + 1);
  row.kept =
      std::max(row.pct_target, row.pct_control) >= options.min_pct && std::fabs(row.log2fc) >= options.logfc_threshold;
  if (!row.kept) return row;
  const double statistic =
      likelihood_ratio({target.values, control.values, target.n - static_cast<double>(target.values.size()),
                        control.n - static_cast<double>(control.values.size())});
  row.z = std::copysign(std::sqrt(statistic), row.log2fc);
  row.p = normal_two_sided(row.z);  // chi-square(1) above the statistic
  return row;
}

Row compare(const Side& target, const Controls& control, const MarkerOptions& options) {
  if (options.test == Test::LikelihoodRatio) return by_likelihood(target, control, options);
  Row row;
  const Moments of_target = moments(target.values, target.n);
  const Statistic found = options.test == Test::RankSum ? by_ranks(target.values, control.values, control.ties,
                                                                   target.n, control.n, options.tie_correction)
                          : options.test == Test::Welch ? welch(of_target, control.moments, target.n, control.n)
                                                        : welch(of_target, control.moments, target.n, target.n);
  row.z = found.z;
  row.p = std::isnan(found.p) ? 1 : found.p;
  row.log2fc =
      std::log2((std::expm1(of_target.mean) + added_to_ratio) / (std::expm1(control.moments.mean) + added_to_ratio));
  row.pct_target = share_above_zero(target.values, target.n);
  row.pct_control = share_above_zero(control.values, control.n);
  return row;
}

std::string why_not(std::int64_t n_target, std::int64_t n_control, const MarkerOptions& options) {
  const std::int64_t least = options.test == Test::LikelihoodRatio ? 3 : 2;
  const auto few = [least](std::int64_t n, const std::string& what) {
    return (n == 0 ? "there is no " + what : "there is only " + std::to_string(n) + " " + what + (n > 1 ? "s" : "")) +
           ", and a test needs " + std::to_string(least);
  };
  if (n_target < least) return few(n_target, "cell of the target");
  if (n_control < least) return few(n_control, "control cell");
  return {};
}

/// Rows of all genes as a table: all of them, or those kept by rising p with Bonferroni's correction over all.
MarkerTable table_of(std::span<const Row> rows, bool likelihood) {
  MarkerTable table;
  std::vector<std::int64_t> order;
  for (std::size_t g = 0; g < rows.size(); ++g)
    if (rows[g].kept) order.push_back(static_cast<std::int64_t>(g));
  if (likelihood)
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return rows[a].p < rows[b].p; });
  for (const std::int64_t g : order) {
    const Row& row = rows[g];
    table.gene.push_back(g);
    table.z.push_back(row.z);
    table.p.push_back(row.p);
    table.log2fc.push_back(row.log2fc);
    table.pct_target.push_back(row.pct_target);
    table.pct_control.push_back(row.pct_control);
  }
  if (!likelihood) {
    table.p_adj = benjamini_hochberg(table.p);
    return table;
  }
  for (const double p : table.p) table.p_adj.push_back(std::min(1.0, p * static_cast<double>(rows.size())));
  return table;
}

/// Tables of all groups of a batch.
std::vector<MarkerTable> test_batch(const Expression& x, const Groups& groups, std::span<const std::int64_t> size,
                                    const MarkerOptions& options, const RunControl& control) {
  const auto n_groups = static_cast<std::size_t>(groups.n_groups), n_genes = static_cast<std::size_t>(x.n_genes());
  std::vector<MarkerTable> tables(n_groups);
  for (std::size_t j = 0; j < n_groups; ++j) tables[j].not_tested = why_not(size[j + 1], size[0], options);
  std::vector<Row> rows(n_groups * n_genes);
  const auto test_genes = [&](std::int64_t, std::int64_t first, std::int64_t last) {
    ByGroup parted(groups);
    for (std::int64_t g = first; g < last; ++g) {
      control.check();
      parted.part(x.gene(g));
      const auto of_controls = parted.of(0);
      std::sort(of_controls.begin(), of_controls.end());
      const auto n_controls = static_cast<double>(size[0]);
      const Controls controls{{of_controls, n_controls}, moments(of_controls, n_controls), ties_of(of_controls)};
      for (std::size_t j = 0; j < n_groups; ++j) {
        if (!tables[j].not_tested.empty()) continue;
        const auto values = parted.of(static_cast<std::int32_t>(j) + 1);
        std::sort(values.begin(), values.end());
        rows[j * n_genes + static_cast<std::size_t>(g)] =
            compare({values, static_cast<double>(size[j + 1])}, controls, options);
      }
    }
  };
  compute::parallel_for(x.n_genes(), genes_a_piece, options.threads, test_genes);
  for (std::size_t j = 0; j < n_groups; ++j) {
    if (tables[j].not_tested.empty())
      tables[j] = table_of(std::span(rows).subspan(j * n_genes, n_genes), options.test == Test::LikelihoodRatio);
    tables[j].n_target = size[j + 1];
    tables[j].n_control = size[0];
  }
  return tables;
}

}  // namespace

void visit_markers(const Expression& x, const Groups& groups, const MarkerOptions& options,
                   const std::function<void(std::int32_t, MarkerTable)>& visit, const RunControl& control) {
  std::vector<std::int64_t> size(static_cast<std::size_t>(groups.n_groups) + 1, 0);
  for (const std::int32_t group : groups.of_cell)
    if (group >= 0) ++size[group];
  const std::int64_t step = std::max<std::int64_t>(1, rows_at_a_time / std::max<std::int64_t>(x.n_genes(), 1));
  for (std::int64_t first = 0; first < groups.n_groups; first += step) {
    const std::int64_t last = std::min<std::int64_t>(first + step, groups.n_groups);
    control.tell(static_cast<double>(first) / groups.n_groups,
                 "comparing " + data::grouped(x.n_genes()) + " genes of " + data::grouped(groups.n_groups) +
                     (groups.n_groups == 1 ? " group" : " groups") + " with controls");
    Groups batch{groups.of_cell, static_cast<std::int32_t>(last - first)};
    for (std::int32_t& group : batch.of_cell)
      if (group > 0) group = group > first && group <= last ? group - static_cast<std::int32_t>(first) : -1;
    std::vector<std::int64_t> of_batch{size[0]};
    of_batch.insert(of_batch.end(), size.begin() + first + 1, size.begin() + last + 1);
    auto tables = test_batch(x, batch, of_batch, options, control);
    for (std::size_t j = 0; j < tables.size(); ++j)
      visit(static_cast<std::int32_t>(first + static_cast<std::int64_t>(j)) + 1, std::move(tables[j]));
  }
}

std::vector<MarkerTable> test_markers(const Expression& x, const Groups& groups, const MarkerOptions& options,
                                      const RunControl& control) {
  std::vector<MarkerTable> tables(static_cast<std::size_t>(groups.n_groups));
  visit_markers(
      x, groups, options, [&](std::int32_t group, MarkerTable table) { tables[group - 1] = std::move(table); },
      control);
  return tables;
}

}  // namespace scriptorium::perturbation
