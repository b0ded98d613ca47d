#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "core/error.hpp"
#include "core/math/special.hpp"
#include "core/model/model.hpp"

namespace scriptorium::model {
namespace {

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

Transform positive_transform_of(const Model& model, const std::string& name) {
  const auto found = model.positive_transforms.find(name);
  return found == model.positive_transforms.end() ? model.positive_transform : found->second;
}

/// A site with SCRIBE's default prior and guide (nb-family notes, tables of priors and guides).
Site default_site(const Model& model, const std::string& name, Extent extent) {
  Site site;
  site.name = name;
  for (const auto& names : parameter_names())
    if (names.internal == name) {
      site.descriptive = names.descriptive;
      site.symbol = names.symbol;
      site.meaning = names.meaning;
    }
  site.extent = extent;
  if (model.parameterization == "mean_disp" && name == "mu")
    site.meaning += " Here the probability of each gene follows from it and the dispersion.";
  const bool unit = name == "p" || name == "gate" || name == "p_capture";
  const bool odds = name == "phi" || name == "phi_capture";
  const bool capture = name == "p_capture" || name == "phi_capture";
  site.support = unit ? Support::UnitInterval : Support::Positive;
  const Prior constrained = name == "gate" ? Prior{Law::Beta, 1, 9}
                            : unit         ? Prior{Law::Beta, 1, 1}
                            : odds         ? Prior{Law::BetaPrime, 1, 1}
                                           : Prior{Law::LogNormal, 0, 1};
  const Prior normal{Law::TransformedNormal, name == "gate" ? -2.0 : 0.0, 1};
  // The capture sites keep their prior in the unconstrained model; only their guide changes.
  site.prior = model.unconstrained && !capture ? normal : constrained;
  site.guide_start = model.unconstrained ? normal : constrained;
  site.guide = site.guide_start.law;
  return site;
}

Site eta_site(const Model& model) {
  Site site = default_site(model, "eta_capture", Extent::Cell);
  const CapturePrior& capture = *model.capture_prior;
  if (!std::isfinite(capture.log_m0) || capture.log_m0 <= 0)
    throw Error(ErrorCode::BadInput,
                "The capture prior has log M0 = " + shown(capture.log_m0) + "; it must be above 0.",
                "Give the log of the number of mRNA molecules of a cell, e.g. 12.2 for 200,000.");
  if (!std::isfinite(capture.sigma_m) || capture.sigma_m <= 0)
    throw Error(ErrorCode::BadInput,
                "The capture prior has sigma = " + shown(capture.sigma_m) + "; it must be above 0.",
                "SCRIBE uses 0.3.");
  site.prior = {Law::TruncatedNormal, capture.log_m0, capture.sigma_m};
  site.guide = Law::TransformedNormal;
  site.guide_start = {Law::TransformedNormal, math::inverse_softplus(capture.log_m0), capture.sigma_m};
  return site;
}

/// mixing_weights, a Dirichlet over the components.
Site mixing_site(const Model& model) {
  if (model.components < 1 || model.components > most_components)
    throw Error(ErrorCode::BadInput,
                "A mixture of " + std::to_string(model.components) + " components is not possible.",
                "Give 2 to " + std::to_string(most_components) + " components, or 1 for a model without.");
  Site site = default_site(model, "mixing_weights", Extent::Scalar);
  site.support = Support::Simplex;
  site.bijection = site.guide_transform = Transform::Identity;  // stick breaking is of all shares together
  const auto k = static_cast<std::size_t>(model.components);
  const auto& prior = model.mixing_prior;
  if (!prior.empty() && prior.size() != 1 && prior.size() != k)
    throw Error(ErrorCode::BadInput,
                "The prior of mixing_weights has " + std::to_string(prior.size()) + " concentrations, the model " +
                    std::to_string(k) + " components.",
                "Give one concentration a component, or one for all.");
  for (const double a : prior)
    if (!std::isfinite(a) || a <= 0)
      throw Error(ErrorCode::BadInput,
                  "The prior of mixing_weights has the concentration " + shown(a) + "; it must be above 0.",
                  "Give numbers above 0; SCRIBE uses 1.");
  site.concentration = prior.empty()       ? std::vector<double>(k, 1)
                       : prior.size() == 1 ? std::vector<double>(k, prior[0])
                                           : prior;
  double sum = 0;
  for (const double a : site.concentration) sum += a;
  site.prior = {Law::Dirichlet, site.concentration[0], sum - site.concentration[0]};
  site.guide = Law::Dirichlet;
  site.guide_start = {Law::Dirichlet, 1, static_cast<double>(k) - 1};
  return site;
}

/// Gives the sites of `mixture_params` their component axis.
void mark_components(const Model& model, std::vector<Site>& sites) {
  if (model.components == 1) {
    if (!model.mixture_params.empty() || !model.mixing_prior.empty())
      throw Error(ErrorCode::BadInput, "The model has no components, but something was said of them.",
                  "Give the number of components, or leave the mixture parameters and the mixing prior out.");
    return;
  }
  std::string known;
  for (auto& site : sites) {
    const bool may = site.extent != Extent::Cell && site.name != "mixing_weights";
    site.by_component = site.name == "mixing_weights" || (may && model.mixture_params.empty());
    if (may) known += (known.empty() ? "" : ", ") + site.name;
  }
  for (const auto& name : model.mixture_params) {
    const auto site = std::find_if(sites.begin(), sites.end(), [&](const Site& s) { return s.name == name; });
    if (site == sites.end() || site->extent == Extent::Cell || name == "mixing_weights")
      throw Error(ErrorCode::BadInput,
                  "\"" + name + "\" cannot differ between components: " +
                      (site == sites.end()            ? "the model does not sample it."
                       : site->extent == Extent::Cell ? "captures belong to cells."
                                                      : "it is what weighs them."),
                  "What can: " + known + ".");
    site->by_component = true;
  }
}

/// Which families a site can have as its prior.
std::vector<Law> families(const Site& site) {
  if (site.prior.law == Law::TruncatedNormal) return {Law::TruncatedNormal};
  if (site.support == Support::UnitInterval) return {Law::Beta, Law::TransformedNormal};
  return {Law::LogNormal, Law::BetaPrime, Law::Gamma, Law::TransformedNormal};
}

void check_prior(const Site& site, const Prior& prior) {
  const auto allowed = families(site);
  if (std::find(allowed.begin(), allowed.end(), prior.law) == allowed.end()) {
    std::string list;
    for (Law law : allowed) list += (list.empty() ? "" : ", ") + to_string(law);
    throw Error(ErrorCode::BadInput,
                "The prior of " + site.name + " cannot be " + to_string(prior.law) + ": " + site.name + " lies in " +
                    to_string(site.support) + ".",
                "Choose one of: " + list + ".");
  }
  const auto names = argument_names(prior.law);
  const bool first_is_loc = names[0] == "loc";
  const auto check = [&](const std::string& argument, double value, bool any_sign) {
    if (std::isfinite(value) && (any_sign || value > 0)) return;
    throw Error(ErrorCode::BadInput,
                "The prior of " + site.name + " has " + argument + " = " + shown(value) + "; it must be " +
                    (any_sign ? "a finite number." : "a finite number above 0."),
                "Change " + argument + " of the prior of " + site.name + ".");
  };
  check(names[0], prior.a, first_is_loc);
  check(names[1], prior.b, false);
}

void finish(const Model& model, Site& site) {
  if (site.support == Support::Simplex) return;
  const auto override_prior = model.priors.find(site.name);
  if (override_prior != model.priors.end()) {
    check_prior(site, override_prior->second);
    site.prior = override_prior->second;
  }
  const bool unit = site.support == Support::UnitInterval;
  const Transform plain = unit ? Transform::Sigmoid : Transform::Exp;
  const Transform normal = unit ? Transform::Sigmoid : positive_transform_of(model, site.name);
  site.bijection = site.prior.law == Law::TransformedNormal ? normal : plain;
  site.guide_transform = site.guide == Law::TransformedNormal ? normal : plain;
  if (site.name == "eta_capture") site.guide_transform = Transform::Softplus;  // SCRIBE's softplus_normal
}

double number(const std::string& text, const std::string& site) {
  double value = 0;
  const auto begin = text.find_first_not_of(' '), end = text.find_last_not_of(' ');
  if (begin != std::string::npos) {
    const char *first = text.data() + begin, *last = text.data() + end + 1;
    const auto [stop, error] = std::from_chars(first, last, value);
    if (error == std::errc{} && stop == last) return value;
  }
  throw Error(ErrorCode::BadInput, "\"" + text + "\" in the prior of " + site + " is not a number.",
              "Write two numbers as 2,3 or a family as log_normal:loc=0,scale=1.");
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (;;) {
    const auto end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

}  // namespace

std::vector<Site> layout(const Model& given) {
  Model model = given;
  const auto& likelihood = find_likelihood(model.likelihood);
  model.parameterization = find_parameterization(model.parameterization).key;
  const std::string& kind = model.parameterization;
  if (model.capture_prior && !likelihood.variable_capture)
    throw Error(ErrorCode::BadInput, "The model " + likelihood.key + " has no capture, but a capture prior was given.",
                "Choose nbvcp or zinbvcp, or leave the capture prior out.");
  const auto check_transform = [](Transform transform) {
    if (transform != Transform::Softplus && transform != Transform::Exp)
      throw Error(ErrorCode::BadInput, "The positive transform cannot be " + to_string(transform) + ".",
                  "Choose softplus or exp.");
  };
  check_transform(model.positive_transform);

  std::vector<Site> sites;
  const auto add = [&](const char* name, Extent extent) { sites.push_back(default_site(model, name, extent)); };
  if (model.components != 1) sites.push_back(mixing_site(model));
  if (kind == "canonical" || kind == "mean_prob") add("p", Extent::Scalar);
  if (kind == "mean_odds") add("phi", Extent::Scalar);
  if (kind != "canonical") add("mu", Extent::Gene);
  if (kind == "canonical" || kind == "mean_disp") add("r", Extent::Gene);
  if (likelihood.zero_inflated) add("gate", Extent::Gene);
  if (model.capture_prior)
    sites.push_back(eta_site(model));
  else if (likelihood.variable_capture)
    add(kind == "mean_odds" ? "phi_capture" : "p_capture", Extent::Cell);

  const auto require_site = [&](const std::string& name, const char* what) {
    std::string list;
    for (const auto& site : sites) {
      if (site.name == name) return;
      list += (list.empty() ? "" : ", ") + site.name;
    }
    throw Error(ErrorCode::BadInput,
                "The " + std::string(what) + " of \"" + name + "\" has no place: " + likelihood.key + " " + kind +
                    " does not sample it.",
                "Its parameters are: " + list + ".");
  };
  for (const auto& [name, prior] : model.priors) {
    require_site(name, "prior");
    if (name == "mixing_weights")
      throw Error(ErrorCode::BadInput, "The prior of mixing_weights is a list of concentrations.",
                  "Set the mixing prior instead.");
    if (name == "eta_capture")
      throw Error(ErrorCode::BadInput, "The prior of eta_capture is the capture prior.",
                  "Set the capture prior instead.");
  }
  for (const auto& [name, transform] : model.positive_transforms) {
    require_site(name, "positive transform");
    check_transform(transform);
  }
  mark_components(model, sites);
  for (auto& site : sites) finish(model, site);
  return sites;
}

void validate(const Model& model) {
  layout(model);
}

Model component_model(Model model) {
  model.components = 1;
  model.mixture_params.clear();
  model.mixing_prior.clear();
  return model;
}

Prior parse_prior(const Model& model, const std::string& site_name, const std::string& text) {
  Model bare = model;
  bare.priors.clear();
  const std::string name = internal_name(site_name);
  const Site* site = nullptr;
  const auto sites = layout(bare);
  std::string list;
  for (const auto& candidate : sites) {
    if (candidate.name == name) site = &candidate;
    list += (list.empty() ? "" : ", ") + candidate.name;
  }
  if (!site)
    throw Error(ErrorCode::BadInput, "The model has no parameter \"" + site_name + "\".",
                "Its parameters are: " + list + ".");
  Prior prior = site->prior;
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    const auto parts = split(text, ',');
    if (parts.size() != 2)
      throw Error(ErrorCode::BadInput, "The prior \"" + text + "\" of " + name + " is not a pair of numbers.",
                  "Write it as 2,3 or with a family, as log_normal:loc=0,scale=1.");
    prior.a = number(parts[0], name);
    prior.b = number(parts[1], name);
  } else {
    prior.law = law_from_string(text.substr(0, colon));
    const auto arguments = argument_names(prior.law);
    bool seen[2] = {false, false};
    for (const auto& part : split(text.substr(colon + 1), ',')) {
      const auto equals = part.find('=');
      const std::string key = part.substr(0, equals);
      const std::size_t index = key == arguments[0] ? 0 : key == arguments[1] ? 1 : 2;
      if (equals == std::string::npos || index == 2 || seen[index])
        throw Error(ErrorCode::BadInput, "\"" + part + "\" does not fit the prior of " + name + ".",
                    to_string(prior.law) + " takes " + arguments[0] + "=… and " + arguments[1] + "=…, each once.");
      seen[index] = true;
      (index == 0 ? prior.a : prior.b) = number(part.substr(equals + 1), name);
    }
    if (!seen[0] || !seen[1])
      throw Error(ErrorCode::BadInput, "The prior \"" + text + "\" of " + name + " is not complete.",
                  to_string(prior.law) + " takes " + arguments[0] + "=… and " + arguments[1] + "=….");
  }
  check_prior(*site, prior);
  return prior;
}

void set_prior(Model& model, const std::string& name, const std::string& text) {
  const std::string internal = internal_name(name);
  if (internal == "mixing_weights" || internal == "mixing") {
    model.mixing_prior.clear();
    const auto colon = text.find(':');
    for (const auto& part : split(colon == std::string::npos ? text : text.substr(colon + 1), ','))
      model.mixing_prior.push_back(number(part, "mixing_weights"));
    layout(model);
  } else if (internal == "organism") {
    // Explicit numbers win over an organism, whichever comes first.
    if (!model.capture_prior || !model.capture_prior->organism.empty())
      model.capture_prior = organism_capture_prior(text);
  } else if (internal == "eta_capture") {
    Model with = model;
    with.capture_prior = CapturePrior{1, 1, {}};
    const Prior prior = parse_prior(with, internal, text);
    model.capture_prior = CapturePrior{prior.a, prior.b, {}};
  } else {
    model.priors[internal] = parse_prior(model, internal, text);
  }
}

std::string to_string(const Prior& prior) {
  static const char* const names[] = {"Beta",  "BetaPrime",       "LogNormal", "Normal",
                                      "Gamma", "TruncatedNormal", "Dirichlet"};
  return std::string(names[static_cast<int>(prior.law)]) + "(" + shown(prior.a) + ", " + shown(prior.b) + ")";
}

}  // namespace scriptorium::model
