#pragma once
#include <cstdint>
#include <vector>

namespace scriptorium::ui {

/// Rows of a table, ascending, each once.
using IndexSet = std::vector<std::int64_t>;

IndexSet united(const IndexSet& a, const IndexSet& b);
IndexSet common(const IndexSet& a, const IndexSet& b);
IndexSet without(const IndexSet& a, const IndexSet& b);
/// What of 0 … n − 1 is not in `a`.
IndexSet inverted(const IndexSet& a, std::int64_t n);
/// Sorts, and leaves out what comes twice or is not in 0 … n − 1.
IndexSet asIndexSet(std::vector<std::int64_t> rows, std::int64_t n);
/// One byte a row: 1 where it is in the set.
std::vector<std::uint8_t> asFlags(const IndexSet& set, std::int64_t n);

/// How a choice and what was selected before become the new selection.
enum class Combine { Replace, Add, Remove, Keep };
IndexSet combined(const IndexSet& before, const IndexSet& chosen, Combine how);

}  // namespace scriptorium::ui
