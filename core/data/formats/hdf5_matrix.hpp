#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/data/formats/hdf5.hpp"

namespace scriptorium::data::hdf5 {

enum class Layout { CellMajor, GeneMajor, Dense };

/// Where a matrix lies: a group with data, indices and indptr, or a dense dataset.
struct Place {
  std::string layer;  ///< as --layer takes it
  std::string path;   ///< group or dataset in the file
  Layout layout = Layout::CellMajor;
  std::vector<std::int64_t> stated_shape;  ///< cells × genes by an attribute, empty if there is none
};

/// What the counts of a matrix are called, and how its reading is told: from `from` to `to` of the whole.
struct Names {
  const std::vector<std::string>& cells;
  const std::vector<std::string>& genes;
};
struct Span {
  double from = 0, to = 1;
};

/// Size, encoding and stored type of a matrix, held against its tables. @throws Error when it is damaged or mismatched
LayerInfo describe(const File& file, const Place& place, const Names& names);

/// Reads a matrix block by block and judges every value: sets `is_counts` and `why_not` of `info`.
/// @returns its counts when `keep` and every value is one. @throws Error when the file is damaged
std::optional<CountMatrix> scan(const File& file, const Place& place, const Names& names, LayerInfo& info, bool keep,
                                std::vector<std::string>& notes, Span span, const RunControl& control);

}  // namespace scriptorium::data::hdf5
