#include "ui/workspaces/run/loss_figure.hpp"

#include <QObject>
#include <algorithm>
#include <cmath>

namespace scriptorium::ui {
namespace {

struct Curve {
  std::vector<double> x, y, left;
};

Curve curveOf(const std::vector<inference::LossPoint>& trace, int last) {
  Curve curve;
  const std::size_t first =
      last > 0 && trace.size() > static_cast<std::size_t>(last) ? trace.size() - static_cast<std::size_t>(last) : 0;
  for (std::size_t i = first; i < trace.size(); ++i) {
    if (!std::isfinite(trace[i].loss)) continue;
    curve.x.push_back(static_cast<double>(trace[i].iteration));
    curve.y.push_back(trace[i].loss);
    curve.left.push_back(trace[i].decrement);
  }
  return curve;
}

}  // namespace

std::vector<double> smoothed(const std::vector<double>& values, double window) {
  const double keep = 1 - 1 / std::max(1.0, window);
  std::vector<double> out;
  out.reserve(values.size());
  double sum = 0, weight = 0;
  for (const double value : values) {
    sum = keep * sum + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    out.push_back(keep > 0 ? sum / weight : value);
  }
  return out;
}

charts::Figure lossFigure(const LossRun& run, const std::vector<LossRun>& overlays, const LossView& view) {
  using charts::Mark, charts::MarkKind, charts::Tone;
  charts::Figure figure{"loss", {}, 1, false, {}};
  if (!run.trace || run.trace->empty()) return figure;
  Curve main = curveOf(*run.trace, view.last);
  if (main.x.empty()) return figure;
  std::vector<Curve> others;
  double lowest = *std::min_element(main.y.begin(), main.y.end());
  for (const LossRun& other : overlays) {
    others.push_back(curveOf(*other.trace, view.last));
    for (const double y : others.back().y) lowest = std::min(lowest, y);
  }
  charts::Panel panel;
  panel.x.title = QObject::tr("iteration");
  panel.x.whole = true;
  panel.y.title = view.logarithmic ? QObject::tr("loss above the lowest (nats)") : QObject::tr("loss, −ELBO (nats)");
  panel.y.scale = view.logarithmic ? charts::Scale::Log : charts::Scale::Linear;
  const auto place = [&](std::vector<double> y) {
    if (view.logarithmic)
      for (double& v : y) v = v > lowest ? v - lowest : std::nan("");
    return y;
  };
  constexpr Tone tones[] = {Tone::Orange, Tone::Green, Tone::Purple, Tone::Sky, Tone::Yellow};
  for (std::size_t i = 0; i < others.size(); ++i)
    panel.marks.push_back(
        {MarkKind::Line, overlays[i].name, tones[i % 5], others[i].x, place(others[i].y), {}, 0.9, 1.3, true, {}});
  const bool stochastic = main.x.size() > 200;
  if (view.raw || !stochastic)
    panel.marks.push_back({MarkKind::Line,
                           run.name,
                           Tone::Blue,
                           main.x,
                           place(main.y),
                           {},
                           view.smooth && stochastic ? 0.35 : 1.0,
                           1.5,
                           true,
                           {}});
  if (view.smooth && stochastic)
    panel.marks.push_back({MarkKind::Line,
                           QObject::tr("%1, smoothed").arg(run.name),
                           Tone::Blue,
                           main.x,
                           place(smoothed(main.y, static_cast<double>(main.y.size()) / 50)),
                           {},
                           1,
                           1.8,
                           true,
                           {}});
  if (!stochastic)  // few iterations are points, too
    panel.marks.push_back({MarkKind::Points, {}, Tone::Blue, main.x, place(main.y), {}, 1, 2.4, false, {}});
  panel.note = charts::shortNumber(main.y.back());
  figure.panels.push_back(std::move(panel));

  Mark left{MarkKind::Line, QObject::tr("nats still to gain"), Tone::Vermillion, {}, {}, {}, 1, 1.5, true, {}};
  for (std::size_t i = 0; i < main.x.size(); ++i) {
    if (!(main.left[i] > 0)) continue;
    left.x.push_back(main.x[i]);
    left.y.push_back(main.left[i]);
  }
  if (left.x.size() > 1) {
    charts::Panel below;
    below.x.title = QObject::tr("iteration");
    below.x.whole = true;
    below.y = {QObject::tr("left to gain (nats)"), charts::Scale::Log, {}, {}};
    below.marks.push_back(std::move(left));
    figure.panels.push_back(std::move(below));
  }
  return figure;
}

}  // namespace scriptorium::ui
