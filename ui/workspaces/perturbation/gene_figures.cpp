#include "ui/workspaces/perturbation/gene_figures.hpp"

#include <QObject>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/perturbation/tables.hpp"
#include "ui/workspaces/perturbation/perturbation_figures.hpp"

namespace scriptorium::ui {
namespace {

using namespace perturbation;
using charts::Mark;
using charts::MarkKind;
using charts::Panel;

constexpr double kMostZ = 15, kMostLogP = 10, kMostOdds = 20;
constexpr std::size_t kSetsShown = 20;

QString str(const std::string& text) {
  return QString::fromStdString(text);
}

}  // namespace

charts::Figure volcanoFigure(const WeightedDe& de, const std::vector<std::string>& genes,
                             const std::vector<std::uint8_t>* selected) {
  charts::Figure figure{"volcano", {}, de.groups.size() > 1 ? 2 : 1, false, {}};
  if (de.rows() == 0) return figure;
  for (std::size_t group = 0; group < de.groups.size(); ++group) {
    const std::vector<double> p_adj = adjusted_p(de, group);
    Panel panel;
    if (de.groups.size() > 1) panel.title = str(de.groups[group]);
    panel.name = QObject::tr("Genes of %1 %2").arg(str(de.target), panel.title).trimmed();
    panel.x.title = QObject::tr("log2 fold change");
    panel.y.title = QObject::tr("−log10 p");
    panel.y.low = 0;
    Mark points;
    points.kind = MarkKind::Points;
    points.name = QObject::tr("genes");
    points.width = 2.5;
    points.palette = {0xff7d7d7d, 0xff0072b2, 0xffd55e00};
    points.groups = {QObject::tr("no change"), QObject::tr("lower, adjusted p ≤ 0.05"),
                     QObject::tr("higher, adjusted p ≤ 0.05")};
    auto emphasis = std::make_shared<std::vector<std::uint8_t>>();
    for (std::size_t r = 0; r < de.rows(); ++r) {
      const double log_p = de.log_p[r * de.columns.size() + de.weight_column(group)];
      const double change = de.log2fc[r * de.groups.size() + group];
      points.x.push_back(change);
      points.y.push_back(-log_p / std::log(10.0));
      points.labels << str(genes[static_cast<std::size_t>(de.gene[r])]);
      points.values.push_back(!(p_adj[r] <= 0.05) ? 0 : change < 0 ? 1 : 2);
      if (selected) emphasis->push_back((*selected)[static_cast<std::size_t>(de.gene[r])]);
    }
    if (selected) points.emphasis = std::move(emphasis);
    panel.marks.push_back(std::move(points));
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

charts::Figure zFigure(const std::vector<ZMatrix>& matrices) {
  charts::Figure figure{"z_matrix", {}, 1, false, {}};
  for (const ZMatrix& matrix : matrices) {
    const std::vector<std::size_t> order = gene_order(matrix);
    Panel panel;
    if (matrices.size() > 1) panel.title = str(matrix.group);
    panel.name = QObject::tr("Z of genes by target %1").arg(panel.title).trimmed();
    panel.x.title = QObject::tr("genes");
    panel.bar = charts::ColorBar{"z", -kMostZ, kMostZ, charts::Ramp::TwoSided};
    Mark image;
    image.kind = MarkKind::Image;
    image.name = "z";
    image.image_columns = static_cast<int>(order.size());
    for (const std::size_t r : order) panel.x.categories << str(matrix.genes[r]);
    for (std::size_t c = matrix.targets.size(); c-- > 0;) {  // the first target at the top
      panel.y.categories << str(matrix.targets[c]);
      for (const std::size_t r : order) image.values.push_back(std::clamp(matrix.at(r, c), -kMostZ, kMostZ));
    }
    image.x = {-0.5, static_cast<double>(order.size()) - 0.5};
    image.y = {-0.5, static_cast<double>(matrix.targets.size()) - 0.5};
    panel.x.low = image.x[0];
    panel.x.high = image.x[1];
    panel.y.low = image.y[0];
    panel.y.high = image.y[1];
    panel.marks.push_back(std::move(image));
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

charts::Figure setFigure(const std::vector<SetResults>& tested) {
  charts::Figure figure{"gene_sets", {}, 1, false, {}};
  for (const SetResults& one : tested) {
    std::vector<std::size_t> order(one.results.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return one.results[a].p < one.results[b].p; });
    order.resize(std::min(order.size(), kSetsShown));
    if (order.empty()) continue;
    Panel panel;
    panel.title = one.list.up ? QObject::tr("%1 genes higher").arg(one.list.genes.size())
                              : QObject::tr("%1 genes lower").arg(one.list.genes.size());
    if (one.list.group != "all") panel.title += ", " + str(one.list.group);
    if (one.results.size() > order.size())
      panel.note = QObject::tr("%1 of %2 sets").arg(order.size()).arg(one.results.size());
    panel.x.title = QObject::tr("−log10 adjusted p");
    panel.x.low = 0;
    panel.bar = charts::ColorBar{QObject::tr("odds ratio"), 0, kMostOdds};
    Mark dots;
    dots.kind = MarkKind::Points;
    dots.name = QObject::tr("sets");
    dots.width = 5;
    double most = 1;
    for (std::size_t i = order.size(); i-- > 0;) {
      const FisherResult& result = one.results[order[i]];
      panel.y.categories << str(result.set);
      dots.x.push_back(std::min(kMostLogP, -std::log10(std::max(result.p_adjusted, 1e-300)) + 0.0));
      most = std::max(most, dots.x.back());
      dots.y.push_back(static_cast<double>(panel.y.categories.size()) - 1);
      dots.values.push_back(std::min(kMostOdds, result.odds_ratio));
      dots.labels << QObject::tr("%1: %2 genes").arg(str(result.set)).arg(result.overlap);
    }
    panel.x.high = 1.05 * most;
    panel.y.low = -0.6;
    panel.y.high = static_cast<double>(order.size()) - 0.4;
    panel.marks.push_back(std::move(dots));
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

std::shared_ptr<const TableData> setTable(const std::vector<SetResults>& tested) {
  report::Table table;
  for (const SetResults& one : tested) append(table, with_list(one.list, fisher_table(one.results)));
  return tableOf("gene_sets",
                 ordered(std::move(table), {"set", "direction", "p_adj", "odds_ratio", "overlap"}, "genes"),
                 {{"p_adj", QObject::tr("Benjamini–Hochberg over the sets.")},
                  {"overlap", QObject::tr("Genes of the list that are in the set.")},
                  {"in_list", QObject::tr("Genes of the list.")},
                  {"set_in_background", QObject::tr("Genes of the set that were tested.")},
                  {"combined_score", QObject::tr("−ln p times the odds ratio.")}});
}

}  // namespace scriptorium::ui
