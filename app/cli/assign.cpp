#include <cmath>

#include "command.hpp"
#include "core/analysis/agreement.hpp"
#include "core/analysis/assignments.hpp"
#include "core/analysis/entropy_map.hpp"
#include "core/error.hpp"
#include "core/report/fit_tables.hpp"
#include "core/report/netcdf.hpp"
#include "core/result/components.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {
namespace {

struct Options {
  std::string fit, out, by = "cell", compat;
  DataOptions data;
  Common common;
  PointOption point;
  bool map = false;
  std::int64_t genes = 500;
  std::string draws_out, column;
  WeightOption weights;
  analysis::AssignmentOptions assign;
};

void add_words(CLI::App& command, Options& options) {
  command.add_option("fit", options.fit, "a fit of a mixture, or a file of parameters")->required();
  options.data.add_to(command, true);
  command.add_flag("--map", options.map, "at the point estimate instead of over posterior draws");
  command.add_option("-n,--draws", options.assign.draws, "posterior draws")->check(draws_number);
  command.add_option("--temperature", options.assign.temperature, "divides the log weights; above 1: less sure")
      ->check(positive_number);
  command.add_option("--seed", options.assign.seed, "seed")->check(whole_number);
  command.add_option("--compat", options.compat, "scribe: Dirichlet fits stop where SCRIBE's do")
      ->transform(one_of({"scribe"}));
  add_table_output(command, options.out);
  options.point.add_to(command);
  options.common.add_to(command);
}

/// The fit and its data, and the options of the core from the words.
struct Job {
  result::Fit fit;
  std::optional<data::Dataset> dataset;
  analysis::AssignmentOptions assign;
  std::vector<double> weights;  ///< of genes
};

Job read_job(const Options& options, const RunControl& control) {
  for (const auto& out : {options.out, options.draws_out}) keep_inputs(out, {options.fit, options.data.path});
  Job job;
  job.fit = result::load_fit_or_point(options.fit);
  job.dataset = data_of_fit(job.fit, options.data, false, control);
  job.assign = options.assign;
  if (options.map) job.assign.draws = 0;
  job.assign.mean_point = options.point.mean();
  job.assign.scribe_fit = !options.compat.empty();
  job.assign.likelihood.threads = options.common.threads;
  job.assign.likelihood.missing = &job.dataset->missing;
  job.weights = options.weights.of("gene", job.fit, control);
  return job;
}

/// What a reader of the assignments should know of the components, and of their concentrations.
void tell_components(const result::Fit& fit, const analysis::Assignments& found) {
  for (const auto& note : analysis::component_notes(found.probability, result::component_names(fit)))
    std::fprintf(stderr, "note: %s\n", note.c_str());
  std::int64_t capped = 0;
  for (const bool one : found.capped) capped += one;
  if (capped > 0)
    std::fprintf(stderr, "note: the draws of %lld cells say all but the same; their concentrations are bounded\n",
                 static_cast<long long>(capped));
}

void run_assign(const Options& options) {
  if (options.map && !options.draws_out.empty()) throw UsageError("--draws-out needs draws: leave out --map");
  const auto control = options.common.control();
  Job job = read_job(options, control);
  job.assign.likelihood.gene_weights = job.weights;
  job.assign.keep_draws = !options.draws_out.empty();
  const auto found = analysis::assign_cells(job.fit, job.dataset->counts, job.assign, control);
  if (job.assign.keep_draws) {
    auto draws = report::posterior_data(
        job.fit,
        {{"assignment_probability",
          {{"draw", "cell", "component"}, {job.assign.draws, found.rows, found.components}, found.draws}}},
        false);
    draws.attributes["seed"] = std::to_string(job.assign.seed);
    report::write_netcdf(draws, options.draws_out);
  }
  write(report::assignment_table(job.fit, found), options.out);
  tell_components(job.fit, found);
}

void run_composition(const Options& options) {
  const auto control = options.common.control();
  const Job job = read_job(options, control);
  const auto labels = analysis::labels_of(job.dataset->cells, options.column);
  const auto found = analysis::assign_cells(job.fit, job.dataset->counts, job.assign, control);
  const auto of = analysis::composition(found.probability, found.components, labels);
  write(report::composition_table(job.fit, of, labels), options.out);
  std::fprintf(options.out == "-" ? stderr : stdout,
               "%lld cells, %zu labels: adjusted Rand index %.4f, normalised mutual information %.4f\n",
               static_cast<long long>(of.assigned.total), labels.names.size(),
               analysis::adjusted_rand_index(of.assigned), analysis::normalised_mutual_information(of.assigned));
}

/// What each gene says of the cells of each component.
void run_entropy_by_both(const Job& job, const Options& options, const RunControl& control) {
  if (options.assign.temperature != 1)
    throw UsageError("--temperature does not go with --by component-gene, which asks each gene alone");
  const auto of = analysis::gene_evidence(job.fit, *job.dataset, {}, job.assign, control);
  auto request = analysis::component_blocks(of, options.genes);
  request.threads = options.common.threads;
  auto map = analysis::entropy_map(of, *job.dataset, request, control);
  if (options.assign.normalize)
    for (double& value : map.entropy) value /= std::log(static_cast<double>(of.components()));
  write(report::gene_evidence_table(job.fit, of, request.genes, map), options.out);
}

void run_entropy(const Options& options) {
  const auto control = options.common.control();
  const Job job = read_job(options, control);
  if (options.by == "component-gene") return run_entropy_by_both(job, options, control);
  if (options.by == "cell") {
    write(report::named_values_table("cell", job.fit.cells, "entropy",
                                     analysis::assign_cells(job.fit, job.dataset->counts, job.assign, control).entropy),
          options.out);
    return;
  }
  write(report::named_values_table("gene", job.fit.genes, "entropy",
                                   analysis::gene_entropy(job.fit, job.dataset->counts, job.assign, control)),
        options.out);
  std::fprintf(
      stderr,
      "note: by gene all cells are scored as if from one component; with many cells these entropies are nearly "
      "always 0\n");
}

}  // namespace

void add_assign(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("assign", "The component of each cell, with probabilities and entropy");
  add_words(*command, *options);
  command->add_option("--draws-out", options->draws_out, "also the probabilities of every draw, as netCDF")
      ->check(netcdf_name);
  options->weights.add_to(*command);
  command->callback([options] { run_assign(*options); });
}

void add_composition(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("composition", "Components against labels that the cells have");
  add_words(*command, *options);
  command->add_option("--column", options->column, "of the cell table")->required();
  command->callback([options] { run_composition(*options); });
}

void add_entropy(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("entropy", "How unsure the component of each cell, or gene, is (nats)");
  add_words(*command, *options);
  command
      ->add_option("--by", options->by,
                   "cell: all genes together; gene: all cells as if from one component; component-gene: each gene "
                   "alone, averaged over the cells of each component, at the point")
      ->required()
      ->transform(one_of({"cell", "gene", "component-gene"}));
  command
      ->add_option("--genes", options->genes,
                   "of component-gene: how many genes, those that separate the components most first; default 500")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  command->add_flag("--normalize", options->assign.normalize, "over ln K: 0 to 1");
  command->footer(
      "component-gene writes separation (mean over the cells of ln f_a - ln f_b of the gene's counts, for the "
      "component "
      "a of the\ncell and the most probable other one b: nats for a) and per component: entropy_k, the mean entropy of "
      "the "
      "component of\na cell if this gene were all that is known; evidence_k, the mean of ln f_a - ln f_b; count_k, the "
      "mean "
      "count.");
  command->callback([options] { run_entropy(*options); });
}

}  // namespace scriptorium::cli
