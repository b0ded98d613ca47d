#include <QLocale>
#include <QObject>
#include <algorithm>

#include "core/perturbation/tables.hpp"
#include "ui/workspaces/perturbation/perturbation_figures.hpp"

namespace scriptorium::ui {
namespace {

using namespace perturbation;

QHash<QString, QString> helpOfTargets() {
  return {{"target", QObject::tr("What the guides of these cells aim at.")},
          {"verdict", QObject::tr("Whether an effect is seen; the reason is in the last column.")},
          {"auc", QObject::tr("Chance that a cell of the target scores above a control cell: 0.5 is none.")},
          {"share_perturbed", QObject::tr("Share of its cells that are called perturbed, 0 to 1.")},
          {"perturbed", QObject::tr("Cells that are called perturbed.")},
          {"markers", QObject::tr("Genes that differ from the controls.")},
          {"log2fc_own", QObject::tr("log2 fold change of the target's own gene; empty: not among the genes.")},
          {"p_own", QObject::tr("Rank-sum p of the target's own gene.")},
          {"mean_score", QObject::tr("Mean score of its scored cells.")},
          {"guide_p_adj", QObject::tr("Adjusted p that its guides differ in their share of perturbed cells.")},
          {"cells", QObject::tr("Cells of the target.")},
          {"guides", QObject::tr("Guides of the target.")},
          {"reason", QObject::tr("Why this verdict.")}};
}

}  // namespace

report::Table ordered(report::Table table, std::initializer_list<const char*> first, const char* last) {
  const auto place = [&](const report::TableColumn& column) {
    if (column.name == last) return 1000;
    const auto at = std::find(first.begin(), first.end(), column.name);
    return at == first.end() ? 100 : static_cast<int>(at - first.begin());
  };
  std::stable_sort(table.columns.begin(), table.columns.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return table;
}

std::shared_ptr<const TableData> targetTable(const Screening& of) {
  TableData table =
      *tableOf("targets",
               ordered(target_table(of.screen, of.targets),
                       {"target", "verdict", "cells", "share_perturbed", "mean_score", "auc", "markers", "log2fc_own"},
                       "reason"),
               helpOfTargets());
  // What is to be seen at a glance stands beside each other without scrolling.
  const QHash<QString, QString> headings{{"target", QObject::tr("target")},
                                         {"verdict", QObject::tr("verdict")},
                                         {"cells", QObject::tr("cells")},
                                         {"share_perturbed", QString::fromStdString(of.options.call.perturbation_type)},
                                         {"mean_score", QObject::tr("score")}};
  for (TableColumn& column : table.columns) column.heading = headings.value(column.name);
  return std::make_shared<const TableData>(std::move(table));
}

std::shared_ptr<const TableData> guideTable(const Screening& of) {
  return tableOf("guides", guide_table(of.screen, of.targets),
                 {{"share_perturbed", QObject::tr("Share of its cells that are called perturbed, 0 to 1.")},
                  {"mean_score", QObject::tr("Mean score of its scored cells.")}});
}

std::shared_ptr<const TableData> screenCellTable(const Screening& of, const std::vector<std::string>& cells) {
  report::Table table = call_table(cells, of.screen, of.calls, of.options.class_column);
  report::Table scores = score_table(cells, of.screen, of.scores, of.options.score_column);
  for (report::TableColumn& column : scores.columns)
    if (column.name == of.options.score_column)
      table.columns.insert(table.columns.begin() + std::min<std::ptrdiff_t>(4, std::ssize(table.columns)),
                           std::move(column));
  return tableOf("screen_cells", table);
}

std::shared_ptr<const TableData> markerTable(const Screening& of, std::int32_t target, std::vector<std::int64_t>& genes,
                                             const RunControl& control) {
  Groups groups;
  groups.n_groups = 1;
  for (const std::int32_t code : of.screen.target.code)
    groups.of_cell.push_back(code == target ? 1 : code == of.screen.control ? 0 : -1);
  const MarkerTable found =
      by_rising_p(test_markers(*of.expression, groups, of.options.score.markers, control).front());
  genes = found.gene;
  const report::Table table =
      ordered(marker_table(of.screen, target, found, of.scores.markers[static_cast<std::size_t>(target)], -1),
              {"gene", "selected", "log2fc", "p_adj", "p", "z"}, "target");
  return tableOf("markers", table,
                 {{"selected", QObject::tr("Place among the marker genes of the target; empty: it is none.")},
                  {"log2fc", QObject::tr("log2 fold change against the controls; above 0: higher in the target.")},
                  {"p_adj", QObject::tr("Adjusted p of the test against the controls.")},
                  {"pct_target", QObject::tr("Share of the target's cells in which the gene was seen.")},
                  {"pct_control", QObject::tr("Share of the control cells in which the gene was seen.")}});
}

QString resultInWords(const Screening& of) {
  std::int64_t seen = 0, perturbed = 0;
  for (const TargetSummary& one : of.targets) {
    seen += one.verdict == TargetVerdict::Effect || one.verdict == TargetVerdict::GuidesDisagree ? 1 : 0;
    perturbed += one.perturbed;
  }
  const QLocale words(QLocale::English);
  QString said = QObject::tr("An effect is seen for <b>%1 of %2</b> targets; %3 cells are called perturbed.")
                     .arg(seen)
                     .arg(of.targets.size())
                     .arg(words.toString(static_cast<qlonglong>(perturbed)));
  return said;
}

}  // namespace scriptorium::ui
