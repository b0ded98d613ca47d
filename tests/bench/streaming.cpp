#include "streaming.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "core/inference/fit.hpp"
#include "core/summary/count_summary.hpp"
#include "simulate.hpp"

using namespace scriptorium;

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Cells are made a block at a time and let go again; making them is not part of what is measured.
void one(std::int64_t cells, std::int64_t genes, int threads) {
  constexpr std::int64_t made = 4096;
  summary::CountSummaryBuilder builder(cells, genes);
  std::vector<std::int64_t> scratch;
  std::int64_t nonzeros = 0;
  double summarised = 0;
  auto start = std::chrono::steady_clock::now();
  for (std::int64_t first = 0; first < cells; first += made) {
    const auto n = std::min(made, cells - first);
    const auto some = simulate(n, genes, first);
    nonzeros += some.nnz();
    start = std::chrono::steady_clock::now();
    auto block = some.block(0, n, scratch);
    block.first = first;
    builder.add(block);
    summarised += seconds_since(start);
  }
  start = std::chrono::steady_clock::now();
  const auto summary = builder.finish();
  summarised += seconds_since(start);
  inference::FitOptions options;
  options.threads = threads;
  start = std::chrono::steady_clock::now();
  const auto result = inference::fit({model::Model(), &summary, nullptr}, options, nullptr, {});
  const double fitted = seconds_since(start);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%lld\t%lld\t%.3f\t%.3f\t%lld\t%.4f\t%.0f\n", static_cast<long long>(cells),
              static_cast<long long>(nonzeros), summarised, fitted,
              static_cast<long long>(result.trace.back().iteration), fitted / static_cast<double>(result.trace.size()),
              static_cast<double>(usage.ru_maxrss) / 1024);
}

}  // namespace

void stream_cells(const std::vector<std::int64_t>& cells, std::int64_t genes, int threads) {
  std::printf("\nsimulated cells that pass by, nbvcp, %lld genes, %d threads\n", static_cast<long long>(genes),
              threads);
  std::printf("cells\tnon-zeros\tsummary s (one thread)\tfit s\titerations\ts an iteration\tpeak MiB\n");
  for (const auto n : cells) {
    std::fflush(stdout);
    const pid_t child = fork();  // its memory is its own
    if (child == 0) {
      one(n, genes, threads);
      std::fflush(stdout);
      _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
      std::printf("%lld: did not end well\n", static_cast<long long>(n));
  }
}
