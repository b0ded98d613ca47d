#pragma once
#include <QObject>
#include <QSizeF>
#include <functional>

#include "ui/charts/figure_file.hpp"
#include "ui/project/session.hpp"

namespace scriptorium::ui {

/// What to write where.
struct ExportPlan {
  QString folder;
  QSizeF size_mm{174, 120};
  int dpi = 300;
  bool replace = false;  ///< files that are there already
  struct FigureFile {
    QString name;
    charts::Figure figure;
  };
  struct TableFile {
    QString name;
    ExportList::TableMaker table;
  };
  std::vector<FigureFile> figures;
  std::vector<TableFile> tables;
  struct OtherFile {
    QString name;
    ExportList::FileMaker write;
  };
  std::vector<OtherFile> others;
  int files() const { return static_cast<int>(figures.size() + tables.size() + others.size()); }
};

/// Writes a plan: looks at the folder and makes the tables on a worker, draws figures in slices of the event loop (Qt
/// Charts draws on the window's thread only) and encodes them on a worker. Every file is written aside, then renamed.
class ExportJob : public QObject {
  Q_OBJECT
 public:
  ExportJob(InteractivePool& pool, ExportPlan plan, QObject* parent = nullptr);
  void start();
  void cancel();

 signals:
  void progressed(int done, int all);
  void finished(const QStringList& written, const JobError& error);  ///< once; the error is empty when all went well

 private:
  void drawSome();
  void write(charts::DrawnFigure drawn, const ExportPlan::FigureFile& file);
  void end(const JobError& error);

  InteractivePool& pool_;
  ExportPlan plan_;
  QStringList written_;
  std::unique_ptr<charts::FigureDrawing> drawing_;
  std::size_t next_ = 0;
  bool ended_ = false;
};

}  // namespace scriptorium::ui
