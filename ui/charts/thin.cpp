#include "ui/charts/thin.hpp"

#include <algorithm>

namespace scriptorium::charts {

QList<QPointF> thin(const QList<QPointF>& points, int columns) {
  columns = std::max(1, columns);
  if (points.size() <= 2 * static_cast<qsizetype>(columns)) return points;
  const double first = points.front().x(), span = points.back().x() - first;
  if (!(span > 0)) return points;
  QList<QPointF> kept;
  kept.reserve(2 * columns + 2);
  qsizetype begin = 0;
  for (int column = 0; column < columns && begin < points.size(); ++column) {
    const double edge = first + span * (column + 1) / columns;
    qsizetype low = begin, high = begin, end = begin;
    while (end < points.size() && (points[end].x() <= edge || column == columns - 1)) {
      if (points[end].y() < points[low].y()) low = end;
      if (points[end].y() > points[high].y()) high = end;
      ++end;
    }
    if (end == begin) continue;
    kept.append(points[std::min(low, high)]);
    if (low != high) kept.append(points[std::max(low, high)]);
    begin = end;
  }
  return kept;
}

}  // namespace scriptorium::charts
