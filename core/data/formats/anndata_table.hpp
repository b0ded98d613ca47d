#pragma once
#include <string>
#include <vector>

#include "core/data/formats/tree.hpp"

namespace scriptorium::data {

/// Reads the table at `path` ("obs", "var", "raw/var"): a data frame group of any anndata version, or a compound
/// dataset as before 0.7. Columns that cannot be read are left out with a note.
/// @param what "cell" or "gene", for names and messages
/// @throws Error when there is no table or its names cannot be read
Table read_table(const Tree& file, const std::string& path, const std::string& what, std::vector<std::string>& notes,
                 const RunControl& control);

/// One column of a table: an array of numbers, booleans or text, or a group for labels and for values with a mask.
/// @throws Error when it is something else
Column read_column(const Tree& file, const std::string& path);

/// Coordinates below the group `path` ("obsm") that have one row a cell.
std::vector<Embedding> read_embeddings(const Tree& file, const std::string& path, std::int64_t n_cells,
                                       std::vector<std::string>& notes);

}  // namespace scriptorium::data
