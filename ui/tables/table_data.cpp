#include "ui/tables/table_data.hpp"

#include <QSaveFile>
#include <QStringList>
#include <cmath>

#include "core/error.hpp"

namespace scriptorium::ui {

QString TableData::text(std::size_t row, std::size_t column) const {
  const TableColumn& of = columns[column];
  if (of.isText()) return row < of.texts.size() ? of.texts[row] : QString();
  return std::isnan(of.numbers[row]) ? QString() : QString::number(of.numbers[row], 'g', 17);
}

QString TableData::toText(QChar separator, const std::vector<int>* chosen) const {
  const auto quoted = [&](QString text) {
    if (separator == '\t') return text.replace('\t', ' ').replace('\n', ' ');
    if (!text.contains(',') && !text.contains('"') && !text.contains('\n')) return text;
    return '"' + text.replace('"', "\"\"") + '"';
  };
  QString out;
  QStringList line;
  for (const TableColumn& column : columns) line << quoted(column.name);
  out += line.join(separator) + '\n';
  const std::size_t n = chosen ? chosen->size() : rows();
  for (std::size_t i = 0; i < n; ++i) {
    line.clear();
    const std::size_t row = chosen ? static_cast<std::size_t>((*chosen)[i]) : i;
    for (std::size_t column = 0; column < columns.size(); ++column) line << quoted(text(row, column));
    out += line.join(separator) + '\n';
  }
  return out;
}

std::shared_ptr<const TableData> tableOf(const QString& name, const report::Table& from,
                                         const QHash<QString, QString>& help) {
  auto table = std::make_shared<TableData>();
  table->name = name;
  for (const report::TableColumn& column : from.columns) {
    TableColumn made;
    made.name = QString::fromStdString(column.name);
    made.help = help.value(made.name);
    std::visit(
        [&](const auto& values) {
          using Value = typename std::decay_t<decltype(values)>::value_type;
          for (std::size_t i = 0; i < values.size(); ++i) {
            if constexpr (std::is_same_v<Value, double>)
              made.numbers.push_back(values[i]);
            else if constexpr (std::is_same_v<Value, std::int64_t>)
              made.numbers.push_back(values[i] == report::missing_integer ? std::nan("")
                                                                          : static_cast<double>(values[i]));
            else if constexpr (std::is_same_v<Value, bool>)
              made.texts.push_back(values[i] ? "True" : "False");
            else
              made.texts.push_back(QString::fromStdString(values[i]));
          }
        },
        column.values);
    table->columns.push_back(std::move(made));
  }
  return table;
}

void saveTable(const TableData& table, const QString& path, const std::vector<int>* rows) {
  const QByteArray bytes = table.toText(path.endsWith(".csv", Qt::CaseInsensitive) ? ',' : '\t', rows).toUtf8();
  QSaveFile file(path);
  if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit())
    throw Error(ErrorCode::Io, "Cannot write " + path.toStdString() + ": " + file.errorString().toStdString() + ".",
                "Choose another folder, or make room on this disk.");
}

}  // namespace scriptorium::ui
