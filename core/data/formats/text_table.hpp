#pragma once
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/progress.hpp"

namespace scriptorium::data {

/// The lines of a text file, plain or gzipped, that names cells or genes and may describe them.
struct TextTable {
  std::string file;  ///< its name without the folder
  bool of_cells = true;
  std::vector<std::vector<std::string>> lines;  ///< all of as many fields; the first may be a header

  /// Names in the first column as the file has them, the others typed: integers, numbers, booleans, labels or text.
  Table table(bool has_header) const;
};

/// @throws Error that begins with the file's name when it is no table
TextTable read_text_table(const std::string& path, bool of_cells, const RunControl& control);

}  // namespace scriptorium::data
