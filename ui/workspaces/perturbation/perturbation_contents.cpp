// What stands on the tabs of the page: figures and tables of the target that is chosen.
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <algorithm>

#include "core/embedding/embed.hpp"
#include "core/error.hpp"
#include "ui/workspaces/perturbation/perturbation_page.hpp"

namespace scriptorium::ui {

using namespace perturbation;

void PerturbationPage::drawTarget() {
  const auto now = session().screening.now();
  if (!now || chosen_ < 0) return;
  const QString facets = facets_->currentData().toString();
  const Facets by = facets == "guides" ? Facets::Guides : facets == "splits" ? Facets::Splits : Facets::Together;
  const QString gene = gene_->text().trimmed();
  const bool all_guides = guides_of_->currentData() == "all";
  for (charts::FigureView* figure : {scores_, posterior_, knock_down_, heat_map_, guides_})
    if (!figure->figure().empty()) figure->setStale(true);
  Answer<Shown> answer;
  answer.done = [this, now](Shown made) {
    if (session().screening.now() != now) return;
    shown_ = std::move(made);
    const TargetSummary* one = summary();
    if (!one) return;
    const Screening& of = *now;
    const QString name = targetName(of, shown_.target), why = QString::fromStdString(one->reason);
    const auto put = [](charts::FigureView* view, charts::Figure& figure, const QString& otherwise) {
      if (figure.empty())
        view->setMessage(otherwise);
      else
        view->setFigure(std::move(figure));
    };
    const bool own = of.screen.gene_index(name.toStdString()) >= 0;
    put(posterior_, shown_.posterior,
        shown_.gene.isEmpty() ? tr("%1 was not called.").arg(name)
                              : tr("The data have no gene named %1.").arg(shown_.gene));
    put(knock_down_, shown_.knock_down,
        own ? tr("The cells of %1 have no score: %2.").arg(name, why)
            : tr("Its gene is not among the genes: the data have no gene named %1.").arg(name));
    put(heat_map_, shown_.heat_map, tr("%1 has no marker genes to show: %2.").arg(name, why));
    put(guides_, shown_.guides,
        of.screen.guide.names.empty() ? tr("No column of guides was chosen.") : tr("%1 has no guides.").arg(name));
    drawScores();
    for (charts::FigureView* figure : figures())
      if (!figure->figure().empty()) figure->setStale(session().screening.isStale());
    session().exports.touch();
  };
  answer.failed = [this](const JobError& error) {
    for (charts::FigureView* figure : {scores_, posterior_, knock_down_, heat_map_, guides_})
      figure->setMessage(error.text());
  };
  session().pool.request<Shown>(
      kFigures, this,
      [now, target = chosen_, gene, by, all_guides, all_scores = facets == "ridges"](const RunControl& control) {
        Shown made;
        made.target = target;
        made.gene = gene;
        made.facets = score_densities(*now, target, by);
        control.check();
        if (all_scores) made.ridges = ridgeFigure(*now, score_ridges(*now, control));
        control.check();
        if (gene.isEmpty())
          made.posterior = posteriorFigure(*now, target, posterior_curves(*now, target));
        else if (const auto at = now->screen.gene_index(gene.toStdString()); at >= 0)
          made.posterior = expressionFigure(*now, target, gene, expression_curves(*now, target, at));
        made.knock_down = knockDownFigure(*now, target, perturbation::knock_down(*now, target));
        control.check();
        made.map = marker_heat_map(*now, target);
        made.heat_map = heatMapFigure(*now, target, made.map);
        std::vector<TargetSummary> wanted;
        for (const TargetSummary& one : now->targets)
          if (all_guides || one.target == target) wanted.push_back(one);
        made.guides = guideFigure(*now, wanted);
        return made;
      },
      std::move(answer));
}

void PerturbationPage::fillMarkers() {
  const auto now = session().screening.now();
  if (!now || chosen_ < 0) return;
  Answer<Markers> answer;
  answer.done = [this, now](Markers made) {
    if (session().screening.now() != now) return;
    if (made.table->rows() == 0) return markers_->setMessage(tr("No gene could be tested: too few cells."));
    std::vector<std::int64_t> rows;
    for (const std::int64_t gene : made.genes)
      rows.push_back(session().screening.geneRows()[static_cast<std::size_t>(gene)]);
    markers_->setTable(std::move(made.table));
    genes_link_->setRows(std::move(rows));
    session().exports.touch();
  };
  answer.failed = [this](const JobError& error) { markers_->setMessage(error.text()); };
  session().pool.request<Markers>(
      kMarkers, this,
      [now, target = chosen_](const RunControl& control) {
        Markers made;
        made.table = markerTable(*now, target, made.genes, control);
        return made;
      },
      std::move(answer));
}

void PerturbationPage::drawScores() {
  const auto& now = session().screening.now();
  if (!now || shown_.target < 0) return;
  const QString name = targetName(*now, shown_.target), facets = facets_->currentData().toString();
  const TargetSummary* one = summary();
  if (facets == "ridges") {
    if (shown_.ridges.empty()) return scores_->setMessage(tr("No target was scored."));
    return scores_->setFigure(shown_.ridges, true);
  }
  if (shown_.facets.empty())
    return scores_->setMessage(
        facets == "guides" && now->screen.guide.names.empty()
            ? tr("No column of guides was chosen.")
            : tr("%1 has no scores: %2.").arg(name, one ? QString::fromStdString(one->reason) : QString()));
  const std::vector<std::uint8_t> flags = selected();
  scores_->setFigure(scoreFigure(*now, shown_.target, shown_.facets, flags.empty() ? nullptr : &flags), true);
}

void PerturbationPage::drawDiscriminant() {
  const auto& now = session().screening.now();
  if (!now) return;
  axes_say_->clear();
  if (!now->discriminant || now->discriminant->axes < 1) {
    discriminant_->setMessage(now->options.with_discriminant
                                  ? tr("There are no axes: no target has perturbed cells to tell apart.")
                                  : tr("Discriminant axes were not asked for: tick them under Method."));
    return;
  }
  const Discriminant& found = *now->discriminant;
  const std::vector<std::uint8_t> flags = selected();
  const auto* strong = flags.empty() ? nullptr : &flags;
  const auto axes = static_cast<std::size_t>(found.axes);
  std::vector<double> x, y;
  if (axes_->currentData() == "umap") {
    if (axes < 3) {
      axes_say_->setText(tr("There are only %1 axes: they are shown as they are.").arg(axes));
    } else if (umap_.empty()) {
      return layOutDiscriminant();
    } else {
      for (std::size_t i = 0; i + 1 < umap_.size(); i += 2) {
        x.push_back(umap_[i]);
        y.push_back(umap_[i + 1]);
      }
      return discriminant_->setFigure(discriminantFigure(*now, x, y, "UMAP", strong), true);
    }
  }
  for (std::size_t i = 0; i < found.cells.size(); ++i) {
    x.push_back(found.coordinates[i * axes]);
    y.push_back(axes > 1 ? found.coordinates[i * axes + 1] : 0);
  }
  if (found.explained.size() > 1)
    axes_say_->setText(tr("Axes 1 and 2 hold %1 % of what parts the targets.")
                           .arg(QString::number(100 * (found.explained[0] + found.explained[1]), 'f', 0)));
  discriminant_->setFigure(discriminantFigure(*now, x, y, tr("axis"), strong), true);
}

void PerturbationPage::layOutDiscriminant() {
  const auto now = session().screening.now();
  discriminant_->setMessage(tr("Laying out the cells …"));
  Answer<std::vector<double>> answer;
  answer.progressed = [this](const Progress& progress) {
    discriminant_->setMessage(QString::fromStdString(progress.message));
  };
  answer.done = [this, now](std::vector<double> made) {
    if (session().screening.now() != now) return;
    umap_ = std::move(made);
    drawDiscriminant();
    session().exports.touch();
  };
  answer.failed = [this](const JobError& error) { discriminant_->setMessage(error.text()); };
  session().pool.request<std::vector<double>>(
      kUmap, this,
      [now](const RunControl& control) {
        embedding::PrincipalComponents axes;
        axes.n_cells = static_cast<std::int64_t>(now->discriminant->cells.size());
        axes.dims = now->discriminant->axes;
        axes.scores = now->discriminant->coordinates;
        for (const double share : now->discriminant->explained) axes.variance.push_back(share);
        return embedding::umap(axes, {}, control).values;
      },
      std::move(answer));
}

QStringList PerturbationPage::wordsOfScore(int panel, int mark, int point) const {
  const auto& now = session().screening.now();
  if (!now || facets_->currentData() == "ridges" || panel < 0 ||
      static_cast<std::size_t>(panel) >= shown_.facets.size())
    return {};
  // Points are the last marks of a panel, one mark a curve.
  const auto& curves = shown_.facets[static_cast<std::size_t>(panel)].curves;
  const auto marks = static_cast<int>(scores_->figure().panels[static_cast<std::size_t>(panel)].marks.size());
  const int at = mark - (marks - static_cast<int>(curves.size()));
  if (at < 0) return {};
  const KindCurve& curve = curves[static_cast<std::size_t>(at)];
  const auto i = static_cast<std::size_t>(point);
  if (i >= curve.cells.size()) return {};
  return {cellName(curve.cells[i]), nameOf(curve.kind, *now, shown_.target),
          tr("score: %1").arg(charts::shortNumber(curve.value[i]))};
}

QStringList PerturbationPage::wordsOfMap(int mark, int pixel) const {
  const auto& now = session().screening.now();
  const MarkerHeatMap& map = shown_.map;
  if (!now || map.cells.empty() || pixel < 0) return {};
  const std::size_t columns = map.cells.size(), cell = static_cast<std::size_t>(pixel) % columns,
                    row = static_cast<std::size_t>(pixel) / columns;
  QStringList lines{cellName(map.cells[cell]), nameOf(map.kind[cell], *now, shown_.target),
                    tr("score: %1").arg(charts::shortNumber(map.score[cell]))};
  if (mark == 0 && row < map.genes.size()) {  // rows are drawn from the last gene up
    const std::size_t gene = map.genes.size() - 1 - row;
    lines.prepend(QString::fromStdString(now->screen.genes[static_cast<std::size_t>(map.genes[gene])]));
    lines << tr("z: %1").arg(charts::shortNumber(map.z[gene * columns + cell]));
  }
  return lines;
}

void PerturbationPage::selectInside(const QPolygonF& shape, Combine how) {
  const auto& now = session().screening.now();
  if (!now || !now->discriminant || discriminant_->figure().empty()) return;
  const charts::Mark& points = discriminant_->figure().panels[0].marks[0];
  std::vector<std::int64_t> cells;
  for (std::size_t i = 0; i < points.x.size() && i < now->discriminant->cells.size(); ++i)
    if (shape.containsPoint({points.x[i], points.y[i]}, Qt::OddEvenFill)) cells.push_back(now->discriminant->cells[i]);
  select(cells, how, tr("cells by discriminant axes"));
}

}  // namespace scriptorium::ui
