#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/compute/work.hpp"
#include "core/progress.hpp"

namespace scriptorium::compute {

/// Rows that several calls go over. On a GPU they stay in its memory where there is room. Borrows the arrays, and must
/// not outlive the backend that holds it.
class Rows {
 public:
  explicit Rows(const CsrView& rows) : view(rows) {}
  virtual ~Rows() = default;
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  const CsrView view;
};

struct Memory {
  double total_bytes = 0, free_bytes = 0;
};

/// Where the work of work.hpp is done. Every call gives the same numbers at each repetition and any number of threads;
/// backends agree to rounding (1e-10 relative and far better), draws of random numbers to the bit. Calls may come from
/// several threads. All take host arrays, check `control` every few milliseconds of work and throw Cancelled.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;  ///< "cpu, 2 threads"; "cuda:0, NVIDIA H100"
  virtual bool is_gpu() const { return false; }
  virtual Memory memory() const = 0;
  /// What had to be done otherwise than asked, in words: smaller tiles, the CPU instead.
  virtual std::vector<std::string> notes() const { return {}; }

  virtual std::unique_ptr<Rows> hold(const CsrView& rows) const { return std::make_unique<Rows>(rows); }
  /// out: rows × job.width.
  virtual void gather(const Rows& rows, const Gather& job, double* out, const RunControl& control) const = 0;
  /// out: rows × 2, value and slope.
  virtual void rising(const Rows& rows, const Rising& job, double* out, const RunControl& control) const = 0;
  /// out: rows; Σ over the row's non-zeros of ln P(u) − ln P(0), and with `zeros` Σ of ln P(0) over all its measured
  /// columns beside.
  virtual void likelihood(const Rows& rows, const EntryLikelihood& job, bool zeros, double* out,
                          const RunControl& control) const = 0;
  /// Fills job.histogram, job.kept and `pooled`: Σ over draws of the pooled masses, Σ_genes (single + 1) numbers one
  /// gene after another (left as it is where job.fixed or level −1). job.pooled and pooled_at are not looked at.
  virtual void simulate(const Simulation& job, double* pooled, const RunControl& control) const = 0;
  /// place: queries × k numbers of candidates, −1 where there are fewer than k. job.distance and job.place are not
  /// looked at, job.first is 0. The same places on every device. Tells how far it is.
  virtual void nearest(const Nearest& job, std::int32_t* place, const RunControl& control) const = 0;
};

/// The CPU: `threads` of them, 0 for all cores.
std::shared_ptr<const Backend> cpu_backend(int threads);

/// What was chosen, and why not the other, in words (empty where there is nothing to tell).
struct BackendChoice {
  std::shared_ptr<const Backend> backend;
  std::string told;
};
/// `device`: auto (the GPU with most free memory, for work that is worth it, else the CPU), cpu, or cuda:N. A GPU that
/// cannot be used is no error: the CPU does the work, and `told` says why. @throws Error(BadInput) for another word.
BackendChoice choose_backend(const std::string& device, int threads);

/// Least free memory with which a GPU is worth using.
inline constexpr double least_gpu_memory = 256e6;

}  // namespace scriptorium::compute
