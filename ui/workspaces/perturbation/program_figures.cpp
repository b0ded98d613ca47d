#include "ui/workspaces/perturbation/program_figures.hpp"

#include <QObject>
#include <algorithm>
#include <cmath>

#include "core/perturbation/tables.hpp"
#include "ui/workspaces/perturbation/perturbation_figures.hpp"

namespace scriptorium::ui {
namespace {

using namespace perturbation;
using charts::Mark;
using charts::MarkKind;
using charts::Panel;

constexpr std::size_t kGenesASide = 12, kPanels = 6, kNames = 3;
constexpr unsigned kLower = 0xff0072b2, kHigher = 0xffd55e00;

QString str(const std::string& text) {
  return QString::fromStdString(text);
}

/// "STAT1, JAK2, IRF1 and 2 more".
QString fewOf(const std::vector<std::string>& names) {
  QStringList some;
  for (std::size_t i = 0; i < std::min(names.size(), kNames); ++i) some << str(names[i]);
  const QString all = some.join(", ");
  return names.size() > kNames ? QObject::tr("%1 and %2 more").arg(all).arg(names.size() - kNames) : all;
}

Panel panelOf(const FoundProgram& program, const Program& component) {
  Panel panel;
  panel.name = program.components.size() > 1
                   ? QObject::tr("%1, component %2").arg(str(program.name)).arg(component.component)
                   : str(program.name);
  panel.title = QObject::tr("%1: %2").arg(panel.name, fewOf(component.targets));
  panel.note = QObject::tr("%1 % of the variance").arg(QString::number(100 * component.share, 'f', 0));
  panel.x.title = QObject::tr("component score");
  Mark genes;
  genes.kind = MarkKind::Points;
  genes.name = QObject::tr("genes");
  genes.width = 4;
  genes.palette = {kLower, kHigher};
  genes.groups = {QObject::tr("lower in perturbed cells"), QObject::tr("higher in perturbed cells")};
  const auto add = [&](const std::string& gene, double score, bool up) {
    panel.y.categories << str(gene);
    genes.x.push_back(score);
    genes.y.push_back(static_cast<double>(panel.y.categories.size()) - 1);
    genes.values.push_back(up ? 1 : 0);
    genes.labels << str(gene);
  };
  const std::size_t up = std::min(component.up.size(), kGenesASide),
                    down = std::min(component.down.size(), kGenesASide);
  for (std::size_t i = 0; i < down; ++i) add(component.down[i], component.down_score[i], false);
  for (std::size_t i = up; i-- > 0;) add(component.up[i], component.up_score[i], true);  // the highest at the top
  panel.y.low = -0.6;
  panel.y.high = static_cast<double>(panel.y.categories.size()) - 0.4;
  Mark middle;
  middle.kind = MarkKind::GuideX;
  middle.tone = charts::Tone::Faint;
  middle.in_legend = false;
  middle.x = {0};
  panel.marks = {std::move(middle), std::move(genes)};
  return panel;
}

/// A line behind the last column, or under the last row, of a cluster.
Mark border(MarkKind kind, double at) {
  Mark made;
  made.kind = kind;
  made.name = QObject::tr("end of a cluster");
  made.tone = charts::Tone::Ink;
  made.in_legend = false;
  (kind == MarkKind::GuideX ? made.x : made.y) = {at};
  return made;
}

}  // namespace

charts::Figure programFigure(const ProgramSearch& found) {
  charts::Figure figure{"programs", {}, 1, false, {}};
  std::size_t all = 0;
  for (const FoundProgram& program : found.programs)
    for (const Program& component : program.components) {
      if (component.up.empty() && component.down.empty()) continue;
      if (++all <= kPanels) figure.panels.push_back(panelOf(program, component));
    }
  if (all > 1) figure.columns = 2;
  if (all > kPanels) figure.title = QObject::tr("%1 of %2 programs; the table has all").arg(kPanels).arg(all);
  return figure;
}

std::shared_ptr<const TableData> programTable(const ProgramSearch& found) {
  report::Table table = program_table(found);
  std::vector<std::string> targets;
  for (const FoundProgram& program : found.programs)
    for (const Program& component : program.components) {
      std::string names;
      for (const std::string& target : component.targets) names += (names.empty() ? "" : " ") + target;
      targets.resize(targets.size() + component.up.size() + component.down.size(), names);
    }
  table.add("targets", std::move(targets));
  return tableOf("programs",
                 ordered(std::move(table), {"gene", "program", "direction", "score", "component"}, "targets"),
                 {{"program", QObject::tr("The cluster of targets, or what the groups share.")},
                  {"direction", QObject::tr("up: higher in perturbed cells; down: lower.")},
                  {"score", QObject::tr("Of the gene on the component, above 0 for genes that go up.")},
                  {"component", QObject::tr("Number of the principal component.")},
                  {"share_of_variance", QObject::tr("Share of the variance that the component explains, 0 to 1.")},
                  {"targets", QObject::tr("Targets whose |correlation| with the component is 0.2 or more.")}});
}

charts::Figure clusterFigure(const std::vector<ZMatrix>& z, const std::vector<TargetClusters>& clusters) {
  charts::Figure figure{"target_clusters", {}, clusters.size() > 1 ? 2 : 1, false, {}};
  for (std::size_t m = 0; m < clusters.size(); ++m) {
    const ZMatrix& matrix = z[m];
    const std::vector<std::size_t> order = cluster_order(clusters[m]);
    const std::size_t n = order.size();
    std::vector<std::vector<double>> columns;
    for (const std::size_t t : order) columns.push_back(column_of(matrix, t));
    Panel panel;
    if (clusters.size() > 1) panel.title = str(matrix.group);
    panel.name = QObject::tr("Correlations of targets %1").arg(panel.title).trimmed();
    panel.bar = charts::ColorBar{QObject::tr("correlation of z"), -1, 1, charts::Ramp::TwoSided};
    Mark image;
    image.kind = MarkKind::Image;
    image.name = QObject::tr("correlation");
    image.image_columns = static_cast<int>(n);
    for (const std::size_t t : order) panel.x.categories << str(matrix.targets[t]);
    for (std::size_t row = n; row-- > 0;) {
      panel.y.categories << str(matrix.targets[order[row]]);
      for (std::size_t c = 0; c < n; ++c) image.values.push_back(row == c ? 1 : correlation(columns[row], columns[c]));
    }
    const double last = static_cast<double>(n) - 0.5;
    image.x = image.y = {-0.5, last};
    panel.x.low = panel.y.low = -0.5;
    panel.x.high = panel.y.high = last;
    panel.marks.push_back(std::move(image));
    std::size_t end = 0;
    for (const auto& cluster : clusters[m].clusters) {
      if (cluster.size() < 2) continue;
      end += cluster.size();
      if (end == n) break;
      panel.marks.push_back(border(MarkKind::GuideX, static_cast<double>(end) - 0.5));
      panel.marks.push_back(border(MarkKind::GuideY, static_cast<double>(n - end) - 0.5));
    }
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

std::shared_ptr<const TableData> clusterTable(const std::vector<ZMatrix>& z,
                                              const std::vector<TargetClusters>& clusters) {
  report::Table table;
  for (std::size_t m = 0; m < clusters.size(); ++m) append(table, cluster_table(z[m], clusters[m]));
  return tableOf("target_clusters", ordered(std::move(table), {"target", "cluster", "nearest", "correlation"}, "group"),
                 {{"cluster", QObject::tr("Targets that change the same genes; empty: the target is alone.")},
                  {"nearest", QObject::tr("The target whose changes are most like its own.")},
                  {"correlation", QObject::tr("Of z with that target's, −1 to 1; below 0: the other way round.")}});
}

}  // namespace scriptorium::ui
