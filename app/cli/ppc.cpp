#include <numeric>

#include "command.hpp"
#include "core/analysis/goodness_of_fit.hpp"
#include "core/error.hpp"
#include "core/report/fit_tables.hpp"
#include "core/report/netcdf.hpp"
#include "core/result/point_file.hpp"
#include "core/result/predictive.hpp"

namespace scriptorium::cli {
namespace {

/// Replicated counts, and the observed ones beside them when data were given.
report::InferenceData draws_data(const result::Fit& fit, const std::vector<std::int64_t>& genes,
                                 std::vector<std::uint32_t> draws, int n, const std::optional<data::Dataset>& dataset) {
  report::InferenceData out;
  auto& names = out.labels["gene"];
  for (auto g : genes) names.push_back(fit.genes[static_cast<std::size_t>(g)]);
  out.labels["cell"] = fit.cells;
  out.attributes = {
      {"model", fit.model.likelihood}, {"parameterization", fit.model.parameterization}, {"data_id", fit.data_id}};
  const auto cells = static_cast<std::int64_t>(fit.cells.size()), n_genes = static_cast<std::int64_t>(genes.size());
  out.groups.push_back({"posterior_predictive",
                        {{"counts", {"chain", "draw", "cell", "gene"}, {1, n, cells, n_genes}, {}, std::move(draws)}}});
  if (dataset) {
    const auto kept = dataset->counts.select({}, genes);
    std::vector<std::uint32_t> dense(static_cast<std::size_t>(cells * n_genes), 0);
    for (std::int64_t c = 0; c < cells; ++c)
      for (auto i = kept.row_start[static_cast<std::size_t>(c)]; i < kept.row_start[static_cast<std::size_t>(c) + 1];
           ++i)
        dense[static_cast<std::size_t>(c * n_genes) + kept.gene[static_cast<std::size_t>(i)]] =
            kept.count[static_cast<std::size_t>(i)];
    out.groups.push_back({"observed_data", {{"counts", {"cell", "gene"}, {cells, n_genes}, {}, std::move(dense)}}});
  }
  return out;
}

}  // namespace

void add_ppc(CLI::App& app) {
  struct Options {
    std::string fit, out, genes, kind = "posterior";
    DataOptions data;
    Common common;
    PointOption point;
    DeviceOption device;
    ComponentOption component;
    GroupOption group;
    result::PredictiveOptions predictive;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("ppc", "Predictive checks: bands (.tsv) or draws (.nc)");
  command->add_option("fit", options->fit, "a fit or a file of parameters")->required();
  options->data.add_to(*command, false);
  command->add_option("--kind", options->kind, "at the point (map) or over the posterior")
      ->transform(one_of({"map", "posterior"}));
  command->add_option("-n,--draws", options->predictive.draws, "number of replicated data sets")->check(draws_number);
  command->add_option("--genes", options->genes,
                      "names separated by commas, a file with one a line, or all; default: a panel of 25");
  command->add_option("--max-bin", options->predictive.max_bin, "last count with a bin of its own");
  command->add_option("--seed", options->predictive.seed, "seed")->check(whole_number);
  command->add_option("--out", options->out, "bands (.tsv, .csv, .json, -) or draws (.nc)")->required();
  options->point.add_to(*command);
  options->component.add_to(*command);
  options->group.add_to(*command);
  options->device.add_to(*command);
  options->common.add_to(*command);
  command->callback([options] {
    keep_inputs(options->out, {options->fit, options->data.path});
    const auto control = options->common.control();
    auto fit = result::load_fit_or_point(options->fit);
    auto dataset = data_of_fit(fit, options->data, true, control);
    options->component.apply_with_cells(fit, dataset, control);
    auto predictive = options->predictive;
    predictive.shares = options->group.apply(fit, dataset, control);
    predictive.kind = options->kind == "map" ? result::PredictiveKind::Map : result::PredictiveKind::Posterior;
    predictive.mean_point = options->point.mean();
    predictive.threads = options->common.threads;
    std::vector<std::int64_t> genes;
    if (options->genes == "all") {
      genes.resize(fit.genes.size());
      std::iota(genes.begin(), genes.end(), 0);
    } else {
      genes = options->genes.empty() ? analysis::panel_genes(fit.summary, 5, 5) : chosen_genes(fit, options->genes);
      if (genes.empty()) genes = analysis::default_genes(fit.summary, predictive.seed);
    }
    const auto backend = options->device.choose(predictive.threads);
    predictive.backend = backend.get();
    if (options->out.size() > 3 && options->out.substr(options->out.size() - 3) == ".nc")
      report::write_netcdf(
          draws_data(fit, genes, result::predictive_draws(fit, genes, predictive, control), predictive.draws, dataset),
          options->out);
    else
      write(report::bands_table(fit, result::predictive(fit, genes, predictive, control)), options->out);
    tell_notes(*backend);
  });
}

}  // namespace scriptorium::cli
