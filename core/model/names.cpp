#include <algorithm>
#include <cctype>
#include <cmath>

#include "core/error.hpp"
#include "core/model/model.hpp"

namespace scriptorium::model {

const std::vector<ParameterNames>& parameter_names() {
  static const std::vector<ParameterNames> names = {
      {"p", "probability", "prob", "p",
       "Success probability that multiplies the counts: with it the mean is r p/(1−p). Shared by all genes and cells."},
      {"phi", "odds_ratio", "odds", "φ",
       "Odds (1−p)/p: the mean over the dispersion is 1/φ. Shared by all genes and cells."},
      {"r", "dispersion", "dispersion", "r",
       "Dispersion of a gene: the variance is mean + mean²/r, so a large r means little noise beyond counting."},
      {"mu", "mean_expression", "expression", "μ", "Mean number of molecules of a gene in a cell, before capture."},
      {"gate", "zero_inflation", "zero_inflation", "π",
       "Share of cells in which a gene reads zero whatever its expression."},
      {"p_capture", "capture_probability", "capture_prob", "ν",
       "Probability that a molecule of a cell is captured and counted."},
      {"phi_capture", "capture_odds_ratio", "capture_odds", "φ_c", "Capture odds (1−ν)/ν of a cell."},
      {"eta_capture", "capture_efficiency", "capture_efficiency", "η",
       "Minus the log of the capture probability of a cell."},
      {"mu_eta", "capture_scaling", "capture_scaling", "μ_η", "Log of the total mRNA of one cell, when it is learned."},
      {"bnb_concentration", "overdispersion", "overdispersion", "ω",
       "Heaviness of a gene's tail beyond the negative binomial."},
      {"mixing_weights", "mixing_weights", "mixing_weights", "w", "Share of the cells in each component."},
  };
  return names;
}

std::string internal_name(const std::string& any_spelling) {
  for (const auto& name : parameter_names())
    if (any_spelling == name.internal || any_spelling == name.descriptive || any_spelling == name.guide)
      return name.internal;
  return any_spelling;
}

std::string descriptive_name(const std::string& internal) {
  const ParameterNames* best = nullptr;
  for (const auto& name : parameter_names()) {
    const auto& prefix = name.internal;
    const bool fits =
        internal == prefix || (internal.size() > prefix.size() && internal.compare(0, prefix.size(), prefix) == 0 &&
                               internal[prefix.size()] == '_');
    if (fits && (!best || prefix.size() > best->internal.size())) best = &name;
  }
  return best ? best->descriptive + internal.substr(best->internal.size()) : internal;
}

namespace {
template <class Value>
struct Word {
  Value value;
  const char* text;
};
constexpr Word<Law> law_words[] = {{Law::Beta, "beta"},
                                   {Law::BetaPrime, "beta_prime"},
                                   {Law::LogNormal, "log_normal"},
                                   {Law::TransformedNormal, "normal"},
                                   {Law::Gamma, "gamma"},
                                   {Law::TruncatedNormal, "truncated_normal"},
                                   {Law::Dirichlet, "dirichlet"}};
constexpr Word<Transform> transform_words[] = {{Transform::Identity, "identity"},
                                               {Transform::Sigmoid, "sigmoid"},
                                               {Transform::Exp, "exp"},
                                               {Transform::Softplus, "softplus"}};

template <class Value, std::size_t n>
std::string word_of(const Word<Value> (&words)[n], Value value) {
  for (const auto& word : words)
    if (word.value == value) return word.text;
  return {};
}
template <class Value, std::size_t n>
Value value_of(const Word<Value> (&words)[n], const std::string& text, const char* what) {
  std::string known;
  for (const auto& word : words) {
    if (text == word.text) return word.value;
    known += (known.empty() ? "" : ", ") + std::string(word.text);
  }
  throw Error(ErrorCode::BadInput, "There is no " + std::string(what) + " \"" + text + "\".",
              "Choose one of: " + known + ".");
}
}  // namespace

std::string to_string(Law law) {
  return word_of(law_words, law);
}
std::string to_string(Transform transform) {
  return word_of(transform_words, transform);
}
std::string to_string(Extent extent) {
  return extent == Extent::Scalar ? "scalar" : extent == Extent::Gene ? "gene" : "cell";
}
std::string to_string(Support support) {
  return support == Support::UnitInterval ? "(0, 1)" : support == Support::Simplex ? "simplex" : "(0, inf)";
}
Law law_from_string(const std::string& name) {
  std::string word;  // LogNormal, log-normal and log_normal are one
  for (const char c : name) {
    if (std::isupper(static_cast<unsigned char>(c)) && !word.empty() && word.back() != '_') word += '_';
    word += c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return value_of(law_words, word, "family");
}
Transform transform_from_string(const std::string& name) {
  return value_of(transform_words, name, "transform");
}

std::vector<std::string> argument_names(Law law) {
  switch (law) {
    case Law::Beta:
    case Law::BetaPrime:
      return {"alpha", "beta"};
    case Law::Gamma:
      return {"shape", "rate"};
    case Law::Dirichlet:
      return {"concentration", "rest"};
    default:
      return {"loc", "scale"};
  }
}

CapturePrior organism_capture_prior(const std::string& organism) {
  std::string key = organism;
  std::transform(key.begin(), key.end(), key.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  struct Entry {
    const char* name;
    std::vector<std::string> aliases;
    double molecules;
  };
  static const std::vector<Entry> entries = {{"human", {"homo_sapiens"}, 200'000},
                                             {"mouse", {"mus_musculus"}, 200'000},
                                             {"yeast", {"saccharomyces_cerevisiae"}, 60'000},
                                             {"ecoli", {"e_coli", "escherichia_coli"}, 3'000}};
  for (const auto& entry : entries)
    if (key == entry.name || std::find(entry.aliases.begin(), entry.aliases.end(), key) != entry.aliases.end())
      return {std::log(entry.molecules), 0.3, entry.name};
  throw Error(ErrorCode::BadInput, "There is no organism \"" + organism + "\".",
              "Choose human, mouse, yeast or ecoli, or give the capture prior as two numbers: log M0 and sigma.");
}

}  // namespace scriptorium::model
