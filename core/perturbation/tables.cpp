#include "core/perturbation/tables.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace scriptorium::perturbation {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::string label_at(const analysis::Labels& labels, std::int64_t cell) {
  return labels.code[cell] < 0 ? "" : labels.names[labels.code[cell]];
}

std::vector<std::string> texts(const analysis::Labels& labels) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < labels.code.size(); ++i) out.push_back(label_at(labels, static_cast<std::int64_t>(i)));
  return out;
}

/// What each of some results has in a field, as a column.
template <class Result, class Get>
auto column(const std::vector<Result>& results, Get get) {
  std::vector<std::decay_t<decltype(get(results.front()))>> out;
  for (const Result& one : results) out.push_back(get(one));
  return out;
}

/// Columns cell, target, and guide and split where the screen has them.
report::Table cells_table(const std::vector<std::string>& cells, const Screen& screen) {
  report::Table table;
  table.add("cell", cells);
  table.add("target", texts(screen.target));
  if (!screen.guide.names.empty()) table.add("guide", texts(screen.guide));
  if (screen.has_split) table.add("split", texts(screen.split));
  return table;
}

}  // namespace

report::Table marker_table(const Screen& screen, std::int32_t target, const MarkerTable& tested,
                           const std::vector<std::int64_t>& selected, std::int32_t split) {
  const std::size_t n = tested.gene.size();
  std::vector<std::int64_t> rank_of(screen.genes.size(), report::missing_integer), rank;
  for (std::size_t j = 0; j < selected.size(); ++j) rank_of[selected[j]] = static_cast<std::int64_t>(j) + 1;
  std::vector<std::string> gene;
  for (const std::int64_t g : tested.gene) {
    gene.push_back(screen.genes[g]);
    rank.push_back(rank_of[g]);
  }
  report::Table table;
  table.add("target", std::vector<std::string>(n, screen.target.names[target]));
  if (split >= 0) table.add("split", std::vector<std::string>(n, screen.split.names[split]));
  table.add("gene", std::move(gene));
  table.add("z", tested.z);
  table.add("p", tested.p);
  table.add("p_adj", tested.p_adj);
  table.add("log2fc", tested.log2fc);
  table.add("pct_target", tested.pct_target);
  table.add("pct_control", tested.pct_control);
  table.add("selected", std::move(rank));
  return table;
}

report::Table marker_table(const Screen& screen, const std::vector<MarkerTable>& tables,
                           const std::vector<std::vector<std::int64_t>>& selected, std::int32_t split) {
  report::Table all;
  for (std::int32_t t = 0; t < screen.n_targets(); ++t)
    append(all, marker_table(screen, t, tables[t], selected[t], split));
  return all;
}

MarkerTable by_rising_p(const MarkerTable& tested) {
  std::vector<std::size_t> order(tested.gene.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return tested.p[a] < tested.p[b]; });
  MarkerTable sorted = tested;
  const auto put = [&](auto& to, const auto& from) {
    for (std::size_t i = 0; i < order.size(); ++i) to[i] = from[order[i]];
  };
  put(sorted.gene, tested.gene);
  put(sorted.z, tested.z);
  put(sorted.p, tested.p);
  put(sorted.p_adj, tested.p_adj);
  put(sorted.log2fc, tested.log2fc);
  put(sorted.pct_target, tested.pct_target);
  put(sorted.pct_control, tested.pct_control);
  return sorted;
}

void append(report::Table& table, report::Table more) {
  if (table.columns.empty()) {
    table = std::move(more);
    return;
  }
  for (std::size_t j = 0; j < table.columns.size(); ++j)
    std::visit(
        [&](auto& values) {
          const auto& behind = std::get<std::decay_t<decltype(values)>>(more.columns[j].values);
          values.insert(values.end(), behind.begin(), behind.end());
        },
        table.columns[j].values);
}

report::Table score_table(const std::vector<std::string>& cells, const Screen& screen, const Scores& scores,
                          const std::string& score_column) {
  auto table = cells_table(cells, screen);
  table.add(score_column, scores.score);
  return table;
}

report::Table projection_table(const std::vector<std::string>& cells, const Screen& screen, const Scores& scores) {
  std::vector<std::string> target, split, cell;
  std::vector<bool> is_target;
  std::vector<double> pvec, score;
  for (const GroupScore& group : scores.groups)
    for (std::size_t i = 0; i < group.cells.size(); ++i) {
      target.push_back(screen.target.names[group.target]);
      split.push_back(screen.split.names[group.split]);
      cell.push_back(cells[group.cells[i]]);
      is_target.push_back(i < group.n_target);
      pvec.push_back(group.projection[i]);
      score.push_back(standardised(group, i));
    }
  report::Table table;
  table.add("target", std::move(target));
  table.add("split", std::move(split));
  table.add("cell", std::move(cell));
  table.add("is_target", std::move(is_target));
  table.add("pvec", std::move(pvec));
  table.add("score", std::move(score));
  return table;
}

report::Table call_table(const std::vector<std::string>& cells, const Screen& screen, const Calls& calls,
                         const std::string& class_column) {
  auto table = cells_table(cells, screen);
  table.add(class_column, texts(calls.classes(screen)));
  table.add(class_column + "_global", texts(calls.global_classes(screen)));
  table.add(posterior_column(class_column, calls), calls.posterior);
  std::vector<double> pvec(cells.size(), nan);
  for (const GroupCall& group : calls.groups)
    for (std::size_t i = 0; i < group.n_target && !group.projection.empty(); ++i)
      pvec[group.cells[i]] = group.projection[i];
  table.add("pvec", std::move(pvec));
  return table;
}

std::string posterior_column(const std::string& class_column, const Calls& calls) {
  std::string type = calls.perturbation_type;
  for (char& letter : type)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return class_column + "_p_" + type;
}

report::Table discriminant_table(const std::vector<std::string>& cells, const Screen& screen,
                                 const Discriminant& found) {
  std::vector<std::string> cell, target;
  for (std::size_t i = 0; i < found.cells.size(); ++i) {
    cell.push_back(cells[found.cells[i]]);
    target.push_back(screen.target.names[found.label[i]]);
  }
  report::Table table;
  table.add("cell", std::move(cell));
  table.add("target", std::move(target));
  for (int axis = 0; axis < found.axes; ++axis) {
    std::vector<double> column;
    for (std::size_t i = 0; i < found.cells.size(); ++i)
      column.push_back(found.coordinates[i * static_cast<std::size_t>(found.axes) + static_cast<std::size_t>(axis)]);
    table.add("lda_" + std::to_string(axis + 1), std::move(column));
  }
  return table;
}

report::Table target_table(const Screen& screen, const std::vector<TargetSummary>& targets) {
  using T = const TargetSummary&;
  report::Table table;
  table.add("target", column(targets, [&](T t) { return screen.target.names[t.target]; }));
  table.add("verdict", column(targets, [](T t) { return to_string(t.verdict); }));
  table.add("reason", column(targets, [](T t) { return t.reason; }));
  table.add("cells", column(targets, [](T t) { return t.cells; }));
  table.add("guides", column(targets, [](T t) { return t.guides; }));
  table.add("markers", column(targets, [](T t) { return t.markers; }));
  table.add("perturbed", column(targets, [](T t) { return t.perturbed; }));
  table.add("share_perturbed", column(targets, [](T t) { return t.share_perturbed; }));
  table.add("mean_score", column(targets, [](T t) { return t.mean_score; }));
  table.add("auc", column(targets, [](T t) { return t.auc; }));
  table.add("log2fc_own", column(targets, [](T t) { return t.log2fc_own; }));
  table.add("p_own", column(targets, [](T t) { return t.p_own; }));
  table.add("guide_p_adj", column(targets, [](T t) { return t.guide_p_adj; }));
  return table;
}

report::Table guide_table(const Screen& screen, const std::vector<TargetSummary>& targets) {
  std::vector<std::string> target, guide;
  std::vector<std::int64_t> cells, perturbed;
  std::vector<double> share, score;
  for (const TargetSummary& one : targets)
    for (const GuideShare& entry : one.by_guide) {
      target.push_back(screen.target.names[one.target]);
      guide.push_back(screen.guide.names[entry.guide]);
      cells.push_back(entry.cells);
      perturbed.push_back(entry.perturbed);
      share.push_back(static_cast<double>(entry.perturbed) / static_cast<double>(entry.cells));
      score.push_back(entry.mean_score);
    }
  report::Table table;
  table.add("target", std::move(target));
  table.add("guide", std::move(guide));
  table.add("cells", std::move(cells));
  table.add("perturbed", std::move(perturbed));
  table.add("share_perturbed", std::move(share));
  table.add("mean_score", std::move(score));
  return table;
}

report::Table fisher_table(const std::vector<FisherResult>& results) {
  using R = const FisherResult&;
  report::Table table;
  table.add("set", column(results, [](R r) { return r.set; }));
  table.add("overlap", column(results, [](R r) { return r.overlap; }));
  table.add("in_list", column(results, [](R r) { return r.in_list; }));
  table.add("set_in_background", column(results, [](R r) { return r.in_set; }));
  table.add("set_size", column(results, [](R r) { return r.set_size; }));
  table.add("odds_ratio", column(results, [](R r) { return r.odds_ratio; }));
  table.add("p", column(results, [](R r) { return r.p; }));
  table.add("p_adj", column(results, [](R r) { return r.p_adjusted; }));
  table.add("combined_score", column(results, [](R r) { return r.combined; }));
  table.add("genes", column(results, [](R r) {
              std::string names;
              for (const auto& gene : r.genes) names += (names.empty() ? "" : ";") + gene;
              return names;
            }));
  return table;
}

report::Table rank_table(const std::vector<RankResult>& results) {
  using R = const RankResult&;
  report::Table table;
  table.add("set", column(results, [](R r) { return r.set; }));
  table.add("overlap", column(results, [](R r) { return r.overlap; }));
  table.add("set_size", column(results, [](R r) { return r.set_size; }));
  table.add("rbo", column(results, [](R r) { return r.rbo; }));
  table.add("p", column(results, [](R r) { return r.p; }));
  table.add("p_adj", column(results, [](R r) { return r.p_adjusted; }));
  return table;
}

report::Table with_list(const DeList& list, report::Table table) {
  const std::size_t rows = table.rows();
  const bool bare = list.target.empty() && list.group == "list";
  report::Table all;
  all.add("target", std::vector<std::string>(rows, list.target));
  all.add("group", std::vector<std::string>(rows, bare ? "" : list.group));
  all.add("direction", std::vector<std::string>(rows, bare ? "" : list.up ? "up" : "down"));
  for (auto& column : table.columns) all.columns.push_back(std::move(column));
  return all;
}

}  // namespace scriptorium::perturbation
