#include "core/data/open.hpp"

#include <algorithm>
#include <filesystem>

#include "core/data/formats/hdf5.hpp"
#include "core/data/formats/names.hpp"
#include "core/data/formats/rds_signature.hpp"
#include "core/data/isolated.hpp"

namespace scriptorium::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* known_formats =
    "Known are h5ad, h5mu, loom, Zarr stores (folders or .zip files), HDF5 files of Cell Ranger (versions 2 and 3), "
    "folders with matrix.mtx, features.tsv or genes.tsv, and barcodes.tsv, tables of counts as text, and RDS files.";

[[noreturn]] void no_format(const std::string& path) {
  const std::string name = file_name(path);
  if (fs::is_directory(path))
    throw Error(ErrorCode::BadInput,
                "The folder " + name + " holds no matrix.mtx or matrix.mtx.gz and is no Zarr store", known_formats);
  if (!hdf5::has_signature(path))
    throw Error(ErrorCode::BadInput, name + " is in no format that is known here", known_formats);
  const hdf5::File file(path);
  std::vector<std::string> parts = hdf5::children(file, "/");
  for (std::string& part : parts) part = std::string("`").append(valid_utf8(part)).append("`");
  throw Error(ErrorCode::BadInput,
              name + " is an HDF5 file but no data set of cells and genes: it holds " +
                  (parts.empty() ? "nothing" : listed(parts)),
              known_formats);
}

Dataset read_here(const std::string& path, const OpenOptions& options, CountSink* counts, const RunControl& control) {
  const FormatReader* best = nullptr;
  double most = 0;
  for (const auto& reader : format_readers()) {
    control.check();
    if (const double sure = reader->recognises(path); sure > most) {
      most = sure;
      best = reader.get();
    }
  }
  if (best == nullptr) no_format(path);
  Dataset out = best->read(path, options, counts, control);
  if (out.cells.names.empty() || out.genes.names.empty())
    throw Error(ErrorCode::BadInput, file_name(path) + " holds no " + (out.cells.names.empty() ? "cells" : "genes"),
                "Choose another file: there is nothing to fit in this one.");
  return out;
}

Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts, const RunControl& control) try {
  control.check();
  const std::string name = file_name(path);
  if (!fs::exists(path))
    throw Error(ErrorCode::Io, (path.empty() ? "The empty path" : valid_utf8(path)) + " does not exist",
                "Check the path.");
  if (!fs::is_directory(path)) {
    if (!fs::is_regular_file(path))
      throw Error(ErrorCode::BadInput, name + " is neither a file nor a folder", "Choose a file.");
    if (fs::file_size(path) == 0)
      throw Error(ErrorCode::BadInput, name + " is empty", "Copy or download the file again.");
    if (options.isolated && (hdf5::has_signature(path) || rds::has_signature(path)))
      return read_isolated(path, options, counts, control);
  }
  return read_here(path, options, counts, control);
} catch (const fs::filesystem_error& error) {
  throw Error(ErrorCode::Io, file_name(path) + " cannot be read: " + error.code().message(),
              "Check that it may be read.");
}

}  // namespace

Dataset peek(const std::string& path, const OpenOptions& options, const RunControl& control) {
  return read(path, options, nullptr, control);
}

Dataset open(const std::string& path, const OpenOptions& options, const RunControl& control) {
  MatrixSink counts;
  Dataset out = read(path, options, &counts, control);
  out.counts = counts.finish();
  if (out.counts.nnz() == 0) out.notes.push_back("All counts are zero.");
  return treat_missing(std::move(out), options.missing);
}

Dataset treat_missing(Dataset dataset, MissingRule rule) {
  const auto kept = settle_missing(dataset, rule);
  return kept.empty() ? dataset : dataset.select({}, kept);
}

std::vector<std::int64_t> settle_missing(Dataset& dataset, MissingRule rule) {
  if (dataset.missing.none() || rule == MissingRule::LeaveOut) return {};
  if (rule == MissingRule::Zero) {
    dataset.missing = {};
    dataset.notes.push_back("Entries that were not measured are taken as zeros, as asked.");
    return {};
  }
  const auto lacking = dataset.missing.any_gene();
  std::vector<std::int64_t> kept;
  for (std::int64_t g = 0; g < static_cast<std::int64_t>(dataset.genes.size()); ++g)
    if (!std::binary_search(lacking.begin(), lacking.end(), static_cast<std::uint32_t>(g))) kept.push_back(g);
  if (kept.empty())
    throw Error(ErrorCode::BadInput, file_name(dataset.path) + " has no gene that every cell measured",
                "Leave the missing entries out instead, or take them as zeros.");
  dataset.notes.push_back(grouped(static_cast<std::int64_t>(lacking.size())) +
                          " genes that not every cell measured are left out, as asked.");
  return kept;
}

std::string to_string(MissingRule rule) {
  return rule == MissingRule::Zero ? "zero" : rule == MissingRule::FullGenes ? "full-genes" : "leave-out";
}

MissingRule missing_rule(const std::string& word) {
  if (word == "leave-out") return MissingRule::LeaveOut;
  if (word == "zero") return MissingRule::Zero;
  if (word == "full-genes") return MissingRule::FullGenes;
  throw Error(ErrorCode::BadInput, "\"" + word + "\" is no way to treat missing entries.",
              "Choose leave-out, zero or full-genes.");
}

Dataset stream(const std::string& path, const OpenOptions& options, CountSink& counts, const RunControl& control) {
  return read(path, options, &counts, control);
}

}  // namespace scriptorium::data
