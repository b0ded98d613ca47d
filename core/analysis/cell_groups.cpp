#include "core/analysis/cell_groups.hpp"

#include <algorithm>

#include "core/analysis/agreement.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"
#include "core/result/components.hpp"

namespace scriptorium::analysis {
namespace {

constexpr std::size_t most_named = 12;  // labels in a message

/// The component of every cell with its probabilities at the point.
Assignments at_point(const result::Fit& fit, const data::Dataset& dataset, const RunControl& control) {
  AssignmentOptions options;
  options.draws = 0;
  options.likelihood.missing = &dataset.missing;
  return assign_cells(fit, dataset.counts, options, control);
}

CellGroup select(const result::Fit& fit, const std::vector<std::int64_t>& cells, const data::Dataset& dataset,
                 const RunControl& control) {
  CellGroup out{{}, dataset.select(cells, {}), {}};
  out.fit = result::select_cells(fit, cells, summary::summarise(out.dataset.counts, 0, control, out.dataset.missing));
  return out;
}

CellGroup cells_of(const result::Fit& fit, std::span<const std::int64_t> components,
                   std::span<const std::int32_t> assigned, const data::Dataset& dataset, const RunControl& control) {
  const auto part = components.size() == 1 ? result::get_component(fit, components.front())
                                           : result::get_components(fit, {components.begin(), components.end()});
  std::vector<std::int64_t> cells;
  for (std::size_t c = 0; c < assigned.size(); ++c)
    if (std::ranges::find(components, assigned[c]) != components.end()) cells.push_back(static_cast<std::int64_t>(c));
  if (cells.empty())
    throw Error(ErrorCode::BadInput,
                "No cell is most probably of component " +
                    result::component_name(fit, static_cast<std::size_t>(components.front())) + ".",
                "Choose another component.");
  return select(part, cells, dataset, control);
}

}  // namespace

CellGroup cells_of_component(const result::Fit& fit, std::int64_t component, std::span<const std::int32_t> assigned,
                             const data::Dataset& dataset, const RunControl& control) {
  return cells_of(fit, {&component, 1}, assigned, dataset, control);
}

CellGroup cells_of_components(const result::Fit& fit, std::span<const std::int64_t> components,
                              const data::Dataset& dataset, const RunControl& control) {
  const auto found = at_point(fit, dataset, control);
  return cells_of(fit, components, assignment(found.probability, found.components), dataset, control);
}

CellGroup cells_of_label(const result::Fit& fit, const std::string& column, const std::string& label,
                         const data::Dataset& dataset, const RunControl& control) {
  const Labels labels = labels_of(dataset.cells, column);
  const auto at = std::find(labels.names.begin(), labels.names.end(), label);
  if (at == labels.names.end())
    throw Error(ErrorCode::BadInput, "No cell has the label \"" + label + "\" in " + column + ".",
                "Its labels are " + data::listed(labels.names, most_named) + ".");
  std::vector<std::int64_t> cells;
  for (std::size_t c = 0; c < labels.code.size(); ++c)
    if (labels.code[c] == at - labels.names.begin()) cells.push_back(static_cast<std::int64_t>(c));
  CellGroup out = select(fit, cells, dataset, control);
  if (fit.model.components > 1) out.shares = at_point(out.fit, out.dataset, control).probability;
  return out;
}

}  // namespace scriptorium::analysis
