#pragma once
#include <string>
#include <vector>

#include "core/data/formats/text_table.hpp"

namespace scriptorium::data {

/// A text table of cells or genes that lies beside a matrix: "x.cells.csv" or "x_metadata.tsv.gz" beside
/// "x_counts.csv.gz".
struct CompanionTable {
  std::string file;  ///< its name without the folder
  bool of_cells = true;
  Table table;  ///< names as the file has them, with typed columns
  /// Whether at least half of `names` stand in this table.
  bool names_most_of(const std::vector<std::string>& names) const;
  /// Whether it is the same kind of matrix rather than a description of one: its columns are called alike.
  bool repeats(const std::vector<std::string>& columns) const;
};

/// The tables beside `path` whose names begin like its own and say what they list. What cannot be read is left out
/// with a note.
std::vector<CompanionTable> companion_tables(const std::string& path, std::vector<std::string>& notes,
                                             const RunControl& control);

/// The tables of cells (`obs.csv`, `x.cells.tsv.gz`, `barcodes.tsv`, …) and of genes (`var.csv`, `features.tsv`, …) in
/// a folder, by name. What is no table, a Git-LFS pointer for one, is passed over with a note.
std::vector<TextTable> tables_in(const std::string& folder, std::vector<std::string>& notes, const RunControl& control);

/// Adds the columns of a companion to the rows that it names, with a note; nothing where it names less than half.
void join(const CompanionTable& companion, Table& into, std::vector<std::string>& notes);

}  // namespace scriptorium::data
