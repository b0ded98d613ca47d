#include "ui/charts/chart_scene.hpp"

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QFontMetricsF>
#include <QGraphicsLayout>
#include <QGraphicsSimpleTextItem>
#include <QtCharts/QAreaSeries>
#include <QtCharts/QCategoryAxis>
#include <QtCharts/QChart>
#include <QtCharts/QLineSeries>
#include <algorithm>
#include <cmath>
#include <set>

#include "ui/charts/colors.hpp"
#include "ui/charts/mark_items.hpp"
#include "ui/charts/points_item.hpp"
#include "ui/charts/thin.hpp"

namespace scriptorium::charts {
namespace {

constexpr double kTickRoom = 8;  ///< what Qt Charts leaves between an axis line and its labels, and some air

/// Whether an axis has its title written beside it.
bool shown(const Axis& axis) {
  return axis.show_title && !axis.title.isEmpty();
}

/// Points of (x, y) as drawn; what the axes have no place for is left out.
QList<QPointF> linePoints(const Panel& panel, const std::vector<double>& x, const std::vector<double>& y) {
  QList<QPointF> points;
  const std::size_t n = std::min(x.size(), y.size());
  points.reserve(static_cast<qsizetype>(n));
  for (std::size_t i = 0; i < n; ++i) {
    const QPointF point(toAxis(panel.x.scale, x[i]), toAxis(panel.y.scale, y[i]));
    if (std::isfinite(point.x()) && std::isfinite(point.y())) points.append(point);
  }
  return points;
}

constexpr double kBarRoom = 64;  ///< of the scale of colours at the right of a panel

/// The outline of steps: two points a step. Heights without a place on the axis (zero on a log axis) sit at its low
/// end.
QList<QPointF> stepPoints(const Panel& panel, const std::vector<double>& edges, const std::vector<double>& heights,
                          double floor) {
  QList<QPointF> points;
  const std::size_t n = std::min(edges.empty() ? 0 : edges.size() - 1, heights.size());
  points.reserve(static_cast<qsizetype>(2 * n));
  for (std::size_t i = 0; i < n; ++i) {
    const double left = toAxis(panel.x.scale, edges[i]), right = toAxis(panel.x.scale, edges[i + 1]);
    double height = toAxis(panel.y.scale, heights[i]);
    if (!std::isfinite(left) || !std::isfinite(right)) continue;
    if (!std::isfinite(height)) height = floor;
    points.append({left, height});
    points.append({right, height});
  }
  return points;
}

}  // namespace

ChartScene::ChartScene(Figure figure, QSizeF size, Theme theme, std::vector<std::optional<QRectF>> zoom)
    : figure_(std::move(figure)),
      size_(size),
      theme_(theme),
      zoom_(std::move(zoom)),
      scene_(std::make_unique<QGraphicsScene>()) {
  zoom_.resize(figure_.panels.size());
  scene_->setSceneRect(QRectF(QPointF(0, 0), size_));
  scene_->setItemIndexMethod(QGraphicsScene::NoIndex);
  scene_->setBackgroundBrush(theme_.background);
  layOut();
}

ChartScene::~ChartScene() = default;

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
      const bool filled = mark.kind == MarkKind::Band || mark.kind == MarkKind::StepBand || mark.kind == MarkKind::Bars;
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
  const int columns = std::clamp(figure_.columns, 1, std::max(1, n)), rows = (n + columns - 1) / columns;
  const QFontMetricsF metrics(theme_.font());
  places_.resize(figure_.panels.size());
  x_ticks_.resize(places_.size());
  y_ticks_.resize(places_.size());
  y_fonts_.resize(places_.size());

  // Same margins for a whole column, so that plots stand under each other.
  std::vector<double> left(static_cast<std::size_t>(columns), 0);
  const double height = rows ? (size_.height() - top) / rows : 0, width = size_.width() / columns;
  for (int i = 0; i < n; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const Panel& panel = figure_.panels[k];
    PanelPlace& place = places_[k];
    const int row = i / columns, column = i % columns;
    place.outer = QRectF(column * width, top + row * height, width, height);
    place.range = zoom_[k] ? *zoom_[k] : naturalRange(panel);
    y_fonts_[k] = theme_.font();
    if (panel.y.categories.isEmpty()) {
      const int most = static_cast<int>(std::clamp(height / (3.2 * metrics.height()), 2.0, 7.0));
      y_ticks_[k] = axisTicks(panel.y, place.range.top(), place.range.bottom(), most);
    } else {  // smaller where that shows every name
      const double above = panel.title.isEmpty() && panel.note.isEmpty() ? 6 : metrics.height() + 6;
      const double below = metrics.height() + kTickRoom + (!shown(panel.x) ? 2 : metrics.height() + 4);
      const double room = height - above - below, names = place.range.height();
      const auto line = [&] { return 0.92 * QFontMetricsF(y_fonts_[k]).height(); };
      while (y_fonts_[k].pixelSize() > 7 && names * line() > room)
        y_fonts_[k].setPixelSize(y_fonts_[k].pixelSize() - 1);
      const int most = static_cast<int>(std::max(2.0, room / line()));
      y_ticks_[k] = axisTicks(panel.y, place.range.top(), place.range.bottom(), most);
    }
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
    const double title = panel.title.isEmpty() && panel.note.isEmpty() ? 6 : metrics.height() + 6;
    const double below = metrics.height() + kTickRoom + (!shown(panel.x) ? 2 : metrics.height() + 4);
    const double from_left = left[static_cast<std::size_t>(i % columns)];
    const double beside = panel.bar ? kBarRoom : 0;
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

void ChartScene::addMark(QChart& chart, const Panel& panel, const Mark& mark, const PanelPlace& place) {
  QColor color = colorOf(mark, theme_);
  color.setAlphaF(static_cast<float>(mark.opacity));
  const QPen pen(color, mark.width, Qt::SolidLine, Qt::FlatCap, Qt::BevelJoin);
  const int columns = static_cast<int>(place.plot.width());
  const double floor = place.range.top() - place.range.height();
  const auto attach = [&](QAbstractSeries* series) {
    chart.addSeries(series);
    for (QAbstractAxis* axis : chart.axes()) series->attachAxis(axis);
  };
  const auto line = [&](const QList<QPointF>& points) {
    auto* series = new QLineSeries;
    series->setPen(pen);
    series->replace(thin(points, columns));
    attach(series);
  };
  const auto area = [&](const QList<QPointF>& upper, const QList<QPointF>& lower) {
    if (upper.size() < 2) return;
    auto* high = new QLineSeries;
    auto* low = new QLineSeries;
    high->replace(thin(upper, columns));
    low->replace(thin(lower, columns));
    auto* series = new QAreaSeries(high, low);
    high->setParent(series);
    low->setParent(series);
    series->setPen(Qt::NoPen);
    series->setBrush(color);
    attach(series);
  };
  switch (mark.kind) {
    case MarkKind::Line:
      line(linePoints(panel, mark.x, mark.y));
      break;
    case MarkKind::Steps:
      line(stepPoints(panel, mark.x, mark.y, floor));
      break;
    case MarkKind::Bars:
      area(stepPoints(panel, mark.x, mark.y, floor),
           stepPoints(panel, mark.x, std::vector<double>(mark.y.size(), 0.0), floor));
      break;
    case MarkKind::Band:
      area(linePoints(panel, mark.x, mark.y), linePoints(panel, mark.x, mark.low));
      break;
    case MarkKind::StepBand:
      area(stepPoints(panel, mark.x, mark.y, floor), stepPoints(panel, mark.x, mark.low, floor));
      break;
    case MarkKind::GuideX:
      if (!mark.x.empty()) {
        const double at = toAxis(panel.x.scale, mark.x.front());
        if (std::isfinite(at)) line({{at, place.range.top()}, {at, place.range.bottom()}});
      }
      break;
    case MarkKind::GuideY:
      if (!mark.y.empty()) {
        const double at = toAxis(panel.y.scale, mark.y.front());
        if (std::isfinite(at)) line({{place.range.left(), at}, {place.range.right(), at}});
      }
      break;
    case MarkKind::Image: {
      if (mark.x.size() < 2 || mark.y.size() < 2 || mark.values.empty()) break;
      const auto at = [&](double x, double y) {
        return place.drawn({toAxis(panel.x.scale, x), toAxis(panel.y.scale, y)});
      };
      auto* item =
          new ImageItem(imageOf(panel, mark), QRectF(at(mark.x[0], mark.y[1]), at(mark.x[1], mark.y[0])), place.plot);
      item->setZValue(4);
      scene_->addItem(item);
      break;
    }
    case MarkKind::Points: {
      auto* item = new PointsItem(cloudOf(panel, mark, place, color));
      item->setZValue(5);
      scene_->addItem(item);
      clouds_.push_back(item);
      break;
    }
  }
}

void ChartScene::buildPanel(std::size_t index) {
  const Panel& panel = figure_.panels[index];
  const PanelPlace& place = places_[index];
  auto* chart = new QChart;
  scene_->addItem(chart);
  chart->legend()->hide();
  chart->setAnimationOptions(QChart::NoAnimation);
  chart->setBackgroundVisible(false);
  chart->setMargins({});
  chart->setGeometry(place.outer);
  const auto axis = [&](const std::vector<Tick>& at, double low, double high, Qt::Alignment side, const QFont& font) {
    auto* made = new QCategoryAxis;  // the one axis of Qt Charts that takes labels at chosen places
    made->setLabelsPosition(QCategoryAxis::AxisLabelsPositionOnValue);
    made->setTruncateLabels(false);
    made->setStartValue(low);  // or there is a tick without a label at 0
    for (const Tick& tick : at) {
      QString label = tick.label;
      while (made->categoriesLabels().contains(label)) label += QChar(0x200b);  // labels must differ
      made->append(label, tick.position);
    }
    made->setRange(low, high);  // after append(), or the axis stays hidden
    made->setLabelsFont(font);
    made->setLabelsColor(theme_.ink);
    made->setGridLinePen(QPen(theme_.grid, 0.8));
    made->setLinePen(QPen(theme_.faint, 1));
    chart->addAxis(made, side);
    return made;
  };
  auto* x = axis(x_ticks_[index], place.range.left(), place.range.right(), Qt::AlignBottom, theme_.font());
  auto* y = axis(y_ticks_[index], place.range.top(), place.range.bottom(), Qt::AlignLeft, y_fonts_[index]);
  if (!panel.y.categories.isEmpty()) {  // Qt Charts leaves out names whose boxes touch, though the letters do not
    y->setLabelsVisible(false);
    const QFontMetricsF metrics(y_fonts_[index]);
    for (const Tick& tick : y_ticks_[index])
      addText(tick.label, y_fonts_[index], theme_.ink,
              {place.plot.left() - kTickRoom + 2, place.drawn({0, tick.position}).y() - metrics.height() / 2},
              place.plot.left() - place.outer.left(), Qt::AlignRight);
  }
  for (const Mark& mark : panel.marks) addMark(*chart, panel, mark, place);
  chart->setPlotArea(place.plot.translated(-place.outer.topLeft()));
  chart->layout()->activate();
  if (x->labelsTruncated() || y->labelsTruncated()) truncated_ << panel.title;
}

bool ChartScene::draw(QPainter& painter, int milliseconds, QList<Cloud>* apart) {
  QElapsedTimer since;
  since.start();
  const QRectF whole(QPointF(0, 0), size_);
  painter.setRenderHint(QPainter::Antialiasing);
  const auto render = [&] {  // what is drawn leaves the scene, so that the next turn draws the next panel only
    scene_->render(&painter, whole, whole);
    clouds_.clear();
    scene_->clear();
  };
  if (!begun_) {
    begun_ = true;
    render();
    scene_->setBackgroundBrush(Qt::NoBrush);
  }
  while (drawn_ < figure_.panels.size()) {
    if (milliseconds >= 0 && since.elapsed() >= milliseconds) return false;
    buildPanel(drawn_++);
    for (PointsItem* item : clouds_) {
      if (!apart) break;
      *apart << item->cloud();
      delete item;  // leaves the scene
    }
    render();
  }
  return true;
}

}  // namespace scriptorium::charts
