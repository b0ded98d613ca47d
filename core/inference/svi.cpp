#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "core/error.hpp"
#include "core/inference/marginal_loss.hpp"
#include "core/inference/optimiser.hpp"
#include "core/inference/svi_estimator.hpp"

namespace scriptorium::inference {
namespace {

/// SCRIBE's rule of early stopping over smoothed losses.
class Stopping {
 public:
  Stopping(const EarlyStopping& rule) : rule_(rule) {}
  double best = INFINITY;
  std::int64_t since = 0;
  std::vector<double> best_x;
  /// After step number `step` (from 1). True: stop now.
  bool check(std::int64_t step, const std::vector<LossPoint>& trace, const std::vector<double>& x) {
    if (!(rule_.enabled || rule_.restore_best) || step % rule_.check_every != 0 || step < rule_.warmup ||
        static_cast<std::int64_t>(trace.size()) < rule_.window)
      return false;
    double sum = 0;
    std::int64_t n = 0;
    for (auto i = trace.size(); i-- > 0 && n < rule_.window;)
      if (std::isfinite(trace[i].loss)) sum += trace[i].loss, ++n;
    const double smoothed = sum / static_cast<double>(std::max<std::int64_t>(1, n));
    const bool better = !std::isfinite(best) ||
                        (rule_.min_delta_percent > 0
                             ? 100 * (best - smoothed) / std::max(std::fabs(best), 1e-8) > rule_.min_delta_percent
                             : best - smoothed > rule_.min_delta);
    if (better) {
      best = smoothed;
      since = 0;
      if (rule_.restore_best) best_x = x;
    } else {
      since += rule_.check_every;
    }
    return rule_.enabled && since >= rule_.patience;
  }

 private:
  EarlyStopping rule_;
};

/// Mean and standard error of a stretch of the trace.
std::array<double, 2> mean_and_error(const std::vector<LossPoint>& trace, std::size_t first, std::size_t last) {
  double sum = 0, square = 0, n = 0;
  for (auto i = first; i < last; ++i) {
    if (!std::isfinite(trace[i].loss)) continue;
    sum += trace[i].loss;
    square += trace[i].loss * trace[i].loss;
    ++n;
  }
  const double mean = sum / n;
  return {mean, std::sqrt(std::max(0.0, square / n - mean * mean) / std::max(1.0, n - 1))};
}

}  // namespace

FitResult fit_svi(const FitInput& input, const FitOptions& options, const Checkpoint* resume,
                  const FitControl& control) {
  SviEstimator svi(input, options, control);
  const auto& o = options.svi;
  if (o.steps < 1) throw Error(ErrorCode::BadInput, "svi needs at least one step", "Give --steps a positive number.");
  if (!(o.learning_rate > 0)) throw Error(ErrorCode::BadInput, "the learning rate must be positive");
  const auto print = fingerprint(input, options);
  SviOptions moves = o;
  // Gradients fall by orders of magnitude in the first hundreds of steps; a memory of a thousand would freeze Adam
  // after.
  if (o.mode == SviMode::Ours) moves.b2 = std::min(moves.b2, 0.99);
  Optimiser optimiser(moves, svi.size());
  Stopping stopping(o.stopping);
  std::int64_t step = 0;
  std::vector<double> start_losses;
  std::vector<double> average;  // Ours: mean of the iterates of the last fifth, which Adam circles around
  double averaged = 0;
  if (resume) {
    check_resume(*resume, "svi", print, svi.size());
    const auto& a = resume->arrays;
    svi.x() = a.at("x");
    optimiser.first = a.at("first");
    optimiser.second = a.at("second");
    step = static_cast<std::int64_t>(a.at("numbers").at(0));
    averaged = a.at("numbers").at(1);
    stopping.best = a.at("numbers").at(2);
    stopping.since = static_cast<std::int64_t>(a.at("numbers").at(3));
    average = a.at("average");
    stopping.best_x = a.at("best");
    start_losses = a.at("starts");
  } else {
    start_losses = svi.begin();
  }
  Recorder recorder(control, options, "svi", print, resume);
  const auto keep = [&] {
    recorder.keep(
        {{"x", svi.x()},
         {"first", optimiser.first},
         {"second", optimiser.second},
         {"average", average},
         {"best", stopping.best_x},
         {"starts", start_losses},
         {"numbers", {static_cast<double>(step), averaged, stopping.best, static_cast<double>(stopping.since)}}});
  };
  const bool ours = o.mode == SviMode::Ours;
  std::vector<double> gradient;
  bool early = false, kept = false;
  std::int64_t skipped = 0;
  try {
    for (; step < o.steps;) {
      control.check();
      if (control.keep.stop_requested()) {
        kept = true;
        break;
      }
      const double loss = svi.estimate(step, svi.draws(), &gradient);
      const bool finite = std::isfinite(loss) &&
                          std::all_of(gradient.begin(), gradient.end(), [](double g) { return std::isfinite(g); });
      const double done = static_cast<double>(step) / static_cast<double>(o.steps);
      if (finite)
        optimiser.update(svi.x(), gradient, step,
                         ours && o.decay ? o.learning_rate * std::pow(0.01, done) : o.learning_rate);
      else
        ++skipped;  // as SCRIBE: a step that is not a number is left out
      ++step;
      recorder.add(
          step, loss, -1, done,
          "step " + std::to_string(step) + " of " + std::to_string(o.steps) + ", loss " + std::to_string(loss));
      if (ours && done >= 0.8) {
        averaged += 1;
        average.resize(svi.size(), 0.0);
        for (std::size_t i = 0; i < average.size(); ++i) average[i] += (svi.x()[i] - average[i]) / averaged;
      }
      if (stopping.check(step, recorder.trace(), svi.x())) {
        early = true;
        break;
      }
      if (recorder.due()) keep();
    }
  } catch (const Cancelled&) {
    keep();
    throw;
  }
  if (kept) keep();
  const bool complete = step >= o.steps;
  if (o.stopping.restore_best && !stopping.best_x.empty() && (!ours || !complete)) svi.x() = stopping.best_x;
  if (ours && complete && averaged > 0) svi.x() = average;

  FitResult result;
  result.posterior = svi.posterior();
  // The loss of what is returned, from fresh draws.
  constexpr int checks = 64;
  std::vector<double> cells;  // of the components
  if (input.model.components > 1) {
    const auto marginal = marginal_loss(input, result.posterior, checks, options.seed, options.threads, control);
    result.loss = marginal.loss;
    result.loss_error = marginal.error;
    cells = marginal.cells;
  } else {
    double sum = 0, square = 0;
    for (int i = 0; i < checks; ++i) {
      const double loss = svi.estimate(o.steps + 1 + i, 1, nullptr);
      sum += loss;
      square += loss * loss;
    }
    result.loss = sum / checks;
    result.loss_error = std::sqrt(std::max(0.0, square / checks - result.loss * result.loss) / (checks - 1));
  }
  result.trace = recorder.trace();
  result.seconds = recorder.seconds();

  auto& c = result.convergence;
  c.stopped_early = early || kept;
  c.notes = identifiability_notes(svi.problem());
  if (start_losses.size() > 1) c.notes.push_back(losses_note(start_losses, "at the start"));
  note_dead_components(cells, c.notes);
  if (skipped > 0)
    c.notes.push_back(std::to_string(skipped) + " steps gave a loss that is not a number and were left out.");
  const std::size_t n = result.trace.size(), tenth = n / 10;
  char text[320];
  if (tenth >= 10) {
    const auto before = mean_and_error(result.trace, n - 2 * tenth, n - tenth),
               last = mean_and_error(result.trace, n - tenth, n);
    const double fall = before[0] - last[0], error = std::hypot(before[1], last[1]);
    constexpr double resolved = 1e-4;  // of the loss: a fall that the noise may not hide
    const bool seen = 3 * error < std::max(resolved * std::fabs(last[0]), 0.5);
    const bool level = fall < std::max(3 * error, 0.5);
    c.converged = !kept && level && seen;
    std::snprintf(text, sizeof text,
                  "%s after %lld steps: over the last tenth of them the mean loss fell by %.3g ± %.2g nats (rule: less "
                  "than three standard errors, or half a nat, and these below 1e-4 of the loss).",
                  !level  ? "Still falling"
                  : !seen ? "Too noisy to say whether the loss is level"
                          : "Level",
                  static_cast<long long>(step), fall, error);
  } else {
    std::snprintf(text, sizeof text, "Too few steps (%lld) to say whether the loss is level.",
                  static_cast<long long>(step));
  }
  c.verdict = text;
  if (kept) c.verdict += " Stopped by you.", c.resumable = true;
  if (early) c.verdict += " Stopped early by its rule.";
  if (!c.converged)
    c.advice = kept ? "Resume it, or use exact, which converges in tens of iterations."
                    : "Take more steps, or use exact, which converges in tens of iterations.";
  if (!ours && svi.problem().scalar)
    c.notes.push_back("SCRIBE's loop optimises α and β apart: the spread of " + svi.problem().scalar->site().name +
                      " is not to be trusted after it.");
  return result;
}

}  // namespace scriptorium::inference
