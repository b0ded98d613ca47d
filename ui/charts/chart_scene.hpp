#pragma once
#include <QGraphicsScene>
#include <QPainter>
#include <memory>
#include <optional>
#include <vector>

#include "ui/charts/figure.hpp"
#include "ui/charts/points_item.hpp"
#include "ui/charts/theme.hpp"

class QChart;

namespace scriptorium::charts {

/// What Qt Charts leaves between an axis line and its labels, and some air.
inline constexpr double kTickRoom = 8;

/// Where a panel ended up, in the scene's coordinates (1/96 inch), and the range of its axes as drawn.
struct PanelPlace {
  QRectF outer, plot;
  QRectF range;  ///< y grows upwards: top() is the low end
  /// From axis positions to where that is drawn, and back.
  QPointF drawn(QPointF at) const {
    return {plot.left() + (at.x() - range.left()) / range.width() * plot.width(),
            plot.bottom() - (at.y() - range.top()) / range.height() * plot.height()};
  }
  QPointF onAxes(QPointF at) const {
    return {range.left() + (at.x() - plot.left()) / plot.width() * range.width(),
            range.top() + (plot.bottom() - at.y()) / plot.height() * range.height()};
  }
};

/// A figure laid out at a size: the one drawing used by the screen, the clipboard and files. Panels are Qt Charts in
/// one graphics scene; axes are laid out here, because Qt Charts has no log1p axis, shortens labels and cannot share
/// margins. A panel takes about 3 ms to build and 1 ms to draw, so `draw()` can be called in slices. Needs a
/// QApplication; window thread only.
class ChartScene {
 public:
  /// `zoom`: ranges as drawn that replace a panel's natural one; empty or one entry per panel.
  ChartScene(Figure figure, QSizeF size, Theme theme, std::vector<std::optional<QRectF>> zoom = {});
  ~ChartScene();

  /// Draws onto (0, 0) … size: titles and legend first, then one panel after another until `milliseconds` have passed
  /// (negative: all). True when everything is drawn; else call again with the same painter. Clouds of points, which
  /// are slow to record, go to `apart` where it is given, to be drawn over the rest by drawCloud().
  bool draw(QPainter& painter, int milliseconds = -1, QList<Cloud>* apart = nullptr);

  const std::vector<PanelPlace>& places() const { return places_; }
  const Figure& figure() const { return figure_; }
  /// Labels that Qt Charts shortened or that do not fit; empty is what tests ask for at every export size.
  QStringList truncatedLabels() const { return truncated_; }

 private:
  void layOut();
  double layOutLegend();
  void buildPanel(std::size_t index);
  void addMark(QChart& chart, const Panel& panel, const Mark& mark, const PanelPlace& place);
  void addBar(const ColorBar& bar, const PanelPlace& place);
  void addText(const QString& text, const QFont& font, const QColor& color, QPointF at, double room,
               Qt::Alignment align, bool upwards = false);

  Figure figure_;
  QSizeF size_;
  Theme theme_;
  std::vector<std::optional<QRectF>> zoom_;
  std::vector<PanelPlace> places_;
  std::vector<std::vector<Tick>> x_ticks_, y_ticks_;
  std::vector<QFont> y_fonts_;  ///< of the labels: names of categories shrink to fit
  std::size_t drawn_ = 0;       ///< panels
  bool begun_ = false;
  QStringList truncated_;
  std::unique_ptr<QGraphicsScene> scene_;
  std::vector<PointsItem*> clouds_;  ///< owned by the scene
};

}  // namespace scriptorium::charts
