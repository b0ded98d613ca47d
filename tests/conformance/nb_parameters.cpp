// Kind nb/parameters: conversions, point estimates and moments.
#include <algorithm>
#include <cmath>
#include <set>

#include "core/result/estimates.hpp"
#include "golden.hpp"

namespace conformance {

using namespace scriptorium;

namespace {

void check_conversion(Case& test) {
  const auto& in = test.inputs();
  model::Model model;
  model.likelihood = "nbvcp";
  model.parameterization = in.at("parameterization").get<std::string>();
  const auto& core = in.at("sampled").at(in["sampled"].contains("mu") ? "mu" : "r");
  const bool mixture = core.at(0).is_array();
  const std::size_t k = mixture ? core.size() : 1;
  if (mixture) model.components = static_cast<std::int64_t>(k);
  auto values = point_of(model, in.at("sampled"));
  result::add_derived(model, values);
  const double rtol = test.tolerance("rtol"), atol = test.tolerance("atol");
  const auto& r = values.at("r").values;
  const auto& p = values.at("p").values;
  const auto& nu = values.at("p_capture").values;
  const std::size_t genes = r.size() / k;
  // p is one number, one a component, or one a gene (and component).
  const auto p_of = [&](std::size_t i) { return p[p.size() == r.size() ? i : p.size() == k ? i / genes : 0]; };
  for (const auto& [name, wanted] : test.expected().items()) {
    std::vector<double> found;
    if (name == "p_hat") {
      found = result::captured_probability(values.at("p"), values.at("p_capture")).values;
    } else if (name == "mean_observed") {
      for (double capture : nu)
        for (std::size_t i = 0; i < r.size(); ++i) found.push_back(capture * r[i] * p_of(i) / (1 - p_of(i)));
    } else if (name == "variance_biological") {
      for (std::size_t i = 0; i < r.size(); ++i) found.push_back(r[i] * p_of(i) / ((1 - p_of(i)) * (1 - p_of(i))));
    } else if (values.count(name)) {
      found = values.at(name).values;
    } else if (name == "phi") {
      for (double probability : p) found.push_back((1 - probability) / probability);
    } else if (name == "phi_capture") {
      for (double capture : nu) found.push_back((1 - capture) / capture);
    }
    test.compare(name, found, flat(wanted), rtol, atol);
  }
}

void check_moments(Case& test, const std::vector<inference::SitePosterior>& sites, const json& wanted,
                   double rtol_odds) {
  if (!wanted.is_object()) return;
  for (const auto& site : sites) {
    if (!wanted.contains(site.name) || !wanted[site.name].is_object()) continue;
    const double rtol = site.law == model::Law::BetaPrime ? rtol_odds : test.tolerance("rtol");
    std::vector<double> mean, sd;
    for (std::size_t i = 0; i < site.arg1.size(); ++i) {
      mean.push_back(result::marginal(site, i).mean());
      sd.push_back(result::marginal(site, i).sd());
    }
    const auto& entry = wanted[site.name];
    test.compare("mean of " + site.name, mean, flat(entry.at("mean")), rtol, test.tolerance("atol"));
    test.compare("sd of " + site.name, sd, flat(entry.at("std")), rtol, test.tolerance("atol"));
  }
}

}  // namespace

void check_parameters(Case& test) {
  if (test.inputs().contains("sampled")) return check_conversion(test);
  const auto model = model_of(test.inputs());
  const auto sites = marginals_of(model, test.inputs().at("variational_params"));
  const double atol = test.tolerance("atol"), odds = test.tolerance("rtol_betaprime"),
               iterated = test.tolerance("rtol_softplus_sigmoid_map");
  const bool has_odds =
      std::any_of(sites.begin(), sites.end(), [](const auto& s) { return s.law == model::Law::BetaPrime; });
  std::set<std::string> names;
  for (const auto& [key, options] : std::initializer_list<std::pair<const char*, result::MapOptions>>{
           {"map_use_mean_false", {}},
           {"map_use_mean_true", {.use_mean = true}},
           {"map_transform_method", {.use_mean = true, .canonical = false, .method = result::MapMethod::Transform}}}) {
    const json& wanted = test.expected().at(key);
    auto found = result::map_estimate(model, sites, options);
    // Left out of the dictionary by default because it is dense, but the same numbers.
    if (wanted.contains("p_hat") && !found.count("p_hat"))
      found["p_hat"] = result::captured_probability(found.at("p"), found.at("p_capture"));
    for (const auto& [name, value] : wanted.items()) {
      const auto site = std::find_if(sites.begin(), sites.end(), [&, &n = name](const auto& s) { return s.name == n; });
      double rtol = test.tolerance("rtol");
      const bool derived = site == sites.end();
      if (has_odds && (derived || site->law == model::Law::BetaPrime)) rtol = std::max(rtol, odds);
      if (model.unconstrained) rtol = std::max(rtol, iterated);
      test.check(std::string(key) + " lacks " + name, found.count(name) != 0);
      if (found.count(name))
        test.compare(std::string(key) + " " + name, found.at(name).values, flat(value), rtol, atol);
    }
    for (const auto& entry : found)
      test.check(std::string(key) + " has " + entry.first + " too many", wanted.contains(entry.first));
    if (options.canonical)
      for (const auto& entry : found) names.insert(model::descriptive_name(entry.first));
  }
  const auto wanted_names = test.expected().at("map_descriptive_keys").get<std::set<std::string>>();
  test.check("descriptive names differ", names == wanted_names);
  check_moments(test, sites, test.expected().value("distributions_scipy", json()), odds);
  // The source swaps the arguments of BetaPrime when it hands them on: swapped back, the law is ours.
  const auto swapped = test.expected().find("scribe_distributions_swapped");
  if (swapped != test.expected().end()) {
    auto exchanged = sites;
    for (auto& site : exchanged)
      if (site.law == model::Law::BetaPrime) std::swap(site.arg1, site.arg2);
    check_moments(test, exchanged, *swapped, odds);
  }
}

}  // namespace conformance
