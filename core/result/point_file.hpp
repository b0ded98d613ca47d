#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/model/values.hpp"
#include "core/result/fit_file.hpp"

namespace scriptorium::result {

/// A number of the golden files: also "nan", "inf", "-inf" (any case, "infinity" too). @throws Error(BadInput).
double json_number(const nlohmann::json& json, const std::string& what);
/// Rows of numbers, flattened row-major; `shape` gets the lengths of the axes. @throws Error(BadInput) when ragged.
std::vector<double> json_numbers(const nlohmann::json& json, const std::string& what, std::vector<std::int64_t>& shape);

/// Parameters by any spelling of their names. Axes follow from the name: captures are per cell, r, mu and gate per
/// gene, p and phi one number or per gene. With components, an array of two axes has theirs first, and mixing_weights
/// and a p or phi of as many numbers have no other.
model::Values point_from_json(const nlohmann::json& params, std::int64_t components = 1);

/// Point estimates made elsewhere as a fit that has no posterior: `{"model", "parameterization", "params", …}`.
/// Gene and cell names are gene_1, …, cell_1, … until data give theirs. @throws Error(BadInput).
Fit fit_from_point_json(const nlohmann::json& json);
/// A fit, or a file of parameters when the file is JSON.
Fit load_fit_or_point(const std::string& path);

}  // namespace scriptorium::result
