#include <algorithm>
#include <cmath>
#include <mutex>
#include <unordered_map>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/perturbation/markers.hpp"
#include "core/perturbation/set_tests.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr std::int64_t absent = -1;

/// Equation 32, for rankings given by where each item of the first stands in the second.
/// @param place   rank (from 0) in the other ranking of the item at each rank, `absent` where it is not there
/// @param other   length of the other ranking
double extrapolated_overlap(std::span<const std::int64_t> place, std::int64_t other, double p, std::int64_t depth) {
  const std::int64_t own = std::min<std::int64_t>(depth, static_cast<std::int64_t>(place.size()));
  other = std::min(depth, other);
  const std::int64_t shorter = std::min(own, other), longer = std::max(own, other);
  if (shorter == 0) return 0;
  // An item joins the overlap at the deeper of its two ranks.
  std::vector<std::int64_t> joins(static_cast<std::size_t>(longer), 0);
  for (std::int64_t rank = 0; rank < own; ++rank)
    if (place[static_cast<std::size_t>(rank)] != absent && place[static_cast<std::size_t>(rank)] < other)
      ++joins[static_cast<std::size_t>(std::max(rank, place[static_cast<std::size_t>(rank)]))];
  double sum = 0, power = 1, common = 0, common_short = 0;
  for (std::int64_t d = 1; d <= longer; ++d) {
    const auto depth_now = static_cast<double>(d), s = static_cast<double>(shorter);
    power *= p;
    common += static_cast<double>(joins[static_cast<std::size_t>(d - 1)]);
    if (d == shorter) common_short = common;
    sum += common / depth_now * power;
    if (d > shorter) sum += common_short * (depth_now - s) / (s * depth_now) * power;
  }
  const double tail =
      (common - common_short) / static_cast<double>(longer) + common_short / static_cast<double>(shorter);
  return std::min(1.0, (1 - p) / p * sum + tail * power);
}

using Ranks = std::unordered_map<std::string, std::int64_t>;

Ranks ranks_of(std::span<const std::string> genes) {
  Ranks ranks;
  for (std::size_t i = 0; i < genes.size(); ++i) ranks.emplace(genes[i], static_cast<std::int64_t>(i));
  return ranks;
}

std::vector<std::int64_t> places(std::span<const std::string> genes, const Ranks& in) {
  std::vector<std::int64_t> place;
  for (const auto& gene : genes) {
    const auto found = in.find(gene);
    place.push_back(found == in.end() ? absent : found->second);
  }
  return place;
}

/// P(RBO as large) when the first `depth` of the list stand in random order.
double permutation_p(const std::vector<std::int64_t>& place, std::int64_t set_size, double observed,
                     const RankOptions& options, std::uint64_t set) {
  const auto top = std::min<std::size_t>(place.size(), static_cast<std::size_t>(options.depth));
  std::vector<std::int64_t> order(place.begin(), place.begin() + static_cast<std::ptrdiff_t>(top));
  double sum = 0, squares = 0;
  int as_large = 0;
  for (int i = 0; i < options.permutations; ++i) {
    math::Random random(options.seed, math::Purpose::RankPermutation, set, static_cast<std::uint64_t>(i));
    for (std::size_t k = top; k > 1; --k)
      std::swap(order[k - 1], order[static_cast<std::size_t>(random.uniform() * static_cast<double>(k))]);
    const double rbo = extrapolated_overlap(order, set_size, options.p, options.depth);
    // Around the observed value: its sums lose no digits where all permutations agree.
    sum += rbo - observed;
    squares += (rbo - observed) * (rbo - observed);
    as_large += rbo >= observed;
  }
  const double n = options.permutations, mean = sum / n;
  if (options.empirical) return (1 + as_large) / (1 + n);
  const double sd = std::sqrt(std::max(0.0, squares - n * mean * mean) / (n - 1));
  return sd > 1e-12 ? 0.5 * std::erfc(-mean / sd / 1.4142135623730950488) : 1;
}

}  // namespace

double rank_biased_overlap(std::span<const std::string> a, std::span<const std::string> b, double p,
                           std::int64_t depth) {
  if (!(p > 0 && p < 1))
    throw Error(ErrorCode::BadInput, "The weight p of a rank-biased overlap is not between 0 and 1.", "Try 0.9.");
  return extrapolated_overlap(places(a, ranks_of(b)), static_cast<std::int64_t>(b.size()), p, depth);
}

std::vector<RankResult> rank_tests(std::span<const std::string> list, std::span<const GeneSet> sets,
                                   const RankOptions& options, const RunControl& control) {
  if (!(options.p > 0 && options.p < 1))
    throw Error(ErrorCode::BadInput, "The weight p of a rank-biased overlap is not between 0 and 1.", "Try 0.9.");
  if (options.depth < 1 || options.permutations < 2)
    throw Error(ErrorCode::BadInput, "A rank test needs a depth of at least 1 and at least 2 permutations.",
                "Depth 300 and 500 permutations are the usual choice.");
  const auto n = static_cast<std::int64_t>(sets.size());
  std::vector<RankResult> results(sets.size());
  std::vector<double> p(sets.size());
  std::mutex telling;
  std::int64_t done = 0;
  compute::parallel_for(n, 1, options.threads, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      control.check();
      const auto at = static_cast<std::size_t>(i);
      const auto& genes = sets[at].genes;
      RankResult& result = results[at];
      const auto place = places(list, ranks_of(genes));
      result.set = sets[at].name;
      result.set_size = static_cast<std::int64_t>(genes.size());
      result.overlap = std::count_if(place.begin(), place.end(), [](std::int64_t k) { return k != absent; });
      result.rbo = extrapolated_overlap(place, result.set_size, options.p, options.depth);
      if (result.overlap > 1 && result.rbo > 0.01)
        result.p = permutation_p(place, result.set_size, result.rbo, options, static_cast<std::uint64_t>(i));
      p[at] = result.p;
      const std::lock_guard lock(telling);
      control.tell(static_cast<double>(++done) / static_cast<double>(n), "ranking " + result.set);
    }
  });
  const auto adjusted = benjamini_hochberg(p);
  for (std::size_t i = 0; i < results.size(); ++i) results[i].p_adjusted = adjusted[i];
  return results;
}

}  // namespace scriptorium::perturbation
