#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/inference/optimum.hpp"
#include "core/inference/solver.hpp"

namespace scriptorium::inference {
FitResult fit_exact(const FitInput& input, const FitOptions& options, const Checkpoint* resume,
                    const FitControl& control) {
  control.tell(-1, "preparing");
  const Problem problem = problem_of(input);
  Objective objective(problem, options.threads);
  const auto print = fingerprint(input, options);
  if (resume) check_resume(*resume, "exact", print, objective.size());
  MinimiseState state;
  if (resume) state = unpack_state(*resume);

  Recorder recorder(control, options, "exact", print, resume);
  const double start_gap = 1e6 * options.tolerance;
  MinimiseEnd end;
  try {
    end = find_optimum(objective, state, input, options, control, [&](double loss, double decrement) {
      // Progress on the scale of what is left: the gap closes geometrically, then quadratically.
      const double done = std::isfinite(decrement) ? 1 - std::log(std::max(1.0, decrement / options.tolerance)) /
                                                             std::log(start_gap / options.tolerance * 10)
                                                   : 0;
      char message[128];
      std::snprintf(message, sizeof message, "iteration %lld, loss %.4f, about %.2g nats left",
                    static_cast<long long>(state.iteration), loss, decrement);
      if (recorder.due()) recorder.keep(pack_state(state));
      recorder.add(state.iteration, loss, decrement, std::clamp(done, 0.0, 0.99), message);
    });
  } catch (const Cancelled&) {
    if (!state.x.empty()) recorder.keep(pack_state(state));
    throw;
  }

  FitResult result;
  result.posterior = posterior_at(objective, state.x);
  result.loss = end.loss;
  result.trace = recorder.trace();
  result.seconds = recorder.seconds();
  auto& c = result.convergence;
  c.converged = end.converged;
  c.stopped_early = end.kept;
  c.notes = identifiability_notes(problem);
  char text[256];
  if (end.converged) {
    std::snprintf(text, sizeof text,
                  "Converged after %lld iterations: about %.1g nats of ELBO are left to gain (rule: half the Newton "
                  "decrement below %.1g).",
                  static_cast<long long>(state.iteration), end.decrement, end.tolerance);
  } else if (end.kept) {
    std::snprintf(text, sizeof text, "Stopped by you after %lld iterations with about %.2g nats of ELBO still to gain.",
                  static_cast<long long>(state.iteration), end.decrement);
    c.advice = "Resume it, or read it as provisional.";
    c.resumable = true;
  } else if (end.stuck) {
    c.converged = end.decrement < 0.1;
    std::snprintf(
        text, sizeof text,
        "%s after %lld iterations because no step lowered the loss any more, with an estimated %.2g nats left (rule: "
        "below 0.1, the rest is rounding).",
        c.converged ? "Converged" : "Ended", static_cast<long long>(state.iteration), end.decrement);
    if (!c.converged) c.advice = "Try another parameterization or tighter priors, and compare the loss.";
  } else {
    std::snprintf(text, sizeof text,
                  "Not converged: %lld iterations were allowed, and about %.2g nats of ELBO are still to gain.",
                  static_cast<long long>(state.iteration), end.decrement);
    c.advice = "Allow more iterations, and resume.";
    c.resumable = true;
  }
  c.verdict = text;
  if (c.resumable) recorder.keep(pack_state(state));
  return result;
}

}  // namespace scriptorium::inference
