#include <filesystem>

#include "core/data/formats/anndata.hpp"
#include "core/data/formats/formats.hpp"
#include "core/data/formats/zarr/bare_array.hpp"

namespace scriptorium::data {
namespace {

namespace fs = std::filesystem;

/// Where tables beside the matrix are looked for: in the folder that holds the folder of the array.
std::string folder_beside(const std::string& path, const zarr::StoreTree& tree) {
  const fs::path at = fs::absolute(path).lexically_normal();
  if (fs::is_directory(path) && tree.kind("") == NodeKind::Group) return at.string();
  return (at.has_filename() ? at : at.parent_path()).parent_path().string();
}

class Zarr final : public FormatReader {
 public:
  std::string name() const override { return "zarr"; }

  double recognises(const std::string& path) const override { return zarr::is_store(path) ? 1 : 0; }

  Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
               const RunControl& control) const override {
    const std::unique_ptr<zarr::Store> store = zarr::open_store(path);
    const zarr::StoreTree tree(*store, control);
    Dataset out = looks_like_anndata(tree) > 0
                      ? read_anndata(tree, "", options, counts, control)
                      : zarr::read_bare(tree, folder_beside(path, tree), options, counts, control);
    out.path = path;
    out.format = name();
    return out;
  }
};

}  // namespace

std::unique_ptr<FormatReader> zarr_reader() {
  return std::make_unique<Zarr>();
}

}  // namespace scriptorium::data
