#include "core/perturbation/cross_groups.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <unordered_map>

#include "core/error.hpp"
#include "core/perturbation/programs.hpp"

namespace scriptorium::perturbation {
namespace {

/// Two-sided p of a correlation of n pairs.
double correlation_p(double r, std::size_t n) {
  if (std::isnan(r)) return 1;
  if (std::fabs(r) >= 1) return 0;
  const auto df = static_cast<double>(n - 2);
  const double t = std::fabs(r) * std::sqrt(df / ((1 - r) * (1 + r)));
  return 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(df), t));
}

double two_decimals(double x) {
  return std::round(x * 100) / 100;
}

/// One round: the matrices that take part with their weights and variates.
struct Round {
  std::vector<ZMatrix> x;
  std::vector<std::vector<double>> weight, variate;
  std::vector<ZMatrix> aside;
};

std::vector<double> variate_of(const ZMatrix& x, const std::vector<double>& weight) {
  std::vector<double> variate(x.genes.size(), 0.0);
  for (std::size_t r = 0; r < variate.size(); ++r)
    for (std::size_t t = 0; t < weight.size(); ++t) variate[r] += x.at(r, t) * weight[t];
  return variate;
}

/// Weights of the matrices that hang together; the one that hangs together least is set aside until all do.
Round correlated(std::vector<ZMatrix> x, const CrossOptions& options, const RunControl& control) {
  Round round;
  round.x = std::move(x);
  while (round.x.size() >= 2) {
    control.check();
    std::vector<double> bound;
    for (const auto& one : round.x)
      bound.push_back(options.penalty > 0 ? options.penalty : std::sqrt(static_cast<double>(one.targets.size())));
    round.weight = multi_set_weights(round.x, bound, options.iterations);
    round.variate.clear();
    for (std::size_t i = 0; i < round.x.size(); ++i) round.variate.push_back(variate_of(round.x[i], round.weight[i]));
    std::size_t worst = 0;
    double least = HUGE_VAL;
    for (std::size_t i = 0; i < round.x.size(); ++i) {
      double mean = 0;
      for (std::size_t j = 0; j < round.x.size(); ++j) {
        const double r = j == i ? 0 : correlation(round.variate[i], round.variate[j]);
        mean += std::isnan(r) ? 0 : std::fabs(r);
      }
      mean /= static_cast<double>(round.x.size() - 1);
      if (mean < least) {
        least = mean;
        worst = i;
      }
    }
    if (least >= options.mean_correlation) break;
    round.aside.push_back(std::move(round.x[worst]));
    round.x.erase(round.x.begin() + static_cast<std::ptrdiff_t>(worst));
  }
  return round;
}

/// A column and the variates that it goes along with.
struct Candidate {
  std::size_t matrix = 0, column = 0;
  Member member;
  std::vector<bool> along;
};

std::vector<Candidate> candidates_of(const Round& round, const CrossOptions& options) {
  std::vector<Candidate> all;
  const std::size_t k = round.x.size();
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t t = 0; t < round.x[i].targets.size(); ++t) {
      Candidate one{i, t, {round.x[i].group, round.x[i].targets[t], 0, 0, round.weight[i][t]}, std::vector<bool>(k)};
      const auto column = column_of(round.x[i], t);
      for (std::size_t j = 0; j < k; ++j) {
        const double r = correlation(column, round.variate[j]);
        one.along[j] = correlation_p(r, column.size()) <= options.p;
        if (j == i)
          one.member.own = std::isnan(r) ? 0 : r;
        else
          one.member.others += std::isnan(r) ? 0 : std::fabs(r) / static_cast<double>(k - 1);
      }
      if (two_decimals(std::fabs(one.member.own)) < options.own || two_decimals(one.member.others) < options.others)
        one.along.assign(k, false);
      all.push_back(std::move(one));
    }
  return all;
}

/// The columns that go along with all variates (of groups that have any such column), or with as many as some two do.
std::vector<Candidate> joining(const Round& round, const CrossOptions& options, int& needed) {
  auto all = candidates_of(round, options);
  const std::size_t k = round.x.size();
  std::vector<bool> counts(k, false);
  for (const auto& one : all)
    for (std::size_t j = 0; j < k; ++j)
      if (j != one.matrix && one.along[j]) counts[one.matrix] = true;
  needed = static_cast<int>(std::count(counts.begin(), counts.end(), true));
  for (; needed >= 2; --needed) {
    std::vector<Candidate> chosen;
    for (const auto& one : all) {
      int votes = 0;
      for (std::size_t j = 0; j < k; ++j) votes += counts[j] && one.along[j];
      if (counts[one.matrix] && votes >= needed) chosen.push_back(one);
    }
    if (chosen.size() >= 2) return chosen;
  }
  return {};
}

/// The matrices of the next round: members gone, empty ones too, groups in their first order.
std::vector<ZMatrix> remaining(Round round, const std::vector<Candidate>& members,
                               const std::vector<std::string>& order) {
  std::vector<ZMatrix> next = std::move(round.aside);
  for (std::size_t i = 0; i < round.x.size(); ++i) {
    std::vector<std::size_t> columns;
    for (std::size_t t = 0; t < round.x[i].targets.size(); ++t)
      if (std::none_of(members.begin(), members.end(),
                       [&](const Candidate& one) { return one.matrix == i && one.column == t; }))
        columns.push_back(t);
    if (!columns.empty()) next.push_back(select_columns(round.x[i], columns));
  }
  const auto place = [&](const ZMatrix& one) { return std::find(order.begin(), order.end(), one.group); };
  std::sort(next.begin(), next.end(), [&](const ZMatrix& a, const ZMatrix& b) { return place(a) < place(b); });
  return next;
}

}  // namespace

std::vector<ZMatrix> with_common_genes(std::vector<ZMatrix> matrices) {
  if (matrices.empty()) return matrices;
  std::unordered_map<std::string, std::size_t> times;
  for (const auto& one : matrices)
    for (const auto& gene : one.genes) ++times[gene];
  std::vector<std::string> common;
  for (const auto& gene : matrices.front().genes)
    if (times[gene] == matrices.size()) common.push_back(gene);
  for (auto& one : matrices) {
    std::unordered_map<std::string, std::size_t> row;
    for (std::size_t r = 0; r < one.genes.size(); ++r) row.emplace(one.genes[r], r);
    ZMatrix some{one.group, common, one.targets, {}};
    for (const auto& gene : common)
      for (std::size_t t = 0; t < one.targets.size(); ++t) some.z.push_back(one.at(row.at(gene), t));
    one = std::move(some);
  }
  return matrices;
}

std::vector<CrossProgram> cross_group_programs(std::vector<ZMatrix> matrices, const CrossOptions& options,
                                               const RunControl& control) {
  matrices = with_common_genes(std::move(matrices));
  if (matrices.size() < 2 || matrices.front().genes.size() < 3)
    throw Error(ErrorCode::BadInput, "Programs across groups need two groups and three genes that all have, at least.",
                "Split the screen by a column of replicates or cell types, and give the Z matrix of each.");
  std::vector<std::string> order;
  for (const auto& one : matrices) {
    order.push_back(one.group);
    if (!std::all_of(one.z.begin(), one.z.end(), [](double v) { return std::isfinite(v); }))
      throw Error(ErrorCode::BadInput, "The Z matrix of " + one.group + " has missing values.",
                  "Clean it first: missing values become 0.");
  }
  std::vector<CrossProgram> programs;
  for (int round = 1; round <= options.rounds; ++round) {
    control.tell(static_cast<double>(round - 1) / options.rounds,
                 "programs across groups, round " + std::to_string(round));
    Round now = correlated(std::move(matrices), options, control);
    if (now.x.size() < 2) break;
    CrossProgram program;
    const auto members = joining(now, options, program.needed);
    if (members.empty()) break;
    program.round = round;
    for (const auto& one : now.x) program.groups.push_back(one.group);
    for (const auto& one : now.aside) program.set_aside.push_back(one.group);
    for (const auto& one : members) program.members.push_back(one.member);
    programs.push_back(std::move(program));
    matrices = remaining(std::move(now), members, order);
  }
  return programs;
}

ZMatrix joined(const std::vector<ZMatrix>& matrices, const CrossProgram& program) {
  const auto common = with_common_genes(matrices);
  ZMatrix all;
  all.group = "program " + std::to_string(program.round);
  if (common.empty()) return all;
  all.genes = common.front().genes;
  std::vector<std::pair<const ZMatrix*, std::size_t>> columns;
  for (const auto& member : program.members) {
    if (member.weight == 0) continue;
    for (const auto& one : common) {
      const auto found = std::find(one.targets.begin(), one.targets.end(), member.target);
      if (one.group != member.group || found == one.targets.end()) continue;
      columns.emplace_back(&one, static_cast<std::size_t>(found - one.targets.begin()));
      all.targets.push_back(member.group + "__" + member.target);
    }
  }
  for (std::size_t r = 0; r < all.genes.size(); ++r)
    for (const auto& [one, t] : columns) all.z.push_back(one->at(r, t));
  return all;
}

}  // namespace scriptorium::perturbation
