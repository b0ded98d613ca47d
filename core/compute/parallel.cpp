#include "core/compute/parallel.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace scriptorium::compute {

int resolve_threads(int threads) {
  if (threads > 0) return threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void parallel_for(std::int64_t n, std::int64_t grain, int threads,
                  const std::function<void(std::int64_t, std::int64_t, std::int64_t)>& body) {
  const std::int64_t count = pieces(n, grain);
  const auto run = [&](std::int64_t piece) { body(piece, piece * grain, std::min(n, (piece + 1) * grain)); };
  const int workers = resolve_threads(threads);
  if (workers == 1 || count <= 1) {
    for (std::int64_t piece = 0; piece < count; ++piece) run(piece);
    return;
  }
  // More threads than TBB's default pool would be cut down to the cores without this.
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism,
                                    static_cast<std::size_t>(std::max(workers, resolve_threads(0))));
  tbb::task_arena arena(workers);
  arena.execute([&] { tbb::parallel_for(std::int64_t{0}, count, run, tbb::simple_partitioner{}); });
}

void for_each_in_order(std::int64_t n, int threads, const std::function<void(std::int64_t)>& body) {
  std::atomic<std::int64_t> next = 0;
  const std::int64_t workers = std::min<std::int64_t>(n, resolve_threads(threads));
  parallel_for(workers, 1, threads, [&](std::int64_t, std::int64_t, std::int64_t) {
    try {
      for (std::int64_t i = next++; i < n; i = next++) body(i);
    } catch (...) {
      next = n;
      throw;
    }
  });
}

}  // namespace scriptorium::compute
