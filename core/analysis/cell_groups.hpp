#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/analysis/assignments.hpp"
#include "core/data/dataset.hpp"

/// Some cells of a fit as a fit of their own: a component with its cells, or the cells that have one label. Predictive
/// checks of a group look at these.
namespace scriptorium::analysis {

struct CellGroup {
  result::Fit fit;        ///< of these cells; everything but what belongs to cells is as it was
  data::Dataset dataset;  ///< the same cells
  /// Of a mixture: the probabilities of the components of each cell, given its counts (cells × components): what
  /// PredictiveOptions::shares asks for. Empty for a fit without components.
  std::vector<double> shares;
};

/// One component and the cells that are most probably of it.
/// @param assigned  the component of each cell, as assignment() gives it; cells in the order of `dataset`
/// @throws Error(BadInput) when no cell is of it, and as result::get_component()
CellGroup cells_of_component(const result::Fit& fit, std::int64_t component, std::span<const std::int32_t> assigned,
                             const data::Dataset& dataset, const RunControl& control);
/// One or several components, with the cells that at the point are most probably of one of them.
CellGroup cells_of_components(const result::Fit& fit, std::span<const std::int64_t> components,
                              const data::Dataset& dataset, const RunControl& control);
/// The cells that have a label in a column of the cell table.
/// @param fit  any; its cells in the order of `dataset`
/// @throws Error(BadInput) for a column or label that the cells do not have, naming those they have
CellGroup cells_of_label(const result::Fit& fit, const std::string& column, const std::string& label,
                         const data::Dataset& dataset, const RunControl& control);

}  // namespace scriptorium::analysis
