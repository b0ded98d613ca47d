#include "ui/charts/figure_job.hpp"

#include "ui/jobs/on_worker.hpp"

namespace scriptorium::charts {

FigureJob::FigureJob(Figure figure, QSizeF sizeMm, std::function<void(const DrawnFigure&)> use, QObject* parent)
    : QObject(parent), figure_(std::move(figure)), size_mm_(sizeMm), use_(std::move(use)) {
  slice_.setInterval(0);
  connect(&slice_, &QTimer::timeout, this, &FigureJob::drawSome);
  slice_.start();
}

FigureJob::~FigureJob() = default;

void FigureJob::drawSome() {
  try {
    if (!drawing_) {
      drawing_ = std::make_unique<FigureDrawing>(figure_, size_mm_);
    } else if (drawing_->draw(10)) {
      slice_.stop();
      handOver();
    }
  } catch (...) {
    slice_.stop();
    end(ui::describeCurrentException());
  }
}

void FigureJob::handOver() {
  auto drawn = std::make_shared<const DrawnFigure>(drawing_->take());
  drawing_.reset();
  ui::onWorker<bool>(
      this,
      [use = std::move(use_), drawn] {
        use(*drawn);
        return true;
      },
      [this](bool) { end({}); }, [this](const ui::JobError& error) { end(error); });
}

void FigureJob::end(const ui::JobError& error) {
  deleteLater();
  if (error.empty())
    emit done();
  else
    emit failed(error.message, error.remedy);
}

}  // namespace scriptorium::charts
