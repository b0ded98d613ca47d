// What a figure offers on a right click: copies, files, scales.
#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QFileDialog>
#include <QMenu>
#include <QMimeData>

#include "ui/charts/figure_job.hpp"
#include "ui/charts/figure_view.hpp"
#include "ui/jobs/on_worker.hpp"

namespace scriptorium::charts {

void FigureView::contextMenuEvent(QContextMenuEvent* event) {
  QMenu menu(this);
  menu.addAction(tr("Copy figure"), this, &FigureView::copyFigure)->setEnabled(!figure_.empty());
  menu.addAction(tr("Copy its numbers"), this, &FigureView::copyNumbers)->setEnabled(!figure_.empty());
  menu.addSeparator();
  menu.addAction(tr("Save figure…"), this, &FigureView::saveFigureDialog)->setEnabled(!figure_.empty());
  menu.addAction(tr("Save its numbers…"), this, &FigureView::saveNumbersDialog)->setEnabled(!figure_.empty());
  menu.addSeparator();
  addScaleMenu(menu, tr("Horizontal axis"), true);
  addScaleMenu(menu, tr("Vertical axis"), false);
  menu.addAction(tr("Fit to data"), this, &FigureView::fit)->setEnabled(!figure_.empty());
  menu.exec(event->globalPos());
}

void FigureView::addScaleMenu(QMenu& menu, const QString& title, bool across) {
  QMenu* scales = menu.addMenu(title);
  scales->setEnabled(!figure_.empty());
  const std::pair<QString, std::optional<Scale>> choices[] = {{tr("as made"), std::nullopt},
                                                              {tr("linear"), Scale::Linear},
                                                              {tr("log"), Scale::Log},
                                                              {tr("log1p, with zero"), Scale::Log1p}};
  for (const auto& [text, scale] : choices) {
    QAction* action = scales->addAction(text);
    action->setCheckable(true);
    action->setChecked((across ? x_scale_ : y_scale_) == scale);
    connect(action, &QAction::triggered, this,
            [this, across, scale = scale] { across ? setScales(scale, y_scale_) : setScales(x_scale_, scale); });
  }
}

void FigureView::copyFigure() {
  if (figure_.empty()) return;
  struct Copied {
    QImage image;
    QString numbers;
  };
  auto copied = std::make_shared<Copied>();
  auto* job = new FigureJob(
      figure_, QSizeF(size()) * 25.4 / 96,
      [copied, figure = figure_](const DrawnFigure& drawn) {
        copied->image = imageOf(drawn, 192);
        copied->numbers = figure.toTable();
      },
      this);
  connect(job, &FigureJob::failed, this, &FigureView::failed);
  connect(job, &FigureJob::done, this, [copied] {
    auto* mime = new QMimeData;
    mime->setImageData(copied->image);
    mime->setText(copied->numbers);
    QApplication::clipboard()->setMimeData(mime);
  });
}

void FigureView::copyNumbers() {
  if (figure_.empty()) return;
  ui::onWorker<QString>(
      this, [figure = figure_] { return figure.toTable(); },
      [](const QString& numbers) { QApplication::clipboard()->setText(numbers); },
      [this](const ui::JobError& error) { emit failed(error.message, error.remedy); });
}

void FigureView::saveFigureDialog() {
  if (figure_.empty()) return;
  QString path = QFileDialog::getSaveFileName(this, tr("Save figure"), file_name_ + ".pdf",
                                              tr("PDF (*.pdf);;SVG (*.svg);;PNG (*.png)"));
  if (path.isEmpty()) return;  // Cancel means cancel
  if (!path.contains('.')) path += ".pdf";
  const double mm = std::clamp(width() * 25.4 / 96, 85.0, 174.0);
  auto* job = new FigureJob(
      figure_, {mm, mm * height() / std::max(1, width())},
      [path](const DrawnFigure& drawn) { writeFigure(drawn, path, 300); }, this);
  connect(job, &FigureJob::failed, this, &FigureView::failed);
}

void FigureView::saveNumbersDialog() {
  if (figure_.empty()) return;
  QString path = QFileDialog::getSaveFileName(this, tr("Save the numbers of this figure"), file_name_ + ".tsv",
                                              tr("TSV (*.tsv);;CSV (*.csv)"));
  if (path.isEmpty()) return;
  ui::onWorker<bool>(
      this,
      [figure = figure_, path] {
        saveFigureNumbers(figure, path);
        return true;
      },
      [](bool) {}, [this](const ui::JobError& error) { emit failed(error.message, error.remedy); });
}

}  // namespace scriptorium::charts
