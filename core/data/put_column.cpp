#include "core/data/put_column.hpp"

#include <algorithm>
#include <utility>

namespace scriptorium::data {

bool put(Table& table, Column column) {
  const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                               [&](const Column& old) { return old.name == column.name; });
  const bool there = at != table.columns.end();
  if (there)
    *at = std::move(column);
  else
    table.columns.push_back(std::move(column));
  return there;
}

}  // namespace scriptorium::data
