#include "core/perturbation/set_tests.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <unordered_set>

#include "core/error.hpp"
#include "core/math/special.hpp"
#include "core/perturbation/markers.hpp"

namespace scriptorium::perturbation {
namespace {

double log_choose(double n, double k) {
  return math::log_gamma(n + 1) - math::log_gamma(k + 1) - math::log_gamma(n - k + 1);
}

/// ln of the probabilities of each possible overlap, from the margins alone, without a common factor.
struct Margins {
  std::int64_t low, high;
  std::vector<double> log_weight;

  explicit Margins(const FourFold& t) {
    const std::int64_t set = t.a + t.b, list = t.a + t.c, rest = t.c + t.d;
    low = std::max<std::int64_t>(0, list - rest);
    high = std::min(set, list);
    log_weight.reserve(static_cast<std::size_t>(high - low + 1));
    for (std::int64_t x = low; x <= high; ++x)
      log_weight.push_back(log_choose(static_cast<double>(set), static_cast<double>(x)) +
                           log_choose(static_cast<double>(rest), static_cast<double>(list - x)));
  }
  double mean(double log_odds) const {
    double most = -HUGE_VAL, sum = 0, weighted = 0;
    for (std::size_t i = 0; i < log_weight.size(); ++i)
      most = std::max(most, log_weight[i] + static_cast<double>(i) * log_odds);
    for (std::size_t i = 0; i < log_weight.size(); ++i) {
      const double w = std::exp(log_weight[i] + static_cast<double>(i) * log_odds - most);
      sum += w;
      weighted += w * static_cast<double>(i);
    }
    return static_cast<double>(low) + weighted / sum;
  }
};

std::vector<std::string> distinct(std::span<const std::string> genes, const std::unordered_set<std::string>& among) {
  std::unordered_set<std::string> seen;
  std::vector<std::string> kept;
  for (const auto& gene : genes)
    if (among.count(gene) && seen.insert(gene).second) kept.push_back(gene);
  return kept;
}

}  // namespace

std::vector<GeneSet> parse_gmt(const std::string& text, const std::string& path) {
  std::vector<GeneSet> sets;
  std::istringstream lines(text);
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    std::vector<std::string> fields;
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t end = std::min(line.find('\t', at), line.size());
      fields.push_back(line.substr(at, end - at));
      at = end + 1;
    }
    if (fields.size() < 3 || fields[0].empty())
      throw Error(ErrorCode::BadInput,
                  "Line " + std::to_string(number) + " of " + path + " is no gene set of a GMT file.",
                  "Each line holds a name, a description and one or more genes, separated by tabs.");
    GeneSet set{fields[0], {}};
    std::unordered_set<std::string> seen;
    for (std::size_t i = 2; i < fields.size(); ++i)
      if (!fields[i].empty() && seen.insert(fields[i]).second) set.genes.push_back(fields[i]);
    sets.push_back(std::move(set));
  }
  if (sets.empty())
    throw Error(ErrorCode::BadInput, path + " has no gene sets.",
                "Give a GMT file: a name, a description and genes on each line, separated by tabs.");
  return sets;
}

std::vector<GeneSet> read_gmt(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    throw Error(ErrorCode::Io, "The gene sets " + path + " cannot be read.", "Check the path.");
  return parse_gmt(text.str(), path);
}

double fisher_log_p(const FourFold& table) {
  const Margins margins(table);
  if (table.a <= margins.low) return 0;
  const double all = math::log_sum_exp(margins.log_weight.data(), margins.log_weight.size());
  const auto from = static_cast<std::size_t>(table.a - margins.low);
  const double tail = math::log_sum_exp(margins.log_weight.data() + from, margins.log_weight.size() - from);
  return std::min(0.0, tail - all);
}

double conditional_odds_ratio(const FourFold& table) {
  const Margins margins(table);
  if (table.a <= margins.low) return 0;
  if (table.a >= margins.high) return HUGE_VAL;
  // The mean rises with the odds: bracket, then halve.
  const auto wanted = static_cast<double>(table.a);
  double low = -1, high = 1;
  while (margins.mean(low) > wanted) low *= 2;
  while (margins.mean(high) < wanted) high *= 2;
  while (high - low > 1e-13 * std::max(1.0, std::fabs(low))) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (margins.mean(middle) < wanted ? low : high) = middle;
  }
  return std::exp(0.5 * (low + high));
}

std::vector<FisherResult> fisher_tests(std::span<const std::string> list, std::span<const std::string> background,
                                       std::span<const GeneSet> sets, const FisherOptions& options,
                                       const RunControl& control) {
  const std::unordered_set<std::string> all(background.begin(), background.end());
  if (all.empty())
    throw Error(ErrorCode::BadInput, "The background of a set test has no genes.",
                "Give the genes that could have been on the list, such as all that were tested.");
  const auto chosen = distinct(list, all);
  std::vector<FisherResult> results;
  std::vector<double> p;
  for (const auto& set : sets) {
    control.check();
    control.tell(static_cast<double>(results.size()) / static_cast<double>(sets.size()), "testing " + set.name);
    const auto known = distinct(set.genes, all);
    const std::unordered_set<std::string> members(known.begin(), known.end());
    FisherResult result;
    result.set = set.name;
    result.set_size = static_cast<std::int64_t>(set.genes.size());
    result.in_set = static_cast<std::int64_t>(known.size());
    result.in_list = static_cast<std::int64_t>(chosen.size());
    for (const auto& gene : chosen)
      if (members.count(gene)) result.genes.push_back(gene);
    result.overlap = static_cast<std::int64_t>(result.genes.size());
    FourFold table{result.overlap, result.in_set - result.overlap, result.in_list - result.overlap, 0};
    table.d = static_cast<std::int64_t>(all.size()) - result.in_list - table.b;
    if (options.ease && table.a >= 1) {
      --table.a;
      ++table.b;
    }
    const double log_p = fisher_log_p(table);
    result.p = std::exp(log_p);
    result.odds_ratio = conditional_odds_ratio(table);
    result.combined = log_p < 0 ? -log_p * result.odds_ratio : 0;
    p.push_back(result.p);
    results.push_back(std::move(result));
  }
  const auto adjusted = benjamini_hochberg(p);
  for (std::size_t i = 0; i < results.size(); ++i) results[i].p_adjusted = adjusted[i];
  return results;
}

}  // namespace scriptorium::perturbation
