#include "command.hpp"
#include "core/report/fit_tables.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {

void add_map(CLI::App& app) {
  struct Options {
    std::string fit, out, genes;
    PointOption point;
    ComponentOption component;
    bool descriptive = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("map", "Point estimates of all parameters");
  command->add_option("fit", options->fit, "a fit or a file of parameters")->required();
  add_table_output(*command, options->out);
  command->add_option("--genes", options->genes, "names separated by commas, or a file with one a line");
  command->add_flag("--descriptive", options->descriptive, "dispersion instead of r, and so on");
  options->point.add_to(*command);
  options->component.add_to(*command);
  command->callback([options] {
    keep_inputs(options->out, {options->fit});
    auto fit = result::load_fit_or_point(options->fit);
    options->component.apply(fit);
    if (!options->genes.empty()) fit = result::subset_genes(fit, chosen_genes(fit, options->genes));
    write(report::values_table(fit, result::map_estimate(fit, options->point.options()), options->descriptive),
          options->out);
    tell_notes(fit);
  });
}

}  // namespace scriptorium::cli
