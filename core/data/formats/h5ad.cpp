#include <algorithm>

#include "core/data/formats/formats.hpp"
#include "core/data/formats/hdf5_matrix.hpp"
#include "core/data/formats/hdf5_table.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

using hdf5::File;
using hdf5::Kind;

/// One matrix of the file: where it lies, what is known of it, and whether its genes are those of raw/var.
struct Matrix {
  hdf5::Place place;
  LayerInfo info;
  bool of_raw = false;
};

/// Layout by the `encoding-type` of now or the `h5sparse_format` of before 0.7; a group that names none is taken as
/// rows.
hdf5::Place place_of(const File& file, const std::string& path) {
  hdf5::Place place{path, path, hdf5::Layout::Dense, {}};
  if (hdf5::kind(file, path) != Kind::Group) return place;
  std::string encoding;
  for (const char* name : {"encoding-type", "h5sparse_format"})
    if (encoding.empty()) encoding = hdf5::text_attribute(file, path, name).value_or("");
  place.layout = encoding.rfind("csc", 0) == 0 ? hdf5::Layout::GeneMajor : hdf5::Layout::CellMajor;
  for (const char* name : {"shape", "h5sparse_shape"})
    if (place.stated_shape.empty()) place.stated_shape = hdf5::integer_attribute(file, path, name);
  return place;
}

std::vector<Matrix> find_matrices(const File& file) {
  std::vector<Matrix> all;
  const auto add = [&](const std::string& path, bool of_raw) {
    if (hdf5::kind(file, path) == Kind::None) return;
    all.push_back({place_of(file, path), {}, of_raw});
    all.back().info.path = path;
  };
  add("X", false);
  for (const std::string& layer : hdf5::children(file, "layers")) add("layers/" + layer, false);
  add("raw/X", true);
  return all;
}

std::vector<std::string> quoted_paths(const std::vector<Matrix>& matrices, bool counts_only) {
  std::vector<std::string> out;
  for (const Matrix& m : matrices)
    if (!counts_only || m.info.is_counts) out.push_back("`" + m.info.path + "`");
  return out;
}

/// Index of the layer that `--layer` names: its path, or the plain name of a layer, or "raw".
std::size_t find_layer(const std::vector<Matrix>& matrices, const std::string& wanted, const std::string& name) {
  for (const std::string& path : {wanted, "layers/" + wanted, wanted + "/X"})
    for (std::size_t i = 0; i < matrices.size(); ++i)
      if (matrices[i].info.path == path) return i;
  throw Error(ErrorCode::BadInput, name + " has no layer `" + wanted + "`",
              "Choose one of " + listed(quoted_paths(matrices, false), 8, "or") + ".");
}

class H5ad final : public FormatReader {
 public:
  std::string name() const override { return "h5ad"; }

  double recognises(const std::string& path) const override try {
    if (!hdf5::has_signature(path)) return 0;
    const File file(path);
    const bool tables = hdf5::kind(file, "obs") != Kind::None && hdf5::kind(file, "var") != Kind::None;
    if (tables) return 1;
    return hdf5::text_attribute(file, "/", "encoding-type") == "anndata" ? 0.9 : 0;
  } catch (const std::exception&) {
    return 0;
  }

  Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
               const RunControl& control) const override {
    const File file(path);
    Dataset out;
    out.path = path;
    out.format = name();
    control.tell(0, "reading the tables of cells and genes");
    out.cells = hdf5::read_table(file, "obs", "cell", out.notes, control);
    out.genes = hdf5::read_table(file, "var", "gene", out.notes, control);
    std::vector<Matrix> matrices = find_matrices(file);
    if (matrices.empty())
      throw Error(ErrorCode::BadInput, file.name() + " holds tables of cells and genes but no matrix",
                  "Write it again with its counts in X or in a layer.");
    Table raw_genes;
    std::vector<std::string> raw_notes;
    if (matrices.back().of_raw) raw_genes = hdf5::read_table(file, "raw/var", "gene", raw_notes, control);
    const auto names = [&](const Matrix& m) {
      return hdf5::Names{out.cells.names, m.of_raw ? raw_genes.names : out.genes.names};
    };

    const bool asked = !options.layer.empty();
    const std::size_t first = asked ? find_layer(matrices, options.layer, file.name()) : 0;
    hdf5::Scanned scanned;
    const auto read_counts = [&](Matrix& m, hdf5::Span span) {
      counts->begin(out.cells, m.of_raw ? raw_genes : out.genes);
      scanned = hdf5::scan(file, m.place, names(m), m.info, counts, span, control);
    };
    const double share = 1.0 / static_cast<double>(matrices.size());
    for (std::size_t turn = 0; turn < matrices.size(); ++turn) {  // the wanted one first, then the others
      const std::size_t i = turn == 0 ? first : turn <= first ? turn - 1 : turn;
      Matrix& m = matrices[i];
      const double from = share * static_cast<double>(turn);
      try {
        m.info = hdf5::describe(file, m.place, names(m));
        if (counts && turn == 0)
          read_counts(m, {from, from + share});
        else
          hdf5::scan(file, m.place, names(m), m.info, nullptr, {from, from + share}, control);
      } catch (const Error& error) {
        m.info.is_counts = false;
        m.info.why_not = "cannot be read (" + std::string(error.what()) + ")";
      }
    }
    std::optional<std::size_t> chosen = choose(matrices, first, asked);
    if (!chosen && counts) refuse(matrices, first, file.name());
    if (chosen && counts && *chosen != first) {
      Matrix& m = matrices[*chosen];
      read_counts(m, {1 - share, 1});
      if (!m.info.is_counts) refuse(matrices, *chosen, file.name());  // a sample of it had looked like counts
      out.notes.push_back("`" + matrices[first].info.path + "` " + matrices[first].info.why_not +
                          ": the counts are taken from `" + m.info.path + "`.");
    }
    for (const Matrix& m : matrices) out.layers.push_back(m.info);
    if (chosen) {
      out.layer = matrices[*chosen].info.path;
      if (matrices[*chosen].of_raw) {
        out.genes = std::move(raw_genes);
        out.notes.insert(out.notes.end(), raw_notes.begin(), raw_notes.end());
      }
    }
    out.missing = std::move(scanned.missing);
    out.notes.insert(out.notes.end(), scanned.notes.begin(), scanned.notes.end());
    out.embeddings = hdf5::read_embeddings(file, static_cast<std::int64_t>(out.cells.size()), out.notes);
    return out;
  }

 private:
  /// The first one if it is counts; else, when none was asked for, the only other that is.
  static std::optional<std::size_t> choose(const std::vector<Matrix>& matrices, std::size_t first, bool asked) {
    if (matrices[first].info.is_counts) return first;
    const auto counts = [](const Matrix& m) { return m.info.is_counts; };
    if (asked || std::count_if(matrices.begin(), matrices.end(), counts) != 1) return {};
    return std::find_if(matrices.begin(), matrices.end(), counts) - matrices.begin();
  }

  [[noreturn]] static void refuse(const std::vector<Matrix>& matrices, std::size_t first, const std::string& file) {
    const LayerInfo& info = matrices[first].info;
    const std::vector<std::string> others = quoted_paths(matrices, true);
    throw Error(ErrorCode::BadInput, "`" + info.path + "` of " + file + " " + info.why_not,
                !others.empty() ? "Choose the layer " + listed(others, 8, "or") + ": counts are there."
                                : "No matrix of this file holds counts (" + listed(quoted_paths(matrices, false)) +
                                      " looked at): open the file from before the values were transformed.");
  }
};

}  // namespace

std::unique_ptr<FormatReader> h5ad_reader() {
  return std::make_unique<H5ad>();
}

}  // namespace scriptorium::data
