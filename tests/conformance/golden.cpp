#include "golden.hpp"

#include <cmath>
#include <cstdio>

#include "core/error.hpp"
#include "core/storage/atomic_file.hpp"

namespace conformance {

using scriptorium::result::json_number;

double Case::tolerance(const std::string& key, double otherwise) const {
  const auto tolerance = file_.find("tolerance");
  if (tolerance == file_.end()) return otherwise;
  const auto found = tolerance->find(key);
  return found == tolerance->end() ? otherwise : json_number(*found, "tolerance." + key);
}

json Case::sibling(const std::string& name) const {
  return json::parse(scriptorium::storage::read_whole_file(folder_.empty() ? name : folder_ + "/" + name));
}

void Case::check(const std::string& what, bool good) {
  ++values_;
  if (!good) failures_.push_back(what);
}

void Case::limit(const std::string& what, double error, double allowed) {
  ++values_;
  const double ratio = allowed > 0 ? error / allowed : error == 0 ? 0 : INFINITY;
  worst_ = std::isnan(ratio) ? INFINITY : std::max(worst_, ratio);
  if (ratio <= 1) return;
  char text[64];
  std::snprintf(text, sizeof text, ": %.3g where %.3g is allowed", error, allowed);
  failures_.push_back(what + text);
}

void Case::compare(const std::string& what, double found, const json& wanted, double rtol, double atol) {
  const double value = json_number(wanted, what);
  if (std::isnan(value) || std::isinf(value) || !std::isfinite(found)) {
    char text[64];
    std::snprintf(text, sizeof text, ": %g where %g is expected", found, value);
    check(what + text, (std::isnan(value) && std::isnan(found)) || value == found);
    return;
  }
  limit(what, std::fabs(found - value), atol + rtol * std::fabs(value));
}

void Case::compare(const std::string& what, const std::vector<double>& found, const json& wanted, double rtol,
                   double atol) {
  std::vector<std::int64_t> shape;
  const auto values = scriptorium::result::json_numbers(wanted, what, shape);
  if (values.size() != found.size()) {
    check(
        what + ": " + std::to_string(found.size()) + " values where " + std::to_string(values.size()) + " are expected",
        false);
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    compare(what + "[" + std::to_string(i) + "]", found[i],
            json(std::isfinite(values[i]) ? json(values[i])
                 : std::isnan(values[i])  ? json("nan")
                 : values[i] > 0          ? json("inf")
                                          : json("-inf")),
            rtol, atol);
}

scriptorium::data::CountMatrix counts_of(const json& rows) {
  scriptorium::data::CountMatrix counts;
  counts.n_cells = static_cast<std::int64_t>(rows.size());
  counts.n_genes = rows.empty() ? 0 : static_cast<std::int64_t>(rows[0].size());
  for (const auto& row : rows) {
    std::uint32_t gene = 0;
    for (const auto& entry : row) {
      const auto count = entry.get<std::uint32_t>();
      if (count > 0) {
        counts.gene.push_back(gene);
        counts.count.push_back(count);
      }
      ++gene;
    }
    counts.row_start.push_back(static_cast<std::int64_t>(counts.count.size()));
  }
  return counts;
}

scriptorium::model::Model model_of(const json& inputs) {
  json model{{"likelihood", inputs.at("model")}, {"parameterization", inputs.at("parameterization")}};
  if (inputs.contains("unconstrained")) model["unconstrained"] = inputs["unconstrained"];
  if (inputs.contains("n_components") && !inputs["n_components"].is_null())
    model["components"] = inputs["n_components"];
  if (inputs.contains("mixture_params")) model["mixture_params"] = inputs["mixture_params"];
  const auto options = inputs.find("options");
  if (options != inputs.end()) {
    if (options->contains("positive_transform")) model["positive_transform"] = (*options)["positive_transform"];
    if (options->contains("priors")) model["priors"] = (*options)["priors"];
    if (options->contains("model_priors")) model["priors"].update((*options)["model_priors"]);
  }
  return model.get<scriptorium::model::Model>();
}

std::vector<scriptorium::inference::SitePosterior> marginals_of(const scriptorium::model::Model& model,
                                                                const json& parameters) {
  using namespace scriptorium;
  std::vector<inference::SitePosterior> sites;
  std::vector<std::int64_t> shape;
  for (const auto& site : model::layout(model)) {
    inference::SitePosterior posterior{
        site.name, site.extent, site.guide, site.guide_transform, {}, {}, site.by_component ? model.components : 0};
    if (site.guide == model::Law::Dirichlet) {
      posterior.arg1 = result::json_numbers(parameters.at("mixing_concentrations"), site.name, shape);
      double sum = 0;
      for (const double a : posterior.arg1) sum += a;
      for (const double a : posterior.arg1) posterior.arg2.push_back(sum - a);
    } else {
      const auto arguments = model::argument_names(site.guide);
      posterior.arg1 = result::json_numbers(parameters.at(site.name + "_" + arguments[0]), site.name, shape);
      posterior.arg2 = result::json_numbers(parameters.at(site.name + "_" + arguments[1]), site.name, shape);
    }
    sites.push_back(std::move(posterior));
  }
  return sites;
}

scriptorium::model::Values point_of(const scriptorium::model::Model& model, const json& values) {
  return scriptorium::result::point_from_json(values, model.components);
}

json flat(const json& value) {
  return value.is_array() ? value : json::array({value});
}

}  // namespace conformance
