#include "ui/project/cell_columns.hpp"

#include <algorithm>

namespace scriptorium::ui {

CellColumns::CellColumns(DataState& data, SelectionState& selection, QObject* parent)
    : QObject(parent), data_(data), selection_(selection) {}

void CellColumns::set(const QString& maker, std::vector<data::Column> columns) {
  const auto had = std::erase_if(made_, [&](const Made& one) { return one.maker == maker; });
  if (had == 0 && columns.empty()) return;
  for (data::Column& column : columns)
    made_.push_back({maker, std::make_shared<const data::Column>(std::move(column))});
  emit changed();
}

std::vector<CellColumn> CellColumns::all() const {
  std::vector<CellColumn> out;
  for (const Made& one : made_) {
    const QString name = QString::fromStdString(one.column->name);
    out.push_back({one.maker + '/' + name, name, one.column});
  }
  const auto opened = data_.opened();
  if (!opened) return out;
  const auto& columns = opened->dataset->cells.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const QString name = QString::fromStdString(columns[i].name);
    const bool twice =
        std::any_of(made_.begin(), made_.end(), [&](const Made& one) { return one.column->name == columns[i].name; });
    out.push_back({QString("file/%1").arg(i),
                   twice ? tr("%1 (file)").arg(name) : name,
                   {opened->dataset, &columns[i]}});  // lives as long as its data set
  }
  return out;
}

std::shared_ptr<const data::Column> CellColumns::find(const QString& key) const {
  for (const CellColumn& one : all())
    if (one.key == key) return one.column;
  return nullptr;
}

std::vector<data::Column> CellColumns::added() const {
  std::vector<data::Column> out;
  for (const Made& one : made_) out.push_back(*one.column);
  for (data::Column& set : selection_.columns(Axis::Cells)) out.push_back(std::move(set));
  return out;
}

report::Table CellColumns::addedTable() const {
  report::Table out = selection_.table(Axis::Cells);
  if (out.columns.empty()) return out;
  std::vector<report::TableColumn> made;
  for (const Made& one : made_) {
    const data::Column& column = *one.column;
    if (const auto* numbers = std::get_if<std::vector<double>>(&column.values)) {
      made.push_back({column.name, *numbers});
      continue;
    }
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < column.size(); ++i) texts.push_back(column.text(i));
    made.push_back({column.name, std::move(texts)});
  }
  out.columns.insert(out.columns.begin() + 1, made.begin(), made.end());
  return out;
}

}  // namespace scriptorium::ui
