#include <map>

#include "golden.hpp"

namespace conformance {
namespace {

bool filled(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && !found->is_null();
}
bool any_option(const json& inputs, std::initializer_list<const char*> keys) {
  const auto options = inputs.find("options");
  if (options == inputs.end() || !options->is_object()) return false;
  for (const char* key : keys)
    if (filled(*options, key)) return true;
  return false;
}
bool starts_with(const std::string& text, const char* prefix) {
  return text.rfind(prefix, 0) == 0;
}

/// One line: what is not built yet, why, and how a case that needs it is told by its kind and its features.
struct Missing {
  Capability capability;
  std::function<bool(const std::string& kind, const json& inputs)> needed;
};

const std::vector<Missing>& list() {
  static const std::vector<Missing> missing = {
      {{"beta-negative-binomial", "a later extension"},
       [](const std::string& kind, const json& inputs) {
         return kind == "nb/bnb_logpmf" || any_option(inputs, {"overdispersion"}) ||
                (inputs.contains("draws") && inputs["draws"].contains("bnb_concentration"));
       }},
      {{"several data sets", "a later extension"},
       [](const std::string&, const json& inputs) { return filled(inputs, "n_datasets"); }},
      {{"gene-level hierarchies, learned capture scale, mean anchor", "a later extension"},
       [](const std::string&, const json& inputs) {
         return any_option(inputs,
                           {"prob_prior", "expression_prior", "zero_inflation_prior", "capture_scaling_prior"}) ||
                inputs.contains("total_mrna_mean");
       }},
      {{"denoising", "a later extension"}, [](const std::string& kind, const json&) { return kind == "nb/denoise"; }},
      {{"other families (laplace, two-state, regression)", "issues of their own"},
       [](const std::string& kind, const json&) {
         return starts_with(kind, "laplace/") || starts_with(kind, "twostate/") || starts_with(kind, "regression/");
       }},
      {{"comparison, differential expression and the rest of analysis", "issues of their own"},
       [](const std::string& kind, const json&) { return starts_with(kind, "analysis/") && !handler_of(kind); }},
  };
  return missing;
}

}  // namespace

Handler handler_of(const std::string& kind) {
  static const std::map<std::string, Handler> handlers = {
      {"nb/loglik", check_loglik},
      {"nb/log_joint", check_log_joint},
      {"nb/capture_prior", check_capture_prior},
      {"nb/parameters", check_parameters},
      {"nb/fits", check_fits},
      {"nb/mixture", check_mixture},
      {"analysis/mixture_assignment", check_mixture_assignment},
      {"analysis/dirichlet_fit", check_dirichlet_fit},
      {"analysis/prune_dead_components", check_dead_components},
      {"analysis/ppc_verdict", check_ppc_verdict},
      {"analysis/panel_gene_selection", check_panel_genes},
      {"perturbation/screen", check_screen},
      {"perturbation/signature", check_signature},
      {"perturbation/de", check_markers},
      {"perturbation/mixscale", check_mixscale},
      {"perturbation/mixscape", check_mixscape},
      {"perturbation/lda", check_discriminant},
      {"perturbation/r_mixscale", check_r_mixscale},
      {"perturbation/r_mixscape", check_r_mixscape},
      {"perturbation/r_wald", check_r_wald},
      {"perturbation/r_weighted_de", check_r_weighted_de},
      {"perturbation/r_set_tests", check_r_set_tests},
  };
  const auto found = handlers.find(kind);
  return found == handlers.end() ? Handler() : found->second;
}

int missing_capability(const std::string& kind, const json& inputs) {
  for (std::size_t i = 0; i < list().size(); ++i)
    if (list()[i].needed(kind, inputs)) return static_cast<int>(i);
  return -1;
}

const std::vector<Capability>& missing_capabilities() {
  static const auto capabilities = [] {
    std::vector<Capability> all;
    for (const auto& entry : list()) all.push_back(entry.capability);
    return all;
  }();
  return capabilities;
}

}  // namespace conformance
