#include <algorithm>
#include <optional>

#include "core/data/formats/features.hpp"
#include "core/data/formats/formats.hpp"
#include "core/data/formats/hdf5.hpp"
#include "core/data/formats/matrix_scan.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

// HDF5 files of Cell Ranger. Both versions store genes × cells by columns, which is cells by rows.
// Version 3: one group `matrix` with a table of features. Version 2: one group a genome.
namespace scriptorium::data {
namespace {

using hdf5::File;
using hdf5::Kind;

bool has_datasets(const File& file, const std::string& group, std::initializer_list<const char*> names) {
  return std::all_of(names.begin(), names.end(),
                     [&](const char* name) { return hdf5::kind(file, group + "/" + name) == Kind::Dataset; });
}

std::vector<std::string> text_of(const File& file, const std::string& path) {
  return hdf5::Dataset(file, path).read_text();
}

/// Reads the matrix of `group` into `out`, whose cell and gene names are set.
void read_matrix(const File& file, const std::string& group, Dataset& out, CountSink* counts,
                 const RunControl& control) {
  Place place{group, group, Layout::CellMajor, {}};
  if (hdf5::kind(file, group + "/shape") == Kind::Dataset) {
    place.stated_shape = hdf5::Dataset(file, group + "/shape").read_all<std::int64_t>();
    std::reverse(place.stated_shape.begin(), place.stated_shape.end());  // stored as genes × cells
  }
  const Names names{out.cells.names, out.genes.names};
  LayerInfo info = describe(file, place, names);
  if (counts) counts->begin(out.cells, out.genes);
  Scanned scanned = scan(file, place, names, info, counts, {0, 1}, control);
  out.missing = std::move(scanned.missing);
  out.notes.insert(out.notes.end(), scanned.notes.begin(), scanned.notes.end());
  out.layers.push_back(info);
  if (info.is_counts) out.layer = group;
  if (counts && !info.is_counts)
    throw Error(ErrorCode::BadInput, "`" + group + "` of " + file.name() + " " + info.why_not,
                "Open the file as Cell Ranger wrote it, before its values were transformed.");
}

void check_layer(const OpenOptions& options, const std::string& group, const File& file) {
  if (!options.layer.empty() && options.layer != group)
    throw Error(ErrorCode::BadInput, file.name() + " has no layer `" + options.layer + "`",
                "Leave the layer out: the counts are in `" + group + "`.");
}

class TenxV3 final : public FormatReader {
 public:
  std::string name() const override { return "10x-h5-v3"; }

  double recognises(const std::string& path) const override try {
    if (!hdf5::has_signature(path)) return 0;
    const File file(path);
    if (hdf5::kind(file, "matrix/features") != Kind::Group) return 0;
    return has_datasets(file, "matrix", {"barcodes", "data", "indices", "indptr"}) ? 1 : 0.5;
  } catch (const std::exception&) {
    return 0;
  }

  Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
               const RunControl& control) const override {
    const File file(path);
    check_layer(options, "matrix", file);
    Dataset out;
    out.path = path;
    out.format = name();
    out.cells.names = text_of(file, "matrix/barcodes");
    FeatureTable features;
    features.ids = text_of(file, "matrix/features/id");
    const auto optional = [&](const char* column, std::vector<std::string>& into) {
      const std::string at = std::string("matrix/features/") + column;
      if (hdf5::kind(file, at) == Kind::Dataset) into = text_of(file, at);
    };
    optional("name", features.symbols);
    optional("feature_type", features.types);
    optional("genome", features.genomes);
    make_unique(out.cells.names, "cell", out.notes);
    out.genes = gene_table(features, file.name(), out.notes);
    const auto kept = gene_expression(features, options.genome, file.name(), out.notes);
    std::optional<Selection> selection;
    if (counts && kept) counts = &selection.emplace(*counts, std::vector<std::int64_t>{}, *kept);
    read_matrix(file, "matrix", out, counts, control);
    return kept ? out.select({}, *kept) : out;
  }
};

class TenxV2 final : public FormatReader {
 public:
  std::string name() const override { return "10x-h5-v2"; }

  double recognises(const std::string& path) const override try {
    if (!hdf5::has_signature(path)) return 0;
    return genomes(File(path)).empty() ? 0 : 1;
  } catch (const std::exception&) {
    return 0;
  }

  Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
               const RunControl& control) const override {
    const File file(path);
    const std::vector<std::string> all = genomes(file);
    const std::string& wanted = options.genome.empty() ? options.layer : options.genome;
    if (wanted.empty() && all.size() > 1)
      throw Error(ErrorCode::BadInput,
                  file.name() + " holds the counts of " + std::to_string(all.size()) + " genomes: " + listed(all),
                  "Say which one: genome " + listed(all, 8, "or") + " (--genome on the command line).");
    const std::string group = wanted.empty() ? all.front() : wanted;
    if (std::find(all.begin(), all.end(), group) == all.end())
      throw Error(ErrorCode::BadInput, file.name() + " has no genome " + wanted,
                  "Choose one of " + listed(all, 8, "or") + ".");
    Dataset out;
    out.path = path;
    out.format = name();
    out.cells.names = text_of(file, group + "/barcodes");
    make_unique(out.cells.names, "cell", out.notes);
    FeatureTable features;
    features.ids = text_of(file, group + "/genes");
    if (hdf5::kind(file, group + "/gene_names") == Kind::Dataset)
      features.symbols = text_of(file, group + "/gene_names");
    out.genes = gene_table(features, file.name(), out.notes);
    read_matrix(file, group, out, counts, control);
    return out;
  }

 private:
  static std::vector<std::string> genomes(const File& file) {
    std::vector<std::string> found;
    for (const std::string& group : hdf5::children(file, "/"))
      if (has_datasets(file, group, {"barcodes", "genes", "data", "indices", "indptr"})) found.push_back(group);
    return found;
  }
};

}  // namespace

std::unique_ptr<FormatReader> tenx_v3_reader() {
  return std::make_unique<TenxV3>();
}
std::unique_ptr<FormatReader> tenx_v2_reader() {
  return std::make_unique<TenxV2>();
}

}  // namespace scriptorium::data
