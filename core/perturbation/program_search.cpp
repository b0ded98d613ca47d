#include "core/perturbation/program_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/perturbation/jobs.hpp"
#include "core/perturbation/tables.hpp"

namespace scriptorium::perturbation {
namespace {

/// Columns that may be a program.
struct Proposal {
  FoundProgram program;
  ZMatrix z;
};

std::string cluster_name(std::size_t number) {
  return "cluster " + std::to_string(number);
}

Proposal proposal_of(const std::string& name, ZMatrix z) {
  Proposal made{{name, {}, {}}, std::move(z)};
  for (const auto& target : made.z.targets) made.program.members.emplace_back(made.z.group, target);
  return made;
}

/// One matrix: clusters of two targets or more, or all targets.
void within(const ZMatrix& z, const ProgramSearchOptions& options, const std::string& before, const RunControl& control,
            std::vector<Proposal>& proposals, ProgramSearch& found) {
  if (options.whole) {
    proposals.push_back(proposal_of(before + "all", z));
    return;
  }
  found.clusters.push_back(cluster_targets(z, options.height, control));
  std::size_t number = 0;
  for (const auto& cluster : found.clusters.back().clusters)
    if (cluster.size() > 1)
      proposals.push_back(proposal_of(before + cluster_name(++number), select_columns(z, cluster)));
  if (number == 0) found.notes.push_back("No two targets of " + z.group + " change the same genes.");
}

void across(const ProgramSearchOptions& options, const RunControl& control, std::vector<Proposal>& proposals,
            ProgramSearch& found) {
  for (const auto& program : cross_group_programs(found.z, options.cross, control)) {
    const std::string name = "program " + std::to_string(program.round);
    Proposal made{{name, {}, {}}, joined(found.z, program)};
    for (const auto& member : program.members) made.program.members.emplace_back(member.group, member.target);
    for (const auto& group : program.set_aside)
      found.notes.push_back(group + " took no part in " + name + ": it does not correlate with the other groups.");
    proposals.push_back(std::move(made));
  }
  if (proposals.empty()) found.notes.emplace_back("The groups share no program.");
}

}  // namespace

ProgramSearch find_programs(std::vector<ZMatrix> matrices, const ProgramSearchOptions& options,
                            const RunControl& control) {
  ProgramSearch found;
  const std::size_t before = matrices.size();
  found.z = clean(std::move(matrices), options.clean);
  if (found.z.size() < before) found.notes.emplace_back("Matrices with fewer than two targets were left out.");
  std::vector<Proposal> proposals;
  if (found.z.size() > 1 && !options.each)
    across(options, control, proposals, found);
  else
    for (const auto& z : found.z) within(z, options, before > 1 ? z.group + " " : "", control, proposals, found);
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    FoundProgram& program = proposals[i].program;
    const auto n = static_cast<double>(proposals.size()), at = static_cast<double>(i);
    try {
      program.components = programs_of(
          pca_permutation_test(proposals[i].z, options.pca, part(control, at / n, (at + 1) / n)), options.genes);
    } catch (const Error& error) {
      found.notes.push_back(program.name + ": " + error.what());
    }
    for (const auto& one : program.components)
      if (one.up.empty() && one.down.empty())
        found.notes.push_back(program.name + ", component " + std::to_string(one.component) +
                              ": no gene stands out from permutations.");
    found.programs.push_back(std::move(program));
  }
  return found;
}

report::Table program_table(const ProgramSearch& found) {
  std::vector<std::string> name, direction, gene;
  std::vector<std::int64_t> component;
  std::vector<double> share, score;
  for (const auto& program : found.programs)
    for (const auto& one : program.components)
      for (const bool up : {true, false}) {
        const auto& genes = up ? one.up : one.down;
        const auto& scores = up ? one.up_score : one.down_score;
        gene.insert(gene.end(), genes.begin(), genes.end());
        score.insert(score.end(), scores.begin(), scores.end());
        name.resize(gene.size(), program.name);
        direction.resize(gene.size(), up ? "up" : "down");
        component.resize(gene.size(), one.component);
        share.resize(gene.size(), one.share);
      }
  report::Table table;
  table.add("program", std::move(name));
  table.add("component", std::move(component));
  table.add("share_of_variance", std::move(share));
  table.add("direction", std::move(direction));
  table.add("gene", std::move(gene));
  table.add("score", std::move(score));
  return table;
}

report::Table member_table(const ProgramSearch& found) {
  std::vector<std::string> name, group, target;
  for (const auto& program : found.programs)
    for (const auto& [of, member] : program.members) {
      name.push_back(program.name);
      group.push_back(of);
      target.push_back(member);
    }
  report::Table table;
  table.add("program", std::move(name));
  table.add("group", std::move(group));
  table.add("target", std::move(target));
  return table;
}

std::vector<std::size_t> cluster_order(const TargetClusters& clusters) {
  std::vector<std::size_t> order;
  for (const bool several : {true, false})
    for (const auto& cluster : clusters.clusters)
      if ((cluster.size() > 1) == several) order.insert(order.end(), cluster.begin(), cluster.end());
  return order;
}

report::Table cluster_table(const ZMatrix& z, const TargetClusters& clusters) {
  const std::size_t n = z.targets.size();
  std::vector<std::vector<double>> columns;
  for (std::size_t t = 0; t < n; ++t) columns.push_back(column_of(z, t));
  std::vector<std::string> cluster_of(n), target, cluster, nearest;
  std::vector<double> with;
  std::size_t number = 0;
  for (const auto& one : clusters.clusters) {
    if (one.size() < 2) continue;
    ++number;
    for (const std::size_t t : one) cluster_of[t] = cluster_name(number);
  }
  for (const std::size_t t : cluster_order(clusters)) {
    double best = std::numeric_limits<double>::quiet_NaN();
    std::string name;
    for (std::size_t other = 0; other < n; ++other) {
      const double r = other == t ? std::numeric_limits<double>::quiet_NaN() : correlation(columns[t], columns[other]);
      if (std::isnan(r) || std::fabs(r) <= std::fabs(best)) continue;
      best = r;
      name = z.targets[other];
    }
    target.push_back(z.targets[t]);
    cluster.push_back(cluster_of[t]);
    nearest.push_back(name);
    with.push_back(best);
  }
  report::Table table;
  table.add("target", std::move(target));
  table.add("group", std::vector<std::string>(n, z.group));
  table.add("cluster", std::move(cluster));
  table.add("nearest", std::move(nearest));
  table.add("correlation", std::move(with));
  return table;
}

}  // namespace scriptorium::perturbation
