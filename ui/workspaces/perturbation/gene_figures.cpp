#include "ui/workspaces/perturbation/gene_figures.hpp"

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

constexpr double kMostZ = 15, kMostLogP = 10, kMostOdds = 20;
constexpr std::size_t kSetsShown = 20;

QString str(const std::string& text) {
  return QString::fromStdString(text);
}

double cutLogP(double p) {
  return std::min(kMostLogP, -std::log10(std::max(p, 1e-300)) + 0.0);
}

/// A set of a list as a dot.
struct Dot {
  std::string set;
  std::int64_t overlap = 0;
  double p = 1, x = 0, value = 0;
};

/// The sets of smallest p, the best at the top.
Panel dotPanel(const DeList& list, std::vector<Dot> dots, const QString& x, charts::ColorBar bar) {
  const std::size_t all = dots.size();
  std::stable_sort(dots.begin(), dots.end(), [](const Dot& a, const Dot& b) { return a.p < b.p; });
  dots.resize(std::min(all, kSetsShown));
  Panel panel;
  panel.title = list.up ? QObject::tr("%1 genes higher").arg(list.genes.size())
                        : QObject::tr("%1 genes lower").arg(list.genes.size());
  if (list.group != "all") panel.title += ", " + str(list.group);
  if (all > dots.size()) panel.note = QObject::tr("%1 of %2 sets").arg(dots.size()).arg(all);
  panel.x.title = x;
  panel.bar = std::move(bar);
  Mark points;
  points.kind = MarkKind::Points;
  points.name = QObject::tr("sets");
  points.width = 5;
  for (std::size_t i = dots.size(); i-- > 0;) {
    panel.y.categories << str(dots[i].set);
    points.x.push_back(dots[i].x);
    points.y.push_back(static_cast<double>(panel.y.categories.size()) - 1);
    points.values.push_back(dots[i].value);
    points.labels << QObject::tr("%1: %2 genes").arg(str(dots[i].set)).arg(dots[i].overlap);
  }
  panel.y.low = -0.6;
  panel.y.high = static_cast<double>(dots.size()) - 0.4;
  panel.marks.push_back(std::move(points));
  return panel;
}

/// x from 0 to the farthest dot, at least to `least`, with room for whole dots at both ends.
void fitDots(Panel& panel, double least) {
  const auto& x = panel.marks[0].x;
  const double end = std::max(least, *std::max_element(x.begin(), x.end()));
  panel.x.low = -0.03 * end;
  panel.x.high = 1.05 * end;
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
    panel.x.title = QObject::tr("log2 fold change of counts per cell");
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

std::shared_ptr<const TableData> zTable(const std::vector<ZMatrix>& matrices) {
  if (matrices.size() == 1) return tableOf("z_matrix", z_table(matrices.front()));
  std::vector<std::string> groups, genes;
  std::vector<std::vector<double>> columns(matrices.empty() ? 0 : matrices.front().targets.size());
  for (const ZMatrix& matrix : matrices)  // all have the same rows and columns
    for (std::size_t r = 0; r < matrix.genes.size(); ++r) {
      groups.push_back(matrix.group);
      genes.push_back(matrix.genes[r]);
      for (std::size_t c = 0; c < columns.size(); ++c) columns[c].push_back(matrix.at(r, c));
    }
  report::Table all;
  all.add("gene", std::move(genes));
  all.add("group", std::move(groups));
  for (std::size_t c = 0; c < columns.size(); ++c) all.add(matrices.front().targets[c], std::move(columns[c]));
  return tableOf("z_matrix", all);
}

QString whyNoZ(const std::vector<ZMatrix>& matrices, const ZOptions& options) {
  const QString thresholds =
      QObject::tr("p ≤ %1 and a log2 fold change of %2").arg(QString::number(options.p, 'g', 3)).arg(options.log2fc);
  if (matrices.empty())
    return QObject::tr(
               "No gene of any target is beyond the thresholds of the Z matrix (%1): there is nothing to lay side "
               "by side. ")
               .arg(thresholds) +
           whatHelpsZ();
  return QObject::tr(
             "Only %1 has genes beyond the thresholds of the Z matrix (%2): it takes two targets to lay side by "
             "side. ")
             .arg(str(matrices.front().targets.front()), thresholds) +
         whatHelpsZ();
}

QString whatHelpsZ() {
  return QObject::tr(
      "More cells of each target, or more genes in the data, make tests clearer; Settings takes softer thresholds.");
}

charts::Figure setFigure(const std::vector<SetResults>& tested) {
  charts::Figure figure{"gene_sets", {}, 1, false, {}};
  for (const SetResults& one : tested) {
    if (one.fisher.empty()) continue;
    std::vector<Dot> dots;
    for (const FisherResult& result : one.fisher)
      dots.push_back(
          {result.set, result.overlap, result.p, cutLogP(result.p_adjusted), std::min(kMostOdds, result.odds_ratio)});
    figure.panels.push_back(dotPanel(one.list, std::move(dots), QObject::tr("−log10 adjusted p"),
                                     {QObject::tr("odds ratio"), 0, kMostOdds}));
    fitDots(figure.panels.back(), 1);
  }
  return figure;
}

charts::Figure rankFigure(const std::vector<SetResults>& tested) {
  charts::Figure figure{"gene_sets_by_rank", {}, 1, false, {}};
  for (const SetResults& one : tested) {
    if (one.ranks.empty()) continue;
    std::vector<Dot> dots;
    for (const RankResult& result : one.ranks)
      dots.push_back({result.set, result.overlap, result.p, result.rbo, cutLogP(result.p_adjusted)});
    figure.panels.push_back(dotPanel(one.list, std::move(dots), QObject::tr("rank-biased overlap"),
                                     {QObject::tr("−log10 adjusted p"), 0, kMostLogP}));
    fitDots(figure.panels.back(), 0.1);
  }
  return figure;
}

std::shared_ptr<const TableData> setTable(const std::vector<SetResults>& tested) {
  report::Table table;
  for (const SetResults& one : tested) append(table, with_list(one.list, fisher_table(one.fisher)));
  return tableOf("gene_sets",
                 ordered(std::move(table), {"set", "direction", "p_adj", "odds_ratio", "overlap"}, "genes"),
                 {{"p_adj", QObject::tr("Benjamini–Hochberg over the sets.")},
                  {"overlap", QObject::tr("Genes of the list that are in the set.")},
                  {"in_list", QObject::tr("Genes of the list.")},
                  {"set_in_background", QObject::tr("Genes of the set that were tested.")},
                  {"combined_score", QObject::tr("−ln p times the odds ratio.")}});
}

std::shared_ptr<const TableData> rankTable(const std::vector<SetResults>& tested) {
  report::Table table;
  for (const SetResults& one : tested) append(table, with_list(one.list, rank_table(one.ranks)));
  return tableOf(
      "gene_sets_by_rank", ordered(std::move(table), {"set", "direction", "p_adj", "rbo", "overlap"}, "group"),
      {{"p_adj", QObject::tr("Benjamini–Hochberg over the sets.")},
       {"rbo", QObject::tr("Rank-biased overlap of the list and the set, 0 to 1: high where both have the same "
                           "genes at the top.")},
       {"p", QObject::tr("Against random orders of the list; 1 for an overlap of one gene at most.")},
       {"overlap", QObject::tr("Genes of the list that are in the set.")}});
}

}  // namespace scriptorium::ui
