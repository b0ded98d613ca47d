#include "command.hpp"
#include "core/report/netcdf.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {

void add_sample(CLI::App& app) {
  struct Options {
    std::string fit, out, genes;
    Common common;
    int draws = 100;
    std::uint64_t seed = 42;
    bool descriptive = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("sample", "Posterior draws as ArviZ InferenceData (netCDF)");
  command->add_option("fit", options->fit, "a fit")->required();
  command->add_option("-n,--draws", options->draws, "number of draws")->check(draws_number);
  command->add_option("--out", options->out, "netCDF file to write (.nc)")->required()->check(netcdf_name);
  command->add_option("--seed", options->seed, "seed")->check(whole_number);
  command->add_option("--genes", options->genes, "names separated by commas, or a file with one a line");
  command->add_flag("--descriptive", options->descriptive, "dispersion instead of r, and so on");
  options->common.add_to(*command);
  command->callback([options] {
    keep_inputs(options->out, {options->fit});
    const auto control = options->common.control();
    auto fit = result::load_fit_or_point(options->fit);
    if (!options->genes.empty()) fit = result::subset_genes(fit, chosen_genes(fit, options->genes));
    const auto draws = result::sample(fit, options->draws, options->seed, true, options->common.threads, control);
    auto data = report::posterior_data(fit, draws, options->descriptive);
    data.attributes["seed"] = std::to_string(options->seed);
    report::write_netcdf(data, options->out);
    tell_notes(fit);
  });
}

}  // namespace scriptorium::cli
