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
#include <numeric>
#include <set>

#include "ui/charts/colors.hpp"
#include "ui/charts/mark_items.hpp"
#include "ui/charts/points_item.hpp"
#include "ui/charts/thin.hpp"

namespace scriptorium::charts {
namespace {

/// Images and spans lie over the chart.
bool hasImage(const Panel& panel) {
  return std::any_of(panel.marks.begin(), panel.marks.end(),
                     [](const Mark& mark) { return mark.kind == MarkKind::Image || mark.kind == MarkKind::Spans; });
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

constexpr double kRimmed = 4;  ///< radius from which points on a bar of colours have a rim

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
  const auto guide = [&](QPointF from, QPointF to) {
    if (!hasImage(panel)) return line({from, to});
    auto* item = scene_->addLine(QLineF(place.drawn(from), place.drawn(to)), pen);
    item->setZValue(6);
    item->setVisible(place.plot.adjusted(-1, -1, 1, 1).contains(item->line().center()));
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
        if (std::isfinite(at)) guide({at, place.range.top()}, {at, place.range.bottom()});
      }
      break;
    case MarkKind::GuideY:
      if (!mark.y.empty()) {
        const double at = toAxis(panel.y.scale, mark.y.front());
        if (std::isfinite(at)) guide({place.range.left(), at}, {place.range.right(), at});
      }
      break;
    case MarkKind::Spans:
      for (std::size_t i = 0; i < mark.y.size(); ++i)
        if (const auto span = spanOf(panel, mark, i)) {
          const QRectF drawn(place.drawn(span->topLeft()), place.drawn(span->bottomRight()));
          scene_->addRect(drawn.normalized().intersected(place.plot), Qt::NoPen, color)->setZValue(4);
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
      Cloud cloud = cloudOf(panel, mark, place, color);
      if (panel.bar && mark.width >= kRimmed) cloud.rim = theme_.faint;
      auto* item = new PointsItem(std::move(cloud));
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
  const auto axis = [&](const Axis& of, const std::vector<Tick>& at, double low, double high, Qt::Alignment side,
                        const QFont& font) {
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
    made->setLabelsVisible(of.show_labels);
    made->setLabelsFont(font);
    made->setLabelsColor(theme_.ink);
    made->setGridLinePen(QPen(theme_.grid, 0.8));
    made->setLinePen(QPen(theme_.faint, 1));
    chart->addAxis(made, side);
    return made;
  };
  auto* x = axis(panel.x, x_ticks_[index], place.range.left(), place.range.right(), Qt::AlignBottom, theme_.font());
  auto* y = axis(panel.y, y_ticks_[index], place.range.top(), place.range.bottom(), Qt::AlignLeft, y_fonts_[index]);
  if (!panel.y.categories.isEmpty() &&
      panel.y.show_labels) {  // Qt Charts leaves out names whose boxes touch, though the letters do not
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
