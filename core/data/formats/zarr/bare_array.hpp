#pragma once
#include "core/data/formats/zarr/store_tree.hpp"
#include "core/data/open.hpp"

namespace scriptorium::data::zarr {

/// Reads a matrix without the layout of anndata: the array that is the store, or the one below its root that is asked
/// for, named X or the only one. Names come from tables in the folder `beside` that fit, else they are generated.
/// `counts` may be null (peek). The caller sets `path` and `format`.
/// @throws Error naming the arrays to choose from, or the first value that is no count
Dataset read_bare(const StoreTree& tree, const std::string& beside, const OpenOptions& options, CountSink* counts,
                  const RunControl& control);

}  // namespace scriptorium::data::zarr
