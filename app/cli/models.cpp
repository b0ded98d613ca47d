#include <cstdio>
#include <nlohmann/json.hpp>

#include "command.hpp"

namespace scriptorium::cli {

void add_models(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  auto* command = app.add_subcommand("models", "The catalogue of models, parameters and default priors");
  command->add_flag("--json", *json, "as JSON");
  command->callback([json] {
    if (*json) return print_json(model::catalogue_json());
    for (const auto& likelihood : model::likelihoods()) {
      std::printf("%s  %s\n  %s\n  %s\n", likelihood.key.c_str(), likelihood.title.c_str(), likelihood.formula.c_str(),
                  likelihood.words.c_str());
      for (const auto& kind : model::parameterizations()) {
        model::Model model;
        model.likelihood = likelihood.key;
        model.parameterization = kind.key;
        std::printf("  %s: ", kind.key.c_str());
        const char* separator = "";
        for (const auto& site : model::layout(model)) {
          std::printf("%s%s (%s, %s) ~ %s", separator, site.name.c_str(), site.descriptive.c_str(),
                      model::to_string(site.extent).c_str(), model::to_string(site.prior).c_str());
          separator = "; ";
        }
        std::printf("\n");
      }
    }
  });
}

}  // namespace scriptorium::cli
