#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/analysis/goodness_of_fit.hpp"
#include "core/math/random.hpp"
#include "core/result/count_bands.hpp"

namespace scriptorium::analysis {
namespace {

double median_count(const summary::CountSummary& s, std::size_t gene) {
  const auto first = s.gene_start[gene], last = s.gene_start[gene + 1];
  return result::histogram_quantile(s.value.data() + first, s.cells.data() + first,
                                    static_cast<std::size_t>(last - first), s.gene_measured[gene], 0.5);
}

}  // namespace

// SCRIBE's rule: genes with a positive median fall into `rows` bins of log median; each bin gives the genes nearest to
// `columns` log-spaced targets, and is filled up with unused genes at or below its upper edge, nearest to its centre.
// The bins are half open, so the one gene with the highest median enters only as a filler.
std::vector<std::int64_t> panel_genes(const summary::CountSummary& summary, int rows, int columns) {
  std::vector<double> median(static_cast<std::size_t>(summary.n_genes));
  std::vector<std::size_t> order;
  for (std::size_t g = 0; g < median.size(); ++g)
    if ((median[g] = median_count(summary, g)) > 0) order.push_back(g);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return median[a] < median[b]; });
  std::vector<std::int64_t> selected;
  if (order.empty() || rows < 1 || columns < 1) return selected;
  const double lowest = std::log(median[order.front()]), highest = std::log(median[order.back()]);
  const auto log_spaced = [](double from, double to, int i, int n) {
    return std::exp(n > 1 ? from + (to - from) * i / (n - 1) : from);
  };
  std::vector<bool> used(median.size(), false);
  for (int row = 0; row < rows; ++row) {
    const double low = log_spaced(lowest, highest, row, rows + 1),
                 high = log_spaced(lowest, highest, row + 1, rows + 1);
    std::vector<std::size_t> candidates, taken;
    for (auto g : order)
      if (!used[g] && median[g] >= low * (1 - 1e-12) && median[g] < high * (1 - 1e-12)) candidates.push_back(g);
    const auto take = [&](std::size_t g) {
      used[g] = true;
      taken.push_back(g);
    };
    if (candidates.size() <= static_cast<std::size_t>(columns)) {
      for (auto g : candidates) take(g);
    } else {
      const double from = std::log(median[candidates.front()]), to = std::log(median[candidates.back()]);
      for (int column = 0; column < columns; ++column) {
        const double target = log_spaced(from, to, column, columns);
        const auto nearest = *std::min_element(candidates.begin(), candidates.end(), [&](auto a, auto b) {
          return std::fabs(median[a] - target) < std::fabs(median[b] - target);
        });
        if (!used[nearest]) take(nearest);
      }
    }
    const double centre = std::sqrt(low * high);
    std::vector<std::size_t> fillers;
    for (auto g : order)
      if (!used[g] && median[g] <= high * (1 + 1e-12)) fillers.push_back(g);
    std::stable_sort(fillers.begin(), fillers.end(),
                     [&](auto a, auto b) { return std::fabs(median[a] - centre) < std::fabs(median[b] - centre); });
    for (std::size_t i = 0; i < fillers.size() && taken.size() < static_cast<std::size_t>(columns); ++i)
      take(fillers[i]);
    selected.insert(selected.end(), taken.begin(), taken.end());
  }
  std::stable_sort(selected.begin(), selected.end(), [&](auto a, auto b) {
    return median[static_cast<std::size_t>(a)] < median[static_cast<std::size_t>(b)];
  });
  return selected;
}

std::vector<std::int64_t> default_genes(const summary::CountSummary& summary, std::uint64_t seed) {
  auto genes = panel_genes(summary, 5, 5);
  std::vector<bool> taken(static_cast<std::size_t>(summary.n_genes), false);
  for (auto g : genes) taken[static_cast<std::size_t>(g)] = true;
  std::vector<std::int64_t> rest;
  for (std::int64_t g = 0; g < summary.n_genes; ++g)
    if (!taken[static_cast<std::size_t>(g)] && summary.gene_total[static_cast<std::size_t>(g)] > 0) rest.push_back(g);
  if (genes.empty() && rest.empty()) {  // nothing was counted: look at what there is
    genes.resize(static_cast<std::size_t>(std::min<std::int64_t>(summary.n_genes, 25)));
    std::iota(genes.begin(), genes.end(), 0);
    return genes;
  }
  math::Random random(seed, math::Purpose::Genes);
  for (std::size_t i = 0; i < rest.size() && i < 200; ++i) {
    const auto j = i + static_cast<std::size_t>(random.uniform() * static_cast<double>(rest.size() - i));
    std::swap(rest[i], rest[j]);
    genes.push_back(rest[i]);
  }
  return genes;
}

}  // namespace scriptorium::analysis
