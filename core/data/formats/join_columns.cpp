#include "core/data/formats/join_columns.hpp"

#include <string_view>
#include <unordered_map>

namespace scriptorium::data {
namespace {

void set_missing(Column& column, std::size_t row) {
  if (auto* labels = std::get_if<Categorical>(&column.values)) {
    labels->codes[row] = -1;
    return;
  }
  column.missing.resize(column.size(), 0);
  column.missing[row] = 1;
}

}  // namespace

std::optional<std::int64_t> join_columns(Table& into, const Table& from) {
  if (from.columns.empty()) return {};
  if (from.names == into.names || (from.names.empty() && from.columns.front().size() == into.size())) {
    into.columns.insert(into.columns.end(), from.columns.begin(), from.columns.end());
    return 0;
  }
  std::unordered_map<std::string_view, std::int64_t> row_of;
  for (std::size_t i = 0; i < from.names.size(); ++i) row_of.try_emplace(from.names[i], static_cast<std::int64_t>(i));
  std::vector<std::int64_t> rows;
  std::vector<std::size_t> unnamed;
  for (std::size_t i = 0; i < into.size(); ++i) {
    const auto found = row_of.find(into.names[i]);
    if (found == row_of.end()) unnamed.push_back(i);
    rows.push_back(found == row_of.end() ? 0 : found->second);
  }
  if (from.names.empty() || 2 * unnamed.size() > into.size()) return {};
  for (const Column& column : from.columns) {
    Column joined = column.select(rows);
    for (const std::size_t row : unnamed) set_missing(joined, row);
    into.columns.push_back(std::move(joined));
  }
  return static_cast<std::int64_t>(unnamed.size());
}

}  // namespace scriptorium::data
