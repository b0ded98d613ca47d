#pragma once
#include <QList>
#include <QPointF>

namespace scriptorium::charts {

/// A line of many points as at most two a pixel: the lowest and the highest of each of `columns` columns of x, in
/// order. Points must ascend in x. Lines of up to 2 · columns points come back as they are.
QList<QPointF> thin(const QList<QPointF>& points, int columns);

}  // namespace scriptorium::charts
