#include "ui/tables/table_model.hpp"

#include <QBrush>
#include <QFont>
#include <QLocale>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace scriptorium::ui {
namespace {

/// For the eye: four digits; whole numbers in full. Copy and export use TableData::text.
QString displayed(double value) {
  if (std::isnan(value)) return {};
  if (value == std::floor(value) && std::fabs(value) < 1e9) return QLocale(QLocale::English).toString(value, 'f', 0);
  return QString::number(value, 'g', 4);
}

}  // namespace

void TableModel::setTable(std::shared_ptr<const TableData> table) {
  beginResetModel();
  table_ = std::move(table);
  pinned_.clear();
  if (!table_ || sort_column_ >= static_cast<int>(table_->columns.size())) sort_column_ = -1;
  reorder();
  endResetModel();
}

void TableModel::setFilter(const QString& text) {
  if (text == filter_) return;
  beginResetModel();
  filter_ = text;
  reorder();
  endResetModel();
}

void TableModel::setPinned(int row, bool pinned) {
  beginResetModel();
  if (pinned)
    pinned_.insert(row);
  else
    pinned_.erase(row);
  reorder();
  endResetModel();
}

void TableModel::setMarked(std::shared_ptr<const std::vector<std::uint8_t>> marked) {
  if (marked_only_) {
    beginResetModel();
    marked_ = std::move(marked);
    reorder();
    endResetModel();
    return;
  }
  marked_ = std::move(marked);
  if (rowCount() > 0) emit dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1), {Qt::BackgroundRole});
}

void TableModel::setMarkedOnly(bool only) {
  if (only == marked_only_) return;
  beginResetModel();
  marked_only_ = only;
  reorder();
  endResetModel();
}

bool TableModel::isMarked(int row) const {
  return marked_ && static_cast<std::size_t>(row) < marked_->size() && (*marked_)[static_cast<std::size_t>(row)] != 0;
}

int TableModel::positionOf(int row) const {
  const auto at = std::find(order_.begin(), order_.end(), row);
  return at == order_.end() ? -1 : static_cast<int>(at - order_.begin());
}

void TableModel::reorder() {
  order_.clear();
  if (!table_) return;
  const int rows = static_cast<int>(table_->rows());
  order_.reserve(static_cast<std::size_t>(rows));
  const QStringList words = filter_.split(' ', Qt::SkipEmptyParts);
  for (int row = 0; row < rows; ++row) {
    if (marked_only_ && !isMarked(row)) continue;
    const bool keep =
        pinned_.contains(row) || std::all_of(words.begin(), words.end(), [&](const QString& word) {
          return std::any_of(table_->columns.begin(), table_->columns.end(), [&](const TableColumn& column) {
            return column.isText() && column.texts[static_cast<std::size_t>(row)].contains(word, Qt::CaseInsensitive);
          });
        });
    if (keep) order_.push_back(row);
  }
  if (sort_column_ >= 0) {
    const TableColumn& by = table_->columns[static_cast<std::size_t>(sort_column_)];
    const bool up = sort_order_ == Qt::AscendingOrder;
    if (by.isText()) {
      std::stable_sort(order_.begin(), order_.end(), [&](int a, int b) {
        const int c = by.texts[static_cast<std::size_t>(a)].compare(by.texts[static_cast<std::size_t>(b)]);
        return up ? c < 0 : c > 0;
      });
    } else {
      std::stable_sort(order_.begin(), order_.end(), [&](int a, int b) {
        const double x = by.numbers[static_cast<std::size_t>(a)], y = by.numbers[static_cast<std::size_t>(b)];
        if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);  // missing last, both ways
        return up ? x < y : x > y;
      });
    }
  }
  if (!pinned_.empty())
    std::stable_partition(order_.begin(), order_.end(), [&](int row) { return pinned_.contains(row); });
}

void TableModel::sort(int column, Qt::SortOrder order) {
  if (column == sort_column_ && order == sort_order_) return;
  emit layoutAboutToBeChanged();
  const QModelIndexList before = persistentIndexList();
  std::vector<int> rows;
  for (const QModelIndex& index : before) rows.push_back(order_[static_cast<std::size_t>(index.row())]);
  sort_column_ = column;
  sort_order_ = order;
  reorder();
  if (!before.isEmpty()) {
    std::vector<int> position(table_->rows(), -1);
    for (std::size_t i = 0; i < order_.size(); ++i) position[static_cast<std::size_t>(order_[i])] = static_cast<int>(i);
    QModelIndexList after;
    for (qsizetype i = 0; i < before.size(); ++i)
      after << index(position[static_cast<std::size_t>(rows[static_cast<std::size_t>(i)])], before[i].column());
    changePersistentIndexList(before, after);
  }
  emit layoutChanged();
}

int TableModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(order_.size());
}
int TableModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() || !table_ ? 0 : static_cast<int>(table_->columns.size());
}

QVariant TableModel::data(const QModelIndex& index, int role) const {
  if (!table_ || !index.isValid()) return {};
  const auto row = static_cast<std::size_t>(order_[static_cast<std::size_t>(index.row())]);
  const TableColumn& column = table_->columns[static_cast<std::size_t>(index.column())];
  switch (role) {
    case Qt::DisplayRole:
      return column.isText() ? column.texts[row] : displayed(column.numbers[row]);
    case Qt::ToolTipRole:
      return table_->text(row, static_cast<std::size_t>(index.column()));
    case Qt::TextAlignmentRole:
      return QVariant::fromValue(Qt::Alignment((column.isText() ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter));
    case Qt::BackgroundRole:
      return isMarked(static_cast<int>(row)) ? QVariant(QBrush(mark_color_)) : QVariant();
    case Qt::FontRole:
      if (pinned_.contains(static_cast<int>(row))) {
        QFont font;
        font.setBold(true);
        return font;
      }
      return {};
    default:
      return {};
  }
}

QVariant TableModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (!table_ || section >= (orientation == Qt::Horizontal ? columnCount() : rowCount())) return {};
  if (orientation == Qt::Vertical) return role == Qt::DisplayRole ? QVariant(section + 1) : QVariant();
  const TableColumn& column = table_->columns[static_cast<std::size_t>(section)];
  if (role == Qt::DisplayRole) return column.heading.isEmpty() ? column.name : column.heading;
  if (role == Qt::ToolTipRole) return column.heading.isEmpty() ? column.help : column.name + ": " + column.help;
  return {};
}

}  // namespace scriptorium::ui
