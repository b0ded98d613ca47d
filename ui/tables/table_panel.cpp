#include "ui/tables/table_panel.hpp"

#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QMenu>
#include <QTableView>
#include <algorithm>

#include "ui/jobs/on_worker.hpp"

namespace scriptorium::ui {

TablePanel::TablePanel(const QString& name, const QString& title, QWidget* parent)
    : QWidget(parent),
      model_(new TableModel(this)),
      view_(new QTableView),
      search_(new QLineEdit),
      count_(new QLabel),
      message_(new QLabel),
      marked_only_(new QCheckBox(tr("selected only"))) {
  setObjectName(name);
  search_->setObjectName(name + "Search");
  search_->setPlaceholderText(tr("Filter as you type"));
  search_->setClearButtonEnabled(true);
  search_->setAccessibleName(tr("Filter: %1").arg(title));
  search_->setToolTip(tr("Shows the rows whose text holds all these words. Empty: all rows."));
  view_->setObjectName(name + "View");
  view_->setAccessibleName(title);
  view_->setModel(model_);
  view_->setSortingEnabled(false);  // on below, without sorting at once
  view_->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
  view_->setSortingEnabled(true);
  view_->setSelectionBehavior(QAbstractItemView::SelectRows);
  view_->setAlternatingRowColors(true);
  view_->setShowGrid(false);
  view_->setWordWrap(false);
  view_->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  view_->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  view_->verticalHeader()->setDefaultSectionSize(view_->fontMetrics().height() + 6);
  view_->verticalHeader()->hide();
  view_->horizontalHeader()->setHighlightSections(false);
  view_->horizontalHeader()->setResizeContentsPrecision(40);  // rows looked at, not a thousand
  view_->setContextMenuPolicy(Qt::CustomContextMenu);
  message_->setWordWrap(true);
  message_->setAlignment(Qt::AlignCenter);
  message_->setObjectName(name + "Message");
  auto* top = new QHBoxLayout;
  top->addWidget(search_, 1);
  marked_only_->setObjectName(name + "SelectedOnly");
  marked_only_->setAccessibleName(tr("Selected only: %1").arg(title));
  marked_only_->setToolTip(tr("Shows only the rows of the selection that all plots and tables share."));
  marked_only_->hide();
  connect(marked_only_, &QCheckBox::toggled, this, [this](bool only) {
    model_->setMarkedOnly(only);
    updateCount();
  });
  top->addWidget(marked_only_);
  top->addWidget(count_);
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  box->addLayout(top);
  box->addWidget(view_, 1);
  box->addWidget(message_, 1);
  setMessage({});
  connect(search_, &QLineEdit::textChanged, this, [this](const QString& text) {
    model_->setFilter(text);
    updateCount();
  });
  connect(view_, &QTableView::activated, this,
          [this](const QModelIndex& index) { emit rowActivated(model_->shownAt(index.row())); });
  connect(view_->selectionModel(), &QItemSelectionModel::selectionChanged, this, &TablePanel::selectionChanged);
  connect(view_, &QTableView::customContextMenuRequested, this, &TablePanel::showMenu);
}

void TablePanel::setTable(std::shared_ptr<const TableData> table) {
  const bool first = !model_->table() || model_->columnCount() != static_cast<int>(table->columns.size());
  message_->hide();
  view_->show();
  search_->setEnabled(true);
  model_->setTable(std::move(table));
  if (first) {
    view_->resizeColumnsToContents();  // looks at the rows in view only
    for (int c = 0; c < model_->columnCount(); ++c) {
      const bool narrow = !model_->table()->columns[static_cast<std::size_t>(c)].heading.isEmpty();
      view_->setColumnWidth(c, std::clamp(view_->columnWidth(c) + (narrow ? 2 : 14), narrow ? 36 : 60, 220));
    }
  }
  updateCount();
}

void TablePanel::setMarked(std::shared_ptr<const std::vector<std::uint8_t>> marked) {
  const bool any = marked && std::any_of(marked->begin(), marked->end(), [](std::uint8_t one) { return one != 0; });
  if (!any) marked_only_->setChecked(false);
  marked_only_->setVisible(any && model_->table());
  model_->setMarked(std::move(marked));
  updateCount();
}

void TablePanel::setMessage(const QString& message) {
  model_->setTable(nullptr);
  view_->setVisible(message.isEmpty());
  message_->setVisible(!message.isEmpty());
  message_->setText(message);
  search_->setEnabled(message.isEmpty());
  count_->clear();
}

void TablePanel::updateCount() {
  if (!model_->table()) return;
  const QLocale words(QLocale::English);
  const auto all = static_cast<qlonglong>(model_->table()->rows());
  count_->setText(model_->rowCount() == all
                      ? tr("%1 rows").arg(words.toString(all))
                      : tr("%1 of %2 rows").arg(words.toString(model_->rowCount()), words.toString(all)));
}

std::vector<int> TablePanel::selectedRows() const {
  std::vector<int> positions;
  for (const QModelIndex& index : view_->selectionModel()->selectedRows()) positions.push_back(index.row());
  std::sort(positions.begin(), positions.end());
  for (int& position : positions) position = model_->shownAt(position);
  return positions;
}

void TablePanel::selectRow(int row) {
  const int position = model_->positionOf(row);
  if (position < 0) return;
  view_->selectRow(position);
  view_->scrollTo(model_->index(position, 0));
}

void TablePanel::copy() {
  if (!model_->table()) return;
  const std::vector<int> chosen = selectedRows();
  onWorker<QString>(
      this,
      [table = model_->sharedTable(), rows = chosen.empty() ? model_->shown() : chosen] {
        return table->toText('\t', &rows);
      },
      [](const QString& text) { QApplication::clipboard()->setText(text); },
      [this](const JobError& error) { emit failed(error.message, error.remedy); });
}

void TablePanel::exportDialog() {
  if (!model_->table()) return;
  QString path = QFileDialog::getSaveFileName(this, tr("Export the rows shown"), model_->table()->name + ".tsv",
                                              tr("TSV (*.tsv);;CSV (*.csv)"));
  if (path.isEmpty()) return;
  onWorker<bool>(
      this,
      [table = model_->sharedTable(), rows = model_->shown(), path] {
        saveTable(*table, path, &rows);
        return true;
      },
      [](bool) {}, [this](const JobError& error) { emit failed(error.message, error.remedy); });
}

void TablePanel::showMenu(const QPoint& at) {
  QMenu menu(this);
  const std::vector<int> rows = selectedRows();
  menu.addAction(rows.empty() ? tr("Copy all rows shown") : tr("Copy the selected rows"), this, &TablePanel::copy);
  menu.addAction(tr("Export the rows shown…"), this, &TablePanel::exportDialog);
  if (!rows.empty()) {
    const bool pinned = model_->isPinned(rows.front());
    menu.addAction(pinned ? tr("Unpin") : tr("Pin on top"), this, [this, rows, pinned] {
      for (const int row : rows) model_->setPinned(row, !pinned);
    });
  }
  menu.exec(view_->viewport()->mapToGlobal(at));
}

void TablePanel::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) {
    copy();
  } else {
    QWidget::keyPressEvent(event);
  }
}

}  // namespace scriptorium::ui
