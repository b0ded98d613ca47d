#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/data/count_sink.hpp"

namespace scriptorium::data {

/// What becomes of entries that were not measured: left out of the likelihood, taken as zeros, or only genes kept that
/// every cell measured.
enum class MissingRule { LeaveOut, Zero, FullGenes };
std::string to_string(MissingRule rule);
MissingRule missing_rule(const std::string& word);  ///< leave-out, zero, full-genes. @throws Error(BadInput)

struct OpenOptions {
  /// As LayerInfo::path (also plain layer names: "counts"); empty: X if it is counts, else the only layer that is.
  std::string layer = {};
  std::string genome = {};    ///< 10x v2 files with several genomes need one
  std::string modality = {};  ///< h5mu: the kind of measurement to take; Seurat objects: the assay
  /// What the rows of a text table or bare R matrix are, "cells" or "genes"; empty: found out.
  std::string orientation = {};
  MissingRule missing = MissingRule::LeaveOut;
  /// Read HDF5 and RDS in a child process with limits (core/data/isolated.hpp), so damage is a message.
  bool isolated = true;
};

/// What a file holds, judged without keeping its counts: tables, layers with verdicts, embeddings. `counts` stays
/// empty; `layer` is the one that `open` would take, empty where none is counts: a file without counts can be looked
/// at. Of a large file only a part is judged; rows of a text file that were not looked at stand in no table.
/// @throws Error naming the file, the group and what to do.
Dataset peek(const std::string& path, const OpenOptions& options, const RunControl& control);

/// Opens a file or folder; the reader is chosen by looking inside, not by the name's ending.
/// @throws Error naming the file, the group, the first offending cell and gene, and what to do.
Dataset open(const std::string& path, const OpenOptions& options, const RunControl& control);

/// As `open`, but the counts go to `counts` as they are read and none are kept: memory follows the tables. What is
/// missing is handed over as it was found; `options.missing` is what `open` does with it.
Dataset stream(const std::string& path, const OpenOptions& options, CountSink& counts, const RunControl& control);

/// Settles a rule for what was not measured on tables that were read, with a note.
/// @returns the genes to keep; empty: all of them. @throws Error(BadInput) when none would be left
std::vector<std::int64_t> settle_missing(Dataset& dataset, MissingRule rule);
/// The same on a data set with its counts: what `open` does with OpenOptions::missing.
Dataset treat_missing(Dataset dataset, MissingRule rule);

/// One format. To add one: a file in formats/ that defines a FormatReader, and its line in formats/registry.cpp.
class FormatReader {
 public:
  virtual ~FormatReader() = default;
  virtual std::string name() const = 0;
  /// How sure this reader is that `path` is its own, 0 (not) … 1 (certain); looks at content. Never throws.
  virtual double recognises(const std::string& path) const = 0;
  /// Reads in this process. The counts go to `counts`; null is `peek`: every matrix is judged, none is kept.
  virtual Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
                       const RunControl& control) const = 0;
};
const std::vector<std::unique_ptr<FormatReader>>& format_readers();

}  // namespace scriptorium::data
