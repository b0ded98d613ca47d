#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/data/count_matrix.hpp"
#include "core/inference/posterior.hpp"
#include "core/model/model.hpp"
#include "core/progress.hpp"
#include "core/summary/count_summary.hpp"

namespace scriptorium::inference {

enum class Method { Exact, Structured, Svi };
enum class SviMode { Ours, Scribe };
/// Where the components of a mixture start: clusters of the data (or annotation labels), or all alike but for noise.
enum class Start { Data, Scribe };

/// Early stopping of stochastic fits, SCRIBE's rule (nb-family notes in core/inference/README.md). Counts of steps.
/// As there, a fit without it returns its last state; whoever enables it wants the best restored too.
struct EarlyStopping {
  bool enabled = false;  ///< off: tracks the best state only if restore_best
  std::int64_t patience = 500;
  double min_delta = 1.0;        ///< nats of smoothed loss
  double min_delta_percent = 0;  ///< used instead of min_delta when positive
  std::int64_t check_every = 100, warmup = 5000, window = 100;
  bool restore_best = false;
};

struct SviOptions {
  SviMode mode = SviMode::Ours;
  std::int64_t steps = 50'000;
  std::int64_t batch_size = 0;     ///< cells a step; 0: all
  int draws = 4;                   ///< draws a step under SviMode::Ours; SCRIBE takes 1
  std::string optimizer = "adam";  ///< adam, clipped_adam, adagrad, rmsprop, sgd, momentum
  double learning_rate = 1e-3;
  bool decay = true;  ///< Ours: learning rate falls to a hundredth over the run
  double b1 = 0.9, b2 = 0.999, epsilon = 1e-8, clip_norm = 10, momentum = 0.9;
  EarlyStopping stopping;
};

struct FitOptions {
  Method method = Method::Exact;
  double tolerance = 1e-3;   ///< exact, structured: stop when the estimate of what is left of the ELBO is below (nats);
                             ///< below 1e-10 of the loss rounding has the word, and that is the tolerance
  int max_iterations = 500;  ///< exact, structured
  int restarts = 3;          ///< of mixtures: fits from other starts, the best is kept; svi compares starts alone
  Start start = Start::Data;  ///< of mixtures
  int structured_nodes = 21;  ///< grid points of the shared scalar
  SviOptions svi;
  std::uint64_t seed = 42;
  int threads = 0;                 ///< 0: all cores
  double checkpoint_seconds = 30;  ///< between checkpoints
};

/// One row of the loss trace. Loss is −ELBO in nats, over all cells, no constants dropped.
struct LossPoint {
  std::int64_t iteration = 0;
  double seconds = 0;
  double loss = 0;
  double decrement = -1;  ///< exact: estimated nats still to gain (Newton decrement); negative when there is none
};

/// What can be said about the end of a fit, in numbers and words.
struct Convergence {
  bool converged = false;
  bool stopped_early = false;      ///< kept by the user before its end, or by early stopping
  std::string verdict;             ///< one sentence: what happened, by which rule
  std::string advice;              ///< what to try; empty when all is well
  std::vector<std::string> notes;  ///< identifiability and the like: "capture and p are a ridge …"
  bool resumable = false;          ///< the last checkpoint goes on from here: keep it beside the fit
};

/// Everything needed to go on with the same numbers: named arrays, kept by the caller as it likes (a file, memory).
struct Checkpoint {
  std::string kind;                                   ///< "exact", "structured", "svi"
  std::string fingerprint;                            ///< of model, options and data; a different one is refused
  std::map<std::string, std::vector<double>> arrays;  ///< state by name
  std::vector<LossPoint> trace;
};

/// How a fit is watched, stopped, and kept.
struct FitControl : RunControl {
  std::function<void(const LossPoint&)> on_loss;         ///< every iteration or step, from the fitting thread
  std::function<void(const Checkpoint&)> on_checkpoint;  ///< every options.checkpoint_seconds, and at a stop
  std::stop_token keep;  ///< a stop here ends the fit with what it has: a usable result, marked stopped_early
};

struct FitInput {
  model::Model model;
  const summary::CountSummary* summary = nullptr;
  const data::CountMatrix* counts = nullptr;  ///< needed by mixtures, zinbvcp, mean_disp with capture, and minibatches
  const compute::Backend* backend = nullptr;  ///< where sums over non-zeros are taken; null: FitOptions::threads
  /// Annotation logits, cells × components: what is known of the cells before a mixture is fitted; empty: nothing.
  std::span<const double> cell_logits = {};
};

/// Whether such a fit takes sums over non-zeros: what a GPU can do for it. `n_cells` of the data.
bool uses_backend(const model::Model& model, const FitOptions& options, std::int64_t n_cells);

/// Whether such a fit needs FitInput::counts.
bool needs_counts(const model::Model& model, const FitOptions& options);

struct FitResult {
  Posterior posterior;
  std::vector<LossPoint> trace;
  Convergence convergence;
  double loss = 0;        ///< of `posterior`
  double loss_error = 0;  ///< standard error of `loss` (svi), 0 when deterministic
  double seconds = 0;
};

/// Fits a model. Deterministic: same input, options and seed give the same bits at any number of threads.
/// @throws Error (what and remedy), Cancelled after control.stop.
FitResult fit(const FitInput& input, const FitOptions& options, const Checkpoint* resume, const FitControl& control);

/// Whether fit() needs FitInput::counts for this model and method, and roughly what it will take.
struct FitEstimate {
  bool needs_counts = false;
  double bytes = 0, seconds = 0;
  /// On a GPU, to go without tiles; with less it goes slower. 0: there is nothing for a GPU to do (uses_backend).
  double device_bytes = 0;
};
FitEstimate estimate(const FitInput& input, const FitOptions& options);

}  // namespace scriptorium::inference
