#include "core/data/formats/anndata.hpp"
#include "core/data/formats/formats.hpp"
#include "core/data/formats/hdf5.hpp"

namespace scriptorium::data {
namespace {

class H5ad final : public FormatReader {
 public:
  std::string name() const override { return "h5ad"; }

  double recognises(const std::string& path) const override try {
    if (!hdf5::has_signature(path)) return 0;
    const hdf5::File file(path);
    if (file.kind("mod") != NodeKind::None && file.kind("X") == NodeKind::None) return 0;  // several of them, as h5mu
    return looks_like_anndata(file);
  } catch (const std::exception&) {
    return 0;
  }

  Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
               const RunControl& control) const override {
    Dataset out = read_anndata(hdf5::File(path), "", options, counts, control);
    out.path = path;
    out.format = name();
    return out;
  }
};

}  // namespace

std::unique_ptr<FormatReader> h5ad_reader() {
  return std::make_unique<H5ad>();
}

}  // namespace scriptorium::data
