#include "core/perturbation/target_clusters.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/perturbation/programs.hpp"

namespace scriptorium::perturbation {
namespace {

/// Clusters by the point that stands for them: a merge keeps the place of its second cluster.
class Linkage {
 public:
  Linkage(const std::vector<double>& distance, std::size_t n)
      : n_(n), farthest_(distance), between_(distance), members_(n), number_(n) {
    for (std::size_t i = 0; i < n; ++i) members_[i] = {i};
    std::iota(number_.begin(), number_.end(), std::size_t{0});
  }

  /// Along a chain of nearest neighbours until two are each other's: minimax linkage never brings a merged cluster
  /// nearer than its parts were, so they can be merged at once.
  std::vector<Merge> run(const RunControl& control) {
    std::vector<Merge> merges;
    std::vector<std::size_t> chain;
    while (merges.size() + 1 < n_) {
      control.check();
      if (chain.empty())
        chain.push_back(static_cast<std::size_t>(
            std::find_if(members_.begin(), members_.end(), [](const auto& m) { return !m.empty(); }) -
            members_.begin()));
      const std::size_t next = nearest(chain.back(), chain.size() > 1 ? chain[chain.size() - 2] : n_);
      if (chain.size() > 1 && next == chain[chain.size() - 2]) {
        merges.push_back(merge(next, chain.back(), n_ + merges.size()));
        chain.resize(chain.size() - 2);
      } else {
        chain.push_back(next);
      }
    }
    return merges;
  }

 private:
  /// The cluster nearest to c; of equally near ones `before`, else the lowest.
  std::size_t nearest(std::size_t c, std::size_t before) const {
    std::size_t best = before;
    double least = before < n_ ? between_[c * n_ + before] : HUGE_VAL;
    for (std::size_t k = 0; k < n_; ++k)
      if (k != c && !members_[k].empty() && between_[c * n_ + k] < least) {
        least = between_[c * n_ + k];
        best = k;
      }
    return best;
  }

  Merge merge(std::size_t a, std::size_t b, std::size_t number) {
    Merge result{std::min(number_[a], number_[b]), std::max(number_[a], number_[b]), between_[a * n_ + b], 0};
    members_[b].insert(members_[b].end(), members_[a].begin(), members_[a].end());
    std::sort(members_[b].begin(), members_[b].end());
    members_[a].clear();
    number_[b] = number;
    double least = HUGE_VAL;
    for (std::size_t i = 0; i < n_; ++i) farthest_[i * n_ + b] = std::max(farthest_[i * n_ + a], farthest_[i * n_ + b]);
    for (const std::size_t i : members_[b])
      if (farthest_[i * n_ + b] < least) {
        least = farthest_[i * n_ + b];
        result.prototype = i;
      }
    for (std::size_t k = 0; k < n_; ++k)
      if (k != b && !members_[k].empty()) between_[k * n_ + b] = between_[b * n_ + k] = radius(k, b);
    return result;
  }
  /// The least radius around a point of either that holds both.
  double radius(std::size_t a, std::size_t b) const {
    double least = HUGE_VAL;
    for (const auto* members : {&members_[a], &members_[b]})
      for (const std::size_t i : *members)
        least = std::min(least, std::max(farthest_[i * n_ + a], farthest_[i * n_ + b]));
    return least;
  }

  std::size_t n_;
  std::vector<double> farthest_;  ///< of point i to the points of cluster c: [i·n + c]
  std::vector<double> between_;   ///< linkage of clusters
  std::vector<std::vector<std::size_t>> members_;
  std::vector<std::size_t> number_;
};

}  // namespace

std::vector<Merge> minimax_linkage(const std::vector<double>& distance, std::size_t n, const RunControl& control) {
  auto merges = Linkage(distance, n).run(control);
  // Chains find merges in an order of their own: by height, numbers to match.
  std::vector<std::size_t> order(merges.size()), place(merges.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return merges[a].height < merges[b].height; });
  for (std::size_t k = 0; k < order.size(); ++k) place[order[k]] = k;
  std::vector<Merge> sorted;
  for (const std::size_t k : order) {
    Merge one = merges[k];
    for (std::size_t* part : {&one.first, &one.second})
      if (*part >= n) *part = n + place[*part - n];
    if (one.first > one.second) std::swap(one.first, one.second);
    sorted.push_back(one);
  }
  return sorted;
}

std::vector<std::vector<std::size_t>> cut_tree(const std::vector<Merge>& merges, std::size_t n, double height) {
  std::vector<std::vector<std::size_t>> parts(n + merges.size());
  for (std::size_t i = 0; i < n; ++i) parts[i] = {i};
  for (std::size_t k = 0; k < merges.size() && merges[k].height <= height; ++k) {
    auto& joined = parts[n + k];
    for (const std::size_t part : {merges[k].first, merges[k].second}) {
      joined.insert(joined.end(), parts[part].begin(), parts[part].end());
      parts[part].clear();
    }
    std::sort(joined.begin(), joined.end());
  }
  std::erase_if(parts, [](const auto& part) { return part.empty(); });
  std::sort(parts.begin(), parts.end());
  return parts;
}

TargetClusters cluster_targets(const ZMatrix& z, double height, const RunControl& control) {
  const std::size_t n = z.targets.size();
  if (n < 2 || z.genes.size() < 3)
    throw Error(ErrorCode::BadInput,
                "Clusters of targets need two targets and three genes at least; there are " + std::to_string(n) +
                    " and " + std::to_string(z.genes.size()) + ".",
                "Take more targets, or keep more genes.");
  if (!std::all_of(z.z.begin(), z.z.end(), [](double v) { return std::isfinite(v); }))
    throw Error(ErrorCode::BadInput, "The Z matrix of " + z.group + " has missing values.",
                "Clean it first: missing values become 0.");
  std::vector<std::vector<double>> columns;
  for (std::size_t t = 0; t < n; ++t) columns.push_back(column_of(z, t));
  std::vector<double> distance(n * n, 0.0);
  for (std::size_t a = 0; a < n; ++a) {
    control.check();
    for (std::size_t b = 0; b < a; ++b) {
      const double r = correlation(columns[a], columns[b]);
      distance[a * n + b] = distance[b * n + a] = std::isnan(r) ? 1 : 1 - std::fabs(r);
    }
  }
  TargetClusters result;
  result.merges = minimax_linkage(distance, n, control);
  result.clusters = cut_tree(result.merges, n, height);
  return result;
}

}  // namespace scriptorium::perturbation
