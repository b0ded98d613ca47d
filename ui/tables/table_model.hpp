#pragma once
#include <QAbstractTableModel>
#include <QColor>
#include <set>

#include "ui/tables/table_data.hpp"

namespace scriptorium::ui {

/// A table of any length: sorting and filtering permute row numbers and never touch the values. Pinned rows stay on
/// top.
class TableModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  using QAbstractTableModel::QAbstractTableModel;

  void setTable(std::shared_ptr<const TableData> table);  ///< keeps sorting and filter
  const TableData* table() const { return table_.get(); }
  const std::shared_ptr<const TableData>& sharedTable() const { return table_; }  ///< for work that outlives this one
  void setFilter(const QString& text);   ///< words that all must occur in the texts of a row, without regard to case
  void setPinned(int row, bool pinned);  ///< `row` of the table
  bool isPinned(int row) const { return pinned_.contains(row); }
  /// Rows of the table that are marked (one byte a row; null: none), and whether only these are shown.
  void setMarked(std::shared_ptr<const std::vector<std::uint8_t>> marked);
  void setMarkedOnly(bool only);
  void setMarkColor(const QColor& color) { mark_color_ = color; }
  bool isMarked(int row) const;
  /// Rows of the table in the order shown.
  const std::vector<int>& shown() const { return order_; }
  int shownAt(int position) const { return order_[static_cast<std::size_t>(position)]; }
  int positionOf(int row) const;  ///< −1 when filtered away

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
  void sort(int column, Qt::SortOrder order) override;

 private:
  void reorder();

  std::shared_ptr<const TableData> table_;
  std::vector<int> order_;
  std::set<int> pinned_;
  std::shared_ptr<const std::vector<std::uint8_t>> marked_;
  QColor mark_color_{0xe6, 0x9f, 0x00, 90};
  bool marked_only_ = false;
  QString filter_;
  int sort_column_ = -1;
  Qt::SortOrder sort_order_ = Qt::AscendingOrder;
};

}  // namespace scriptorium::ui
