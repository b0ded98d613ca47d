#pragma once
#include <QWidget>

#include "ui/project/session.hpp"

class QLabel;
class QLineEdit;
class QToolButton;

namespace scriptorium::ui {

/// "Selection: 312 cells [Name…] [Invert] [Clear]", and the same for genes: what is selected in all plots and tables,
/// to be named, used as a filter, and saved.
class SelectionPanel : public QWidget {
  Q_OBJECT
 public:
  explicit SelectionPanel(Session& session, QWidget* parent = nullptr);

 private:
  struct Row {
    QWidget* all = nullptr;
    QLabel* says = nullptr;
    QToolButton *name = nullptr, *invert = nullptr, *clear = nullptr, *more = nullptr;
    QLineEdit* name_line = nullptr;
  };
  Row makeRow(Axis of);
  void showSelection();
  void keepOnly(Axis of);
  void saveTableDialog(Axis of);
  void saveH5adDialog();

  Session& session_;
  Row cells_, genes_;
};

/// Writes the named sets and the selection, a column each of True and False: .tsv, .csv or .json by the ending.
void saveSets(Session& session, Axis of, const QString& path);
/// Writes a copy of the file that is open with the sets of cells as columns of its cells.
void saveWithSets(Session& session, const QString& path);

}  // namespace scriptorium::ui
