#pragma once
#include <nlohmann/json_fwd.hpp>

#include "core/analysis/annotation.hpp"
#include "core/inference/fit.hpp"
#include "counts_input.hpp"

/// The words of `fit`, and what they ask for.
namespace scriptorium::cli {

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
  int restarts = inference::FitOptions().restarts;
  void add_to(CLI::App& command);
};

/// Entries of a JSON file as if they had been flags, where no flag was given. "model" may be a whole model and
/// "options" whole options, as `show --json` prints them: they are returned, the flags still win.
nlohmann::json apply_config(CLI::App& command, const std::string& path);

/// @param whole  what apply_config() returned
model::Model model_of(const FitWords& words, const CLI::App& command, const nlohmann::json& whole);
inference::FitOptions options_of(const FitWords& words, const CLI::App& command, const nlohmann::json& whole);
/// What --annotation and its like say of these cells; as many components as labels unless the words ask for some.
analysis::Annotation annotation_of(const FitWords& words, const CLI::App& command, const nlohmann::json& whole,
                                   const model::Model& model, const data::Table& cells);

}  // namespace scriptorium::cli
