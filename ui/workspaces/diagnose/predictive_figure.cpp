#include "ui/workspaces/diagnose/predictive_figure.hpp"

#include <QObject>
#include <algorithm>
#include <cmath>

namespace scriptorium::ui {
namespace {

using charts::MarkKind, charts::Tone;

charts::Panel panelOf(const result::GenePredictive& gene, bool map, double top, double bottom, bool log_shares) {
  charts::Panel panel;
  panel.x.title = QObject::tr("count");  // the last bin holds what is above, too
  panel.x.whole = true;
  panel.y.title = QObject::tr("share of cells");
  panel.y.scale = log_shares ? charts::Scale::Log : charts::Scale::Linear;
  panel.y.low = log_shares ? bottom : 0;
  panel.y.high = top;
  std::vector<double> edges;
  for (int bin = 0; bin <= gene.bins(); ++bin) edges.push_back(bin - 0.5);
  panel.x.low = edges.front();
  panel.x.high = edges.back();
  const Tone tone = map ? Tone::Orange : Tone::Blue;
  const QString kind = map ? QObject::tr("MAP") : QObject::tr("posterior");
  constexpr const char* level[] = {"95 %", "68 %", "50 %"};
  for (std::size_t i = 0; i < 3; ++i)
    panel.marks.push_back({MarkKind::StepBand,
                           QString("%1 %2").arg(kind, level[i]),
                           tone,
                           edges,
                           gene.band[i][1],
                           gene.band[i][0],
                           0.22 + 0.16 * static_cast<double>(i),
                           1,
                           i == 0,
                           {}});
  panel.marks.push_back(
      {MarkKind::Steps, QObject::tr("%1 median").arg(kind), tone, edges, gene.median, {}, 1, 1, false, {}});
  panel.marks.push_back({MarkKind::Steps, QObject::tr("data"), Tone::Ink, edges, gene.observed, {}, 1, 1.6, true, {}});
  return panel;
}

double largest(const result::GenePredictive& gene) {
  double top = 0;
  for (const auto* values : {&gene.observed, &gene.band[0][1]})
    for (const double v : *values) top = std::max(top, v);
  return top;
}

double smallest(const result::GenePredictive& gene) {
  double low = 1;
  for (const double v : gene.observed)
    if (v > 0) low = std::min(low, v);
  return low;
}

}  // namespace

charts::Figure predictiveFigure(const PredictivePage& page, const std::vector<std::string>& names,
                                const std::map<std::int64_t, analysis::GeneDiagnosis>& known, int gene_columns,
                                bool log_shares) {
  charts::Figure figure{"ppc", {}, 2 * gene_columns, false, {}};
  for (std::size_t i = 0; i < page.map.size() && i < page.posterior.size(); ++i) {
    const double top = 1.05 * std::max(largest(page.map[i]), largest(page.posterior[i]));
    const double bottom = 0.5 * smallest(page.map[i]);
    const QString name = QString::fromStdString(names[static_cast<std::size_t>(page.map[i].gene)]);
    charts::Panel left = panelOf(page.map[i], true, top, bottom, log_shares);
    charts::Panel right = panelOf(page.posterior[i], false, top, bottom, log_shares);
    left.title = name;
    left.note = QObject::tr("MAP");
    left.name = QObject::tr("%1, MAP").arg(name);
    right.name = QObject::tr("%1, posterior").arg(name);
    if (const auto at = known.find(page.map[i].gene); at != known.end())
      right.title = QString::fromStdString(at->second.verdict).replace('_', ' ');
    right.note = QObject::tr("posterior");
    right.y.show_title = false;
    if (i + static_cast<std::size_t>(gene_columns) < page.map.size()) {  // the panels below have the same axis
      left.x.show_title = false;
      right.x.show_title = false;
    }
    figure.panels.push_back(std::move(left));
    figure.panels.push_back(std::move(right));
  }
  return figure;
}

double misfit(const analysis::GeneDiagnosis& gene) {
  return (gene.verdict == "fine" ? 0 : 1) + std::max(gene.map.failure, gene.posterior.failure);
}

std::shared_ptr<const TableData> diagnosisTable(const result::Fit& fit,
                                                const std::map<std::int64_t, analysis::GeneDiagnosis>& known) {
  auto table = std::make_shared<TableData>();
  table->name = "diagnose";
  table->columns = {
      {"gene", QObject::tr("Name of the gene."), {}, {}},
      {"mean_count", QObject::tr("Mean count per cell."), {}, {}},
      {"verdict",
       QObject::tr("fine; tight off: precise and wrong; guide, model, nonconverged: where the width comes from."),
       {},
       {}},
      {"misfit",
       QObject::tr("For ranking: larger share of count bins outside the 95 % band, plus 1 unless fine."),
       {},
       {}},
      {"zeros_obs", QObject::tr("Share of the cells without a count, in the data."), {}, {}},
      {"zeros_pred", QObject::tr("The same, as the model predicts it."), {}, {}},
      {"map_R",
       QObject::tr("Width of the MAP band in units of counting noise: about 1 when tight, above 2 wide."),
       {},
       {}},
      {"post_R",
       QObject::tr("Width of the posterior band in units of counting noise: up to 1.4 when tight, above 2 wide."),
       {},
       {}},
      {"map_D", QObject::tr("Spread of MAP predictions over that of the data; above 1.5 wide."), {}, {}},
      {"post_D", QObject::tr("Spread of posterior predictions over that of the data; above 1.5 wide."), {}, {}},
      {"map_failure",
       QObject::tr("Share of occupied count bins outside the 95 % MAP band; above 0.5 off target."),
       {},
       {}},
      {"post_failure", QObject::tr("Share of occupied count bins outside the 95 % posterior band."), {}, {}},
      {"reason", QObject::tr("Why this verdict."), {}, {}},
      {"remedy", QObject::tr("What to try."), {}, {}}};
  std::map<std::string, analysis::VerdictText> texts;
  const double missing = std::nan(""), cells = std::max<double>(1, static_cast<double>(fit.summary.n_cells));
  for (std::size_t g = 0; g < fit.genes.size(); ++g) {
    const auto at = known.find(static_cast<std::int64_t>(g));
    const bool checked = at != known.end();
    const double measured = std::max(1.0, fit.summary.gene_measured.empty() ? cells : fit.summary.gene_measured[g]);
    std::size_t c = 0;
    const auto number = [&](double value) { table->columns[c++].numbers.push_back(value); };
    const auto text = [&](const QString& value) { table->columns[c++].texts.push_back(value); };
    text(QString::fromStdString(fit.genes[g]));
    number(fit.summary.gene_total[g] / measured);
    text(checked ? QString::fromStdString(at->second.verdict).replace('_', ' ') : QObject::tr("not checked"));
    number(checked ? misfit(at->second) : missing);
    number(1 - fit.summary.gene_nonzero[g] / measured);
    number(checked ? at->second.zeros_predicted : missing);
    for (const auto member : {&analysis::BandScore::ratio, &analysis::BandScore::spread, &analysis::BandScore::failure})
      for (const auto score : {&analysis::GeneDiagnosis::map, &analysis::GeneDiagnosis::posterior})
        number(checked ? (at->second.*score).*member : missing);
    if (checked && !texts.contains(at->second.verdict))
      texts[at->second.verdict] = analysis::explain(at->second.verdict, fit.model);
    text(checked ? QString::fromStdString(texts[at->second.verdict].reason) : QString());
    text(checked ? QString::fromStdString(texts[at->second.verdict].remedy) : QString());
  }
  return table;
}

}  // namespace scriptorium::ui
