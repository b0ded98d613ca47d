#pragma once
#include <QImage>
#include <QPicture>
#include <QSizeF>
#include <QString>
#include <memory>

#include "ui/charts/figure.hpp"
#include "ui/charts/points_item.hpp"

class QPainter;

namespace scriptorium::charts {

class ChartScene;

/// Widths that journals ask for, in millimetres.
struct WidthPreset {
  QString name;
  double mm;
};
const std::vector<WidthPreset>& widthPresets();

/// Writes PNG, SVG or PDF (by the ending of `path`), light for paper, `sizeMm` wide and high; `dpi` is for PNG and for
/// images inside SVG and PDF, whose text stays text. Written aside, then renamed.
/// @throws Error(Io) naming the path, Error(BadInput) for another ending, an empty figure or an impossible size.
void saveFigure(const Figure& figure, const QString& path, QSizeF sizeMm, int dpi);

/// A figure drawn once, to be written as often as wanted and on any thread: Qt Charts needs the window's thread and
/// some milliseconds, encoding a file takes much longer.
struct DrawnFigure {
  QString name, title, summary;
  QSizeF size_mm;
  QPicture picture;
  QList<Cloud> clouds;  ///< over the picture
};
/// As ChartScene::draw(): call until it answers true, then `take()`. @throws Error(BadInput) as saveFigure().
class FigureDrawing {
 public:
  FigureDrawing(const Figure& figure, QSizeF sizeMm);
  ~FigureDrawing();
  bool draw(int milliseconds = -1);
  DrawnFigure take();

 private:
  DrawnFigure drawn_;
  std::unique_ptr<ChartScene> scene_;
  std::unique_ptr<QPainter> painter_;  // on drawn_.picture
};
/// What saveFigure() does after the drawing; on any thread.
void writeFigure(const DrawnFigure& figure, const QString& path, int dpi);

/// The drawing as an image, for previews and the clipboard; on any thread.
QImage imageOf(const DrawnFigure& figure, int dpi);

/// The numbers of a figure as TSV, or CSV by the ending. Written aside, then renamed. @throws Error(Io).
void saveFigureNumbers(const Figure& figure, const QString& path);

}  // namespace scriptorium::charts
