#include "command.hpp"
#include "core/analysis/assignments.hpp"
#include "core/error.hpp"
#include "core/report/fit_tables.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {

void add_mixing(CLI::App& app) {
  struct Options {
    std::string fit, out, apply;
    DataOptions data;
    Common common;
    PointOption point;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("mixing", "Mixing weights as the cells of a data set have them");
  command->add_option("fit", options->fit, "a fit of a mixture, or a file of parameters")->required();
  options->data.add_to(*command, true);
  command->add_option("--apply", options->apply, "also writes the fit with these weights in the place of its own");
  add_table_output(*command, options->out);
  options->point.add_to(*command);
  options->common.add_to(*command);
  command->callback([options] {
    for (const auto& out : {options->out, options->apply}) keep_inputs(out, {options->fit, options->data.path});
    const auto control = options->common.control();
    auto fit = result::load_fit_or_point(options->fit);
    if (fit.point_only && !options->apply.empty())
      throw Error(ErrorCode::BadInput, "A file of parameters has no posterior of the weights to replace.",
                  "Give a fit.");
    const auto dataset = data_of_fit(fit, options->data, false, control);
    const auto weights = analysis::empirical_weights(fit, dataset->counts,
                                                     {.threads = options->common.threads, .missing = &dataset->missing},
                                                     options->point.mean(), control);
    write(report::mixing_table(fit, weights), options->out);
    if (!options->apply.empty()) result::save_fit(analysis::with_mixing_weights(fit, weights), options->apply);
  });
}

}  // namespace scriptorium::cli
