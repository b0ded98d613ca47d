#pragma once
#include <QObject>
#include <functional>
#include <vector>

#include "core/progress.hpp"
#include "ui/charts/figure.hpp"
#include "ui/tables/table_data.hpp"

namespace scriptorium::ui {

/// What the pages offer for export. A page adds its items once; an item is there when its provider says so.
class ExportList : public QObject {
  Q_OBJECT
 public:
  /// Makes a table; runs on a worker.
  using TableMaker = std::function<std::shared_ptr<const TableData>(const RunControl&)>;
  /// Writes a file aside and puts it in place; runs on a worker.
  using FileMaker = std::function<void(const QString& path, const RunControl&)>;
  struct FigureItem {
    QString key, title;
    std::function<charts::Figure()> figure;  ///< empty figure: nothing to export yet
  };
  struct TableItem {
    QString key, title;
    std::function<TableMaker()> table;  ///< empty function: nothing to export yet
  };
  struct FileItem {
    QString key, title, ending;
    bool small = true;                ///< ticked unless the user says otherwise
    std::function<FileMaker()> file;  ///< empty function: nothing to export yet
  };
  using QObject::QObject;

  void addFigure(FigureItem item) { figures_.push_back(std::move(item)); }
  void addTable(TableItem item) { tables_.push_back(std::move(item)); }
  void addFile(FileItem item) { files_.push_back(std::move(item)); }
  const std::vector<FigureItem>& figures() const { return figures_; }
  const std::vector<TableItem>& tables() const { return tables_; }
  const std::vector<FileItem>& files() const { return files_; }
  /// Pages call this when one of their items became available or changed.
  void touch() { emit changed(); }

 signals:
  void changed();

 private:
  std::vector<FigureItem> figures_;
  std::vector<TableItem> tables_;
  std::vector<FileItem> files_;
};

}  // namespace scriptorium::ui
