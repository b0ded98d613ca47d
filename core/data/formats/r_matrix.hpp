#pragma once
#include <string>
#include <vector>

#include "core/data/count_sink.hpp"
#include "core/data/formats/r_object.hpp"
#include "core/progress.hpp"

namespace scriptorium::data::rds {

/// A dgCMatrix or a plain matrix within an R object: rows × columns, stored column by column.
struct Matrix {
  LayerInfo info;  ///< `n_genes` are the rows, unless turned
  const RObject* object = nullptr;
  std::vector<std::string> row_names, column_names;  ///< empty where it has none
  bool genes_in_rows = true;
};

/// Whether an object is a matrix of a class that is read here and holds anything.
bool is_matrix(const RObject* object);

/// Takes a matrix in, its sizes and names checked. What is no matrix is taken too, judged as no counts.
/// @param layer as --layer takes it. @throws Error when the object does not hold together
Matrix matrix_at(const std::string& layer, const RObject* object, const std::string& file);

/// Judges the values, all of them: sets `is_counts` and `why_not`, and hands the counts on unless `counts` is null.
/// @returns what was not measured
Missing scan(Matrix& matrix, const Dataset& names, CountSink* counts, const RunControl& control);

}  // namespace scriptorium::data::rds
