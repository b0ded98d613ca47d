#include "core/inference/minimise.hpp"

#include <algorithm>
#include <cmath>

namespace scriptorium::inference {
namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Keeps every site's step within what its quadrature was chosen for: first coordinates 3, log scales 1.5.
bool clip(std::vector<double>& d) {
  bool clipped = false;
  for (std::size_t i = 0; i < d.size(); i += 2) {
    const double excess = std::max(std::fabs(d[i]) / 3, std::fabs(d[i + 1]) / 1.5);
    if (excess <= 1) continue;
    d[i] /= excess;
    d[i + 1] /= excess;
    clipped = true;
  }
  return clipped;
}

}  // namespace

MinimiseEnd minimise(Objective& objective, MinimiseState& state, double tolerance, int max_iterations, int threads,
                     const RunControl& control, std::stop_token keep,
                     const std::function<void(double, double)>& watch) {
  MinimiseEnd end;
  std::vector<double> gradient, trial, trial_gradient;
  NewtonSystem system;
  bool was_small = false;
  for (;; ++state.iteration) {
    objective.choose_nodes(state.x);
    end.loss = objective.evaluate(state.x, &gradient, &system, control);
    if (!std::isfinite(end.loss))
      throw Error(ErrorCode::Numerical, "the loss is not a number at iteration " + std::to_string(state.iteration),
                  "Check the priors; very wide ones can overflow.");

    bool whole = true;
    auto d = system.solve(gradient, threads, state.caution, &whole);
    auto inside = d;
    objective.keep_inside(state.x, inside);
    if (dot(gradient, inside) < 0) d = std::move(inside);
    end.decrement = -0.5 * dot(gradient, d);
    const bool clipped = clip(d);
    double slope = dot(gradient, d);
    if (slope >= 0) {  // clipping some blocks and not others can turn the step; the scalar's share of it is the cause
      d = system.solve(gradient, threads, state.caution, &whole);
      double most = 1;
      for (std::size_t i = 0; i < d.size(); ++i) most = std::max(most, std::fabs(d[i]) / (i % 2 ? 1.5 : 3));
      for (auto& v : d) v /= most;
      slope = dot(gradient, d);
    }
    watch(end.loss, end.decrement);
    // A decrement from a mended Hessian, or a careful step, counts when it holds twice.
    const bool small = !clipped && end.decrement < tolerance;
    end.converged = small && ((whole && state.caution == 0) || was_small);
    was_small = small;
    end.kept = keep.stop_requested();
    if (end.converged || end.kept || state.iteration >= max_iterations) return end;

    const double noise = 1e-13 * std::fabs(end.loss);
    double t = 1;
    bool better = false;
    for (int attempt = 0; attempt < 30 && !better; ++attempt) {
      control.check();
      trial = state.x;
      for (std::size_t i = 0; i < trial.size(); ++i) trial[i] += t * d[i];
      const double loss = objective.evaluate(trial, &trial_gradient, nullptr, control);
      if (std::isfinite(loss) && loss <= end.loss + 1e-4 * t * slope + noise) {
        better = true;
        break;
      }
      const double quadratic = std::isfinite(loss) ? -slope * t * t / (2 * (loss - end.loss - slope * t)) : 0;
      t = std::clamp(quadratic, 0.1 * t, 0.5 * t);
    }
    // Bolder after a full step, more careful along the ridge after a short one.
    if (t < 0.2 || !better)
      state.caution = std::min(state.caution + 1, 3);
    else if (t == 1 || end.decrement < tolerance)
      state.caution = std::max(state.caution - 1, 0);
    if (!better) {
      if (state.caution < 3) continue;
      end.stuck = true;
      return end;
    }
    state.x = trial;
  }
}

}  // namespace scriptorium::inference
