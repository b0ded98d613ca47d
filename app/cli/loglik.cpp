#include "command.hpp"
#include "core/error.hpp"
#include "core/report/fit_tables.hpp"
#include "core/result/likelihood.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {

void add_loglik(CLI::App& app) {
  struct Options {
    std::string compat, fit, params, by = "cell", out, guards = "evaluation";
    DataOptions data;
    Common common;
    PointOption point;
    DeviceOption device;
    WeightOption weights;
    result::LikelihoodOptions likelihood;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("loglik", "Log likelihood of counts by cell or gene");
  options->data.add_to(*command, true);
  auto* fit_option = command->add_option("--fit", options->fit, "a fit");
  command->add_option("--params", options->params, "a file of parameters (JSON)")->excludes(fit_option);
  command->add_option("--by", options->by, "cell or gene")->transform(one_of({"cell", "gene"}));
  command->add_option("--guards", options->guards, "evaluation (SCRIBE's floors), fitting or none")
      ->transform(one_of({"evaluation", "fitting", "none"}));
  command->add_option("--r-floor", options->likelihood.r_floor, "floor of r")->check(number_from_zero);
  command->add_option("--p-floor", options->likelihood.p_floor, "p is kept this far from 0 and 1")
      ->check(CLI::Range(0.0, 0.5));
  command->add_option("--compat", options->compat, "scribe: mixtures by gene as if all cells were of one component")
      ->transform(one_of({"scribe"}));
  command->add_flag("--split", options->likelihood.split,
                    "of a mixture also what each component says, ln of its weight added");
  options->weights.add_to(*command);
  add_table_output(*command, options->out);
  options->point.add_to(*command);
  options->device.add_to(*command);
  options->common.add_to(*command);
  command->callback([options] {
    if (options->fit.empty() && options->params.empty()) throw UsageError("loglik needs --fit FIT or --params P.json");
    keep_inputs(options->out, {options->fit, options->params, options->data.path});
    const auto control = options->common.control();
    auto fit = result::load_fit_or_point(options->fit.empty() ? options->params : options->fit);
    const auto dataset = data_of_fit(fit, options->data, false, control);
    auto likelihood = options->likelihood;
    likelihood.threads = options->common.threads;
    likelihood.missing = &dataset->missing;
    likelihood.guards = options->guards == "none"      ? result::Guards::None
                        : options->guards == "fitting" ? result::Guards::Fitting
                                                       : result::Guards::Evaluation;
    auto map = options->point.options();
    map.canonical = !fit.point_only;  // a file of parameters is taken as it stands
    const auto point = result::map_estimate(fit, map);
    const auto backend = options->device.choose(likelihood.threads);
    likelihood.backend = backend.get();
    likelihood.scribe_by_gene = !options->compat.empty();
    likelihood.by_cell = options->by == "cell";
    likelihood.by_gene = options->by == "gene";
    if (fit.model.components < 2 && (likelihood.split || !options->weights.weights.empty()))
      throw Error(ErrorCode::BadInput, "This fit is no mixture: it has no components to split by.",
                  "Leave out --split and --weights.");
    const auto weights = options->weights.of(options->by == "cell" ? "gene" : "cell", fit, control);
    (likelihood.by_cell ? likelihood.gene_weights : likelihood.cell_weights) = weights;
    likelihood.weight_type = options->weights.weight_type();
    const auto found = result::log_likelihood(fit.model, point, dataset->counts, likelihood, control);
    write(options->by == "cell"
              ? report::split_likelihood_table("cell", fit.cells, found.by_cell, found.by_cell_component)
              : report::split_likelihood_table("gene", fit.genes, found.by_gene, found.by_gene_component),
          options->out);
    tell_notes(*backend);
  });
}

}  // namespace scriptorium::cli
