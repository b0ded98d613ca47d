#include "ui/workspaces/model/prior_figure.hpp"

#include <QObject>
#include <algorithm>
#include <cmath>

#include "core/result/estimates.hpp"

namespace scriptorium::ui {
namespace {

constexpr int kPoints = 240;

charts::Panel drawPrior(const model::Site& site, double low, double high, const result::Marginal& law) {
  charts::Panel panel;
  panel.title = QString::fromStdString(site.symbol) + ": " + QString::fromStdString(site.descriptive).replace('_', ' ');
  panel.x.title = QString::fromStdString(site.symbol);
  panel.y.title = QObject::tr("density");
  panel.y.low = 0;
  const bool unit = site.support == model::Support::UnitInterval;
  double first = unit ? 0.0 : law.quantile(0.002), last = unit ? 1.0 : law.quantile(0.99);
  // Long right tails are drawn on a log axis, where the law is as wide as it is high.
  if (!unit && first > 0 && last / first > 200) panel.x.scale = charts::Scale::Log;
  if (!unit && panel.x.scale == charts::Scale::Linear) first = 0;
  if (!(last > first) || !std::isfinite(last)) last = first + 1;
  charts::Mark line{
      charts::MarkKind::Line, QObject::tr("prior density"), charts::Tone::Blue, {}, {}, {}, 1, 1.8, true, {}};
  charts::Mark band{
      charts::MarkKind::Band, QObject::tr("central 95 %"), charts::Tone::Sky, {}, {}, {}, 0.35, 1, true, {}};
  const double from = charts::toAxis(panel.x.scale, first), to = charts::toAxis(panel.x.scale, last);
  std::vector<double> heights;
  for (int i = 0; i <= kPoints; ++i) {
    const double x =
        charts::fromAxis(panel.x.scale, from + (to - from) * std::clamp<double>(i, 0.5, kPoints - 0.5) / kPoints);
    // On a log axis the area under the curve must still be probability: density of log10 x.
    const double y = law.density(x) * (panel.x.scale == charts::Scale::Log ? x * std::log(10.0) : 1.0);
    if (!std::isfinite(y)) continue;
    line.x.push_back(x);
    line.y.push_back(y);
    heights.push_back(y);
    if (x >= low && x <= high) {
      band.x.push_back(x);
      band.y.push_back(y);
      band.low.push_back(0);
    }
  }
  if (!heights.empty()) {  // a pole at the edge would flatten everything else
    std::nth_element(heights.begin(), heights.begin() + static_cast<std::ptrdiff_t>(heights.size() * 9 / 10),
                     heights.end());
    const double ninth = heights[heights.size() * 9 / 10];
    const double top = *std::max_element(line.y.begin(), line.y.end());
    panel.y.high = std::max(1e-300, 1.08 * std::min(top, 5 * ninth > 0 ? std::max(5 * ninth, top * 0.02) : top));
  }
  panel.marks = {std::move(band), std::move(line)};
  return panel;
}

}  // namespace

PriorPicture drawPriors(const std::vector<model::Site>& sites, const RunControl& control) {
  PriorPicture picture;
  picture.figure.name = "priors";
  picture.figure.columns = sites.size() > 1 ? 2 : 1;
  for (const model::Site& site : sites) {
    control.check();
    const result::Marginal law = result::marginal(site.prior, site.bijection);
    const double low = law.quantile(0.025), high = law.quantile(0.975);
    picture.interval[site.name] =
        QObject::tr("95 % between %1 and %2").arg(charts::shortNumber(low), charts::shortNumber(high));
    charts::Panel panel = drawPrior(site, low, high, law);
    if (!panel.marks[1].x.empty()) picture.figure.panels.push_back(std::move(panel));
  }
  return picture;
}

}  // namespace scriptorium::ui
