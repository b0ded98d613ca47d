#include <algorithm>
#include <cmath>

#include "ui/charts/figure_view.hpp"
#include "ui/charts/mark_items.hpp"

namespace scriptorium::charts {
namespace {

bool hasEdges(MarkKind kind) {
  return kind == MarkKind::Steps || kind == MarkKind::Bars || kind == MarkKind::StepBand;
}
bool isGuide(MarkKind kind) {
  return kind == MarkKind::GuideX || kind == MarkKind::GuideY;
}

/// Element of a mark nearest to a place, −1 when nothing is near enough. Points: within 12 pixels; others: by x.
int nearest(const Panel& panel, const PanelPlace& place, const Mark& mark, QPointF at) {
  const double px = place.range.width() / std::max(1.0, place.plot.width());
  const double py = place.range.height() / std::max(1.0, place.plot.height());
  int best = -1;
  if (hasEdges(mark.kind)) {
    for (std::size_t i = 0; i < mark.y.size() && i + 1 < mark.x.size(); ++i)
      if (at.x() >= toAxis(panel.x.scale, mark.x[i]) && at.x() < toAxis(panel.x.scale, mark.x[i + 1]))
        return static_cast<int>(i);
    return -1;
  }
  double smallest = mark.kind == MarkKind::Points ? 12.0 * 12.0 : 1e300;
  for (std::size_t i = 0; i < std::min(mark.x.size(), mark.y.size()); ++i) {
    const double dx = (toAxis(panel.x.scale, mark.x[i]) - at.x()) / px;
    const double dy = mark.kind == MarkKind::Points ? (toAxis(panel.y.scale, mark.y[i]) - at.y()) / py : 0;
    const double distance = dx * dx + dy * dy;
    if (distance < smallest) {
      smallest = distance;
      best = static_cast<int>(i);
    }
  }
  return best;
}

/// The value of an image under a place, −1 outside of it.
int pixelAt(const Panel& panel, const Mark& mark, QPointF at) {
  if (mark.image_columns < 1 || mark.x.size() < 2 || mark.y.size() < 2) return -1;
  const int rows = static_cast<int>(mark.values.size()) / mark.image_columns;
  const auto part = [](Scale scale, const std::vector<double>& ends, double value) {
    return (value - toAxis(scale, ends[0])) / (toAxis(scale, ends[1]) - toAxis(scale, ends[0]));
  };
  const double across = part(panel.x.scale, mark.x, at.x()), up = part(panel.y.scale, mark.y, at.y());
  if (!(across >= 0 && across < 1 && up >= 0 && up < 1)) return -1;
  return static_cast<int>(up * rows) * mark.image_columns + static_cast<int>(across * mark.image_columns);
}

/// The span under a place, −1 outside of all.
int spanAt(const Panel& panel, const Mark& mark, QPointF at) {
  for (std::size_t i = 0; i < mark.y.size(); ++i)
    if (const auto span = spanOf(panel, mark, i); span && span->contains(at)) return static_cast<int>(i);
  return -1;
}

/// What an element is coloured by, in words.
QString valueText(const Mark& mark, std::size_t i) {
  const double value = mark.values[i];
  if (mark.groups.isEmpty() || !std::isfinite(value)) return shortNumber(value);
  return mark.groups.value(static_cast<qsizetype>(value));
}

/// A value of an axis in words: the name where it has names; what lies in the bin of zeros is zero.
QString acrossText(const Axis& axis, double value) {
  if (!axis.categories.isEmpty()) return axis.categories.value(static_cast<qsizetype>(std::lround(value)));
  return axis.zero_below && value < *axis.zero_below ? QString("0") : shortNumber(value);
}

}  // namespace

std::pair<int, int> nearestElement(const Panel& panel, const PanelPlace& place, QPointF at) {
  std::pair<int, int> best{-1, -1};
  for (std::size_t m = 0; m < panel.marks.size(); ++m) {
    const Mark& mark = panel.marks[m];
    if (isGuide(mark.kind)) continue;
    const bool points = mark.kind == MarkKind::Points, spans = mark.kind == MarkKind::Spans,
               on_top = points || spans || mark.kind == MarkKind::Image;
    const int k = mark.kind == MarkKind::Image ? pixelAt(panel, mark, at)
                  : spans                      ? spanAt(panel, mark, at)
                                               : nearest(panel, place, mark, at);
    if (k >= 0 && (best.first < 0 || on_top)) best = {static_cast<int>(m), k};
    if (k >= 0 && points) break;
  }
  return best;
}

QStringList readout(const Panel& panel, const PanelPlace& place, QPointF& at, int index) {
  QStringList lines;
  if (index >= 0) {  // the first mark with several elements leads
    for (const Mark& mark : panel.marks) {
      const int n = static_cast<int>(std::min(mark.x.size(), mark.y.size()));
      if (isGuide(mark.kind) || n < 2) continue;
      const auto i = static_cast<std::size_t>(std::min(index, n - 1));
      double x = toAxis(panel.x.scale, mark.x[i]);
      if (hasEdges(mark.kind) && i + 1 < mark.x.size()) x = 0.5 * (x + toAxis(panel.x.scale, mark.x[i + 1]));
      at = {x, toAxis(panel.y.scale, mark.y[i])};
      if (const auto span = mark.kind == MarkKind::Spans ? spanOf(panel, mark, i) : std::nullopt) at = span->center();
      break;
    }
  }
  lines << QString("%1: %2").arg(panel.x.title, acrossText(panel.x, fromAxis(panel.x.scale, at.x())));
  for (const Mark& mark : panel.marks) {
    if (isGuide(mark.kind)) {
      const auto& value = mark.kind == MarkKind::GuideX ? mark.x : mark.y;
      if (!value.empty() && !mark.name.isEmpty()) lines << QString("%1: %2").arg(mark.name, shortNumber(value.front()));
      continue;
    }
    if (mark.kind == MarkKind::Image) {
      if (!panel.y.categories.isEmpty() && pixelAt(panel, mark, at) >= 0)
        lines << acrossText(panel.y, fromAxis(panel.y.scale, at.y()));
      if (const int pixel = pixelAt(panel, mark, at); pixel >= 0)
        lines << QString("%1: %2").arg(mark.name, valueText(mark, static_cast<std::size_t>(pixel)));
      continue;
    }
    if (mark.kind == MarkKind::Spans) {
      if (const int k = spanAt(panel, mark, at); k >= 0)
        lines << mark.labels.value(k)
              << QString("%1: %2").arg(mark.name, shortNumber(mark.values[static_cast<std::size_t>(k)]));
      continue;
    }
    const int k = nearest(panel, place, mark, at);
    if (k < 0) continue;
    const auto i = static_cast<std::size_t>(k);
    QString value = shortNumber(mark.y[i]);
    if (i < mark.low.size()) value = QString("%1 … %2").arg(shortNumber(mark.low[i]), value);
    if (k < mark.labels.size())
      value = QString("%1 (x %2, y %3)").arg(mark.labels[k], acrossText(panel.x, mark.x[i]), value);
    if (hasEdges(mark.kind) && lines.size() == 1) {
      const double low = mark.x[i], high = mark.x[i + 1];
      const bool zeros = panel.x.zero_below && low < *panel.x.zero_below;
      lines[0] = zeros ? QString("%1: 0").arg(panel.x.title)
                 : std::fabs(high - low - 1) < 1e-9 && std::fabs(low - std::floor(low) - 0.5) < 1e-9
                     ? QString("%1: %2").arg(panel.x.title, shortNumber(0.5 * (low + high)))
                     : QString("%1: %2 to %3").arg(panel.x.title, shortNumber(low), shortNumber(high));
    }
    lines << QString("%1: %2").arg(mark.name.isEmpty() ? panel.y.title : mark.name, value);
    if (i < mark.values.size())
      lines << QString("%1: %2").arg(panel.bar ? panel.bar->title : mark.name, valueText(mark, i));
  }
  return lines;
}

}  // namespace scriptorium::charts
