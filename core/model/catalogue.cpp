#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/model/model.hpp"

namespace scriptorium::model {
namespace {

template <class Info>
std::string keys_of(const std::vector<Info>& infos) {
  std::string keys;
  for (const auto& info : infos) keys += (keys.empty() ? "" : ", ") + info.key;
  return keys;
}

nlohmann::json law_json(Law law, const Prior& prior) {
  const auto arguments = argument_names(law);
  return {{"family", to_string(law)}, {arguments[0], prior.a}, {arguments[1], prior.b}};
}

nlohmann::json site_json(const Site& site) {
  const bool shares = site.support == Support::Simplex;
  nlohmann::json guide = law_json(site.guide, site.guide_start), prior = law_json(site.prior.law, site.prior);
  if (shares) {
    prior = {{"family", "dirichlet"}, {"concentrations", site.concentration}};
    guide = {{"family", "dirichlet"}, {"concentrations", std::vector<double>(site.concentration.size(), 1.0)}};
  } else {
    guide["transform"] = to_string(site.guide_transform);
  }
  return {{"name", site.name},
          {"descriptive", site.descriptive},
          {"symbol", site.symbol},
          {"meaning", site.meaning},
          {"shape", to_string(site.extent)},
          {"by_component", site.by_component},
          {"support", to_string(site.support)},
          {"bijection", shares ? "stick_breaking" : to_string(site.bijection)},
          {"prior", std::move(prior)},
          {"guide", std::move(guide)}};
}

nlohmann::json sites_json(const Model& model) {
  auto sites = nlohmann::json::array();
  for (const auto& site : layout(model)) sites.push_back(site_json(site));
  return sites;
}

/// What follows from the sampled parameters, by internal name.
std::vector<std::string> derived_names(const std::string& parameterization, bool capture) {
  std::vector<std::string> names = parameterization == "canonical"   ? std::vector<std::string>{"mu"}
                                   : parameterization == "mean_prob" ? std::vector<std::string>{"r"}
                                   : parameterization == "mean_odds" ? std::vector<std::string>{"p", "r"}
                                                                     : std::vector<std::string>{"phi", "p"};
  if (capture && parameterization == "mean_odds") names.push_back("p_capture");
  if (capture && parameterization != "mean_disp") names.push_back("p_hat");
  return names;
}

}  // namespace

const std::vector<LikelihoodInfo>& likelihoods() {
  static const std::vector<LikelihoodInfo> list = {
      {"nbdm", "Negative binomial", "u_gc ~ NB(r_g, p)",
       "Counts of a gene spread over the cells as a negative binomial; all cells share one probability.", false, false},
      {"zinb", "Zero-inflated negative binomial", "u_gc ~ π_g δ₀ + (1 − π_g) NB(r_g, p)",
       "As the negative binomial, and a gene may read zero for a reason of its own in a share of the cells.", true,
       false},
      {"nbvcp", "Negative binomial with variable capture", "u_gc ~ NB(r_g, p̂_c),  p̂_c = p ν_c / (1 − p (1 − ν_c))",
       "Every cell captures its own share of its molecules; what is counted is a thinned negative binomial.", false,
       true},
      {"zinbvcp", "Zero-inflated negative binomial with variable capture",
       "u_gc ~ π_g δ₀ + (1 − π_g) NB(r_g, p̂_c),  p̂_c = p ν_c / (1 − p (1 − ν_c))",
       "Variable capture, and a gene may read zero for a reason of its own in a share of the cells.", true, true},
  };
  return list;
}

const std::vector<ParameterizationInfo>& parameterizations() {
  static const std::vector<ParameterizationInfo> list = {
      {"canonical", {"standard"}, "Samples the probability p and the dispersions r; the mean is r p/(1−p)."},
      {"mean_prob", {"linked"}, "Samples the probability p and the means μ; the dispersion is μ (1−p)/p."},
      {"mean_odds",
       {"odds_ratio"},
       "Samples the odds φ and the means μ; the dispersion is μ φ. Often the best behaved."},
      {"mean_disp",
       {},
       "Samples the mean and the dispersion of every gene, so each gene has a probability of its own."},
  };
  return list;
}

const LikelihoodInfo& find_likelihood(const std::string& key) {
  for (const auto& info : likelihoods())
    if (info.key == key) return info;
  throw Error(ErrorCode::BadInput, "There is no model \"" + key + "\".",
              "Choose one of: " + keys_of(likelihoods()) + ".");
}

const ParameterizationInfo& find_parameterization(const std::string& key_or_alias) {
  for (const auto& info : parameterizations()) {
    if (info.key == key_or_alias) return info;
    for (const auto& alias : info.aliases)
      if (alias == key_or_alias) return info;
  }
  throw Error(ErrorCode::BadInput, "There is no parameterization \"" + key_or_alias + "\".",
              "Choose one of: " + keys_of(parameterizations()) + ".");
}

nlohmann::json catalogue_json() {
  auto models = nlohmann::json::array();
  for (const auto& likelihood : likelihoods()) {
    auto kinds = nlohmann::json::array();
    for (const auto& kind : parameterizations()) {
      Model model;
      model.likelihood = likelihood.key;
      model.parameterization = kind.key;
      nlohmann::json entry{{"key", kind.key},
                           {"aliases", kind.aliases},
                           {"words", kind.words},
                           {"derived", derived_names(kind.key, likelihood.variable_capture)}};
      entry["constrained"] = sites_json(model);
      model.unconstrained = true;
      entry["unconstrained"] = sites_json(model);
      model.unconstrained = false;
      model.components = 2;
      entry["with_components"] = sites_json(model);  // as many as wanted; two here
      model.components = 1;
      if (likelihood.variable_capture) {
        model.capture_prior = organism_capture_prior("human");
        entry["with_capture_prior"] = sites_json(model);
      }
      kinds.push_back(std::move(entry));
    }
    models.push_back({{"key", likelihood.key},
                      {"title", likelihood.title},
                      {"formula", likelihood.formula},
                      {"words", likelihood.words},
                      {"zero_inflation", likelihood.zero_inflated},
                      {"variable_capture", likelihood.variable_capture},
                      {"parameterizations", std::move(kinds)}});
  }
  auto names = nlohmann::json::array();
  for (const auto& name : parameter_names())
    names.push_back({{"internal", name.internal},
                     {"descriptive", name.descriptive},
                     {"guide", name.guide},
                     {"symbol", name.symbol},
                     {"meaning", name.meaning}});
  auto organisms = nlohmann::json::array();
  for (const char* organism : {"human", "mouse", "yeast", "ecoli"}) {
    const auto prior = organism_capture_prior(organism);
    organisms.push_back({{"name", organism}, {"log_m0", prior.log_m0}, {"sigma_m", prior.sigma_m}});
  }
  return {{"models", std::move(models)}, {"names", std::move(names)}, {"organisms", std::move(organisms)}};
}

}  // namespace scriptorium::model
