#pragma once
#include "core/model/values.hpp"
#include "core/result/fit_file.hpp"

/// Parts of a mixture. Components are counted from 0.
namespace scriptorium::result {

/// One component's slice of an array with an axis "component"; others come back as they are.
model::Array component_slice(const model::Array& array, std::int64_t component);
/// Values of one component, without mixing_weights: a point of model::component_model().
model::Values component_values(const model::Values& values, std::int64_t component);
/// Mixing weights of a point, normalised. @throws Error(BadInput) when they are missing, negative or not one a
/// component
std::vector<double> mixing_weights(const model::Model& model, const model::Values& point);

/// Mixing weights of a cell of which an annotation says something: softmax(log(π_k + 1e-8) + logit_k).
std::vector<double> annotated_weights(const std::vector<double>& weights, const double* logits);

/// Notes of a part of a fit that its loss and convergence are those of the whole.
void note_part(Fit& part);
/// One component as a fit of its own: no component axis, shared sites stay.
/// @throws Error(BadInput) when the fit is no mixture or has no such component
Fit get_component(const Fit& fit, std::int64_t component);
/// Some components in the order given, still a mixture: concentrations are selected, so draws and means of the weights
/// are renormalised. @throws Error(BadInput) for fewer than two, unknown or repeated components
Fit get_components(const Fit& fit, const std::vector<std::int64_t>& components);
/// The fit of some of its cells, e.g. of one annotated group: cell sites of these, everything else as it was.
/// @param summary  of the counts of these cells, in the same order
Fit select_cells(const Fit& fit, const std::vector<std::int64_t>& cells, summary::CountSummary summary);
/// The shown name of a component: its label, or its number from 1.
std::string component_name(const Fit& fit, std::size_t component);
std::vector<std::string> component_names(const Fit& fit);
/// A component by its shown name or number (from 1). @throws Error(BadInput) listing the names
std::int64_t find_component(const Fit& fit, const std::string& name);

}  // namespace scriptorium::result
