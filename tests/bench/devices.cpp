#include "devices.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/compute/devices.hpp"
#include "core/inference/problem.hpp"
#include "core/result/new_fit.hpp"
#include "core/result/predictive.hpp"

using namespace scriptorium;

namespace {

/// One kernel: its name, and what it computes on a backend.
struct Kernel {
  std::string name;
  std::function<std::vector<double>(const compute::Backend&)> run;
};

double seconds(const compute::Backend& backend, const Kernel& kernel, std::vector<double>& out) {
  double best = INFINITY;
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    out = kernel.run(backend);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

}  // namespace

void compare_devices(const data::Dataset& dataset, int threads) {
  const auto& counts = dataset.counts;
  const auto by_gene = counts.transposed();
  const auto cells = inference::rows_of(counts), genes = inference::rows_of(by_gene);
  const auto values = [](std::int64_t n, double first, double step) {
    std::vector<double> x(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = first + step * static_cast<double>(i % 97);
    return x;
  };
  constexpr std::int64_t width = 24;
  const auto table = values(width * std::max(counts.n_cells, counts.n_genes), 0, 0.01);
  const auto r = values(counts.n_genes, 0.1, 0.02), gate = values(counts.n_genes, 0.05, 0.001), x = values(1, 0.5, 0),
             n = values(counts.n_cells, -3, 0.02);

  const auto gather = [&](const compute::CsrView& rows, compute::Weight weight) {
    return [&table, rows, weight](const compute::Backend& backend) {
      compute::Gather job;
      job.weight = weight;
      job.width = width;
      job.table_rows = rows.columns;
      job.table = table.data();
      std::vector<double> out(static_cast<std::size_t>(rows.rows * width));
      backend.gather(*backend.hold(rows), job, out.data(), {});
      return out;
    };
  };
  const auto likelihood = [&](const compute::CsrView& rows, bool zeros) {
    return [&, rows, zeros](const compute::Backend& backend) {
      compute::EntryLikelihood job;
      job.rows_are_genes = rows.row_start == by_gene.row_start.data();
      job.genes = counts.n_genes;
      job.cells = counts.n_cells;
      job.r = r.data();
      job.x = x.data();
      job.n = n.data();
      job.gate = gate.data();
      job.low = -INFINITY;
      job.high = INFINITY;
      std::vector<double> out(static_cast<std::size_t>(rows.rows));
      backend.likelihood(*backend.hold(rows), job, zeros, out.data(), {});
      return out;
    };
  };
  result::Fit fit = result::new_fit(dataset, summary::digest(dataset, threads, {}), {}, {});
  fit.result = inference::fit({fit.model, &fit.summary, &counts}, {}, nullptr, {});
  std::vector<std::int64_t> all(static_cast<std::size_t>(counts.n_genes));
  std::iota(all.begin(), all.end(), 0);
  const auto predictive = [&](result::PredictiveKind kind) {
    return [&, kind](const compute::Backend& backend) {
      result::PredictiveOptions options;
      options.kind = kind;
      options.draws = 100;
      options.threads = threads;
      options.backend = &backend;
      std::vector<double> out;
      for (const auto& gene : result::predictive(fit, all, options, {}))
        out.insert(out.end(), gene.median.begin(), gene.median.end());
      return out;
    };
  };
  constexpr std::int64_t components = 10;
  const auto scores = values(components * static_cast<std::int64_t>(fit.summary.value.size()), -3, 0.01);
  const std::vector<Kernel> kernels{
      {"row gather, cells x 24", gather(cells, compute::Weight::One)},
      {"row gather by counts, genes x 24", gather(genes, compute::Weight::Count)},
      {"expectation step of ten components",
       [&](const compute::Backend& backend) {
         compute::Gather job;
         job.width = components;
         job.table_rows = static_cast<std::int64_t>(fit.summary.value.size());
         job.table = scores.data();
         job.lookup_start = fit.summary.gene_start.data();
         job.lookup_value = fit.summary.value.data();
         std::vector<double> out(static_cast<std::size_t>(cells.rows * components));
         backend.gather(*backend.hold(cells), job, out.data(), {});
         return out;
       }},
      {"rising factorials of a batch",
       [&](const compute::Backend& backend) {
         std::vector<double> out(static_cast<std::size_t>(2 * counts.n_genes));
         backend.rising(*backend.hold(genes), {r.data()}, out.data(), {});
         return out;
       }},
      {"log likelihood by cell, non-zeros", likelihood(cells, false)},
      {"log likelihood by cell, every zero", likelihood(cells, true)},
      {"log likelihood by gene, every zero", likelihood(genes, true)},
      {"predictive at the point, 100 draws", predictive(result::PredictiveKind::Map)},
      {"predictive of the posterior, 100 draws", predictive(result::PredictiveKind::Posterior)}};

  const auto cpu = compute::cpu_backend(threads);
  std::vector<std::shared_ptr<const compute::Backend>> gpus;
  const auto list = compute::list_gpus();
  for (const auto& gpu : list.gpus)
    if (auto choice = compute::choose_backend("cuda:" + std::to_string(gpu.index), threads); choice.backend->is_gpu())
      gpus.push_back(choice.backend);
    else
      std::printf("%s\n", choice.told.c_str());
  if (list.gpus.empty()) std::printf("no GPU to compare with: %s\n", list.why_none.c_str());
  std::printf("%lld cells x %lld genes, %lld non-zeros; transfers included\nkernel\t%s s",
              static_cast<long long>(counts.n_cells), static_cast<long long>(counts.n_genes),
              static_cast<long long>(counts.nnz()), cpu->name().c_str());
  for (const auto& gpu : gpus) std::printf("\t%s s\tratio\tlargest relative difference", gpu->name().c_str());
  std::printf("\n");
  for (const auto& kernel : kernels) {
    std::vector<double> expected, found;
    const double slow = seconds(*cpu, kernel, expected);
    std::printf("%s\t%.4f", kernel.name.c_str(), slow);
    for (const auto& gpu : gpus) {
      const double fast = seconds(*gpu, kernel, found);
      double off = 0;
      for (std::size_t i = 0; i < expected.size(); ++i)
        off = std::max(off, std::fabs(found[i] - expected[i]) / std::max(1e-300, std::fabs(expected[i])));
      std::printf("\t%.4f\t%.1f\t%.1e", fast, slow / fast, expected.empty() ? 0 : off);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  for (const auto& gpu : gpus)
    for (const auto& note : gpu->notes()) std::printf("note: %s\n", note.c_str());
}
