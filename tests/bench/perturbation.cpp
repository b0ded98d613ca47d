#include "perturbation.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "../core/perturbation/simulated_screen.hpp"
#include "core/perturbation/chain.hpp"
#include "program.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// pertpy on the file that our chain wrote: its times and how many calls are the same, and the ratio to our time.
void compare_pertpy(const ScreenBench& options, const std::string& path, double ours) {
  std::printf("\npertpy on the same cells:\n");
  const std::string said =
      output_of({options.pertpy, SCRIPTORIUM_BENCH "/pertpy_screen.py", path, "target", "NT"}, true);
  const auto at = said.find("\nall\t");
  const double theirs = at == std::string::npos ? 0 : std::atof(said.c_str() + at + 5);
  if (theirs > 0)
    std::printf("pertpy %.1f s, here %.2f s: %.0f times\n", theirs, ours, theirs / ours);
  else
    std::printf("it did not come to its end\n");
}

}  // namespace

void bench_screen(const ScreenBench& options) {
  double start = now();
  simulated_screen::Options simulation;
  simulation.cells = options.cells;
  simulation.genes = options.genes;
  simulation.targets = options.targets;
  simulation.effect_genes = 30;
  simulation.effect = 1;
  simulation.controls = 0.2;
  simulation.counts = 3'000;
  simulation.splits = 1;
  const auto simulated = simulated_screen::make(simulation);
  std::printf("%lld cells x %lld genes, %d targets, %lld non-zeros, made in %.1f s; peak memory %.0f MiB\n",
              static_cast<long long>(options.cells), static_cast<long long>(options.genes), options.targets,
              static_cast<long long>(simulated.data.counts.nnz()), now() - start, peak_mib());
  ChainOptions chain;
  chain.columns = {"target", "NT", "guide", ""};
  chain.threads = options.threads;
  start = now();
  const auto found = run_chain(simulated.data, chain);
  const double seconds = now() - start;
  std::printf("step\tseconds\n");
  for (const auto& step : found.steps) std::printf("%s\t%.2f\n", step.name.c_str(), step.seconds);
  std::printf("all\t%.2f\npeak memory %.0f MiB\n", seconds, peak_mib());

  double responders = 0, called = 0, quiet = 0, quiet_called = 0, escaped = 0, escaped_called = 0;
  for (std::int64_t i = 0; i < options.cells; ++i) {
    const auto target = found.screen.target.code[i];
    if (target == found.screen.control) continue;
    const bool effect = std::stoi(found.screen.target.names[target].substr(1)) < simulated.with_effect;
    const double perturbed = found.calls.state[i] == CellState::Perturbed ? 1 : 0;
    if (simulated.responds[i]) {
      ++responders;
      called += perturbed;
    } else if (effect) {
      ++escaped;
      escaped_called += perturbed;
    } else {
      ++quiet;
      quiet_called += perturbed;
    }
  }
  std::printf(
      "called perturbed: %.1f %% of responders (wanted: 90 or more), %.2f %% of cells of targets without effect "
      "(wanted: 5 or less), %.1f %% of cells that escaped\n",
      100 * called / responders, 100 * quiet_called / quiet, 100 * escaped_called / escaped);
  if (options.pertpy.empty()) return;
  const std::string path =
      (std::filesystem::temp_directory_path() / ("screen_bench_" + std::to_string(::getpid()) + ".h5ad")).string();
  write_screening_h5ad(simulated.data, found, LayerType::None, path);
  compare_pertpy(options, path, seconds);
  std::filesystem::remove(path);
}
