#pragma once
#include <QObject>
#include <memory>
#include <vector>

#include "ui/project/selection_state.hpp"

namespace scriptorium::ui {

/// A column that cells can be coloured, compared or described by.
struct CellColumn {
  QString key;    ///< tells columns apart: of equal names too
  QString title;  ///< its name; what was made here comes first, so a file's column of the same name has "(file)" behind
  std::shared_ptr<const data::Column> column;  ///< one value a cell of the opened data
};

/// All columns of cells: those of the file, and those that analyses made (scores, calls). Whatever offers columns takes
/// them from here; whatever makes one hands it over here.
class CellColumns : public QObject {
  Q_OBJECT
 public:
  CellColumns(DataState& data, SelectionState& selection, QObject* parent = nullptr);

  /// Columns of one analysis, one value a cell of the opened data; its earlier ones go.
  void set(const QString& maker, std::vector<data::Column> columns);
  /// Those that were made, then those of the file.
  std::vector<CellColumn> all() const;
  /// By key; null where there is none.
  std::shared_ptr<const data::Column> find(const QString& key) const;
  /// What the file does not have: columns that were made, named sets, the selection.
  std::vector<data::Column> added() const;
  /// The name of each cell with the columns above.
  report::Table addedTable() const;

 signals:
  void changed();

 private:
  struct Made {
    QString maker;
    std::shared_ptr<const data::Column> column;
  };
  DataState& data_;
  SelectionState& selection_;
  std::vector<Made> made_;
};

}  // namespace scriptorium::ui
