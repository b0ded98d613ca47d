#include "ui/charts/points_item.hpp"

#include <QImage>
#include <QPaintEngine>
#include <QPainter>
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace scriptorium::charts {

PointsItem::PointsItem(Cloud cloud) : cloud_(std::move(cloud)) {
  qsizetype kept = 0;
  for (qsizetype i = 0; i < cloud_.points.size(); ++i) {
    if (!cloud_.plot.contains(cloud_.points[i])) continue;
    cloud_.points[kept] = cloud_.points[i];
    if (!cloud_.colors.isEmpty()) cloud_.colors[kept] = cloud_.colors[i];
    ++kept;
  }
  cloud_.points.resize(kept);
  if (!cloud_.colors.isEmpty()) cloud_.colors.resize(kept);
}

void PointsItem::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
  drawCloud(*painter, cloud_);
}

namespace {

/// The pixels that a disc covers and how much of each, for 4 × 4 places of its middle within a pixel.
class Disc {
 public:
  explicit Disc(double radius) {
    const int reach = static_cast<int>(std::ceil(radius + 0.5));
    for (int place = 0; place < 16; ++place) {
      const int column = place % 4, row = place / 4;
      for (int y = -reach; y <= reach; ++y)
        for (int x = -reach; x <= reach; ++x) {
          const double away = std::hypot(x + 0.5 - (column + 0.5) / 4, y + 0.5 - (row + 0.5) / 4);
          const int cover = static_cast<int>(std::lround(255 * std::clamp(radius + 0.5 - away, 0.0, 1.0)));
          if (cover > 0) parts_[static_cast<std::size_t>(place)].push_back({x, y, cover});
        }
    }
  }
  /// @param bits  premultiplied pixels, `stride` a line
  void stamp(QRgb* bits, int stride, int width, int height, QPointF at, QRgb color) const {
    const int column = static_cast<int>(std::floor(at.x())), row = static_cast<int>(std::floor(at.y()));
    const int place = 4 * static_cast<int>(4 * (at.y() - row)) + static_cast<int>(4 * (at.x() - column));
    for (const Part& part : parts_[static_cast<std::size_t>(place)]) {
      const int x = column + part.x, y = row + part.y;
      if (x < 0 || x >= width || y < 0 || y >= height) continue;
      QRgb& pixel = bits[static_cast<std::ptrdiff_t>(y) * stride + x];
      const int alpha = qAlpha(color) * part.cover / 255, rest = 255 - alpha;
      pixel =
          qRgba((qRed(color) * alpha + qRed(pixel) * rest) / 255, (qGreen(color) * alpha + qGreen(pixel) * rest) / 255,
                (qBlue(color) * alpha + qBlue(pixel) * rest) / 255, alpha + qAlpha(pixel) * rest / 255);
    }
  }

 private:
  struct Part {
    int x, y, cover;
  };
  std::array<std::vector<Part>, 16> parts_;
};

}  // namespace

double dotsPerUnit(const QPainter& painter) {
  const QPaintEngine::Type engine = painter.paintEngine()->type();
  const bool vector = engine == QPaintEngine::SVG || engine == QPaintEngine::Pdf || engine == QPaintEngine::Picture;
  const double transform = std::hypot(painter.deviceTransform().m11(), painter.deviceTransform().m12());
  return std::clamp(vector ? 300.0 / 96 : transform, 1.0, 16.0);
}

void drawCloud(QPainter& painter, const Cloud& cloud) {
  painter.save();
  painter.setClipRect(cloud.plot);
  painter.setPen(cloud.rim.isValid() ? QPen(cloud.rim, 0.8) : QPen(Qt::NoPen));
  painter.setBrush(cloud.color);
  if (cloud.points.size() <= 2000) {
    for (qsizetype i = 0; i < cloud.points.size(); ++i) {
      if (!cloud.colors.isEmpty()) painter.setBrush(QColor::fromRgba(cloud.colors[i]));
      painter.drawEllipse(cloud.points[i], cloud.radius, cloud.radius);
    }
    painter.restore();
    return;
  }
  const double scale = dotsPerUnit(painter);
  QImage image((cloud.plot.size() * scale).toSize(), QImage::Format_ARGB32_Premultiplied);
  image.fill(Qt::transparent);
  if (!cloud.colors.isEmpty()) {  // a pen for every colour would take ten times as long
    const double across = image.width() / cloud.plot.width(), down = image.height() / cloud.plot.height();
    const Disc disc(cloud.radius * across);
    auto* bits = reinterpret_cast<QRgb*>(image.bits());
    const int stride = static_cast<int>(image.bytesPerLine() / 4);
    for (qsizetype i = 0; i < cloud.points.size(); ++i)
      disc.stamp(bits, stride, image.width(), image.height(),
                 {(cloud.points[i].x() - cloud.plot.left()) * across, (cloud.points[i].y() - cloud.plot.top()) * down},
                 cloud.colors[i]);
    painter.drawImage(cloud.plot, image);
    painter.restore();
    return;
  }
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
