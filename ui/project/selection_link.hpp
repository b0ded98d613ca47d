#pragma once
#include <QTimer>

#include "ui/project/selection_state.hpp"
#include "ui/tables/table_panel.hpp"

namespace scriptorium::ui {

/// Makes a table show the shared selection and set it: rows that are selected by hand become the selection, rows of the
/// selection are marked.
class SelectionLink : public QObject {
  Q_OBJECT
 public:
  SelectionLink(TablePanel& table, SelectionState& selection, Axis of);
  /// The cell (or gene) of the opened data that each row of the table stands for, −1 for none. Call after setTable();
  /// empty: row i is number i.
  void setRows(std::vector<std::int64_t> rows);

 private:
  void take();
  void show();

  TablePanel& table_;
  SelectionState& selection_;
  Axis of_;
  std::vector<std::int64_t> rows_;
  QTimer later_{this};  ///< a drag over many rows is one step
  bool taking_ = false;
};

}  // namespace scriptorium::ui
