#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/data/packed_dataset.hpp"

/// Data sets as files of other programs' formats. All are written aside and renamed; memory follows the tables.
namespace scriptorium::data {

enum class OutputFormat { H5ad, TenxH5, MtxFolder };
/// By the ending: .h5ad, .h5; .mtx, a slash or none at all is a folder. @throws Error(BadInput) for any other
OutputFormat output_format(const std::string& path);

/// Writes a data set in the format that `path` asks for.
/// @returns what the reader of the file should know: what it could not take, how it tells what was not measured
/// @throws Error(Unsupported) when the format cannot tell missing entries from zeros; Error(Io)
std::vector<std::string> convert(const PackedDataset& data, const std::string& path, const RunControl& control);

/// anndata's layout of today: X as csr (csc where the source came by gene), tables with typed columns, embeddings.
std::vector<std::string> write_h5ad(const PackedDataset& data, const std::string& path, const RunControl& control);
/// The same of a data set in memory, with `uns`: objects as mappings, numbers, texts and lists of them; null and empty
/// values are left out, lists of anything else are written as JSON text. Keys and columns whose names HDF5 cannot hold
/// have others (key_names()), with a note.
std::vector<std::string> write_h5ad(const Dataset& data, const nlohmann::json& uns, const std::string& path,
                                    const RunControl& control);
/// A dense layer that is made while it is written: cells × genes.
struct StreamedLayer {
  std::string name;
  bool wide = false;  ///< 64-bit floats instead of 32-bit ones
  std::function<std::vector<double>(std::int64_t first, std::int64_t last)> rows;  ///< of cells [first, last)
};
/// The same with layers.
std::vector<std::string> write_h5ad(const Dataset& data, const nlohmann::json& uns,
                                    const std::vector<StreamedLayer>& layers, const std::string& path,
                                    const RunControl& control);
/// 64-bit numbers, row-major: rows × columns.
struct WideMatrix {
  std::string name;
  std::int64_t columns = 0;
  std::vector<double> values;
};
/// What uns can hold beside plain values: tables (data frames), made when it is their turn, and mappings of them.
struct TableTree {
  std::string name;
  std::function<Table()> table;     ///< or none, and then:
  std::vector<TableTree> branches;  ///< left out where there are none
};
/// What a file has beside the data set and plain values of uns.
struct H5adExtras {
  std::vector<StreamedLayer> layers;
  std::vector<WideMatrix> embeddings;  ///< of obsm: a row a cell
  std::vector<WideMatrix> matrices;    ///< of uns
  std::vector<TableTree> tables;       ///< of uns
};
/// The same with all of these; their names and those of `uns` are different ones.
std::vector<std::string> write_h5ad(const Dataset& data, const nlohmann::json& uns, const H5adExtras& extras,
                                    const std::string& path, const RunControl& control);
/// Cell Ranger's version 3: one HDF5 file, or a folder with matrix.mtx.gz, features.tsv.gz and barcodes.tsv.gz.
std::vector<std::string> write_tenx_h5(const PackedDataset& data, const std::string& path, const RunControl& control);
std::vector<std::string> write_mtx_folder(const PackedDataset& data, const std::string& path,
                                          const RunControl& control);

}  // namespace scriptorium::data
