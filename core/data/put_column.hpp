#pragma once
#include "core/data/dataset.hpp"

namespace scriptorium::data {

/// Adds the column, in the place of one of its name if there is one: whether there was.
bool put(Table& table, Column column);

}  // namespace scriptorium::data
