#include "fit_words.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/result/settings_json.hpp"
#include "core/storage/atomic_file.hpp"

namespace scriptorium::cli {

using nlohmann::json;

namespace {

/// What names an entry of the catalogue, aliases too.
template <class Info>
std::vector<std::string> keys(const std::vector<Info>& all) {
  std::vector<std::string> out;
  for (const auto& one : all) {
    out.push_back(one.key);
    if constexpr (requires { one.aliases; }) out.insert(out.end(), one.aliases.begin(), one.aliases.end());
  }
  return out;
}

/// A list of a configuration as the word that a flag takes, see names_of().
std::string quoted_names(const json& list) {
  std::string out;
  for (const auto& entry : list) {
    std::string name = entry.is_string() ? entry.get<std::string>() : entry.dump();
    for (std::size_t at = 0; (at = name.find('"', at)) != std::string::npos; at += 2) name.insert(at, 1, '"');
    out += (out.empty() ? "\"" : ",\"") + name + "\"";
  }
  return out;
}

}  // namespace

void FitWords::add_to(CLI::App& command) {
  command.add_option("data", paths, "files or folders with counts, or summaries: parts of the cells");
  data.add_words_to(command);
  common.add_to(command);
  command.add_option("--out", out, "fit to write");
  command.add_option("--model", model, "nbdm, zinb, nbvcp (default) or zinbvcp")
      ->transform(one_of(keys(model::likelihoods())));
  command.add_option("--parameterization", parameterization, "canonical, mean_prob, mean_odds or mean_disp")
      ->transform(one_of(keys(model::parameterizations())));
  command.add_flag("--unconstrained", unconstrained, "transformed Normal priors and guides");
  command.add_option("--positive-transform", positive_transform, "softplus or exp")
      ->transform(one_of({"softplus", "exp"}));
  command.add_option("--organism", organism, "biology-informed capture prior: human, mouse, yeast, ecoli");
  command.add_option("--capture-prior", capture_prior, "the same by numbers: LOGM0,SIGMA");
  command.add_option("--components", components, "components of a mixture; 1: none")
      ->check(CLI::Range(std::int64_t{1}, model::most_components));
  command.add_option("--mixture-params", mixture_params,
                     "parameters that differ between components: all (default) or names separated by commas");
  command
      .add_option("--restarts", restarts,
                  "mixtures: starts, of which the best fit is kept; 3 by default. svi, zero-inflated and capture "
                  "mean_disp models go on from the best start only")
      ->check(CLI::Range(1, 1000));
  command
      .add_option(
          "--start", start,
          "mixtures: data (clusters of the cells) or scribe (all alike but for noise; --svi-mode scribe always)")
      ->transform(one_of({"data", "scribe"}));
  command.add_option("--annotation", annotation,
                     "columns of the cell table whose labels inform the components: KEY[,KEY]");
  command.add_option("--annotation-confidence", labels.confidence, "logit of a cell for its label's component")
      ->check(positive_number);
  command.add_option("--annotation-order", annotation_order, "labels in the order of the components");
  command.add_option("--annotation-min-cells", labels.min_cells, "labels with fewer cells say nothing")
      ->check(whole_number);
  command.add_option("--prior", priors, "NAME=A,B or NAME=FAMILY:key=value,… (repeatable)")
      ->allow_extra_args(false)
      ->take_all();
  command.add_option("--method", method, "exact, structured or svi")
      ->transform(one_of({"exact", "structured", "svi"}, {"laplace"}));
  command.add_option("--svi-mode", svi_mode, "ours or scribe")->transform(one_of({"ours", "scribe"}));
  command.add_option("--guide", guide, "mean-field");
  command.add_option("--steps", steps, "svi steps")->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
  command.add_option("--batch-size", batch_size, "svi: cells a step; 0: all")->check(whole_number);
  command.add_option("--tolerance", tolerance, "exact, structured: stop when so many nats are left to gain")
      ->check(positive_number);
  command.add_option("--max-iterations", max_iterations, "exact, structured: iterations at most")
      ->check(CLI::Range(1, 1'000'000));
  command.add_flag("--early-stopping", early_stopping, "svi: stop when the smoothed loss no longer falls");
  command.add_option("--seed", seed, "seed")->check(whole_number);
  filter.add_to(command);
  memory.add_to(command);
  device.add_to(command);
  command.add_option("--name", name, "what the window shows");
  command.add_flag("--resume", resume, "go on from FIT.checkpoint if there is one");
  command.add_option("--config", config, "these options as a JSON file; flags win");
}

json apply_config(CLI::App& command, const std::string& path) {
  json config, whole = json::object();
  try {
    config = json::parse(storage::read_whole_file(path));
  } catch (const json::exception& error) {
    throw Error(ErrorCode::BadInput, "\"" + path + "\" is not valid JSON: " + error.what() + ".", "Correct the file.");
  }
  if (!config.is_object()) throw UsageError("--config: \"" + path + "\" does not hold an object");
  for (const auto& [key, value] : config.items()) {
    if ((key == "model" || key == "options") && value.is_object()) {
      whole[key] = value;
      continue;
    }
    std::string flag = "--" + key;
    for (char& c : flag)
      if (c == '_') c = '-';
    auto* option = command.get_option_no_throw(key == "data" ? "data" : flag);
    if (!option || key == "config")
      throw UsageError("--config: \"" + path + "\" has the key \"" + key + "\", which fit does not know");
    if (option->count() > 0) continue;  // the flag wins
    const auto add = [&](const json& entry) {
      if (entry.is_boolean() && !entry.get<bool>()) return;
      option->add_result(entry.is_string() ? entry.get<std::string>() : entry.dump());
    };
    if (value.is_object() && key == "prior")
      for (const auto& [name, prior] : value.items())
        add(name + "=" + (prior.is_string() ? prior.get<std::string>() : prior.dump()));
    else if (value.is_array() && option->get_items_expected_max() == 1)
      option->add_result(quoted_names(value));
    else if (value.is_array())
      for (const auto& entry : value) add(entry);
    else
      add(value);
    if (option->count() > 0) option->run_callback();
  }
  return whole;
}

model::Model model_of(const FitWords& words, const CLI::App& command, const json& whole) {
  const auto given = [&](const char* flag) { return command.get_option(flag)->count() > 0; };
  const bool start = whole.contains("model");
  model::Model model;
  if (start) model = whole["model"].get<model::Model>();
  if (!start || given("--model")) model.likelihood = model::find_likelihood(words.model).key;
  if (!start || given("--parameterization"))
    model.parameterization = model::find_parameterization(words.parameterization).key;
  if (!start || given("--unconstrained")) model.unconstrained = words.unconstrained;
  if (!start || given("--positive-transform"))
    model.positive_transform = model::transform_from_string(words.positive_transform);
  if (given("--components")) model.components = words.components;
  if (given("--components") && given("--annotation") && words.components == 1)
    throw UsageError("--annotation is of mixtures: give 2 components or more, or leave --components out");
  if (given("--mixture-params") && words.mixture_params != "all")
    for (const auto& name : names_of("--mixture-params", "names", words.mixture_params))
      model.mixture_params.push_back(model::internal_name(name));
  if (!words.organism.empty()) model::set_prior(model, "organism", words.organism);
  if (!words.capture_prior.empty()) model::set_prior(model, "eta_capture", words.capture_prior);
  for (const auto& prior : words.priors) {
    const auto equals = prior.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError("--prior \"" + prior + "\": write NAME=A,B or NAME=FAMILY:key=value,…");
    model::set_prior(model, prior.substr(0, equals), prior.substr(equals + 1));
  }
  // The labels say how many components there are once the cells are read.
  if (given("--annotation") && model.components == 1)
    model.components = std::max<std::int64_t>(2, static_cast<std::int64_t>(model.mixing_prior.size()));
  for (const char* flag : {"--annotation-order", "--annotation-confidence", "--annotation-min-cells"})
    if (given(flag) && !given("--annotation")) throw UsageError(std::string(flag) + " belongs to --annotation");
  for (const char* flag : {"--restarts", "--start", "--mixture-params"})
    if (given(flag) && model.components == 1)
      throw UsageError(std::string(flag) + " belongs to mixtures: give --components or --annotation");
  model::validate(model);
  return model;
}

inference::FitOptions options_of(const FitWords& words, const CLI::App& command, const json& whole) {
  const auto given = [&](const char* flag) { return command.get_option(flag)->count() > 0; };
  inference::FitOptions options;
  if (whole.contains("options")) options = whole["options"].get<inference::FitOptions>();
  if (given("--method")) options.method = inference::method_from_string(words.method);
  if (given("--svi-mode")) options.svi.mode = inference::svi_mode_from_string(words.svi_mode);
  if (given("--steps")) options.svi.steps = words.steps;
  if (given("--batch-size")) options.svi.batch_size = words.batch_size;
  if (given("--early-stopping")) options.svi.stopping.enabled = options.svi.stopping.restore_best = true;
  if (given("--tolerance")) options.tolerance = words.tolerance;
  for (const char* flag : {"--steps", "--batch-size", "--svi-mode", "--early-stopping"})
    if (given(flag) && options.method != inference::Method::Svi)
      throw UsageError(std::string(flag) + " belongs to --method svi");
  if (given("--restarts")) options.restarts = words.restarts;
  if (given("--start")) options.start = inference::start_from_string(words.start);
  if (given("--max-iterations")) options.max_iterations = words.max_iterations;
  if (given("--seed")) options.seed = words.seed;
  if (given("--threads")) options.threads = words.common.threads;
  if (words.guide != "mean-field")
    throw UsageError("not built yet: --guide " + words.guide + " (mean-field is the one there is)");
  return options;
}

analysis::Annotation annotation_of(const FitWords& words, const CLI::App& command, const json& whole,
                                   const model::Model& model, const data::Table& cells) {
  auto options = words.labels;
  options.columns = names_of("--annotation", "names", words.annotation);
  if (!words.annotation_order.empty()) options.order = names_of("--annotation-order", "names", words.annotation_order);
  const bool configured = whole.contains("model") && whole["model"].get<model::Model>().components > 1;
  if (configured || command.get_option("--components")->count() > 0) options.components = model.components;
  return analysis::annotate(cells, options);
}

}  // namespace scriptorium::cli
