#pragma once
#include <QObject>
#include <QTimer>
#include <functional>
#include <memory>

#include "ui/charts/figure_file.hpp"
#include "ui/jobs/job_error.hpp"

namespace scriptorium::charts {

/// Draws a figure in slices of the event loop (Qt Charts draws on the window's thread only) and lets a worker make
/// something of the drawing. Deletes itself when it has told its end. When it is deleted before, nothing more is told.
class FigureJob : public QObject {
  Q_OBJECT
 public:
  /// `use` runs on a worker; what it throws becomes failed().
  FigureJob(Figure figure, QSizeF sizeMm, std::function<void(const DrawnFigure&)> use, QObject* parent);
  ~FigureJob() override;

 signals:
  void done();
  void failed(const QString& message, const QString& remedy);

 private:
  void drawSome();
  void handOver();
  void end(const ui::JobError& error);

  Figure figure_;
  QSizeF size_mm_;
  std::function<void(const DrawnFigure&)> use_;
  std::unique_ptr<FigureDrawing> drawing_;
  QTimer slice_;
};

}  // namespace scriptorium::charts
