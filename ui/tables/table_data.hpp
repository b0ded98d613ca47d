#pragma once
#include <QHash>
#include <QString>
#include <memory>
#include <vector>

#include "core/report/table.hpp"

namespace scriptorium::ui {

/// One column: numbers (NaN: missing) or text.
struct TableColumn {
  QString name;  ///< as the exported header has it
  QString help;  ///< one plain sentence, with the unit
  std::vector<double> numbers;
  std::vector<QString> texts;
  QString heading = {};  ///< shown instead of the name where room is short; the column is as narrow as it can be
  bool isText() const { return !texts.empty() || numbers.empty(); }
  std::size_t size() const { return texts.empty() ? numbers.size() : texts.size(); }
};

/// A table as a value, made by a worker and then only read.
struct TableData {
  QString name;  ///< for file names
  std::vector<TableColumn> columns;
  std::size_t rows() const { return columns.empty() ? 0 : columns.front().size(); }
  /// Full precision: 17 significant digits, empty where missing.
  QString text(std::size_t row, std::size_t column) const;
  /// The rows asked for (all when `rows` is null) with a header; commas are quoted in CSV.
  QString toText(QChar separator, const std::vector<int>* rows = nullptr) const;
};

/// A table of core as the window shows and writes it. `help`: sentences by column name.
std::shared_ptr<const TableData> tableOf(const QString& name, const report::Table& from,
                                         const QHash<QString, QString>& help = {});

/// TSV, or CSV when the name ends so. Written aside, then renamed. @throws Error(Io) naming the path.
void saveTable(const TableData& table, const QString& path, const std::vector<int>* rows = nullptr);

}  // namespace scriptorium::ui
