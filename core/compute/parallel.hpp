#pragma once
#include <cstdint>
#include <functional>

namespace scriptorium::compute {

/// Number of threads meant by an option: 0 is all cores.
int resolve_threads(int threads);

/// Runs body(first, last) over [0, n) cut into pieces of fixed size, on up to `threads` threads. The pieces depend on n
/// and `grain` only, never on the number of threads: sums kept per piece and added in order repeat bit for bit.
/// An exception in one piece stops the rest and is thrown here.
void parallel_for(std::int64_t n, std::int64_t grain, int threads,
                  const std::function<void(std::int64_t piece, std::int64_t first, std::int64_t last)>& body);

/// Runs body(i) for i = 0, 1, … n − 1, begun in that order, on up to `threads` threads. After an exception no more are
/// begun, and it is thrown here.
void for_each_in_order(std::int64_t n, int threads, const std::function<void(std::int64_t i)>& body);

/// Number of pieces parallel_for makes.
inline std::int64_t pieces(std::int64_t n, std::int64_t grain) {
  return (n + grain - 1) / grain;
}

}  // namespace scriptorium::compute
