#include "ui/charts/points_item.hpp"

#include <QImage>
#include <QPaintEngine>
#include <QPainter>
#include <algorithm>
#include <cmath>

namespace scriptorium::charts {

PointsItem::PointsItem(Cloud cloud) : cloud_(std::move(cloud)) {
  cloud_.points.removeIf([&](const QPointF& p) { return !cloud_.plot.contains(p); });
}

void PointsItem::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
  drawCloud(*painter, cloud_);
}

void drawCloud(QPainter& painter, const Cloud& cloud) {
  painter.save();
  painter.setClipRect(cloud.plot);
  painter.setPen(Qt::NoPen);
  painter.setBrush(cloud.color);
  if (cloud.points.size() <= 2000) {
    for (const QPointF& point : cloud.points) painter.drawEllipse(point, cloud.radius, cloud.radius);
    painter.restore();
    return;
  }
  // Vector devices report 72 or 96 dots an inch: give their image 300.
  const QPaintEngine::Type engine = painter.paintEngine()->type();
  const bool vector = engine == QPaintEngine::SVG || engine == QPaintEngine::Pdf;
  const double transform = std::hypot(painter.deviceTransform().m11(), painter.deviceTransform().m12());
  const double scale = std::clamp(vector ? 300.0 / 96 : transform, 1.0, 16.0);
  QImage image((cloud.plot.size() * scale).toSize(), QImage::Format_ARGB32_Premultiplied);
  image.fill(Qt::transparent);
  QPainter onto(&image);
  onto.setRenderHint(QPainter::Antialiasing);
  onto.scale(image.width() / cloud.plot.width(), image.height() / cloud.plot.height());
  onto.translate(-cloud.plot.topLeft());
  onto.setPen(QPen(cloud.color, 2 * cloud.radius, Qt::SolidLine, Qt::RoundCap));
  onto.drawPoints(cloud.points.constData(), static_cast<int>(cloud.points.size()));
  onto.end();
  painter.drawImage(cloud.plot, image);
  painter.restore();
}

}  // namespace scriptorium::charts
