#include "command.hpp"
#include "core/report/fit_tables.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {

void add_distributions(CLI::App& app) {
  struct Options {
    std::string fit, out, genes;
    bool descriptive = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("distributions", "Family and parameters of each posterior marginal");
  command->add_option("fit", options->fit, "a fit")->required();
  add_table_output(*command, options->out);
  command->add_option("--genes", options->genes, "names separated by commas, or a file with one a line");
  command->add_flag("--descriptive", options->descriptive, "dispersion instead of r, and so on");
  command->callback([options] {
    keep_inputs(options->out, {options->fit});
    auto fit = result::load_fit_or_point(options->fit);
    if (!options->genes.empty()) fit = result::subset_genes(fit, chosen_genes(fit, options->genes));
    write(report::distributions_table(fit, options->descriptive), options->out);
    tell_notes(fit);
  });
}

}  // namespace scriptorium::cli
