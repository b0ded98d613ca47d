#include "ui/charts/figure_file.hpp"

#include <QBuffer>
#include <QPainter>
#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>
#include <cmath>

#include "core/error.hpp"
#include "ui/charts/chart_scene.hpp"

namespace scriptorium::charts {
namespace {

constexpr double kPixelsPerMm = 96 / 25.4;  ///< figures are laid out at 96 pixels an inch

/// All bytes at once, so that a full disk leaves the old file as it was.
void writeWhole(const QString& path, const QByteArray& bytes) {
  QSaveFile file(path);
  if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit())
    throw Error(ErrorCode::Io, "Cannot write " + path.toStdString() + ": " + file.errorString().toStdString() + ".",
                "Choose another folder, or make room on this disk.");
}

void checkSize(const Figure& figure, QSizeF mm, int dpi) {
  if (figure.empty())
    throw Error(ErrorCode::BadInput, "The figure " + figure.name.toStdString() + " has nothing to draw yet.",
                "Run the step that makes it first.");
  if (!(mm.width() >= 10 && mm.height() >= 10 && mm.width() <= 1000 && mm.height() <= 1000 && dpi >= 30 && dpi <= 1200))
    throw Error(ErrorCode::BadInput, "A figure cannot be that size.", "Use 10 to 1,000 mm and 30 to 1,200 dpi.");
}

}  // namespace

const std::vector<WidthPreset>& widthPresets() {
  static const std::vector<WidthPreset> presets{
      {"one column, 85 mm", 85}, {"two columns, 174 mm", 174}, {"slide, 254 mm", 254}};
  return presets;
}

FigureDrawing::FigureDrawing(const Figure& figure, QSizeF mm) {
  checkSize(figure, mm, 300);
  drawn_ = {figure.name, figure.title, figure.summary(), mm, QPicture(), {}};
  scene_ = std::make_unique<ChartScene>(figure, mm * kPixelsPerMm, Theme::paper());
}
FigureDrawing::~FigureDrawing() = default;

bool FigureDrawing::draw(int milliseconds) {
  if (!painter_) painter_ = std::make_unique<QPainter>(&drawn_.picture);
  return scene_->draw(*painter_, milliseconds, &drawn_.clouds);
}

DrawnFigure FigureDrawing::take() {
  painter_->end();
  return std::move(drawn_);
}

namespace {

void paint(QPainter& painter, const DrawnFigure& figure) {
  painter.setRenderHint(QPainter::Antialiasing);
  painter.drawPicture(0, 0, figure.picture);
  for (const Cloud& cloud : figure.clouds) drawCloud(painter, cloud);
}

DrawnFigure draw(const Figure& figure, QSizeF mm) {
  FigureDrawing drawing(figure, mm);
  drawing.draw();
  return drawing.take();
}

}  // namespace

QImage imageOf(const DrawnFigure& figure, int dpi) {
  const QSizeF mm = figure.size_mm, layout = mm * kPixelsPerMm;
  const QSize pixels(static_cast<int>(std::lround(mm.width() / 25.4 * dpi)),
                     static_cast<int>(std::lround(mm.height() / 25.4 * dpi)));
  QImage image(pixels, QImage::Format_ARGB32_Premultiplied);
  image.fill(Qt::white);
  QPainter painter(&image);
  painter.scale(pixels.width() / layout.width(), pixels.height() / layout.height());
  paint(painter, figure);
  painter.end();
  image.setDotsPerMeterX(static_cast<int>(std::lround(dpi / 0.0254)));  // after painting, which would scale fonts by it
  image.setDotsPerMeterY(image.dotsPerMeterX());
  return image;
}

void saveFigure(const Figure& figure, const QString& path, QSizeF mm, int dpi) {
  checkSize(figure, mm, dpi);
  writeFigure(draw(figure, mm), path, dpi);
}

void writeFigure(const DrawnFigure& figure, const QString& path, int dpi) {
  const QSizeF mm = figure.size_mm, layout = mm * kPixelsPerMm;
  const QString title = figure.title.isEmpty() ? figure.name : figure.title;
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  if (path.endsWith(".png", Qt::CaseInsensitive)) {
    imageOf(figure, dpi).save(&buffer, "PNG");
  } else if (path.endsWith(".svg", Qt::CaseInsensitive)) {
    QSvgGenerator svg;
    svg.setOutputDevice(&buffer);
    svg.setResolution(96);
    svg.setSize(layout.toSize());
    svg.setViewBox(QRectF(QPointF(0, 0), layout));
    svg.setTitle(title);
    svg.setDescription(figure.summary);
    QPainter painter(&svg);
    paint(painter, figure);
    painter.end();
    // QSvgGenerator rounds to whole pixels; the size asked for is written exactly.
    const qsizetype start = bytes.indexOf("<svg "), end = bytes.indexOf('\n', start);
    bytes.replace(start, end - start,
                  QString("<svg width=\"%1mm\" height=\"%2mm\"").arg(mm.width()).arg(mm.height()).toUtf8());
  } else if (path.endsWith(".pdf", Qt::CaseInsensitive)) {
    QPdfWriter pdf(&buffer);
    pdf.setPageSize(QPageSize(mm, QPageSize::Millimeter, figure.name, QPageSize::ExactMatch));
    pdf.setPageMargins(QMarginsF());
    pdf.setResolution(96 * 8);  // whole multiples keep thin lines where they were laid out
    pdf.setTitle(title);
    pdf.setCreator("Scriptorium");
    QPainter painter(&pdf);
    painter.scale(8, 8);
    paint(painter, figure);
    painter.end();
  } else {
    throw Error(ErrorCode::BadInput, "Figures are not written as " + path.toStdString() + ".",
                "Use .png, .svg or .pdf.");
  }
  writeWhole(path, bytes);
}

void saveFigureNumbers(const Figure& figure, const QString& path) {
  writeWhole(path, figure.toTable(path.endsWith(".csv", Qt::CaseInsensitive) ? ',' : '\t').toUtf8());
}

}  // namespace scriptorium::charts
