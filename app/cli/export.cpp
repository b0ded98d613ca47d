#include <filesystem>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "core/analysis/assignments.hpp"
#include "core/error.hpp"
#include "core/report/fit_h5ad.hpp"
#include "core/report/fit_tables.hpp"
#include "core/report/netcdf.hpp"
#include "core/result/point_file.hpp"
#include "core/storage/atomic_file.hpp"

namespace scriptorium::cli {
namespace {

/// Log likelihood of every draw by cell.
report::InferenceData::Group likelihood_group(const result::Fit& fit, const model::Values& draws, int n,
                                              const data::Dataset& dataset, int threads, const RunControl& control) {
  const auto cells = static_cast<std::int64_t>(fit.cells.size());
  report::InferenceData::Variable variable{"counts", {"chain", "draw", "cell"}, {1, n, cells}, {}, {}};
  for (int d = 0; d < n; ++d) {
    control.tell(static_cast<double>(d) / n, "log likelihood of the draws");
    model::Values point;
    for (const auto& [name, array] : draws) {
      const auto length = static_cast<std::ptrdiff_t>(array.values.size()) / n;
      point[name] = {{array.dims.begin() + 1, array.dims.end()},
                     {array.shape.begin() + 1, array.shape.end()},
                     {array.values.begin() + d * length, array.values.begin() + (d + 1) * length}};
    }
    const auto by_cell = result::log_likelihood(fit.model, point, dataset.counts,
                                                {.threads = threads, .missing = &dataset.missing}, control)
                             .by_cell;
    variable.numbers.insert(variable.numbers.end(), by_cell.begin(), by_cell.end());
  }
  return {"log_likelihood", {std::move(variable)}};
}

}  // namespace

void add_export(CLI::App& app) {
  struct Options {
    std::string fit, to;
    DataOptions data;
    Common common;
    PointOption point;
    int draws = 100;
    std::uint64_t seed = 42;
    bool descriptive = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "export", "Everything of a fit as tables (DIR), as netCDF (FILE.nc) or in an anndata file (FILE.h5ad)");
  command->add_option("fit", options->fit, "a fit")->required();
  command->add_option("--data", options->data.path, "the data: for likelihoods by cell and gene, and FILE.h5ad");
  options->data.add_words_to(*command);
  command->add_option("--to", options->to, "FILE.nc, FILE.h5ad, or a folder for tables")->required();
  command->add_option("-n,--draws", options->draws, "posterior draws in the netCDF file")->check(draws_number);
  command->add_option("--seed", options->seed, "seed")->check(whole_number);
  options->point.add_to(*command);
  command->add_flag("--descriptive", options->descriptive, "dispersion instead of r, and so on");
  options->common.add_to(*command);
  command->callback([options] {
    const auto control = options->common.control();
    const std::filesystem::path to = options->to;
    keep_inputs(options->to, {options->fit, options->data.path});
    const bool to_h5ad = to.extension() == ".h5ad";
    for (const char* ending : {".csv", ".tsv", ".json", ".txt", ".xlsx", ".h5"})
      if (to.extension() == ending)
        throw UsageError("--to \"" + options->to + "\": give FILE.nc, FILE.h5ad, or a folder for tables");
    if (to_h5ad && options->data.path.empty())
      throw UsageError("an h5ad file holds the counts too: give them with --data");
    auto fit = result::load_fit_or_point(options->fit);
    std::optional<data::Dataset> dataset;
    if (!options->data.path.empty()) dataset = data_of_fit(fit, options->data, true, control);
    if (to.extension() == ".nc") {
      const auto draws = result::sample(fit, options->draws, options->seed, true, options->common.threads, control);
      auto out = report::posterior_data(fit, draws, options->descriptive);
      if (dataset)
        out.groups.push_back(likelihood_group(fit, draws, options->draws, *dataset, options->common.threads, control));
      return report::write_netcdf(out, options->to);
    }
    std::optional<analysis::Diagnosis> diagnosis;
    if (!fit.point_only && fit.summary.n_cells > 0) {
      analysis::DiagnoseOptions diagnose;
      diagnose.threads = options->common.threads;
      diagnose.seed = options->seed;
      diagnose.mean_point = options->point.mean();
      diagnosis = analysis::diagnose(fit, diagnose, control);
    }
    if (to_h5ad) {
      for (const auto& note :
           report::write_fit_h5ad(std::move(*dataset), fit, options->point.options(), diagnosis ? &*diagnosis : nullptr,
                                  options->to, options->common.threads, control))
        std::fprintf(stderr, "note: %s\n", note.c_str());
      return tell_notes(fit);
    }
    std::error_code problem;
    std::filesystem::create_directories(to, problem);
    if (problem)
      throw Error(ErrorCode::Io, "The folder \"" + options->to + "\" cannot be made: " + problem.message() + ".",
                  "Choose another place.");
    // What an earlier export left there may be of another fit.
    for (const char* name : {"map", "loss", "distributions", "diagnose", "loglik_cell", "loglik_gene", "assignments"})
      std::filesystem::remove(to / (std::string(name) + ".tsv"), problem);
    write(report::values_table(fit, result::map_estimate(fit, options->point.options()), options->descriptive),
          to / "map.tsv");
    if (!fit.point_only) {
      write(report::loss_table(fit), to / "loss.tsv");
      write(report::distributions_table(fit, options->descriptive), to / "distributions.tsv");
      if (diagnosis) write(report::diagnosis_table(fit, *diagnosis), to / "diagnose.tsv");
    }
    if (dataset) {
      const auto likelihood =
          result::log_likelihood(fit.model, result::map_estimate(fit, options->point.options()), dataset->counts,
                                 {.threads = options->common.threads, .missing = &dataset->missing}, control);
      write(report::likelihood_table("cell", fit.cells, likelihood.by_cell), to / "loglik_cell.tsv");
      write(report::likelihood_table("gene", fit.genes, likelihood.by_gene), to / "loglik_gene.tsv");
      if (fit.model.components > 1) {
        analysis::AssignmentOptions assign;
        assign.draws = 0;
        assign.mean_point = options->point.mean();
        assign.likelihood.threads = options->common.threads;
        assign.likelihood.missing = &dataset->missing;
        write(report::assignment_table(fit, analysis::assign_cells(fit, dataset->counts, assign, control)),
              to / "assignments.tsv");
      }
    }
    storage::write_whole_file(
        (to / "fit.json").string(),
        report::describe_fit(fit).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  });
}

}  // namespace scriptorium::cli
