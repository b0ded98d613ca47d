#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/inference/minimise.hpp"
#include "core/inference/solver.hpp"

namespace scriptorium::inference {
namespace {

std::map<std::string, std::vector<double>> pack(const MinimiseState& state) {
  std::map<std::string, std::vector<double>> arrays{
      {"x", state.x}, {"iteration", {static_cast<double>(state.iteration), static_cast<double>(state.caution)}}};
  for (std::size_t i = 0; i < state.steps.size(); ++i) {
    arrays["step" + std::to_string(i)] = state.steps[i];
    arrays["change" + std::to_string(i)] = state.changes[i];
  }
  return arrays;
}

MinimiseState unpack(const Checkpoint& resume) {
  MinimiseState state;
  state.x = resume.arrays.at("x");
  state.iteration = static_cast<std::int64_t>(resume.arrays.at("iteration").at(0));
  state.caution = static_cast<int>(resume.arrays.at("iteration").at(1));
  for (std::size_t i = 0; resume.arrays.count("step" + std::to_string(i)); ++i) {
    state.steps.push_back(resume.arrays.at("step" + std::to_string(i)));
    state.changes.push_back(resume.arrays.at("change" + std::to_string(i)));
  }
  return state;
}

}  // namespace

FitResult fit_exact(const FitInput& input, const FitOptions& options, const Checkpoint* resume,
                    const FitControl& control) {
  control.tell(-1, "preparing");
  const Problem problem(input.model, *input.summary, input.counts);
  Objective objective(problem, options.threads);
  const auto print = fingerprint(input, options);
  if (resume) check_resume(*resume, "exact", print, objective.size());
  MinimiseState state;
  if (resume)
    state = unpack(*resume);
  else
    state.x = objective.start();

  Recorder recorder(control, options, "exact", print, resume);
  const double start_gap = 1e6 * options.tolerance;
  MinimiseEnd end;
  try {
    end = minimise(objective, state, options.tolerance, options.max_iterations, options.threads, control, control.keep,
                   [&](double loss, double decrement) {
                     // Progress on the scale of what is left: the gap closes geometrically, then quadratically.
                     const double done = std::isfinite(decrement)
                                             ? 1 - std::log(std::max(1.0, decrement / options.tolerance)) /
                                                       std::log(start_gap / options.tolerance * 10)
                                             : 0;
                     char message[128];
                     std::snprintf(message, sizeof message, "iteration %lld, loss %.4f, about %.2g nats left",
                                   static_cast<long long>(state.iteration), loss, decrement);
                     if (recorder.due()) recorder.keep(pack(state));
                     recorder.add(state.iteration, loss, decrement, std::clamp(done, 0.0, 0.99), message);
                   });
  } catch (const Cancelled&) {
    recorder.keep(pack(state));
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
                  static_cast<long long>(state.iteration), end.decrement, options.tolerance);
  } else if (end.kept) {
    std::snprintf(text, sizeof text, "Stopped by you after %lld iterations with about %.2g nats of ELBO still to gain.",
                  static_cast<long long>(state.iteration), end.decrement);
    c.advice = "Resume it, or read it as provisional.";
  } else if (end.stuck) {
    std::snprintf(
        text, sizeof text,
        "Ended after %lld iterations because no step lowered the loss any more, with an estimated %.2g nats left.",
        static_cast<long long>(state.iteration), end.decrement);
    if (end.decrement < 0.1)
      c.converged = true;
    else
      c.advice = "Try another parameterization or tighter priors, and compare the loss.";
  } else {
    std::snprintf(text, sizeof text,
                  "Not converged: %lld iterations were allowed, and about %.2g nats of ELBO are still to gain.",
                  static_cast<long long>(state.iteration), end.decrement);
    c.advice = "Allow more iterations, or resume.";
    recorder.keep(pack(state));
  }
  c.verdict = text;
  return result;
}

}  // namespace scriptorium::inference
