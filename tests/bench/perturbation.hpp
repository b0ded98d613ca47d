#pragma once
#include <cstdint>
#include <string>

/// A simulated screen through the whole chain: seconds a step, peak memory, share of responders called perturbed and
/// of cells of targets without effect; with a Python that has pertpy its times and calls on the same cells.
struct ScreenBench {
  std::int64_t cells = 20'000, genes = 5'000;
  int targets = 50, threads = 0;
  std::string pertpy;  ///< Python; empty: none
};
void bench_screen(const ScreenBench& options);
