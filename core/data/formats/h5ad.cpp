#include "core/data/formats/formats.hpp"
#include "core/data/formats/hdf5_anndata.hpp"

namespace scriptorium::data {
namespace {

using hdf5::File;
using hdf5::Kind;

class H5ad final : public FormatReader {
 public:
  std::string name() const override { return "h5ad"; }

  double recognises(const std::string& path) const override try {
    if (!hdf5::has_signature(path)) return 0;
    const File file(path);
    const auto is_there = [&](const char* part) { return hdf5::kind(file, part) != Kind::None; };
    if (is_there("mod") && !is_there("X")) return 0;  // several of them, as h5mu
    if (is_there("obs") && is_there("var")) return 1;
    return hdf5::text_attribute(file, "/", "encoding-type") == "anndata" ? 0.9 : 0;
  } catch (const std::exception&) {
    return 0;
  }

  Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
               const RunControl& control) const override {
    const File file(path);
    Dataset out = hdf5::read_anndata(file, "", options, counts, control);
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
