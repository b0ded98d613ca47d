#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/model/model.hpp"

namespace scriptorium::model {
namespace {

[[noreturn]] void fail(const std::string& key, const std::string& expected) {
  throw Error(ErrorCode::BadInput, "The key \"" + key + "\" of the model does not hold " + expected + ".",
              "Write the model as `models --json` and `show --json` show it.");
}

template <class Value>
Value get(const nlohmann::json& value, const std::string& key, const char* expected) {
  try {
    return value.get<Value>();
  } catch (const nlohmann::json::exception&) {
    fail(key, expected);
  }
}

/// The text form that set_prior() reads, so that files and flags share one parser.
std::string prior_text(const nlohmann::json& value, const std::string& key) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array() && !value.empty()) {
    std::string list;
    for (const auto& entry : value) {
      if (!entry.is_number()) fail(key, "numbers");
      if (!list.empty()) list += ',';
      list += entry.dump();
    }
    return list;
  }
  if (!value.is_object() || !value.contains("family")) fail(key, "a pair of numbers or a family with its arguments");
  std::string text = get<std::string>(value["family"], key, "a family") + ":";
  bool first = true;
  for (const auto& [name, argument] : value.items()) {
    if (name == "family") continue;
    if (!argument.is_number()) fail(key, "numbers as the arguments of its family");
    text += (first ? "" : ",") + name + "=" + argument.dump();
    first = false;
  }
  return text;
}

void read_transforms(const nlohmann::json& value, Model& model) {
  if (value.is_string()) {
    model.positive_transform = transform_from_string(value.get<std::string>());
    return;
  }
  if (!value.is_object()) fail("positive_transform", "\"softplus\", \"exp\" or one of them per parameter");
  for (const auto& [name, transform] : value.items())
    model.positive_transforms[internal_name(name)] =
        transform_from_string(get<std::string>(transform, "positive_transform", "names of transforms"));
}

}  // namespace

void to_json(nlohmann::json& json, const Model& model) {
  json = {{"likelihood", model.likelihood},
          {"parameterization", model.parameterization},
          {"unconstrained", model.unconstrained},
          {"positive_transform", to_string(model.positive_transform)},
          {"positive_transforms", nlohmann::json::object()},
          {"priors", nlohmann::json::object()},
          {"capture_prior", nullptr},
          {"components", model.components},
          {"mixture_params", "all"},
          {"mixing_prior", model.mixing_prior}};
  if (!model.mixture_params.empty()) json["mixture_params"] = model.mixture_params;
  for (const auto& [name, transform] : model.positive_transforms)
    json["positive_transforms"][name] = to_string(transform);
  for (const auto& [name, prior] : model.priors) {
    const auto arguments = argument_names(prior.law);
    json["priors"][name] = {{"family", to_string(prior.law)}, {arguments[0], prior.a}, {arguments[1], prior.b}};
  }
  if (model.capture_prior)
    json["capture_prior"] = {{"log_m0", model.capture_prior->log_m0},
                             {"sigma_m", model.capture_prior->sigma_m},
                             {"organism", model.capture_prior->organism}};
}

void from_json(const nlohmann::json& json, Model& model) {
  if (!json.is_object()) throw Error(ErrorCode::BadInput, "The model is not a JSON object.", "See `models --json`.");
  model = {};
  for (const auto& [key, value] : json.items()) {
    if (key == "likelihood" || key == "model")
      model.likelihood = find_likelihood(get<std::string>(value, key, "a name")).key;
    else if (key == "parameterization")
      model.parameterization = find_parameterization(get<std::string>(value, key, "a name")).key;
    else if (key == "unconstrained")
      model.unconstrained = get<bool>(value, key, "true or false");
    else if (key == "positive_transform" || key == "positive_transforms") {
      if (!value.is_null()) read_transforms(value, model);
    } else if (key == "capture_prior") {
      if (value.is_null()) continue;
      if (!value.is_object() || !value.contains("log_m0") || !value.contains("sigma_m"))
        fail(key, "log_m0 and sigma_m");
      model.capture_prior =
          CapturePrior{get<double>(value["log_m0"], key, "numbers"), get<double>(value["sigma_m"], key, "numbers"),
                       value.contains("organism") ? get<std::string>(value["organism"], key, "a name") : ""};
    } else if (key == "components") {
      model.components = value.is_null() ? 1 : get<std::int64_t>(value, key, "a whole number");
    } else if (key == "mixture_params") {
      if (value.is_null() || value == "all") continue;
      for (const auto& name : get<std::vector<std::string>>(value, key, "\"all\" or names of parameters"))
        model.mixture_params.push_back(internal_name(name));
    } else if (key == "mixing_prior") {
      model.mixing_prior = get<std::vector<double>>(value, key, "concentrations");
    } else if (key != "priors") {
      throw Error(ErrorCode::BadInput, "The model has no key \"" + key + "\".",
                  "Its keys are likelihood, parameterization, unconstrained, positive_transform, positive_transforms, "
                  "priors, capture_prior, components, mixture_params and mixing_prior.");
    }
  }
  // Priors last: what they mean depends on the rest.
  if (const auto found = json.find("priors"); found != json.end() && !found->is_null()) {
    if (!found->is_object()) fail("priors", "an object");
    for (const auto& [name, value] : found->items()) {
      for (const auto& [other, unused] : found->items())
        if (other != name && internal_name(other) == internal_name(name))
          throw Error(ErrorCode::BadInput,
                      "The priors name one parameter twice: \"" + name + "\" and \"" + other + "\".",
                      "Keep one of the two spellings.");
      set_prior(model, name, prior_text(value, "priors." + name));
    }
  }
  validate(model);
}

}  // namespace scriptorium::model
