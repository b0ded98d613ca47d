#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"
#include "core/result/new_fit.hpp"
#include "core/result/settings_json.hpp"
#include "fit_words.hpp"

namespace scriptorium::cli {
namespace {

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

void run_fit(const FitWords& words, CLI::App& command, const nlohmann::json& whole) {
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
      annotation = annotation_of(words, command, whole, model, input.cells);
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
  words->add_to(*command);
  command->footer(
      "Families of --prior: beta:alpha=,beta= ; beta_prime:alpha=,beta= ; gamma:shape=,rate= ; log_normal:loc=,scale= "
      ";\n"
      "normal:loc=,scale= (before the transform, with --unconstrained). beta_prime(a, b) is the law of (1-p)/p with\n"
      "p ~ beta(a, b), as SCRIBE has it: scipy and R call it beta prime with b and a.");
  command->callback([words, command] {
    auto whole = nlohmann::json::object();
    if (!words->config.empty()) whole = apply_config(*command, words->config);
    run_fit(*words, *command, whole);
  });
}

}  // namespace scriptorium::cli
