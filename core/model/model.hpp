#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace scriptorium::model {

/// Law of a parameter on its natural scale. `a`, `b` mean, in order:
/// Beta(alpha, beta) on (0,1); BetaPrime(alpha, beta): the law of φ = (1−p)/p when p ~ Beta(alpha, beta);
/// LogNormal(loc, scale); TransformedNormal(loc, scale): T(Normal) with the site's transform; Gamma(shape, rate);
/// TruncatedNormal(loc, scale) on x ≥ 0, where loc of η_c has the cell's log library size subtracted;
/// Dirichlet: one of the shares, `a` its concentration and `b` that of all others together.
enum class Law { Beta, BetaPrime, LogNormal, TransformedNormal, Gamma, TruncatedNormal, Dirichlet };
struct Prior {
  Law law = Law::LogNormal;
  double a = 0, b = 1;
  bool operator==(const Prior&) const = default;
};

/// Map from the real line to a parameter's natural scale.
enum class Transform { Identity, Sigmoid, Exp, Softplus };

enum class Extent { Scalar, Gene, Cell };
enum class Support { UnitInterval, Positive, Simplex };

/// Biology-informed capture: η_c ~ Normal(log M0 − log L_c, sigma) truncated to η ≥ 0, capture probability e^−η.
struct CapturePrior {
  double log_m0 = 0;     ///< log of the total mRNA of one cell
  double sigma_m = 0.3;  ///< its sd on the log axis
  std::string organism;  ///< where it came from; empty when the numbers were given
  bool operator==(const CapturePrior&) const = default;
};

/// A mixture has no more components than this.
inline constexpr std::int64_t most_components = 100;

/// What is fitted, as a plain value: the form, the command line and a project file write the same one.
struct Model {
  std::string likelihood = "nbvcp";            ///< a key of the catalogue
  std::string parameterization = "canonical";  ///< canonical, mean_prob, mean_odds, mean_disp
  bool unconstrained = false;  ///< transformed Normal guides (and priors) instead of Beta, LogNormal, …
  Transform positive_transform = Transform::Softplus;    ///< T of the unconstrained positive sites: Softplus or Exp
  std::map<std::string, Transform> positive_transforms;  ///< per parameter, over `positive_transform`
  std::map<std::string, Prior> priors;        ///< overrides by internal name; what is not here has its default
  std::optional<CapturePrior> capture_prior;  ///< capture models only
  std::int64_t components = 1;                ///< of a mixture; 1: none
  std::vector<std::string> mixture_params;    ///< sites that differ between components; empty: all but the captures
  std::vector<double> mixing_prior;  ///< Dirichlet concentrations: one a component, one for all, or none (ones)
  bool operator==(const Model&) const = default;
};

/// One sampled parameter of a model: what the form, the command line, the docs table and the tests read.
struct Site {
  std::string name;         ///< internal: p, phi, r, mu, gate, p_capture, phi_capture, eta_capture
  std::string descriptive;  ///< dispersion, probability, …
  std::string symbol;       ///< as a formula writes it, e.g. "r", "μ", "φ"
  std::string meaning;      ///< one plain sentence
  Extent extent = Extent::Scalar;
  bool by_component = false;  ///< has a component axis, which comes first: (K), (K, G)
  Support support = Support::Positive;
  Transform bijection = Transform::Exp;  ///< unconstrained axis of `density` and of Normal guides
  Prior prior;
  Law guide = Law::LogNormal;  ///< family of the mean-field posterior
  Transform guide_transform =
      Transform::Exp;                 ///< T of the guide: differs from `bijection` where SCRIBE's does (captures)
  Prior guide_start;                  ///< where SCRIBE's guide starts: family `guide`, its first pair of arguments
  std::vector<double> concentration;  ///< of mixing_weights: the Dirichlet prior, one a component
};

/// A model of the catalogue.
struct LikelihoodInfo {
  std::string key;      ///< nbdm, zinb, nbvcp, zinbvcp
  std::string title;    ///< "Negative binomial with variable capture"
  std::string formula;  ///< in symbols
  std::string words;    ///< in words
  bool zero_inflated = false, variable_capture = false;
};
struct ParameterizationInfo {
  std::string key;
  std::vector<std::string> aliases;
  std::string words;
};

const std::vector<LikelihoodInfo>& likelihoods();
const std::vector<ParameterizationInfo>& parameterizations();
/// @throws Error(BadInput) naming what exists. Aliases ("standard", "linked", "odds_ratio") are resolved.
const LikelihoodInfo& find_likelihood(const std::string& key);
const ParameterizationInfo& find_parameterization(const std::string& key_or_alias);

/// The sampled parameters of a model in their order (scalars, genes, cells), with priors resolved.
/// @throws Error(BadInput) for unknown names or priors outside their domain (validate() does the same and no more).
/// Mixtures have `mixing_weights` first.
std::vector<Site> layout(const Model& model);
void validate(const Model& model);
/// The model of one component of a mixture; a model without components is returned as it is.
Model component_model(Model model);

/// Names and sentences of derived parameters too (p_hat, mu in canonical, …).
struct ParameterNames {
  std::string internal, descriptive, guide, symbol, meaning;  ///< `guide`: the user guide's spelling, also accepted
};
const std::vector<ParameterNames>& parameter_names();
/// Internal name of any spelling ("dispersion", "prob", "r"); unknown names come back unchanged.
std::string internal_name(const std::string& any_spelling);
/// Descriptive name with SCRIBE's suffix rule: r_loc → dispersion_loc; unknown prefixes pass through.
std::string descriptive_name(const std::string& internal);

/// log M0 and 0.3 of human, mouse, yeast, ecoli and their aliases, case-insensitive. @throws Error(BadInput).
CapturePrior organism_capture_prior(const std::string& organism);

/// Adds a prior under any spelling of its site's name: "2,3", "gamma:shape=2,rate=1" or, for "organism", a name. What
/// is said of eta_capture or organism becomes the capture prior. @throws Error(BadInput).
void set_prior(Model& model, const std::string& name, const std::string& text);
/// "2,3" (same law as the default) or "log_normal:loc=0,scale=1" for a site of `model`. @throws Error(BadInput).
Prior parse_prior(const Model& model, const std::string& site, const std::string& text);
std::string to_string(Law law);  ///< "beta", "beta_prime", "log_normal", "normal", "gamma", "truncated_normal"
std::string to_string(const Prior& prior);                 ///< "LogNormal(0, 1)"
std::vector<std::string> argument_names(Law law);          ///< {"alpha","beta"}, {"loc","scale"}, …
std::string to_string(Transform transform);                ///< "identity", "sigmoid", "exp", "softplus"
std::string to_string(Extent extent);                      ///< "scalar", "gene", "cell"
std::string to_string(Support support);                    ///< "(0, 1)", "(0, inf)"
Law law_from_string(const std::string& name);              ///< @throws Error(BadInput)
Transform transform_from_string(const std::string& name);  ///< @throws Error(BadInput)

void to_json(nlohmann::json& json, const Model& model);
void from_json(const nlohmann::json& json, Model& model);  ///< @throws Error(BadInput) naming the key
/// The whole catalogue: what `models --json` prints.
nlohmann::json catalogue_json();

}  // namespace scriptorium::model
