#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/progress.hpp"

namespace scriptorium::data {

/// The lines of a CSV or TSV file, plain or gzipped, that lies beside a matrix and may name its cells or genes.
struct SideTable {
  std::string file;  ///< for messages
  std::vector<std::vector<std::string>> lines;
  std::size_t columns = 0;

  /// Whether it names `n` rows, with or without a header.
  bool fits(std::int64_t n) const;
  /// The first column as names, the others as typed columns: numbers, booleans, labels or text.
  /// @param what "cell" or "gene", for notes
  Table table(std::int64_t n, const std::string& what, std::vector<std::string>& notes) const;
};

/// The tables of cells (`obs.csv`, `x.cells.tsv.gz`, `barcodes.tsv`, …) and of genes (`var.csv`, `features.tsv`, …) in
/// a folder, by name. What is no table, a Git-LFS pointer for one, is passed over with a note.
struct SideTables {
  std::vector<SideTable> cells, genes;
};
SideTables tables_beside(const std::string& folder, std::vector<std::string>& notes, const RunControl& control);

}  // namespace scriptorium::data
