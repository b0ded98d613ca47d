#pragma once
#include <optional>

#include "core/data/dataset.hpp"

namespace scriptorium::data {

/// Adds the columns of `from` to the rows of `into` with the same names, or in order where `from` names none and is as
/// long. Rows that it does not name get missing values.
/// @returns how many those are; nothing, and nothing is added, where it describes less than half of the rows
std::optional<std::int64_t> join_columns(Table& into, const Table& from);

}  // namespace scriptorium::data
