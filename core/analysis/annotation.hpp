#pragma once
#include <string>
#include <vector>

#include "core/data/dataset.hpp"

namespace scriptorium::analysis {

/// Labels of cells that inform the components of a mixture.
struct AnnotationOptions {
  std::vector<std::string> columns;  ///< of the cell table; several make composite labels, "a__b"
  double confidence = 3;             ///< logit of a cell for the component of its label
  std::vector<std::string> order;    ///< labels of the components; empty: sorted
  std::int64_t min_cells = 0;        ///< labels with fewer cells say nothing
  std::int64_t components = 0;       ///< 0: as many as there are labels
};

struct Annotation {
  std::int64_t components = 0;
  std::vector<std::string> names;   ///< of the components: labels, then "unlabelled N" for those that have none
  std::vector<double> logits;       ///< cells × components: `confidence` at a cell's label, else 0
  std::vector<std::int32_t> label;  ///< of each cell, −1: none
  std::vector<std::string> notes;   ///< labels that were left out, and the like
};

/// @throws Error(BadInput) for columns that are not there, no label at all, only one, more labels than components, an
/// order that names what is no label or lacks one, and a confidence that is not a number above 0
Annotation annotate(const data::Table& cells, const AnnotationOptions& options);

}  // namespace scriptorium::analysis
