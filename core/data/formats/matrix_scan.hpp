#pragma once
#include "core/data/formats/matrix_reading.hpp"
#include "core/data/formats/tree.hpp"

namespace scriptorium::data {

enum class Layout { CellMajor, GeneMajor, Dense };

/// Where a matrix lies: a group with data, indices and indptr, or a dense array.
struct Place {
  std::string layer;  ///< as --layer takes it
  std::string path;   ///< group or array in the file
  Layout layout = Layout::CellMajor;
  std::vector<std::int64_t> stated_shape = {};  ///< cells × genes by an attribute, empty if there is none
  Major rows = Major::Cell;                     ///< of a dense array
};

/// Size, encoding and stored type of a matrix, held against its tables. @throws Error when it is damaged or mismatched
LayerInfo describe(const Tree& file, const Place& place, const Names& names);

/// Reads a matrix block by block and judges its values: sets `is_counts` and `why_not` of `info`. With `counts` all of
/// it is read and goes there (`begin` was called); without, a sample over the whole of it is enough where it is large.
/// @throws Error when the file is damaged
Scanned scan(const Tree& file, const Place& place, const Names& names, LayerInfo& info, CountSink* counts, Span span,
             const RunControl& control);

}  // namespace scriptorium::data
