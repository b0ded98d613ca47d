#include "svi_mixture.hpp"

#include <algorithm>
#include <cstdio>

#include "core/data/filter.hpp"
#include "core/inference/marginal_loss.hpp"

using namespace scriptorium;
using namespace scriptorium::inference;

namespace {

void row(const char* method, const FitResult& fit, const MarginalLoss& of) {
  std::printf("%s\t%lld\t%.1f\t%.3f\t%.3f\t%.3f\t%s\n", method, static_cast<long long>(fit.trace.back().iteration),
              fit.seconds, fit.loss, of.loss, of.error, fit.convergence.verdict.c_str());
  std::fflush(stdout);
}

}  // namespace

void compare_svi_mixture(const data::Dataset& dataset, const SviMixture& of, int threads) {
  data::Filter filter;
  filter.highly_variable = std::min(of.genes, dataset.counts.n_genes);
  const auto kept = data::apply(filter, dataset);
  const auto counts = dataset.counts.select(kept.cells, kept.genes);
  const auto summary = summary::summarise(counts, threads, {});
  std::printf("%lld cells x %lld genes, %lld non-zeros, %lld components\n", static_cast<long long>(counts.n_cells),
              static_cast<long long>(counts.n_genes), static_cast<long long>(counts.nnz()),
              static_cast<long long>(of.components));
  for (std::size_t at = 0; at < of.likelihoods.size();) {
    const auto end = std::min(of.likelihoods.find(',', at), of.likelihoods.size());
    model::Model model;
    model.likelihood = of.likelihoods.substr(at, end - at);
    model.components = of.components;
    at = end + 1;
    const FitInput input{model, &summary, &counts};
    FitOptions options;
    options.threads = threads;
    options.restarts = 1;
    std::printf("\n%s\nmethod\titerations\tseconds\tits own loss\tmarginalised loss\tstandard error\tverdict\n",
                model.likelihood.c_str());
    const auto exact = fit(input, options, nullptr, {});
    const auto of_exact = marginal_loss(input, exact.posterior, of.draws, 1, threads, {});
    row("exact", exact, of_exact);
    options.method = Method::Svi;
    options.svi.steps = of.steps;
    options.svi.learning_rate = of.rate;
    options.svi.batch_size = of.batch;
    const auto svi = fit(input, options, nullptr, {});
    const auto of_svi = marginal_loss(input, svi.posterior, of.draws, 1, threads, {});
    row("svi", svi, of_svi);
    const auto more = difference(of_exact, of_svi);
    std::printf("exact less svi, from the same draws: %.3f ± %.3f nats\n", more.loss, more.error);
    std::fflush(stdout);
  }
}
