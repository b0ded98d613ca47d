#include <cstdio>
#include <numeric>

#include "command.hpp"
#include "core/report/fit_tables.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {

void add_diagnose(CLI::App& app) {
  struct Options {
    std::string fit, out, genes;
    DataOptions data;
    Common common;
    PointOption point;
    DeviceOption device;
    ComponentOption component;
    GroupOption group;
    analysis::DiagnoseOptions diagnose;
  };
  auto options = std::make_shared<Options>();
  auto* command =
      app.add_subcommand("diagnose", "Per gene: widths and coverage of the predictive bands, and the verdict");
  command->add_option("fit", options->fit, "a fit")->required();
  options->data.add_to(*command, false);
  add_table_output(*command, options->out);
  command->add_option("--genes", options->genes,
                      "names separated by commas, a file, or all; default: the panel and 200 at random");
  command->add_option("-n,--draws", options->diagnose.draws, "replicated data sets per kind")->check(draws_number);
  command->add_option("--seed", options->diagnose.seed, "seed")->check(whole_number);
  auto& rule = options->diagnose.rule;
  command->add_option("--wide-ratio", rule.wide_ratio,
                      "band width in units of counting noise above which a gene is wide");
  command->add_option("--wide-spread", rule.wide_spread, "ratio of 90 % ranges above which a gene is wide");
  command->add_option("--off-failure", rule.off_failure,
                      "share of bins outside the band above which a tight gene is off");
  command->add_option("--share", rule.share, "share of genes that makes an overall verdict");
  command->add_option("--nonconverged-share", rule.nonconverged_share, "the same for nonconverged");
  options->point.add_to(*command);
  options->component.add_to(*command);
  options->group.add_to(*command);
  options->device.add_to(*command);
  options->common.add_to(*command);
  command->footer(
      "Columns: map_* compares the data with replicates at the point estimate, post_* with replicates over the "
      "posterior.\n"
      "  R        width of the 95 % band in units of counting noise\n"
      "  D        90 % range of the replicates over that of the data\n"
      "  failure  share of the occupied bins outside the band\n"
      "Verdicts: fine; tight_off (sure of a wrong shape); guide (the approximate posterior is too wide); model (wide "
      "even at\n"
      "the point); nonconverged (the point is worse than the posterior around it).");
  command->callback([options] {
    keep_inputs(options->out, {options->fit, options->data.path});
    auto fit = result::load_fit_or_point(options->fit);
    auto diagnose = options->diagnose;
    analysis::Diagnosis diagnosis;
    const auto backend = options->device.choose(options->common.threads);
    diagnose.backend = backend.get();
    {
      const auto control = options->common.control();
      auto dataset = data_of_fit(fit, options->data, true, control);
      options->component.apply_with_cells(fit, dataset, control);
      diagnose.shares = options->group.apply(fit, dataset, control);
      diagnose.genes =
          options->genes == "all" ? std::vector<std::int64_t>(fit.genes.size()) : chosen_genes(fit, options->genes);
      if (options->genes == "all") std::iota(diagnose.genes.begin(), diagnose.genes.end(), 0);
      diagnose.mean_point = options->point.mean();
      diagnose.threads = options->common.threads;
      diagnosis = analysis::diagnose(fit, diagnose, control);
    }
    write(report::diagnosis_table(fit, diagnosis), options->out);
    tell_notes(*backend);
    const auto text = analysis::explain(diagnosis, fit);
    std::fprintf(stderr, "%s: %s. %s %s\n", diagnosis.verdict.c_str(), text.title.c_str(), text.reason.c_str(),
                 text.remedy.c_str());
    for (const auto& [verdict, share] : diagnosis.shares)
      if (const auto n = diagnosis.count(verdict); n > 0)
        std::fprintf(stderr, "%lld of %zu genes: %s\n", static_cast<long long>(n), diagnosis.genes.size(),
                     verdict.c_str());
  });
}

}  // namespace scriptorium::cli
