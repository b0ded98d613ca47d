// Where panels, texts and the scale of colours of a ChartScene are.
#include <QFontMetricsF>
#include <QGraphicsSimpleTextItem>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "ui/charts/chart_scene.hpp"
#include "ui/charts/colors.hpp"
#include "ui/charts/mark_items.hpp"

namespace scriptorium::charts {
namespace {

constexpr double kBarRoom = 64;  ///< of the scale of colours at the right of a panel

/// Whether an axis has its title written beside it.
bool shown(const Axis& axis) {
  return axis.show_title && !axis.title.isEmpty();
}

double roomAbove(const Panel& panel, const QFontMetricsF& metrics) {
  return panel.title.isEmpty() && panel.note.isEmpty() ? 6 : metrics.height() + 6;
}

/// For the labels and the title of the x axis, and for half of the lowest label of the y axis.
double roomBelow(const Panel& panel, const QFontMetricsF& metrics) {
  const double title = shown(panel.x) ? metrics.height() + 4 : 2;
  return title + (panel.x.show_labels ? metrics.height() + kTickRoom : metrics.height() / 2);
}

/// Relative heights of the rows of panels, from the tallest of each.
std::vector<double> rowHeights(const Figure& figure, std::size_t columns) {
  std::vector<double> heights;
  for (std::size_t i = 0; i < figure.panels.size(); ++i) {
    if (i % columns == 0) heights.push_back(0);
    heights.back() = std::max(heights.back(), figure.panels[i].height);
  }
  return heights;
}

}  // namespace

void ChartScene::addText(const QString& text, const QFont& font, const QColor& color, QPointF at, double room,
                         Qt::Alignment align, bool upwards) {
  QFont fitted = font;
  while (fitted.pixelSize() > 7 && QFontMetricsF(fitted).horizontalAdvance(text) > room)
    fitted.setPixelSize(fitted.pixelSize() - 1);
  const QFontMetricsF metrics(fitted);
  QString shown = text;
  if (metrics.horizontalAdvance(text) > room) {
    shown = metrics.elidedText(text, Qt::ElideRight, room);
    truncated_ << text;
  }
  auto* item = scene_->addSimpleText(shown, fitted);
  item->setBrush(color);
  item->setZValue(20);
  const double width = metrics.horizontalAdvance(shown);
  if (upwards) {
    item->setRotation(-90);
    item->setPos(at.x(), at.y() + width / 2);
    return;
  }
  item->setPos(align & Qt::AlignRight     ? at.x() - width
               : align & Qt::AlignHCenter ? at.x() - width / 2
                                          : at.x(),
               at.y());
}

double ChartScene::layOutLegend() {
  const QFont font = theme_.font(0.95);
  const QFontMetricsF metrics(font);
  std::set<QString> seen;
  double x = 6, y = figure_.title.isEmpty() ? 4 : theme_.font_pixels * 1.3 + 8;
  const double row = metrics.height() + 2;
  bool any = false;
  const auto entry = [&](const QString& name, const QColor& color) {  // of a group of points
    if (name.isEmpty() || !seen.insert(name).second) return;
    const double width = 22 + metrics.horizontalAdvance(name) + 12;
    if (any && x + width > size_.width()) {
      x = 6;
      y += row;
    }
    scene_->addEllipse(QRectF(x + 4, y + metrics.height() / 2 - 4, 8, 8), Qt::NoPen, color)->setZValue(20);
    addText(name, font, theme_.ink, {x + 21, y}, size_.width() - x - 22, Qt::AlignLeft);
    x += width;
    any = true;
  };
  for (const Panel& panel : figure_.panels) {
    for (const Mark& mark : panel.marks) {
      for (qsizetype i = 0; i < mark.groups.size() && mark.in_legend; ++i)
        entry(mark.groups[i], QColor::fromRgba(mark.palette[static_cast<std::size_t>(i) % mark.palette.size()]));
      if (!mark.groups.isEmpty() || mark.kind == MarkKind::Image || (panel.bar && !mark.values.empty())) continue;
      if (mark.name.isEmpty() || !mark.in_legend || !seen.insert(mark.name).second) continue;
      const double width = 22 + metrics.horizontalAdvance(mark.name) + 12;
      if (any && x + width > size_.width()) {
        x = 6;
        y += row;
      }
      QColor color = colorOf(mark, theme_);
      color.setAlphaF(static_cast<float>(mark.opacity));
      const bool filled = mark.kind == MarkKind::Band || mark.kind == MarkKind::StepBand ||
                          mark.kind == MarkKind::Bars || mark.kind == MarkKind::Spans;
      const double middle = y + metrics.height() / 2;
      if (filled) {
        scene_->addRect(QRectF(x, middle - 4.5, 16, 9), Qt::NoPen, color)->setZValue(20);
      } else if (mark.kind == MarkKind::Points) {
        scene_->addEllipse(QRectF(x + 4, middle - 4, 8, 8), Qt::NoPen, color)->setZValue(20);
      } else {
        scene_->addLine(QLineF(x, middle, x + 16, middle), QPen(color, std::max(1.5, mark.width)))->setZValue(20);
      }
      addText(mark.name, font, theme_.ink, {x + 21, y}, size_.width() - x - 22, Qt::AlignLeft);
      x += width;
      any = true;
    }
  }
  return any ? y + row + 2 : (figure_.title.isEmpty() ? 2 : y);
}

void ChartScene::layOut() {
  if (!figure_.title.isEmpty())
    addText(figure_.title, theme_.font(1.1, true), theme_.ink, {6, 4}, size_.width() - 12, Qt::AlignLeft);
  const double top = layOutLegend();
  const int n = static_cast<int>(figure_.panels.size());
  const int columns = std::clamp(figure_.columns, 1, std::max(1, n));
  const QFontMetricsF metrics(theme_.font());
  places_.resize(figure_.panels.size());
  x_ticks_.resize(places_.size());
  y_ticks_.resize(places_.size());
  y_fonts_.resize(places_.size());

  // Same margins for a whole column, so that plots stand under each other.
  std::vector<double> left(static_cast<std::size_t>(columns), 0);
  const std::vector<double> rows = rowHeights(figure_, static_cast<std::size_t>(columns));
  const double all_rows = std::accumulate(rows.begin(), rows.end(), 0.0), width = size_.width() / columns;
  double above = top;  // the upper end of the row
  const bool any_bar = std::any_of(figure_.panels.begin(), figure_.panels.end(),
                                   [](const Panel& panel) { return panel.bar.has_value(); });
  for (int i = 0; i < n; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const Panel& panel = figure_.panels[k];
    PanelPlace& place = places_[k];
    const int column = i % columns;
    const double height = (size_.height() - top) * rows[static_cast<std::size_t>(i / columns)] / all_rows;
    place.outer = QRectF(column * width, above, width, height);
    if (column == columns - 1) above += height;
    place.range = zoom_[k] ? *zoom_[k] : naturalRange(panel);
    y_fonts_[k] = theme_.font();
    double most = std::clamp(height / (3.2 * metrics.height()), 2.0, 7.0);
    if (!panel.y.categories.isEmpty()) {  // smaller where that shows every name
      const double room = height - roomAbove(panel, metrics) - roomBelow(panel, metrics);
      const auto line = [&] { return 0.92 * QFontMetricsF(y_fonts_[k]).height(); };
      while (y_fonts_[k].pixelSize() > 7 && place.range.height() * line() > room)
        y_fonts_[k].setPixelSize(y_fonts_[k].pixelSize() - 1);
      most = std::max(2.0, room / line());
    }
    y_ticks_[k] = axisTicks(panel.y, place.range.top(), place.range.bottom(), static_cast<int>(most));
    const QFontMetricsF label_metrics(y_fonts_[k]);
    double widest = 0;
    for (const Tick& tick : y_ticks_[k]) widest = std::max(widest, label_metrics.horizontalAdvance(tick.label));
    auto& margin = left[static_cast<std::size_t>(i % columns)];
    margin = std::max(margin, widest + kTickRoom + (!shown(panel.y) ? 0 : metrics.height() + 6));
  }
  for (int i = 0; i < n; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const Panel& panel = figure_.panels[k];
    PanelPlace& place = places_[k];
    const double title = roomAbove(panel, metrics);
    const double below = roomBelow(panel, metrics);
    const double from_left = left[static_cast<std::size_t>(i % columns)];
    const double beside = panel.bar || (figure_.link_x && any_bar) ? kBarRoom : 0;
    double right = 10 + beside;
    int most = static_cast<int>(std::clamp((width - from_left) / 48, 2.0, 10.0));
    for (; most >= 2; --most) {  // as many labels as stand beside each other
      x_ticks_[k] = axisTicks(panel.x, place.range.left(), place.range.right(), most);
      if (!x_ticks_[k].empty())
        right = std::max(10.0, metrics.horizontalAdvance(x_ticks_[k].back().label) / 2 + 3) + beside;
      const double scale = (width - from_left - right) / place.range.width();
      double end = -1e9;  // right end of the label before
      bool apart = true;
      for (const Tick& tick : x_ticks_[k]) {
        const double half = metrics.horizontalAdvance(tick.label) / 2,
                     at = (tick.position - place.range.left()) * scale;
        apart = apart && at - half >= end;
        end = at + half + 7;
      }
      if (apart) break;
    }
    place.plot = place.outer.adjusted(from_left, title, -right, -below);
    if (place.plot.width() < 10) place.plot.setWidth(10);
    if (place.plot.height() < 10) place.plot.setHeight(10);
    const double room = place.plot.width() - 4;
    double note_width = 0;
    if (!panel.note.isEmpty()) {
      note_width = std::min(room * 0.5, metrics.horizontalAdvance(panel.note) + 8);
      addText(panel.note, theme_.font(), theme_.faint, {place.plot.right(), place.outer.top() + 2}, note_width,
              Qt::AlignRight);
    }
    if (!panel.title.isEmpty()) {
      const QFont bold = theme_.font(1, true);
      const bool fits = QFontMetricsF(bold).horizontalAdvance(panel.title) <= room - note_width;
      const double from = fits ? place.plot.left() : place.outer.left() + 3;
      addText(panel.title, bold, theme_.ink, {from, place.outer.top() + 2}, place.plot.right() - from - note_width,
              Qt::AlignLeft);
    }
    if (panel.bar) addBar(*panel.bar, place);
    // Qt Charts would shorten titles without a word: these are ours.
    if (shown(panel.x))
      addText(panel.x.title, theme_.font(), theme_.ink,
              {place.plot.center().x(), place.outer.bottom() - metrics.height() - 3}, place.outer.width() - 6,
              Qt::AlignHCenter);
    if (shown(panel.y))
      addText(panel.y.title, theme_.font(), theme_.ink, {place.outer.left() + 3, place.plot.center().y()},
              place.outer.height() - 4, Qt::AlignHCenter, true);
  }
}

void ChartScene::addBar(const ColorBar& bar, const PanelPlace& place) {
  const QFont font = theme_.font(0.9);
  const QFontMetricsF metrics(font);
  const double height = std::min(place.plot.height(), 160.0);
  const QRectF strip(place.plot.right() + 12, place.plot.center().y() - height / 2, 11, height);
  QLinearGradient gradient(strip.bottomLeft(), strip.topLeft());
  for (int i = 0; i <= 8; ++i) gradient.setColorAt(i / 8.0, QColor::fromRgb(rampColor(bar.ramp, i / 8.0)));
  scene_->addRect(strip, QPen(theme_.faint, 0.5), gradient)->setZValue(20);
  const double room = kBarRoom - 28;
  addText(shortNumber(bar.high), font, theme_.ink, {strip.right() + 4, strip.top() - 2}, room, Qt::AlignLeft);
  addText(shortNumber(bar.low), font, theme_.ink, {strip.right() + 4, strip.bottom() - metrics.height() + 2}, room,
          Qt::AlignLeft);
  addText(bar.title, font, theme_.ink, {strip.right() + 5, strip.center().y()}, height - 2 * metrics.height() - 2,
          Qt::AlignHCenter, true);
}

}  // namespace scriptorium::charts
