// Ratios of speed, measured in one run: the fit against dense evaluations of the same likelihood, cost against cells,
// genes and threads. `bench [--data DATA] [--cells N,N,…] [--genes N,N,…]`; `bench --scribe PYTHON`: SCRIBE on the same
// data; `bench --perturbation`: a simulated screen, end to end; `bench --gpu`: the kernels of a Backend, CPU against
// GPU; `bench --svi-mixture`: mixtures by exact and by svi, on the objective of svi.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "core/compute/parallel.hpp"
#include "core/data/open.hpp"
#include "core/inference/log_likelihood.hpp"
#include "core/inference/minimise.hpp"
#include "core/math/distributions.hpp"
#include "devices.hpp"
#include "perturbation.hpp"
#include "program.hpp"
#include "simulate.hpp"
#include "streaming.hpp"
#include "svi_mixture.hpp"

using namespace scriptorium;
using namespace scriptorium::inference;

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// Seconds of the quickest of a few runs.
template <class F>
double quickest(int times, F&& f) {
  double best = INFINITY;
  for (int i = 0; i < times; ++i) {
    const double start = now();
    f();
    best = std::min(best, now() - start);
  }
  return best;
}

/// log likelihood of nbvcp, every cell and gene in turn: what a program without the count summary pays for each step.
double dense_log_likelihood(const data::CountMatrix& counts, const std::vector<double>& r, double log_phi,
                            const std::vector<double>& log_nu, int threads) {
  std::vector<double> parts(static_cast<std::size_t>(compute::pieces(counts.n_cells, 16)));
  compute::parallel_for(counts.n_cells, 16, threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    std::vector<std::uint32_t> row(r.size());
    double sum = 0;
    for (auto c = first; c < last; ++c) {
      std::fill(row.begin(), row.end(), 0u);
      for (auto i = counts.row_start[static_cast<std::size_t>(c)];
           i < counts.row_start[static_cast<std::size_t>(c) + 1]; ++i)
        row[counts.gene[static_cast<std::size_t>(i)]] = counts.count[static_cast<std::size_t>(i)];
      const double d = log_nu[static_cast<std::size_t>(c)] - log_phi, log_1mp = -math::softplus(d), log_p = d + log_1mp;
      for (std::size_t g = 0; g < r.size(); ++g) {
        const double u = row[g];
        sum += math::log_gamma(r[g] + u) - math::log_gamma(r[g]) - math::log_gamma(u + 1) + r[g] * log_1mp + u * log_p;
      }
    }
    parts[static_cast<std::size_t>(piece)] = sum;
  });
  double sum = 0;
  for (const double p : parts) sum += p;
  return sum;
}

struct Timing {
  double summary = 0, fit = 0, evaluation = 0;
  std::int64_t iterations = 0;
  double loss = 0;
};
Timing time_fit(const model::Model& model, const data::CountMatrix& counts, int threads) {
  Timing t;
  summary::CountSummary summary;
  t.summary = quickest(3, [&] { summary = summary::summarise(counts, threads, {}); });
  FitOptions options;
  options.threads = threads;
  const auto result = fit({model, &summary, &counts}, options, nullptr, {});
  t.fit = result.seconds;
  t.iterations = result.trace.back().iteration;
  t.loss = result.loss;
  const Problem problem(model, summary, &counts);
  Objective objective(problem, threads);
  const auto x = objective.start();
  objective.choose_nodes(x);
  std::vector<double> gradient;
  NewtonSystem system;
  t.evaluation = quickest(5, [&] { objective.evaluate(x, &gradient, &system, {}); });
  return t;
}

/// SCRIBE's seconds for a full-batch step of nbvcp by scribe_step.py, times its default number of steps.
void compare_scribe(const std::string& python, const std::string& path, const std::string& layer, double ours) {
  const std::string said = output_of({python, SCRIPTORIUM_BENCH "/scribe_step.py", path, layer});
  const double step = std::atof(said.c_str());
  if (step <= 0) {
    std::printf("\nSCRIBE did not run; %s says: %s\n", python.c_str(), said.c_str());
    return;
  }
  constexpr double steps = 50'000;  // its default
  std::printf(
      "\nSCRIBE, nbvcp, full batch: %.2f s a step, %.0f s for its default of 50,000; summary and fit here %.3f s: %.0f "
      "times\n",
      step, steps * step, ours, steps * step / ours);
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Speed ratios of the engine, measured in one run");
  std::string path = SCRIPTORIUM_EXAMPLE, layer, likelihoods = "nbdm,zinb,nbvcp", scribe;
  std::vector<std::int64_t> cells{1'000, 10'000, 100'000, 1'000'000}, genes{500, 2000, 8000};
  std::int64_t streamed_genes = 500, components = 0;
  int threads = 0;
  bool gpu = false, screen = false, svi_mixture = false;
  SviMixture mixture;
  ScreenBench screen_bench;
  app.add_flag("--perturbation", screen, "only a simulated perturbation screen, end to end");
  app.add_option("--screen-cells", screen_bench.cells, "its cells");
  app.add_option("--screen-genes", screen_bench.genes, "its genes");
  app.add_option("--screen-targets", screen_bench.targets, "its targets");
  app.add_option("--pertpy", screen_bench.pertpy, "a Python that has pertpy: its times and calls on the same cells");
  app.add_flag("--gpu", gpu, "only the kernels that a GPU can do: CPU against GPU");
  app.add_flag("--svi-mixture", svi_mixture, "only mixtures (--models, --components): exact against svi");
  app.add_option("--mixture-genes", mixture.genes, "of these: most variable genes");
  app.add_option("--steps", mixture.steps, "of svi");
  app.add_option("--batch-size", mixture.batch, "of svi: cells a step; 0: all");
  app.add_option("--learning-rate", mixture.rate, "of svi");
  app.add_option("--draws", mixture.draws, "of the posteriors that are compared");
  app.add_option("--data", path, "data set for the comparison with dense evaluations");
  app.add_option("--layer", layer, "its layer");
  app.add_option("--models", likelihoods, "likelihoods to fit, canonical");
  app.add_option("--components", components, "also a mixture of so many components");
  app.add_option("--cells", cells, "numbers of simulated cells")->delimiter(',');
  app.add_option("--streamed-genes", streamed_genes, "genes of these cells");
  app.add_option("--genes", genes, "numbers of simulated genes")->delimiter(',');
  app.add_option("--scribe", scribe, "a Python that has SCRIBE: time per step of its full batch, in the same run");
  app.add_option("--threads", threads, "0: all");
  CLI11_PARSE(app, argc, argv);
  threads = compute::resolve_threads(threads);

  if (screen) {
    screen_bench.threads = threads;
    bench_screen(screen_bench);
    return 0;
  }
  double start = now();
  data::OpenOptions open_options;
  open_options.layer = layer;
  const auto dataset = data::open(path, open_options, {});
  const auto& counts = dataset.counts;
  if (gpu) {
    compare_devices(dataset, threads);
    return 0;
  }
  if (svi_mixture) {
    if (app.count("--models") > 0) mixture.likelihoods = likelihoods;
    if (components > 1) mixture.components = components;
    compare_svi_mixture(dataset, mixture, threads);
    return 0;
  }
  std::printf("%s: %lld cells x %lld genes, %lld non-zeros, opened in %.2f s; %d threads\n", path.c_str(),
              static_cast<long long>(counts.n_cells), static_cast<long long>(counts.n_genes),
              static_cast<long long>(counts.nnz()), now() - start, threads);

  // One dense evaluation (value only, no gradient) against one collapsed evaluation of value and gradient.
  model::Model nbvcp;
  const auto summary = summary::summarise(counts, threads, {});
  const Problem problem(nbvcp, summary, &counts, true);
  LogLikelihood collapsed(problem, threads);
  Point z;
  std::vector<double> r(static_cast<std::size_t>(counts.n_genes)), log_nu(static_cast<std::size_t>(counts.n_cells));
  for (std::size_t g = 0; g < r.size(); ++g) {
    z.genes.push_back(std::log(0.05 + summary.gene_total[g] / static_cast<double>(counts.n_cells)));
    r[g] = std::exp(z.genes.back());
  }
  for (std::size_t c = 0; c < log_nu.size(); ++c) {
    z.units.push_back(-0.5 + 0.001 * static_cast<double>(c % 1000));
    log_nu[c] = math::log_sigmoid(z.units.back());
  }
  PointGradient gradient;
  double value = 0, reference = 0;
  const double fast = quickest(5, [&] { value = collapsed.evaluate(z, {}, 1, gradient, {}); });
  const double slow = quickest(1, [&] { reference = dense_log_likelihood(counts, r, 0, log_nu, threads); });
  std::printf(
      "log likelihood of nbvcp: dense %.3f s (value), collapsed %.5f s (value and gradient), ratio %.0f; relative "
      "difference %.1e\n",
      slow, fast, slow / fast, std::fabs(value / reference - 1));

  double ours = 0;
  std::printf("\nmodel\tsummary s\titerations\tfit s\tevaluation s\tfit in dense evaluations\tloss\n");
  for (std::size_t at = 0; at < likelihoods.size();) {
    const auto end = std::min(likelihoods.find(',', at), likelihoods.size());
    model::Model model;
    model.likelihood = likelihoods.substr(at, end - at);
    at = end + 1;
    const auto t = time_fit(model, counts, threads);
    std::printf("%s\t%.3f\t%lld\t%.2f\t%.4f\t%.2f\t%.3f\n", model.likelihood.c_str(), t.summary,
                static_cast<long long>(t.iterations), t.fit, t.evaluation, t.fit / slow, t.loss);
    std::fflush(stdout);
    if (model.likelihood == "nbvcp") ours = t.summary + t.fit;
  }
  if (components > 1) {
    nbvcp.components = components;
    FitOptions options;
    options.threads = threads;
    options.restarts = 1;
    const auto result = fit({nbvcp, &summary, &counts}, options, nullptr, {});
    std::printf("nbvcp of %lld components\t\t%lld\t%.2f\t\t\t%.3f\n", static_cast<long long>(components),
                static_cast<long long>(result.trace.back().iteration), result.seconds, result.loss);
    nbvcp.components = 1;
  }
  if (!scribe.empty() && ours > 0) compare_scribe(scribe, path, layer, ours);

  stream_cells(cells, streamed_genes, threads);
  std::printf("\ncost against genes (2,000 cells)\ngenes\tsummary s\tevaluation s\tfit s\n");
  for (const auto n : genes) {
    const auto t = time_fit(nbvcp, simulate(2000, n), threads);
    std::printf("%lld\t%.4f\t%.5f\t%.3f\n", static_cast<long long>(n), t.summary, t.evaluation, t.fit);
    std::fflush(stdout);
  }
  std::printf("\ncost against threads (%s)\nthreads\tsummary s\tevaluation s\tfit s\n", path.c_str());
  for (int n = 1; n <= threads; n *= 2) {
    const auto t = time_fit(nbvcp, counts, n);
    std::printf("%d\t%.4f\t%.5f\t%.3f\n", n, t.summary, t.evaluation, t.fit);
  }
  std::printf("\npeak memory %.0f MiB\n", peak_mib());
  return 0;
} catch (const Error& e) {
  std::fprintf(stderr, "bench: %s %s\n", e.what(), e.remedy().c_str());
  return 1;
}
