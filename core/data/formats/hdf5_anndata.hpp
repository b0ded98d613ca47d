#pragma once
#include "core/data/formats/hdf5.hpp"
#include "core/data/open.hpp"

namespace scriptorium::data::hdf5 {

/// Reads the AnnData that lies at `root` of a file: "" in h5ad, "mod/rna/" in h5mu. `format` is left to the caller.
/// @throws Error as FormatReader::read
scriptorium::data::Dataset read_anndata(const File& file, const std::string& root, const OpenOptions& options,
                                        CountSink* counts, const RunControl& control);

}  // namespace scriptorium::data::hdf5
