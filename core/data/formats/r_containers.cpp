#include "core/data/formats/r_containers.hpp"

#include <algorithm>

#include "core/data/formats/names.hpp"

namespace scriptorium::data::rds {
namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& remedy) {
  throw Error(ErrorCode::Unsupported, what, remedy);
}

/// The list within an object of S4Vectors or SummarizedExperiment, however deep it is wrapped.
const RObject* list_in(const RObject* object) {
  for (int depth = 0; depth < 4 && object != nullptr; ++depth) {
    if (as<rds2cpp::GenericVector>(object) != nullptr) return object;
    const RObject* const list = slot(object, "listData");
    object = list != nullptr ? list : slot(object, "data");
  }
  return nullptr;
}

/// The names along one side of a LogMap that belong to a layer: those whose entry is TRUE.
std::vector<std::string> names_in_layer(const RObject* map, const std::string& layer) {
  const auto* const flags = as<rds2cpp::LogicalVector>(map);
  const auto* const names = as<rds2cpp::GenericVector>(slot(map, "dimnames"));
  if (flags == nullptr || names == nullptr || names->data.size() != 2) return {};
  const std::vector<std::string> rows = strings(names->data[0].get()), layers = strings(names->data[1].get());
  const auto column = static_cast<std::size_t>(std::find(layers.begin(), layers.end(), layer) - layers.begin());
  if (column == layers.size() || flags->data.size() != rows.size() * layers.size()) return {};
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (flags->data[column * rows.size() + i] == 1) out.push_back(rows[i]);
  return out;
}

/// Adds the matrices of one assay. Version 5 keeps them in a list without names, before that each had a slot.
void add_assay(Contents& out, const RObject* assay, const std::string& name, const std::string& file) {
  const RObject* const layers = slot(assay, "layers");
  for (const std::string& layer : names_of(layers)) {
    Matrix matrix = matrix_at(name + "/" + layer, element(layers, layer), file);
    const auto take_names = [&](const char* map, std::vector<std::string>& names, std::int64_t n) {
      if (names.empty()) names = names_in_layer(slot(assay, map), layer);
      if (static_cast<std::int64_t>(names.size()) != n) names.clear();
    };
    take_names("features", matrix.row_names, matrix.info.n_genes);
    take_names("cells", matrix.column_names, matrix.info.n_cells);
    out.matrices.push_back(std::move(matrix));
  }
  if (layers != nullptr) return;
  for (const char* layer : {"counts", "data", "scale.data"})
    if (const RObject* const found = slot(assay, layer); is_matrix(found))
      out.matrices.push_back(matrix_at(name + "/" + layer, found, file));
}

/// The counts of an assay that was merged or split by samples lie in several layers: counts.1, counts.2, …
void refuse_split_counts(const RObject* assay, const std::string& name, const std::string& file) {
  std::vector<std::string> parts;
  for (const std::string& layer : names_of(slot(assay, "layers"))) {
    if (layer == "counts") return;
    if (layer.rfind("counts.", 0) == 0) parts.push_back(layer);
  }
  if (!parts.empty())
    refuse("The counts of assay `" + name + "` of " + file + " are split over several layers: " + listed(parts),
           "Join them in R: saveRDS(JoinLayers(object), \"joined.rds\").");
}

std::string choose_assay(const std::vector<std::string>& names, const std::string& modality, const std::string& layer,
                         const std::string& active, const std::string& file, std::vector<std::string>& notes) {
  std::string wanted = modality;
  for (const std::string& name : names)
    if (wanted.empty() && layer.rfind(name + "/", 0) == 0) wanted = name;
  const auto is_there = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (!wanted.empty()) {
    if (is_there(wanted)) return wanted;
    throw Error(ErrorCode::BadInput, file + " has no assay " + wanted, "Choose one of " + listed(names, 8, "or") + ".");
  }
  std::string taken = is_there("RNA") ? "RNA" : is_there(active) ? active : names.front();
  if (names.size() > 1)
    notes.push_back("The assay " + taken + " is taken of " + listed(names) + " (another one: --modality).");
  return taken;
}

Contents seurat(const RObject* object, const std::string& file, const std::string& modality, const std::string& layer) {
  Contents out;
  out.format = "rds-seurat";
  const RObject* const assays = slot(object, "assays");
  const std::vector<std::string> names = names_of(assays);
  if (names.empty()) refuse(file + " is a Seurat object without assays", "Save it again in R with the counts in it.");
  const std::vector<std::string> active = strings(slot(object, "active.assay"));
  const std::string taken = choose_assay(names, modality, layer, active.empty() ? "" : active.front(), file, out.notes);
  const RObject* const assay = element(assays, taken);
  refuse_split_counts(assay, taken, file);
  add_assay(out, assay, taken, file);
  if (out.matrices.empty())
    refuse("The assay " + taken + " of " + file + " holds no matrix", "Save it again in R with its counts.");
  out.prefix = taken + "/";
  out.cells = table_of(slot(object, "meta.data"), "meta.data", out.notes);
  const RObject* const features = slot(assay, "meta.features");
  out.genes = table_of(features != nullptr ? features : slot(assay, "meta.data"), "the features", out.notes);
  const RObject* const reductions = slot(object, "reductions");
  for (const std::string& name : names_of(reductions))
    out.embeddings.emplace_back(name, slot(element(reductions, name), "cell.embeddings"));
  return out;
}

/// Seurat 2: the counts in a slot of the object itself.
Contents old_seurat(const RObject* object, const std::string& file) {
  Contents out;
  out.format = "rds-seurat";
  for (const char* layer : {"raw.data", "data", "scale.data"})
    if (const RObject* const found = slot(object, layer); is_matrix(found))
      out.matrices.push_back(matrix_at(layer, found, file));
  if (out.matrices.empty())
    refuse(file + " is a seurat object without raw.data", "Save it again in R with its counts.");
  out.cells = table_of(slot(object, "meta.data"), "meta.data", out.notes);
  return out;
}

/// The names of the rows, which lie in different places with and without ranges of the genome.
std::vector<std::string> row_names(const RObject* object) {
  const RObject* const ranges = slot(object, "rowRanges");
  for (const RObject* found :
       {slot(object, "NAMES"), slot(slot(ranges, "partitioning"), "NAMES"), slot(slot(ranges, "ranges"), "NAMES"),
        slot(slot(object, "elementMetadata"), "rownames")})
    if (auto names = strings(found); !names.empty()) return names;
  return {};
}

Contents experiment(const RObject* object, const std::string& file) {
  Contents out;
  out.format = "rds-sce";
  const RObject* const assays = list_in(slot(object, "assays"));
  const std::vector<std::string> names = names_of(assays);
  if (names.empty())
    refuse(file + " is a " + class_of(object) + " whose assays are not plain",
           "In R: saveRDS(as(assay(object, \"counts\"), \"dgCMatrix\"), \"counts.rds\").");
  for (const std::string& name : names) out.matrices.push_back(matrix_at(name, element(assays, name), file));
  const auto counts = std::find(names.begin(), names.end(), "counts");
  out.first = counts == names.end() ? 0 : static_cast<std::size_t>(counts - names.begin());
  out.cells = table_of(slot(object, "colData"), "colData", out.notes);
  const RObject* const ranges = slot(object, "rowRanges");
  out.genes = table_of(slot(ranges != nullptr ? ranges : object, "elementMetadata"), "rowData", out.notes);
  out.genes.names = row_names(object);
  const RObject* const reductions = list_in(element(list_in(slot(object, "int_colData")), "reducedDims"));
  for (const std::string& name : names_of(reductions)) out.embeddings.emplace_back(name, element(reductions, name));
  return out;
}

}  // namespace

Contents contents_of(const RObject* object, const std::string& file, const std::string& modality,
                     const std::string& layer) {
  if (is_a(object, "Seurat")) return seurat(object, file, modality, layer);
  if (is_a(object, "seurat")) return old_seurat(object, file);
  for (const char* name : {"SingleCellExperiment", "SummarizedExperiment", "RangedSummarizedExperiment"})
    if (is_a(object, name)) return experiment(object, file);
  if (!is_matrix(object))
    refuse(file + " holds an object of R's class `" + class_of(object) + "`, in which no counts are looked for",
           "Known are Seurat, SingleCellExperiment, dgCMatrix and matrix. In R: saveRDS(counts, \"counts.rds\").");
  Contents out;
  out.format = "rds-matrix";
  out.bare = true;
  out.matrices.push_back(matrix_at("", object, file));
  return out;
}

}  // namespace scriptorium::data::rds
