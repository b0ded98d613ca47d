#include "core/data/formats/anndata.hpp"

#include "core/data/formats/anndata_table.hpp"
#include "core/data/formats/layers.hpp"
#include "core/data/formats/matrix_scan.hpp"
#include "core/data/measured_sets.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

/// One matrix of the file: where it lies, and whether its genes are those of raw/var.
struct Matrix {
  Place place;
  bool of_raw = false;
};

std::vector<Matrix> find_matrices(const Tree& file, const std::string& root) {
  std::vector<Matrix> all;
  const auto add = [&](const std::string& path, bool of_raw) {
    if (file.kind(root + path) != NodeKind::None) all.push_back({place_of(file, root + path), of_raw});
  };
  add("X", false);
  for (const std::string& layer : file.children(root + "layers")) add("layers/" + layer, false);
  add("raw/X", true);
  return all;
}

/// What was not measured, where the file is one of ours and its matrix was taken that has it (measured_sets.hpp).
void take_measured_sets(const Tree& file, const std::string& root, Dataset& out, const RunControl& control) {
  const std::string path = root + "varm/" + measured_sets::gene_table;
  const Column* of_cells = out.cells.find(measured_sets::cell_column);
  if (out.layer != root + "layers/" + measured_sets::layer || of_cells == nullptr ||
      file.kind(path) != NodeKind::Group || !out.missing.none())
    return;
  const Table of_genes = read_table(file, path, "gene", out.notes, control);
  if (of_genes.size() != out.genes.size())
    throw Error(ErrorCode::BadInput, "`" + path + "` of " + file.name() + " has another number of genes than var",
                "Write the file anew with the program that made it.");
  out.missing = measured_sets::read(*of_cells, of_genes);
  if (!out.missing.none()) out.notes.push_back("`" + out.layer + "`: " + describe_missing(out.missing) + ".");
}

}  // namespace

Place place_of(const Tree& file, const std::string& path) {
  Place place{path, path, Layout::Dense, {}};
  if (file.kind(path) != NodeKind::Group) return place;
  std::string encoding;
  for (const char* name : {"encoding-type", "h5sparse_format"})
    if (encoding.empty()) encoding = file.text_attribute(path, name).value_or("");
  place.layout = encoding.rfind("csc", 0) == 0 ? Layout::GeneMajor : Layout::CellMajor;
  for (const char* name : {"shape", "h5sparse_shape"})
    if (place.stated_shape.empty()) place.stated_shape = file.integer_attribute(path, name);
  return place;
}

double looks_like_anndata(const Tree& file) {
  const bool tables = file.kind("obs") != NodeKind::None && file.kind("var") != NodeKind::None;
  if (tables) return 1;
  return file.text_attribute("/", "encoding-type") == "anndata" ? 0.9 : 0;
}

Dataset read_anndata(const Tree& file, const std::string& root, const OpenOptions& options, CountSink* counts,
                     const RunControl& control) {
  Dataset out;
  control.tell(0, "reading the tables of cells and genes");
  out.cells = read_table(file, root + "obs", "cell", out.notes, control);
  out.genes = read_table(file, root + "var", "gene", out.notes, control);
  const std::vector<Matrix> matrices = find_matrices(file, root);
  if (matrices.empty())
    throw Error(ErrorCode::BadInput, file.name() + " holds tables of cells and genes but no matrix",
                "Write it again with its counts in X or in a layer.");
  Table raw_genes;
  std::vector<std::string> raw_notes;
  if (matrices.back().of_raw) raw_genes = read_table(file, root + "raw/var", "gene", raw_notes, control);

  const std::string& wanted = options.layer;
  LayerChoice choice{.paths = {}, .first = 0, .asked = !wanted.empty()};
  for (const Matrix& matrix : matrices) choice.paths.push_back(matrix.place.layer);
  if (choice.asked)
    choice.first =
        find_layer(choice.paths, {wanted, root + wanted, root + "layers/" + wanted, root + wanted + "/X"}, file.name());
  Taken taken = take_layer(choice, counts != nullptr, file.name(), [&](std::size_t i, bool keep, Span span) {
    const Matrix& matrix = matrices[i];
    const Table& genes = matrix.of_raw ? raw_genes : out.genes;
    const Names names{out.cells.names, genes.names};
    Judged judged{.info = describe(file, matrix.place, names), .scanned = {}};
    if (keep) counts->begin(out.cells, genes);
    judged.scanned = scan(file, matrix.place, names, judged.info, keep ? counts : nullptr, span, control);
    return judged;
  });
  out.layers = std::move(taken.layers);
  if (taken.chosen) {
    out.layer = choice.paths[*taken.chosen];
    if (matrices[*taken.chosen].of_raw) {
      out.genes = std::move(raw_genes);
      out.notes.insert(out.notes.end(), raw_notes.begin(), raw_notes.end());
    }
  }
  out.missing = std::move(taken.scanned.missing);
  out.notes.insert(out.notes.end(), taken.scanned.notes.begin(), taken.scanned.notes.end());
  if (counts != nullptr && taken.chosen) take_measured_sets(file, root, out, control);
  out.embeddings = read_embeddings(file, root + "obsm", static_cast<std::int64_t>(out.cells.size()), out.notes);
  return out;
}

}  // namespace scriptorium::data
