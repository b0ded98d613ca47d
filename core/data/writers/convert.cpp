#include <filesystem>

#include "core/data/writers/writers.hpp"
#include "core/error.hpp"

namespace scriptorium::data {

OutputFormat output_format(const std::string& path) {
  const std::filesystem::path name(path);
  const std::string ending = name.extension().string();
  if (ending == ".h5ad") return OutputFormat::H5ad;
  if (ending == ".h5") return OutputFormat::TenxH5;
  if (ending.empty() || ending == ".mtx") return OutputFormat::MtxFolder;
  throw Error(ErrorCode::BadInput, "\"" + path + "\" does not say which format is wanted.",
              "End the name in .h5ad (anndata) or .h5 (Cell Ranger), or give a folder, name or name.mtx "
              "(MatrixMarket).");
}

std::vector<std::string> convert(const PackedDataset& data, const std::string& path, const RunControl& control) {
  switch (output_format(path)) {
    case OutputFormat::H5ad:
      return write_h5ad(data, path, control);
    case OutputFormat::TenxH5:
      return write_tenx_h5(data, path, control);
    case OutputFormat::MtxFolder:
      break;
  }
  return write_mtx_folder(data, path, control);
}

}  // namespace scriptorium::data
