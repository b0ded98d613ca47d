#include "core/result/point_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/storage/atomic_file.hpp"

namespace scriptorium::result {
namespace {

using nlohmann::json;

[[noreturn]] void fail(const std::string& what, const std::string& problem) {
  throw Error(
      ErrorCode::BadInput, what + " " + problem + ".",
      "Parameters are numbers or arrays of numbers, named r, mu, p, phi, gate, p_capture, phi_capture, eta_capture or "
      "mixing_weights.");
}

void flatten(const json& value, const std::string& what, std::size_t depth, std::vector<std::int64_t>& shape,
             std::vector<double>& values) {
  if (!value.is_array()) {
    if (depth != shape.size()) fail(what, "is ragged");
    values.push_back(json_number(value, what));
    return;
  }
  const auto length = static_cast<std::int64_t>(value.size());
  if (depth == shape.size()) {
    if (!values.empty() || depth > 4) fail(what, "is ragged");
    shape.push_back(length);
  }
  if (shape[depth] != length) fail(what, "is ragged");
  for (const auto& entry : value) flatten(entry, what, depth + 1, shape, values);
}

model::Extent extent_of(const std::string& name, bool single) {
  if (name == "p_capture" || name == "phi_capture" || name == "eta_capture") return model::Extent::Cell;
  if ((name == "p" || name == "phi") && single) return model::Extent::Scalar;
  return model::Extent::Gene;
}

std::vector<std::string> numbered(const char* stem, std::size_t count) {
  std::vector<std::string> names(count);
  for (std::size_t i = 0; i < count; ++i) names[i] = stem + std::to_string(i + 1);
  return names;
}

}  // namespace

double json_number(const json& value, const std::string& what) {
  if (value.is_number()) return value.get<double>();
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (value.is_string()) {
    std::string word = value.get<std::string>();
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (word == "inf" || word == "infinity") return std::numeric_limits<double>::infinity();
    if (word == "-inf" || word == "-infinity") return -std::numeric_limits<double>::infinity();
  }
  fail(what, "holds " + value.dump().substr(0, 40) + " where a number is needed");
}

std::vector<double> json_numbers(const json& value, const std::string& what, std::vector<std::int64_t>& shape) {
  shape.clear();
  std::vector<double> values;
  flatten(value, what, 0, shape, values);
  return values;
}

model::Values point_from_json(const json& params, std::int64_t components) {
  if (!params.is_object()) fail("\"params\"", "is not an object");
  model::Values values;
  for (const auto& [spelling, value] : params.items()) {
    const std::string name = model::internal_name(spelling);
    if (name == "p_hat") continue;  // follows from the rest
    const auto& known = model::parameter_names();
    if (std::none_of(known.begin(), known.end(), [&](const auto& names) { return names.internal == name; }))
      fail("The parameter \"" + spelling + "\"", "is not known");
    if (values.count(name)) fail("The parameter " + name, "is given twice, as \"" + spelling + "\" too");
    model::Array array;
    array.values = json_numbers(value, "The parameter " + name, array.shape);
    const bool mixture = components > 1, shares = name == "mixing_weights";
    if (array.shape.size() > (mixture && !shares ? 2 : 1))
      fail("The parameter " + name,
           std::string("has more axes than a model with") + (mixture ? " components" : "out components"));
    // One number a component: the shares, and a p or phi that all genes share.
    const bool one_each = shares || ((name == "p" || name == "phi") && array.shape.size() == 1 && mixture &&
                                     array.shape[0] == components);
    if (array.shape.size() == 2 || (one_each && !array.shape.empty())) array.dims = {"component"};
    if (array.shape.size() > array.dims.size()) array.dims.push_back(model::to_string(extent_of(name, false)));
    if (!array.dims.empty() && array.dims[0] == "component" && array.shape[0] != components)
      fail("The parameter " + name, "has " + std::to_string(array.shape[0]) + " rows where there are " +
                                        std::to_string(components) + " components");
    values[name] = std::move(array);
  }
  return values;
}

Fit fit_from_point_json(const json& given) {
  if (!given.is_object() || !given.contains("params")) fail("The file of parameters", "has no \"params\"");
  for (const char* key : {"dataset_indices"})
    if (given.contains(key) && !given[key].is_null())
      throw Error(ErrorCode::Unsupported, "\"" + std::string(key) + "\" is not built yet.", "Leave it out.");
  Fit fit;
  json model = json::object();
  for (const char* key : {"model", "likelihood", "parameterization", "unconstrained", "positive_transform", "priors",
                          "capture_prior", "mixture_params"})
    if (given.contains(key)) model[key] = given[key];
  std::int64_t components = 1;
  if (given.contains("n_components") && !given["n_components"].is_null()) {
    if (!given["n_components"].is_number_integer()) fail("\"n_components\"", "is not a whole number");
    components = given["n_components"].get<std::int64_t>();
  }
  model["components"] = components;
  auto values = point_from_json(given["params"], components);
  if (components > 1 && !given.contains("mixture_params")) {
    auto names = json::array();  // those that come with a component axis
    for (const auto& [name, array] : values)
      if (name != "mixing_weights" && !array.dims.empty() && array.dims[0] == "component") names.push_back(name);
    auto all = model;
    all["priors"] = json::object();
    auto sampled = json::array();
    for (const auto& site : model::layout(all.get<model::Model>()))
      for (const auto& name : names)
        if (site.name == name) sampled.push_back(name);
    if (!sampled.empty()) model["mixture_params"] = sampled;
  }
  fit.model = model.get<model::Model>();
  fit.point_only = true;
  if (given.contains("annotation_logits") && !given["annotation_logits"].is_null()) {
    std::vector<std::int64_t> shape;
    fit.cell_logits = json_numbers(given["annotation_logits"], "\"annotation_logits\"", shape);
    if (components < 2 || shape.size() != 2 || shape[1] != components)
      fail("\"annotation_logits\"", "has not one row a cell with one number a component");
  }
  std::size_t genes = 0, cells = 0;
  // A shared p or phi may be written as an array of one.
  const bool many = std::any_of(values.begin(), values.end(), [](const auto& entry) {
    return extent_of(entry.first, false) == model::Extent::Gene && entry.second.values.size() > 1;
  });
  for (const char* shared : {"p", "phi"})
    if (const auto found = values.find(shared); many && found != values.end() && found->second.values.size() == 1)
      found->second.dims.clear(), found->second.shape.clear();
  for (const auto& [name, array] : values) {
    const bool by_component = !array.dims.empty() && array.dims[0] == "component";
    const bool single = array.dims.size() == (by_component ? 1 : 0);  // no axis of genes or cells
    const auto extent = name == "mixing_weights" ? model::Extent::Scalar : extent_of(name, single);
    auto& count = extent == model::Extent::Cell ? cells : genes;
    const std::size_t length = array.values.size() / (by_component ? static_cast<std::size_t>(components) : 1);
    if (extent != model::Extent::Scalar && !single) {
      if (count != 0 && count != length)
        fail("The parameter " + name,
             "has " + std::to_string(length) + " values where another has " + std::to_string(count));
      count = length;
    }
    fit.result.posterior.sites.push_back({name, extent, model::Law::TransformedNormal, model::Transform::Identity,
                                          array.values, std::vector<double>(array.values.size(), 0.0),
                                          by_component ? components : 0});
  }
  for (const auto& site : fit.result.posterior.sites) {
    const bool of_genes = site.extent == model::Extent::Gene;
    const auto rows = static_cast<std::size_t>(std::max<std::int64_t>(1, site.components));
    if (site.extent != model::Extent::Scalar && site.arg1.size() != rows * (of_genes ? genes : cells))
      fail("The parameter " + site.name,
           std::string("is one number, and every ") + (of_genes ? "gene" : "cell") + " has its own");
  }
  fit.genes = numbered("gene_", genes);
  fit.cells = numbered("cell_", cells);
  return fit;
}

Fit load_fit_or_point(const std::string& path) {
  const std::string text = storage::read_whole_file(path);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || text[first] != '{') return load_fit(path);
  try {
    return fit_from_point_json(json::parse(text));
  } catch (const json::exception& error) {
    throw Error(ErrorCode::BadInput, "\"" + path + "\" is not valid JSON: " + error.what() + ".", "Correct the file.");
  }
}

}  // namespace scriptorium::result
