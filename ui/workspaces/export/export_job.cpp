#include "ui/workspaces/export/export_job.hpp"

#include <QDir>
#include <QFileInfo>
#include <QTimer>

#include "core/error.hpp"

namespace scriptorium::ui {

ExportJob::ExportJob(InteractivePool& pool, ExportPlan plan, QObject* parent)
    : QObject(parent), pool_(pool), plan_(std::move(plan)) {}

void ExportJob::start() {
  Answer<QStringList> answer;
  answer.done = [this](QStringList written) {
    written_ = std::move(written);
    emit progressed(static_cast<int>(written_.size()), plan_.files());
    QTimer::singleShot(0, this, &ExportJob::drawSome);
  };
  answer.failed = [this](const JobError& error) { end(error); };
  answer.cancelled = [this] { end({tr("The export was cancelled."), tr("Files that were finished are kept.")}); };
  QStringList names;
  for (const auto& file : plan_.figures) names << file.name;
  for (const auto& file : plan_.tables) names << file.name;
  for (const auto& file : plan_.others) names << file.name;
  pool_.request<QStringList>(
      "export", this,
      [folder = plan_.folder, names, replace = plan_.replace, tables = plan_.tables,
       others = plan_.others](const RunControl& control) {
        if (folder.isEmpty() || !QDir().mkpath(folder))
          throw Error(ErrorCode::Io, "The folder \"" + folder.toStdString() + "\" cannot be made.",
                      "Choose another folder.");
        const QDir dir(folder);
        for (const QString& name : names)
          if (!replace && QFileInfo::exists(dir.filePath(name)))
            throw Error(ErrorCode::Io, name.toStdString() + " is already in that folder.",
                        "Tick \"replace files\", or choose another folder or name pattern.");
        QStringList written;
        for (const auto& file : tables) {
          control.check();
          const QString path = dir.filePath(file.name);
          saveTable(*file.table(control), path);
          written << path;
        }
        for (const auto& file : others) {
          control.check();
          const QString path = dir.filePath(file.name);
          file.write(path, control);
          written << path;
        }
        return written;
      },
      std::move(answer));
}

void ExportJob::cancel() {
  if (pool_.busy("export"))
    pool_.cancel("export");
  else
    end({tr("The export was cancelled."), tr("Files that were finished are kept.")});
}

void ExportJob::drawSome() {
  if (ended_) return;
  if (next_ == plan_.figures.size()) {
    end({});
    return;
  }
  const ExportPlan::FigureFile& file = plan_.figures[next_];
  try {
    if (!drawing_) {
      drawing_ = std::make_unique<charts::FigureDrawing>(file.figure, plan_.size_mm);
    } else if (drawing_->draw(10)) {
      charts::DrawnFigure drawn = drawing_->take();
      drawing_.reset();
      ++next_;
      write(std::move(drawn), file);
      return;
    }
  } catch (...) {
    end(describeCurrentException());
    return;
  }
  QTimer::singleShot(0, this, &ExportJob::drawSome);
}

void ExportJob::write(charts::DrawnFigure drawn, const ExportPlan::FigureFile& file) {
  const QString path = QDir(plan_.folder).filePath(file.name);
  Answer<bool> answer;
  answer.done = [this, path](bool) {
    written_ << path;
    emit progressed(static_cast<int>(written_.size()), plan_.files());
    drawSome();
  };
  answer.failed = [this](const JobError& error) { end(error); };
  answer.cancelled = [this] { end({tr("The export was cancelled."), tr("Files that were finished are kept.")}); };
  pool_.request<bool>(
      "export", this,
      [drawn = std::move(drawn), path, dpi = plan_.dpi](const RunControl&) {
        charts::writeFigure(drawn, path, dpi);
        return true;
      },
      std::move(answer));
}

void ExportJob::end(const JobError& error) {
  if (ended_) return;
  ended_ = true;
  emit finished(written_, error);
}

}  // namespace scriptorium::ui
