#pragma once
#include <string>
#include <vector>

#include "core/data/count_sink.hpp"
#include "core/data/formats/hdf5.hpp"

namespace scriptorium::data::hdf5 {

/// Sparse by cells or by genes; dense with cells in rows or with genes in rows.
enum class Layout { CellMajor, GeneMajor, Dense, DenseGenes };

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

/// What reading a matrix gave beside its counts.
struct Scanned {
  Missing missing;
  std::vector<std::string> notes;
};

/// Reads a matrix block by block and judges its values: sets `is_counts` and `why_not` of `info`. With `counts` all of
/// it is read and goes there (`begin` was called); without, a sample over the whole of it is enough where it is large.
/// @throws Error when the file is damaged
Scanned scan(const File& file, const Place& place, const Names& names, LayerInfo& info, CountSink* counts, Span span,
             const RunControl& control);

}  // namespace scriptorium::data::hdf5
