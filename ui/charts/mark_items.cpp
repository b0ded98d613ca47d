#include "ui/charts/mark_items.hpp"

#include <QPainter>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ui/charts/colors.hpp"
#include "ui/charts/points_item.hpp"

namespace scriptorium::charts {

QColor colorOf(const Mark& mark, const Theme& theme) {
  return mark.color ? QColor::fromRgba(*mark.color) : theme.color(mark.tone);
}

namespace {

QRgb colorOf(const Panel& panel, const Mark& mark, double value) {
  if (!std::isfinite(value)) return kNoValue;
  if (!mark.palette.empty()) return mark.palette[static_cast<std::size_t>(std::max(0.0, value)) % mark.palette.size()];
  return panel.bar ? rampColor(panel.bar->ramp, panel.bar->place(value)) : viridis(value);
}

}  // namespace

Cloud cloudOf(const Panel& panel, const Mark& mark, const PanelPlace& place, const QColor& plain) {
  const std::size_t n = std::min(mark.x.size(), mark.y.size());
  const bool colored = mark.values.size() >= n && n > 0;
  const auto* emphasis = mark.emphasis && mark.emphasis->size() >= n ? mark.emphasis.get() : nullptr;
  Cloud cloud{{}, place.plot, plain, mark.width, {}};
  cloud.points.reserve(static_cast<qsizetype>(n));
  const auto add = [&](std::size_t i, bool faint) {
    const double x = toAxis(panel.x.scale, mark.x[i]), y = toAxis(panel.y.scale, mark.y[i]);
    if (!std::isfinite(x) || !std::isfinite(y)) return;
    cloud.points.append(place.drawn({x, y}));
    if (!colored && !emphasis) return;
    const QRgb color = faded(colored ? colorOf(panel, mark, mark.values[i]) : plain.rgba(), colored ? mark.opacity : 1);
    cloud.colors.append(faint ? faded(color, 0.15) : color);
  };
  // A step that shares no factor with n visits every point once.
  std::size_t step = colored ? static_cast<std::size_t>(0.618 * static_cast<double>(n)) | 1U : 1;
  while (n > 1 && std::gcd(step, n) != 1) step += 2;
  for (const bool faint : {true, false}) {
    if (faint && !emphasis) continue;
    for (std::size_t k = 0, i = 0; k < n; ++k, i = (i + step) % n)
      if (!emphasis || ((*emphasis)[i] == 0) == faint) add(i, faint);
  }
  return cloud;
}

std::optional<QRectF> spanOf(const Panel& panel, const Mark& mark, std::size_t i) {
  if (i >= mark.x.size() || i >= mark.x_end.size() || i >= mark.y.size()) return {};
  const double left = toAxis(panel.x.scale, mark.x[i]), right = toAxis(panel.x.scale, mark.x_end[i]);
  const double low = toAxis(panel.y.scale, mark.y[i] - mark.width / 2),
               high = toAxis(panel.y.scale, mark.y[i] + mark.width / 2);
  if (!(right > left && high > low)) return {};
  return QRectF(left, low, right - left, high - low);
}

QImage imageOf(const Panel& panel, const Mark& mark) {
  const int columns = mark.image_columns;
  const int rows = columns > 0 ? static_cast<int>(mark.values.size() / static_cast<std::size_t>(columns)) : 0;
  QImage image(std::max(1, columns), std::max(1, rows), QImage::Format_ARGB32_Premultiplied);
  image.fill(Qt::transparent);
  for (int r = 0; r < rows; ++r) {
    auto* line = reinterpret_cast<QRgb*>(image.scanLine(rows - 1 - r));
    for (int c = 0; c < columns; ++c) {
      const auto at = static_cast<std::size_t>(r) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(c);
      line[c] = std::isnan(mark.values[at]) ? 0 : colorOf(panel, mark, mark.values[at]);
    }
  }
  return image;
}

ImageItem::ImageItem(QImage image, const QRectF& target, const QRectF& plot)
    : image_(std::move(image)), target_(target), plot_(plot) {}

void ImageItem::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
  painter->save();
  painter->setClipRect(plot_);
  // Where there are more columns or rows than dots they are averaged; else they have sharp edges.
  const double dots = dotsPerUnit(*painter);
  const QSize room(static_cast<int>(std::ceil(target_.width() * dots)),
                   static_cast<int>(std::ceil(target_.height() * dots)));
  const QSize size = image_.size().boundedTo(room.expandedTo({1, 1}));
  painter->setRenderHint(QPainter::SmoothPixmapTransform, false);
  painter->drawImage(
      target_, size == image_.size() ? image_ : image_.scaled(size, Qt::IgnoreAspectRatio, Qt::SmoothTransformation));
  painter->restore();
}

}  // namespace scriptorium::charts
