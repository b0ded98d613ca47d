#include "command.hpp"
#include "core/error.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {

void add_subset(CLI::App& app) {
  struct Options {
    std::string fit, out, genes;
    ComponentOption component;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("subset", "A fit of fewer genes; cells and shared parameters stay");
  command->add_option("fit", options->fit, "a fit")->required();
  command->add_option("--genes", options->genes, "names separated by commas, or a file with one a line")->required();
  command->add_option("--out", options->out, "fit to write")->required();
  options->component.add_to(*command);
  command->callback([options] {
    keep_inputs(options->out, {options->fit});
    auto fit = result::load_fit_or_point(options->fit);
    if (fit.point_only)
      throw Error(ErrorCode::BadInput, "A file of parameters has no gene names to choose from.", "Give a fit.");
    options->component.apply(fit);
    result::save_fit(result::subset_genes(fit, chosen_genes(fit, options->genes)), options->out);
  });
}

}  // namespace scriptorium::cli
