#include "core/perturbation/tables.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

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

report::Table marker_table(const Screen& screen, const std::vector<MarkerTable>& tables,
                           const std::vector<std::vector<std::int64_t>>& selected, std::int32_t split) {
  std::vector<std::string> target, gene;
  std::vector<double> z, p, p_adj, log2fc, pct_target, pct_control;
  std::vector<std::int64_t> rank;
  for (std::int32_t t = 0; t < screen.n_targets(); ++t) {
    const MarkerTable& one = tables[t];
    std::vector<std::int64_t> rank_of(static_cast<std::size_t>(screen.genes.size()), report::missing_integer);
    for (std::size_t j = 0; j < selected[t].size(); ++j) rank_of[selected[t][j]] = static_cast<std::int64_t>(j) + 1;
    for (std::size_t i = 0; i < one.gene.size(); ++i) {
      target.push_back(screen.target.names[t]);
      gene.push_back(screen.genes[one.gene[i]]);
      z.push_back(one.z[i]);
      p.push_back(one.p[i]);
      p_adj.push_back(one.p_adj[i]);
      log2fc.push_back(one.log2fc[i]);
      pct_target.push_back(one.pct_target[i]);
      pct_control.push_back(one.pct_control[i]);
      rank.push_back(rank_of[one.gene[i]]);
    }
  }
  report::Table table;
  const std::size_t n = target.size();
  table.add("target", std::move(target));
  if (split >= 0) table.add("split", std::vector<std::string>(n, screen.split.names[split]));
  table.add("gene", std::move(gene));
  table.add("z", std::move(z));
  table.add("p", std::move(p));
  table.add("p_adj", std::move(p_adj));
  table.add("log2fc", std::move(log2fc));
  table.add("pct_target", std::move(pct_target));
  table.add("pct_control", std::move(pct_control));
  table.add("selected", std::move(rank));
  return table;
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
  const auto column = [&](auto get) {
    std::vector<std::decay_t<decltype(get(targets.front()))>> out;
    for (const TargetSummary& target : targets) out.push_back(get(target));
    return out;
  };
  using T = const TargetSummary&;
  report::Table table;
  table.add("target", column([&](T t) { return screen.target.names[t.target]; }));
  table.add("verdict", column([](T t) { return to_string(t.verdict); }));
  table.add("reason", column([](T t) { return t.reason; }));
  table.add("cells", column([](T t) { return t.cells; }));
  table.add("guides", column([](T t) { return t.guides; }));
  table.add("markers", column([](T t) { return t.markers; }));
  table.add("perturbed", column([](T t) { return t.perturbed; }));
  table.add("share_perturbed", column([](T t) { return t.share_perturbed; }));
  table.add("mean_score", column([](T t) { return t.mean_score; }));
  table.add("auc", column([](T t) { return t.auc; }));
  table.add("log2fc_own", column([](T t) { return t.log2fc_own; }));
  table.add("p_own", column([](T t) { return t.p_own; }));
  table.add("guide_p_adj", column([](T t) { return t.guide_p_adj; }));
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

}  // namespace scriptorium::perturbation
