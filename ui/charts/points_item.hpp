#pragma once
#include <QColor>
#include <QGraphicsItem>
#include <QList>

class QPainter;

namespace scriptorium::charts {

/// Points in scene coordinates and how they are drawn; what lies outside `plot` is left out.
struct Cloud {
  QList<QPointF> points;
  QRectF plot;
  QColor color;
  double radius = 1.5;
  QList<QRgb> colors = {};  ///< of each point; empty: `color`
  QColor rim = {};          ///< around discs, so that colours close to the ground are seen; invalid: none
};

/// Dots of an image for a unit of the scene (1/96 inch): the painter's own; 300 an inch where it draws vectors or
/// records, which report 72 or 96.
double dotsPerUnit(const QPainter& painter);

/// Draws a cloud of points inside a plot, the last ones on top; on any thread. Up to 2,000 are drawn as discs (vectors
/// in SVG and PDF); more become one image at the painter's resolution, because Qt Charts needs 0.8 s for 10,000 of its
/// own and 34 s for 50,000.
void drawCloud(QPainter& painter, const Cloud& cloud);

/// A cloud in a scene.
class PointsItem : public QGraphicsItem {
 public:
  explicit PointsItem(Cloud cloud);
  const Cloud& cloud() const { return cloud_; }
  QRectF boundingRect() const override { return cloud_.plot; }
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

 private:
  Cloud cloud_;
};

}  // namespace scriptorium::charts
