#include "ui/project/selection_link.hpp"

#include <QTableView>

namespace scriptorium::ui {

SelectionLink::SelectionLink(TablePanel& table, SelectionState& selection, Axis of)
    : QObject(&table), table_(table), selection_(selection), of_(of) {
  later_.setSingleShot(true);
  later_.setInterval(120);
  connect(&later_, &QTimer::timeout, this, &SelectionLink::take);
  connect(&table, &TablePanel::selectionChanged, this, [this] { later_.start(); });
  connect(&selection, &SelectionState::changed, this, [this](Axis changed) {
    if (changed == of_) show();
  });
  show();
}

void SelectionLink::setRows(std::vector<std::int64_t> rows) {
  rows_ = std::move(rows);
  show();
}

void SelectionLink::take() {
  IndexSet chosen;
  for (const int row : table_.selectedRows()) {
    const auto i = static_cast<std::size_t>(row);
    chosen.push_back(rows_.empty() ? row : i < rows_.size() ? rows_[i] : -1);
  }
  if (chosen.empty()) return;  // sorting or filtering took the rows away, not the user
  taking_ = true;
  selection_.select(of_, std::move(chosen), Combine::Replace, tr("selection in a table"));
  taking_ = false;
}

void SelectionLink::show() {
  // What was chosen elsewhere takes the place of rows selected by hand.
  if (!taking_ && !later_.isActive()) table_.view().clearSelection();
  const auto& flags = selection_.flags(of_);
  if (!flags || rows_.empty()) {
    table_.setMarked(flags);
    return;
  }
  auto marked = std::make_shared<std::vector<std::uint8_t>>(rows_.size(), 0);
  for (std::size_t i = 0; i < rows_.size(); ++i)
    if (rows_[i] >= 0 && static_cast<std::size_t>(rows_[i]) < flags->size())
      (*marked)[i] = (*flags)[static_cast<std::size_t>(rows_[i])];
  table_.setMarked(std::move(marked));
}

}  // namespace scriptorium::ui
