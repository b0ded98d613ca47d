#pragma once
#include <chrono>
#include <string>

#include "core/inference/fit.hpp"
#include "core/inference/objective.hpp"

/// What the solvers share: keeping the trace, checkpoints, and turning coordinates into a posterior.
namespace scriptorium::inference {

/// Watches one fit: trace, live loss, progress, checkpoints. Times go on from a resumed checkpoint.
class Recorder {
 public:
  Recorder(const FitControl& control, const FitOptions& options, std::string kind, std::string fingerprint,
           const Checkpoint* resume);
  /// Adds a point, tells the watchers.
  void add(std::int64_t iteration, double loss, double decrement, double fraction, const std::string& message);
  /// True when it is time for a checkpoint.
  bool due() const;
  /// Hands `arrays` and the trace so far to on_checkpoint.
  void keep(std::map<std::string, std::vector<double>> arrays);
  double seconds() const;
  std::vector<LossPoint>& trace() { return trace_; }

 private:
  const FitControl* control_;
  const FitOptions* options_;
  std::string kind_, fingerprint_;
  std::vector<LossPoint> trace_;
  double earlier_ = 0;
  std::chrono::steady_clock::time_point start_, last_keep_;
};

/// The problem of a fit; what it sums over the non-zeros goes to `input.backend` where that is a GPU.
Problem problem_of(const FitInput& input);

/// Identifies model, method and data, so that a checkpoint of something else is refused.
std::string fingerprint(const FitInput& input, const FitOptions& options);
/// @throws Error(BadInput) when `resume` is of another kind, model, option or data set.
void check_resume(const Checkpoint& resume, const std::string& kind, const std::string& fingerprint, std::size_t size);

/// The marginals at coordinates x; cells get those of their unit.
Posterior posterior_at(const Objective& objective, const std::vector<double>& x);
std::vector<SitePosterior> sites_at(const Objective& objective, const std::vector<double>& x);

/// Remarks on what the data cannot tell apart (capture and p), and on what was left at its prior.
std::vector<std::string> identifiability_notes(const Problem& problem);

/// "3 starts, losses 1, 2, 3: start 1 was kept."; `when` of the losses, or nothing.
std::string losses_note(const std::vector<double>& losses, const std::string& when);
/// A note for every component with hardly any cells.
void note_dead_components(const std::vector<double>& cells, std::vector<std::string>& notes);

FitResult fit_exact(const FitInput& input, const FitOptions& options, const Checkpoint* resume,
                    const FitControl& control);
FitResult fit_structured(const FitInput& input, const FitOptions& options, const Checkpoint* resume,
                         const FitControl& control);
FitResult fit_mixture(const FitInput& input, const FitOptions& options, const Checkpoint* resume,
                      const FitControl& control);
FitResult fit_svi(const FitInput& input, const FitOptions& options, const Checkpoint* resume,
                  const FitControl& control);

}  // namespace scriptorium::inference
