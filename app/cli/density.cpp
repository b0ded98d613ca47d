#include <filesystem>

#include "command.hpp"
#include "core/report/fit_tables.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {

void add_density(CLI::App& app) {
  struct Options {
    std::string params, out, guards = "fitting";
    DataOptions data;
    Common common;
    PointOption point;
    bool gradient = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("density", "Log priors, log likelihood, log joint and its gradient at a point");
  options->data.add_to(*command, true);
  command->add_option("--params,--fit", options->params, "a file of parameters (JSON), or a fit: its point estimate")
      ->required();
  command->add_flag("--gradient", options->gradient,
                    "a second table, NAME.gradient.EXT: log joint and Jacobian by the unconstrained axis");
  command->add_option("--guards", options->guards, "fitting (SCRIBE's clips) or none")
      ->transform(one_of({"fitting", "none"}));
  add_table_output(*command, options->out);
  options->point.add_to(*command);
  options->common.add_to(*command);
  command->callback([options] {
    keep_inputs(options->out, {options->params, options->data.path});
    const auto control = options->common.control();
    auto fit = result::load_fit_or_point(options->params);
    const auto dataset = data_of_fit(fit, options->data, false, control);
    result::LikelihoodOptions likelihood;
    likelihood.guards = options->guards == "none" ? result::Guards::None : result::Guards::Fitting;
    likelihood.threads = options->common.threads;
    likelihood.missing = &dataset->missing;
    likelihood.cell_logits = fit.cell_logits;
    // The captures of a gene subset belong to the whole cells.
    std::vector<double> library;
    for (std::int64_t c = 0; c < dataset->counts.n_cells; ++c)
      library.push_back(static_cast<double>(fit.summary.cell_total(c)));
    auto map = options->point.options();
    map.canonical = false;
    const auto density =
        result::density(fit.model, result::map_estimate(fit, map), dataset->counts, likelihood, control, library);
    std::vector<std::string> sites;
    for (const auto& site : model::layout(fit.model)) sites.push_back(site.name);
    write(report::density_table(density, sites), options->out);
    if (!options->gradient) return;
    std::filesystem::path second = options->out;
    const auto extension = second.extension();
    if (options->out != "-") second.replace_extension(".gradient" + extension.string());
    write(report::gradient_table(density, sites), second.string());
  });
}

}  // namespace scriptorium::cli
