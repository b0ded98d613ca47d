#pragma once
#include <QWidget>

#include "ui/tables/table_model.hpp"

class QCheckBox;
class QLabel;
class QLineEdit;
class QTableView;

namespace scriptorium::ui {

/// A table with its search box: sort by a click on a header, filter as typed, pin rows, copy and export at full
/// precision.
class TablePanel : public QWidget {
  Q_OBJECT
 public:
  /// `title`: what is in it, for screen readers.
  explicit TablePanel(const QString& object_name, const QString& title, QWidget* parent = nullptr);

  void setTable(std::shared_ptr<const TableData> table);
  void setMessage(const QString& message);  ///< instead of a table
  TableModel& model() { return *model_; }
  QTableView& view() { return *view_; }
  QLineEdit& search() { return *search_; }
  /// Shows which rows belong to a selection that others share, and a box that shows only these.
  void setMarked(std::shared_ptr<const std::vector<std::uint8_t>> marked);
  std::vector<int> selectedRows() const;  ///< rows of the table, in the order shown
  void selectRow(int row);

 public slots:
  void copy();
  void exportDialog();

 signals:
  void rowActivated(int row);  ///< double click or Enter
  void selectionChanged();
  void failed(const QString& message, const QString& remedy);

 protected:
  void keyPressEvent(QKeyEvent* event) override;

 private:
  void updateCount();
  void showMenu(const QPoint& at);

  TableModel* model_;
  QTableView* view_;
  QLineEdit* search_;
  QLabel* count_;
  QLabel* message_;
  QCheckBox* marked_only_;
};

}  // namespace scriptorium::ui
