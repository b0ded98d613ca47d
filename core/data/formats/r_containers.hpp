#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/data/formats/r_matrix.hpp"

namespace scriptorium::data::rds {

/// What an R object offers: its matrices and the tables that describe their cells and genes.
struct Contents {
  std::string format;  ///< "rds-seurat", "rds-sce", "rds-matrix"
  bool bare = false;   ///< one matrix alone, of which nothing says what its rows are
  std::vector<Matrix> matrices;
  std::size_t first = 0;  ///< the one to take if it is counts
  std::string prefix;     ///< before the plain names of layers: "RNA/"
  Table cells, genes;     ///< columns, and names where the matrices have none
  std::vector<std::pair<std::string, const RObject*>> embeddings;
  std::vector<std::string> notes;
};

/// Looks into a Seurat object (Assay, Assay5, and the old class seurat), a SingleCellExperiment or a
/// SummarizedExperiment, a dgCMatrix or a matrix.
/// @param modality the assay of a Seurat object; empty: the one that `layer` begins with ("ADT/counts"), RNA, or the
/// active one
/// @throws Error when the object is none of them, has no such assay, or keeps its counts in a form that is not read
Contents contents_of(const RObject* object, const std::string& file, const std::string& modality,
                     const std::string& layer);

}  // namespace scriptorium::data::rds
