#include "ui/workspaces/perturbation/perturbation_figures.hpp"

#include <QObject>
#include <algorithm>
#include <cmath>

#include "ui/charts/colors.hpp"

namespace scriptorium::ui {
namespace {

using namespace perturbation;
using charts::Mark;
using charts::MarkKind;
using charts::Panel;

constexpr unsigned kControl = 0xff7d7d7d, kNotPerturbed = 0xffc9c9c9, kPerturbed = 0xffe69f00;

QString str(const std::string& text) {
  return QString::fromStdString(text);
}

/// A filled curve with its line; only the line is in the legend.
void addDensity(Panel& panel, const Density& density, const QString& name, unsigned color, double fill) {
  if (density.x.empty()) return;
  Mark area;
  area.kind = MarkKind::Band;
  area.name = name;
  area.x = density.x;
  area.y = density.y;
  area.low.assign(density.x.size(), 0);
  area.color = color;
  area.opacity = fill;
  panel.marks.push_back(std::move(area));
  Mark line;
  line.name = name;
  line.x = density.x;
  line.y = density.y;
  line.color = color;
  line.in_legend = false;
  panel.marks.push_back(std::move(line));
}

Mark pointsOf(const KindCurve& curve, const QString& name, const std::vector<std::uint8_t>* selected) {
  Mark points;
  points.kind = MarkKind::Points;
  points.name = name;
  points.x = curve.value;
  points.y = curve.height;
  points.color = colorOf(curve.kind);
  points.opacity = 0.75;
  points.width = curve.cells.size() > 1000 ? 1.3 : 1.8;
  points.in_legend = false;
  if (selected) {
    auto emphasis = std::make_shared<std::vector<std::uint8_t>>();
    for (const std::int64_t cell : curve.cells) emphasis->push_back((*selected)[static_cast<std::size_t>(cell)]);
    points.emphasis = std::move(emphasis);
  }
  return points;
}

/// Panels in a grid write the titles of their axes at its rim only.
void titlesAtTheRim(charts::Figure& figure) {
  const auto n = figure.panels.size(), columns = static_cast<std::size_t>(figure.columns);
  for (std::size_t i = 0; i < n; ++i) {
    figure.panels[i].x.show_title = i + columns >= n;
    figure.panels[i].y.show_title = i % columns == 0;
  }
}

int gridColumns(std::size_t panels) {
  return panels <= 1 ? 1 : panels <= 4 ? 2 : panels <= 12 ? 3 : 5;
}

}  // namespace

unsigned colorOf(CellKind kind) {
  return kind == CellKind::Control ? kControl : kind == CellKind::NotPerturbed ? kNotPerturbed : kPerturbed;
}

QString targetName(const Screening& of, std::int32_t target) {
  return str(of.screen.target.names[static_cast<std::size_t>(target)]);
}

QString nameOf(CellKind kind, const Screening& of, std::int32_t target) {
  switch (kind) {
    case CellKind::Control:
      return targetName(of, of.screen.control);
    case CellKind::NotPerturbed:
      return targetName(of, target) + " NP";
    case CellKind::Perturbed:
      return targetName(of, target) + ' ' + str(of.calls.perturbation_type);
    case CellKind::Target:
      break;
  }
  return targetName(of, target);
}

namespace {

/// A violin a class, one above the other, with its cells as points.
Panel violins(const Screening& of, std::int32_t target, const std::vector<KindCurve>& curves) {
  Panel panel;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const KindCurve& curve = curves[i];
    const auto base = static_cast<double>(i);
    panel.y.categories << QObject::tr("%1 (%2)").arg(nameOf(curve.kind, of, target)).arg(curve.cells.size());
    double top = 0;
    for (const double y : curve.density.y) top = std::max(top, y);
    Mark area;
    area.kind = MarkKind::Band;
    area.name = nameOf(curve.kind, of, target);
    area.x = curve.density.x;
    for (const double y : curve.density.y) {
      area.y.push_back(base + 0.42 * y / top);
      area.low.push_back(base - 0.42 * y / top);
    }
    area.color = colorOf(curve.kind);
    area.opacity = 0.55;
    area.in_legend = false;
    panel.marks.push_back(std::move(area));
    Mark points = pointsOf(curve, nameOf(curve.kind, of, target), nullptr);
    for (double& y : points.y) y = base + 0.3 * y;
    points.color.reset();
    points.tone = charts::Tone::Ink;
    points.opacity = 0.5;
    panel.marks.push_back(std::move(points));
  }
  panel.y.low = -0.6;
  panel.y.high = static_cast<double>(curves.size()) - 0.4;
  return panel;
}

}  // namespace

charts::Figure scoreFigure(const Screening& of, std::int32_t target, const std::vector<ScoreFacet>& facets,
                           const std::vector<std::uint8_t>* selected) {
  charts::Figure figure{"perturbation_score", {}, gridColumns(facets.size()), true, {}};
  for (const ScoreFacet& facet : facets) {
    Panel panel;
    panel.title = str(facet.name);
    panel.name = facet.name.empty() ? QObject::tr("Scores of %1").arg(targetName(of, target)) : panel.title;
    panel.x.title = QObject::tr("Perturbation score");
    panel.y.title = QObject::tr("Cell density");
    double top = 0;
    std::int64_t cells = 0;
    for (const KindCurve& curve : facet.curves) {
      for (const double y : curve.density.y) top = std::max(top, y);
      cells += curve.kind == CellKind::Control ? 0 : static_cast<std::int64_t>(curve.cells.size());
      addDensity(panel, curve.density, nameOf(curve.kind, of, target), colorOf(curve.kind),
                 curve.kind == CellKind::Perturbed ? 0.5 : 0.4);
    }
    if (top > 0) {
      panel.y.low = -0.13 * top;
      panel.y.high = 1.06 * top;
    }
    panel.note = QObject::tr("%1 cells").arg(cells);
    for (const KindCurve& curve : facet.curves)
      panel.marks.push_back(pointsOf(curve, nameOf(curve.kind, of, target), selected));
    figure.panels.push_back(std::move(panel));
  }
  titlesAtTheRim(figure);
  return figure;
}

charts::Figure ridgeFigure(const Screening& of, const std::vector<Ridge>& ridges) {
  charts::Figure figure{"perturbation_ridges", {}, 1, false, {}};
  Panel panel;
  panel.name = QObject::tr("Scores of all targets");
  panel.x.title = QObject::tr("standardised perturbation score");
  double top = 0;
  for (const Ridge& ridge : ridges)
    for (const double y : ridge.density.y) top = std::max(top, y);
  if (top <= 0) return figure;
  const auto n = static_cast<double>(ridges.size());
  for (std::size_t i = ridges.size(); i-- > 0;) panel.y.categories << targetName(of, ridges[i].target);
  for (std::size_t i = 0; i < ridges.size(); ++i) {  // the first at the top, lower ones before it
    const double base = n - 1 - static_cast<double>(i);
    const bool control = ridges[i].target == of.screen.control;
    Mark area;
    area.kind = MarkKind::Band;
    area.name = targetName(of, ridges[i].target);
    area.x = ridges[i].density.x;
    area.low.assign(area.x.size(), base);
    for (const double y : ridges[i].density.y) area.y.push_back(base + 1.6 * y / top);
    area.color = control ? kControl : kPerturbed;
    area.opacity = 0.75;
    area.in_legend = false;
    Mark line = area;
    line.kind = MarkKind::Line;
    line.low.clear();
    line.width = 1;
    line.color.reset();
    line.tone = charts::Tone::Ink;
    panel.marks.push_back(std::move(area));
    panel.marks.push_back(std::move(line));
  }
  panel.y.low = -0.4;
  panel.y.high = n + 0.7;
  figure.panels.push_back(std::move(panel));
  return figure;
}

charts::Figure posteriorFigure(const Screening& of, std::int32_t target, const std::vector<KindCurve>& curves) {
  charts::Figure figure{"perturbation_probability", {}, 1, false, {}};
  if (curves.empty()) return figure;
  Panel panel = violins(of, target, curves);
  panel.name = QObject::tr("Probabilities of %1").arg(targetName(of, target));
  panel.x.title = QObject::tr("probability of being perturbed");
  panel.x.low = -0.02;
  panel.x.high = 1.02;
  figure.panels.push_back(std::move(panel));
  return figure;
}

charts::Figure expressionFigure(const Screening& of, std::int32_t target, const QString& gene,
                                const std::vector<KindCurve>& curves) {
  charts::Figure figure{"expression_by_class", {}, 1, false, {}};
  if (curves.empty()) return figure;
  Panel panel = violins(of, target, curves);
  panel.name = QObject::tr("Expression of %1 by class, cells of %2").arg(gene, targetName(of, target));
  panel.x.title = QObject::tr("log-normalised %1").arg(gene);
  figure.panels.push_back(std::move(panel));
  return figure;
}

charts::Figure knockDownFigure(const Screening& of, std::int32_t target, const std::vector<KnockDown>& found) {
  charts::Figure figure{"knock_down", {}, gridColumns(found.size()), false, {}};
  for (const KnockDown& one : found) {
    Panel panel;
    if (of.screen.has_split) panel.title = str(of.screen.split.names[static_cast<std::size_t>(one.split)]);
    panel.name =
        panel.title.isEmpty() ? QObject::tr("Expression of %1 by score").arg(targetName(of, target)) : panel.title;
    panel.x.title = QObject::tr("Perturbation score of each tenth");
    panel.y.title = QObject::tr("log-normalised %1").arg(targetName(of, target));
    Mark band;
    band.kind = MarkKind::Band;
    band.name = QObject::tr("± standard error");
    band.color = kPerturbed;
    band.opacity = 0.25;
    Mark line;
    line.name = targetName(of, target);
    line.color = kPerturbed;
    line.width = 2;
    Mark points;
    points.kind = MarkKind::Points;
    points.name = line.name;
    points.color = kPerturbed;
    points.width = 3;
    points.in_legend = false;
    double least = 0, most = one.control_mean;
    for (std::size_t b = 0; b < one.mean.size(); ++b) {
      if (std::isnan(one.mean[b])) continue;
      const double error = std::isnan(one.error[b]) ? 0 : one.error[b];
      for (std::vector<double>* x : {&band.x, &line.x, &points.x}) x->push_back(one.score[b]);
      band.y.push_back(one.mean[b] + error);
      band.low.push_back(one.mean[b] - error);
      line.y.push_back(one.mean[b]);
      points.y.push_back(one.mean[b]);
      points.labels << QObject::tr("%1 cells").arg(one.cells[b]);
      least = std::min(least, one.mean[b] - error);
      most = std::max(most, one.mean[b] + error);
    }
    Mark control;
    control.kind = MarkKind::GuideY;
    control.name = QObject::tr("mean of %1").arg(targetName(of, of.screen.control));
    control.color = kControl;
    control.y = {one.control_mean};
    panel.y.low = least;  // knocked down is near zero: the axis shows where that is
    panel.y.high = most > least ? most + 0.08 * (most - least) : least + 1;
    panel.marks = {std::move(band), std::move(line), std::move(points)};
    if (std::isfinite(one.control_mean)) panel.marks.push_back(std::move(control));
    figure.panels.push_back(std::move(panel));
  }
  titlesAtTheRim(figure);
  return figure;
}

charts::Figure heatMapFigure(const Screening& of, std::int32_t target, const MarkerHeatMap& map) {
  charts::Figure figure{"marker_heat_map", {}, 1, false, {}};
  if (map.genes.empty() || map.cells.empty()) return figure;
  const auto genes = map.genes.size(), cells = map.cells.size();
  Panel panel;
  panel.name = QObject::tr("Markers of %1, cells by rising score").arg(targetName(of, target));
  panel.x.title = QObject::tr("cells by rising score");
  panel.x.low = 0;
  panel.x.high = static_cast<double>(cells);
  panel.x.whole = true;
  panel.bar = charts::ColorBar{QObject::tr("z of the gene"), -2, 2, charts::Ramp::TwoSided};
  Mark image;
  image.kind = MarkKind::Image;
  image.name = QObject::tr("z of the gene");
  image.image_columns = static_cast<int>(cells);
  image.x = {0, static_cast<double>(cells)};
  image.y = {-0.5, static_cast<double>(genes) - 0.5};
  for (std::size_t g = genes; g-- > 0;) {  // the first gene at the top
    panel.y.categories << str(of.screen.genes[static_cast<std::size_t>(map.genes[g])]);
    const auto row = map.z.begin() + static_cast<std::ptrdiff_t>(g * cells);
    image.values.insert(image.values.end(), row, row + static_cast<std::ptrdiff_t>(cells));
  }
  panel.y.categories << QObject::tr("called");
  Mark kinds;  // a strip of what each cell is, above
  kinds.kind = MarkKind::Image;
  kinds.name = QObject::tr("called");
  kinds.image_columns = image.image_columns;
  kinds.x = image.x;
  kinds.y = {static_cast<double>(genes) - 0.35, static_cast<double>(genes) + 0.5};
  std::vector<CellKind> present;
  for (const CellKind kind : map.kind)
    if (std::find(present.begin(), present.end(), kind) == present.end()) present.push_back(kind);
  std::sort(present.begin(), present.end());
  for (const CellKind kind : present) {
    kinds.palette.push_back(colorOf(kind));
    kinds.groups << nameOf(kind, of, target);
  }
  for (const CellKind kind : map.kind)
    kinds.values.push_back(static_cast<double>(std::find(present.begin(), present.end(), kind) - present.begin()));
  panel.y.low = -0.5;
  panel.y.high = static_cast<double>(genes) + 0.6;
  panel.marks = {std::move(image), std::move(kinds)};
  figure.panels.push_back(std::move(panel));
  return figure;
}

charts::Figure guideFigure(const Screening& of, const std::vector<TargetSummary>& targets) {
  charts::Figure figure{"guides", {}, gridColumns(targets.size()), false, {}};
  for (const TargetSummary& target : targets) {
    const std::vector<GuideShare> guides = guides_by_share(target);
    if (guides.empty()) continue;
    Panel panel;
    panel.name = targetName(of, target.target);
    if (targets.size() > 1) panel.title = panel.name;
    panel.x.title = targets.size() > 1 ? QObject::tr("share") : QObject::tr("share of the cells");
    panel.x.low = 0;
    panel.x.high = 1;
    Mark perturbed;
    perturbed.kind = MarkKind::Spans;
    perturbed.width = 0.75;
    Mark others = perturbed;
    perturbed.name = str(of.calls.perturbation_type);
    perturbed.color = kPerturbed;
    others.name = "NP";
    others.color = kNotPerturbed;
    for (std::size_t i = guides.size(); i-- > 0;) {  // the most effective at the top
      const GuideShare& guide = guides[i];
      const QString name = str(of.screen.guide.names[static_cast<std::size_t>(guide.guide)]);
      // Many panels are narrow: there the target's name, which stands above, is left out of its guides'.
      const bool named_after = name.startsWith(panel.name) && name.size() > panel.name.size();
      panel.y.categories << (targets.size() == 1 ? QObject::tr("%1 (%2)").arg(name).arg(guide.cells)
                             : named_after       ? name.mid(panel.name.size())
                                                 : name);
      if (guide.cells == 0) continue;
      const auto cells = static_cast<double>(guide.cells), called = static_cast<double>(guide.perturbed);
      const auto add = [&](Mark& mark, double from, double to, double share) {
        mark.x.push_back(from);
        mark.x_end.push_back(to);
        mark.y.push_back(static_cast<double>(panel.y.categories.size() - 1));
        mark.values.push_back(share);
        mark.labels << name;
      };
      add(perturbed, 0, called / cells, called / cells);
      add(others, called / cells, 1, (cells - called) / cells);
    }
    panel.y.low = -0.5;
    panel.y.high = static_cast<double>(guides.size()) - 0.5;
    panel.marks = {std::move(perturbed), std::move(others)};
    figure.panels.push_back(std::move(panel));
  }
  figure.columns = gridColumns(figure.panels.size());
  titlesAtTheRim(figure);
  if (figure.panels.size() > 12) {  // no room for a title under each
    figure.title = QObject::tr("Share of the cells of each guide");
    for (Panel& panel : figure.panels) panel.x.show_title = false;
  }
  return figure;
}

}  // namespace scriptorium::ui
