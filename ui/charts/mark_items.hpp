#pragma once
#include <QGraphicsItem>
#include <QImage>

#include "ui/charts/chart_scene.hpp"

/// What Qt Charts has no series for: clouds of coloured points, and images.
namespace scriptorium::charts {

QColor colorOf(const Mark& mark, const Theme& theme);
/// The points of a mark in the scene, each with its colour where they have values. Those of little emphasis come first;
/// else in an order that does not follow the data, so that no group hides another.
Cloud cloudOf(const Panel& panel, const Mark& mark, const PanelPlace& place, const QColor& plain);
/// A bar of spans in the axes as drawn; nothing where there is none.
std::optional<QRectF> spanOf(const Panel& panel, const Mark& mark, std::size_t i);
/// The values of an image as pixels; NaN is transparent.
QImage imageOf(const Panel& panel, const Mark& mark);

/// An image in a plot: its pixels stay sharp.
class ImageItem : public QGraphicsItem {
 public:
  ImageItem(QImage image, const QRectF& target, const QRectF& plot);
  QRectF boundingRect() const override { return plot_; }
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

 private:
  QImage image_;
  QRectF target_, plot_;
};

}  // namespace scriptorium::charts
