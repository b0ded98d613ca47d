#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/analysis/annotation.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"
#include "core/result/new_fit.hpp"
#include "core/result/settings_json.hpp"
#include "core/storage/atomic_file.hpp"
#include "counts_input.hpp"

namespace scriptorium::cli {
namespace {

using nlohmann::json;

struct FitWords {
  std::vector<std::string> paths;
  DataOptions data;
  FilterWords filter;
  MemoryLimit memory;
  Common common;
  DeviceOption device;
  std::string model = "nbvcp", parameterization = "canonical", positive_transform = "softplus", organism, capture_prior;
  std::string method = "exact", svi_mode = "ours", guide = "mean-field", out, config, name;
  std::vector<std::string> priors;
  int max_iterations = 0;
  bool unconstrained = false, early_stopping = false, resume = false;
  std::int64_t steps = 0, batch_size = 0;  // these and tolerance: FitOptions' defaults unless given
  double tolerance = 0;
  std::uint64_t seed = 0;
  std::int64_t components = 0;
  std::string mixture_params, start = "data", annotation, annotation_order;
  analysis::AnnotationOptions labels;
  int restarts = 1;
};

std::vector<std::string> listed_words(const std::string& flag, const std::string& text) {
  return names_of(flag, "names", text);
}

/// Entries of a JSON file as if they had been flags, where no flag was given. "model" may be a whole model and
/// "options" whole options, as `show --json` prints them: they are returned, the flags still win.
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
  // The labels say how many components there are once the cells are read.
  if (given("--annotation") && model.components == 1) model.components = 2;
  if (given("--mixture-params") && words.mixture_params != "all")
    for (const auto& name : listed_words("--mixture-params", words.mixture_params))
      model.mixture_params.push_back(model::internal_name(name));
  if (!words.organism.empty()) model::set_prior(model, "organism", words.organism);
  if (!words.capture_prior.empty()) model::set_prior(model, "eta_capture", words.capture_prior);
  for (const auto& prior : words.priors) {
    const auto equals = prior.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError("--prior \"" + prior + "\": write NAME=A,B or NAME=FAMILY:key=value,…");
    model::set_prior(model, prior.substr(0, equals), prior.substr(equals + 1));
  }
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

std::vector<std::string> keys(const std::vector<model::LikelihoodInfo>& all) {
  std::vector<std::string> out;
  for (const auto& one : all) out.push_back(one.key);
  return out;
}
std::vector<std::string> keys(const std::vector<model::ParameterizationInfo>& all) {
  std::vector<std::string> out;
  for (const auto& one : all) {
    out.push_back(one.key);
    out.insert(out.end(), one.aliases.begin(), one.aliases.end());
  }
  return out;
}

/// Fails before a long fit, not after it.
void check_writable(const std::string& path) {
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  std::error_code problem;
  if (std::filesystem::is_directory(path, problem))
    throw Error(ErrorCode::Io, "\"" + path + "\" is a folder; a fit is one file.", "Choose another name.");
  if (!std::filesystem::is_directory(folder, problem) || ::access(folder.c_str(), W_OK) != 0)
    throw Error(ErrorCode::Io, "\"" + path + "\" cannot be written.",
                "Choose a folder that exists and that you may write to.");
}

/// What a fit takes from its inputs: the summary, and the counts where the model visits them again.
struct Input {
  summary::NamedSummary summary;
  data::CountMatrix counts;
  data::Table cells;  ///< with its columns, where the counts were kept
};

constexpr const char* needs_less =
    "Allow more memory, or fit fewer cells or genes (--cells, --genes hvg:N); nbdm, zinb and nbvcp need only the count "
    "summary.";

Input read_input(const FitWords& words, const model::Model& model, const inference::FitOptions& options,
                 const RunControl& control) {
  const CountsInput input{.paths = words.paths,
                          .open = words.data.open,
                          .filter = words.filter.filter(),
                          .suffix = false,
                          .storage = words.memory.storage(words.out),
                          .threads = options.threads};
  Input out;
  if (!inference::needs_counts(model, options)) {
    out.summary = summarise(input, control);
    return out;
  }
  const std::string fit = model.components > 1 ? std::string("a mixture")
                                               : model.likelihood + " " + model.parameterization + " by " +
                                                     inference::to_string(options.method);
  for (const auto& path : words.paths)
    if (summary::is_summary_file(path))
      throw Error(ErrorCode::BadInput,
                  "The fit of " + fit + " visits the counts again, and \"" + path + "\" is a summary, which has none.",
                  "Give the data instead; nbdm, zinb and nbvcp fit from a summary.");
  if (words.paths.size() > 1)
    throw Error(ErrorCode::BadInput, "The fit of " + fit + " visits the counts again, which takes one file of data.",
                "Join the files first; nbdm, zinb and nbvcp fit from several.");
  refuse_own_file(words.paths.front());
  const data::PackedDataset data(words.paths.front(), input.open, input.filter, input.storage, control);
  control.tell(-1, "summarising the counts");
  out.summary = summarise(data, input, control);
  words.memory.check(inference::estimate({model, &out.summary.summary, nullptr}, options).bytes, "The fit of " + fit,
                     needs_less);
  auto loaded = data.load(control);
  out.counts = std::move(loaded.counts);
  out.cells = std::move(loaded.cells);
  return out;
}

/// Names and origin of the counts, as a fit keeps them.
data::Dataset tables_of(const summary::NamedSummary& summary) {
  data::Dataset tables;
  std::vector<std::string> paths;
  for (const auto& source : summary.sources) paths.push_back(source.path);
  tables.path = data::listed(paths, 4);
  const auto same = [&](const std::string summary::Source::*part) {
    const auto& first = summary.sources.front();
    return std::all_of(summary.sources.begin(), summary.sources.end(),
                       [&](const auto& source) { return source.*part == first.*part; });
  };
  if (!summary.sources.empty() && same(&summary::Source::layer)) tables.layer = summary.sources.front().layer;
  tables.cells.names = summary.cells;
  tables.genes.names = summary.genes;
  return tables;
}

std::string filter_text(const summary::NamedSummary& summary) {
  std::vector<std::string> filters;
  for (const auto& source : summary.sources) {
    const std::string missing =
        source.missing.empty() || data::missing_rule(source.missing) == data::MissingRule::LeaveOut
            ? ""
            : "--missing " + source.missing;
    const std::string text = source.filter + (missing.empty() || source.filter.empty() ? "" : " ") + missing;
    if (std::find(filters.begin(), filters.end(), text) == filters.end()) filters.push_back(text);
  }
  return filters.size() == 1 ? filters.front() : data::listed(filters, 4);
}

analysis::Annotation annotation_of(const FitWords& words, const CLI::App& command, const model::Model& model,
                                   const data::Table& cells) {
  auto options = words.labels;
  options.columns = listed_words("--annotation", words.annotation);
  if (!words.annotation_order.empty()) options.order = listed_words("--annotation-order", words.annotation_order);
  if (command.get_option("--components")->count() > 0) options.components = model.components;
  return analysis::annotate(cells, options);
}

void run_fit(const FitWords& words, CLI::App& command, const json& whole) {
  if (words.paths.empty()) throw UsageError("fit needs DATA");
  if (words.out.empty()) throw UsageError("fit needs --out FIT");
  auto model = model_of(words, command, whole);
  const auto options = options_of(words, command, whole);
  check_writable(words.out);
  keep_inputs(words.out, {words.config});
  for (const auto& path : words.paths) keep_inputs(words.out, {path});
  const std::string checkpoint_path = words.out + ".checkpoint";

  result::Fit fit;
  std::string checkpoint_trouble;
  {
    const auto control = words.common.control();
    Input input = read_input(words, model, options, control);
    const bool keep = inference::needs_counts(model, options);
    analysis::Annotation annotation;
    if (!words.annotation.empty()) {
      annotation = annotation_of(words, command, model, input.cells);
      model.components = annotation.components;
      model::validate(model);
    }
    const std::string filter = filter_text(input.summary);
    const auto tables = tables_of(input.summary);
    fit = result::new_fit(tables, {std::move(input.summary.summary), std::move(input.summary.data_id)}, model, options);
    fit.data_filter = filter;
    if (!keep)
      words.memory.check(inference::estimate({model, &fit.summary, nullptr}, options).bytes, "The fit",
                         "Allow more memory, or fit fewer cells or genes (--cells, --genes hvg:N).");
    fit.name = words.name;
    fit.component_names = annotation.names;
    if (!words.annotation.empty())
      fit.annotation = words.annotation + ", confidence " + report::number_text(words.labels.confidence);

    std::optional<inference::Checkpoint> resume;
    std::error_code problem;
    if (std::filesystem::exists(checkpoint_path, problem)) {
      if (words.resume)
        resume = result::load_checkpoint(checkpoint_path);
      else
        std::fprintf(stderr, "note: \"%s\" of an earlier run is not used; --resume would go on from it\n",
                     checkpoint_path.c_str());
    } else if (words.resume) {
      std::fprintf(stderr, "note: there is no \"%s\" to go on from; the fit begins anew\n", checkpoint_path.c_str());
    }
    inference::FitControl fit_control;
    static_cast<RunControl&>(fit_control) = control;
    fit_control.on_loss = [&](const inference::LossPoint& point) {
      const double total = options.method == inference::Method::Svi ? static_cast<double>(options.svi.steps) : 0;
      control.tell(total > 0 ? static_cast<double>(point.iteration) / total : -1,
                   "iteration " + std::to_string(point.iteration) + ", loss " + report::number_text(point.loss));
    };
    fit_control.on_checkpoint = [&](const inference::Checkpoint& checkpoint) {
      try {
        result::save_checkpoint(checkpoint, checkpoint_path);
      } catch (const Error& error) {
        checkpoint_trouble = error.what();  // a fit is not lost for want of a checkpoint
      }
    };
    std::shared_ptr<const compute::Backend> backend;
    if (inference::uses_backend(model, options, fit.summary.n_cells))
      fit.device = (backend = words.device.choose(options.threads))->name();
    else if (words.device.device.rfind("cuda", 0) == 0)
      std::fprintf(stderr, "note: Nothing in this fit is done on a GPU; the CPU does it.\n");
    const bool had_checkpoint = resume.has_value();
    try {
      fit.result =
          inference::fit({model, &fit.summary, keep ? &input.counts : nullptr, backend.get(), annotation.logits},
                         options, had_checkpoint ? &*resume : nullptr, fit_control);
      for (const auto& note : annotation.notes) fit.result.convergence.notes.push_back(note);
      if (backend)
        for (const auto& note : backend->notes()) fit.result.convergence.notes.push_back(note);
    } catch (const Cancelled&) {
      const bool kept = std::filesystem::exists(checkpoint_path, problem);
      throw Error(
          ErrorCode::Io, "The fit was stopped.",
          kept ? "Its checkpoint is kept; go on with the same words and --resume." : "It had no checkpoint yet.");
    }
  }
  result::save_fit(fit, words.out);
  if (!fit.result.convergence.resumable) ::unlink(checkpoint_path.c_str());
  if (!checkpoint_trouble.empty())
    std::fprintf(stderr, "note: no checkpoint could be kept: %s\n", checkpoint_trouble.c_str());
  for (const auto& note : fit.result.convergence.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  std::printf("%s %s, %s: %zu cells x %zu genes, loss %.6f, %zu iterations, %.2f s, %s %s\n", model.likelihood.c_str(),
              model.parameterization.c_str(), inference::to_string(options.method).c_str(), fit.cells.size(),
              fit.genes.size(), fit.result.loss,
              fit.result.trace.empty() ? std::size_t{0} : static_cast<std::size_t>(fit.result.trace.back().iteration),
              fit.result.seconds, fit.result.convergence.converged ? "converged:" : "not converged:",
              fit.result.convergence.verdict.c_str());
}

}  // namespace

void add_fit(CLI::App& app) {
  auto words = std::make_shared<FitWords>();
  auto* command = app.add_subcommand("fit", "Fits a model and saves it");
  command->add_option("data", words->paths, "files or folders with counts, or summaries: parts of the cells");
  words->data.add_words_to(*command);
  words->common.add_to(*command);
  command->add_option("--out", words->out, "fit to write");
  command->add_option("--model", words->model, "nbdm, zinb, nbvcp (default) or zinbvcp")
      ->transform(one_of(keys(model::likelihoods())));
  command->add_option("--parameterization", words->parameterization, "canonical, mean_prob, mean_odds or mean_disp")
      ->transform(one_of(keys(model::parameterizations())));
  command->add_flag("--unconstrained", words->unconstrained, "transformed Normal priors and guides");
  command->add_option("--positive-transform", words->positive_transform, "softplus or exp")
      ->transform(one_of({"softplus", "exp"}));
  command->add_option("--organism", words->organism, "biology-informed capture prior: human, mouse, yeast, ecoli");
  command->add_option("--capture-prior", words->capture_prior, "the same by numbers: LOGM0,SIGMA");
  command->add_option("--components", words->components, "components of a mixture; 1: none")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{100}));
  command->add_option("--mixture-params", words->mixture_params,
                      "parameters that differ between components: all (default) or names separated by commas");
  command
      ->add_option("--restarts", words->restarts,
                   "mixtures: starts, of which the best fit is kept; svi goes on from the best start only")
      ->check(CLI::Range(1, 1000));
  command
      ->add_option(
          "--start", words->start,
          "mixtures: data (clusters of the cells) or scribe (all alike but for noise; --svi-mode scribe always)")
      ->transform(one_of({"data", "scribe"}));
  command->add_option("--annotation", words->annotation,
                      "columns of the cell table whose labels inform the components: KEY[,KEY]");
  command->add_option("--annotation-confidence", words->labels.confidence, "logit of a cell for its label's component")
      ->check(positive_number);
  command->add_option("--annotation-order", words->annotation_order, "labels in the order of the components");
  command->add_option("--annotation-min-cells", words->labels.min_cells, "labels with fewer cells say nothing")
      ->check(whole_number);
  command->add_option("--prior", words->priors, "NAME=A,B or NAME=FAMILY:key=value,… (repeatable)")
      ->allow_extra_args(false)
      ->take_all();
  command->add_option("--method", words->method, "exact, structured or svi")
      ->transform(one_of({"exact", "structured", "svi"}, {"laplace"}));
  command->add_option("--svi-mode", words->svi_mode, "ours or scribe")->transform(one_of({"ours", "scribe"}));
  command->add_option("--guide", words->guide, "mean-field");
  command->add_option("--steps", words->steps, "svi steps")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
  command->add_option("--batch-size", words->batch_size, "svi: cells a step; 0: all")->check(whole_number);
  command->add_option("--tolerance", words->tolerance, "exact, structured: stop when so many nats are left to gain")
      ->check(positive_number);
  command->add_option("--max-iterations", words->max_iterations, "exact, structured: iterations at most")
      ->check(CLI::Range(1, 1'000'000));
  command->add_flag("--early-stopping", words->early_stopping, "svi: stop when the smoothed loss no longer falls");
  command->add_option("--seed", words->seed, "seed")->check(whole_number);
  words->filter.add_to(*command);
  words->memory.add_to(*command);
  words->device.add_to(*command);
  command->add_option("--name", words->name, "what the window shows");
  command->add_flag("--resume", words->resume, "go on from FIT.checkpoint if there is one");
  command->add_option("--config", words->config, "these options as a JSON file; flags win");
  command->footer(
      "Families of --prior: beta:alpha=,beta= ; beta_prime:alpha=,beta= ; gamma:shape=,rate= ; log_normal:loc=,scale= "
      ";\n"
      "normal:loc=,scale= (before the transform, with --unconstrained). beta_prime(a, b) is the law of (1-p)/p with\n"
      "p ~ beta(a, b), as SCRIBE has it: scipy and R call it beta prime with b and a.");
  command->callback([words, command] {
    json whole = json::object();
    if (!words->config.empty()) whole = apply_config(*command, words->config);
    run_fit(*words, *command, whole);
  });
}

}  // namespace scriptorium::cli
