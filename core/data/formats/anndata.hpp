#pragma once
#include "core/data/formats/matrix_scan.hpp"
#include "core/data/open.hpp"

namespace scriptorium::data {

/// Whether a file or store says that it is laid out as anndata: 0 (not) … 1 (certain).
double looks_like_anndata(const Tree& file);

/// Reads the AnnData that lies at `root`, "" or "mod/rna/": tables, the layer asked for or found to be counts, verdicts
/// on the others, embeddings. `counts` may be null (peek). The caller sets `path` and `format`.
/// @throws Error naming the layer, the first value that is no count and what to choose instead
Dataset read_anndata(const Tree& file, const std::string& root, const OpenOptions& options, CountSink* counts,
                     const RunControl& control);

/// Where the matrix at `path` lies: layout by the `encoding-type` of now or the `h5sparse_format` of before 0.7; a
/// group that names none is taken as rows.
Place place_of(const Tree& file, const std::string& path);

}  // namespace scriptorium::data
