#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/data/count_sink.hpp"

namespace scriptorium::data {

/// The cells for which an expression on the cell table holds, as one byte a cell.
///
///     batch == "r1" and (n_counts >= 500 or not `cell type` in ("B cell", "T cell"))
///
/// Comparisons == != < <= > >= between a column and a quoted text, a number or True/False; `in ( … )`; and, or, not;
/// parentheses. Column names are plain words or stand between back-quotes. Texts compare with ==, != and `in` only; a
/// missing value fulfils no comparison. `n_counts` and `n_genes` are computed where the table has no such columns.
/// @param counts  gone through where those are asked for
/// @throws Error(BadInput) naming what cannot be read and where
std::vector<std::uint8_t> evaluate(const std::string& expression, const Table& cells, const CountSource& counts);

}  // namespace scriptorium::data
