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

/// How far a site may go in one step, which is as far as its quadrature was chosen for: first coordinates 3, log scales
/// 1.5. Above 1: too far.
double excess(const std::vector<double>& d, std::size_t i) {
  return std::max(std::fabs(d[i]) / 3, std::fabs(d[i + 1]) / 1.5);
}

/// The step to try: what sites do by themselves is cut site by site, what moves them together (a ridge can ask for very
/// far) as one. Either way it points downhill. `clipped`: whether anything was cut.
std::vector<double> bounded(const Objective& objective, const std::vector<double>& x,
                            const std::vector<double>& gradient, NewtonSystem::Direction direction, bool& clipped) {
  auto& own = direction.own;
  const auto& pulled = direction.pulled;
  objective.keep_inside(x, own);
  double most = 1;
  clipped = false;
  for (std::size_t i = 0; i < own.size(); i += 2) {
    most = std::max(most, excess(pulled, i));
    const double by = excess(own, i);
    if (by <= 1) continue;
    own[i] /= by;
    own[i + 1] /= by;
    clipped = true;
  }
  clipped = clipped || most > 1;
  for (const double share : {1 / most, 0.5 / most, 0.0}) {
    auto d = own;
    for (std::size_t i = 0; i < d.size(); ++i) d[i] += share * pulled[i];
    auto inside = d;
    objective.keep_inside(x, inside);
    if (dot(gradient, inside) < 0) return inside;
    if (dot(gradient, d) < 0) return d;
  }
  return own;
}

}  // namespace

std::map<std::string, std::vector<double>> pack_state(const MinimiseState& state) {
  return {{"x", state.x},
          {"iteration",
           {static_cast<double>(state.iteration), static_cast<double>(state.caution), static_cast<double>(state.round),
            state.was_small ? 1.0 : 0.0}}};
}

MinimiseState unpack_state(const Checkpoint& checkpoint) {
  const auto& counts = checkpoint.arrays.at("iteration");
  return {checkpoint.arrays.at("x"), static_cast<std::int64_t>(counts.at(0)), static_cast<int>(counts.at(1)),
          static_cast<int>(counts.at(2)), counts.at(3) != 0};
}

MinimiseEnd minimise(Objective& objective, MinimiseState& state, double tolerance, int max_iterations, int threads,
                     const RunControl& control, std::stop_token keep,
                     const std::function<void(double, double)>& watch) {
  MinimiseEnd end;
  std::vector<double> gradient, trial, trial_gradient;
  NewtonSystem system, trial_system;
  double trial_loss = NAN;  // what the line search found at state.x, if it has been there
  for (;; ++state.iteration) {
    if (objective.choose_nodes(state.x) || std::isnan(trial_loss)) {
      end.loss = objective.evaluate(state.x, &gradient, &system, control);
    } else {
      end.loss = trial_loss;
      std::swap(gradient, trial_gradient);
      std::swap(system, trial_system);
    }
    trial_loss = NAN;
    if (!std::isfinite(end.loss))
      throw Error(ErrorCode::Numerical, "the loss is not a number at iteration " + std::to_string(state.iteration),
                  "Check the priors; very wide ones can overflow.");

    auto direction = system.solve(gradient, threads, state.caution);
    const bool whole = direction.whole;
    end.decrement = -0.5 * (dot(gradient, direction.own) + dot(gradient, direction.pulled));
    bool clipped = false;
    const auto d = bounded(objective, state.x, gradient, std::move(direction), clipped);
    const double slope = dot(gradient, d);
    watch(end.loss, end.decrement);
    // A decrement from a mended Hessian, or a careful step, counts when it holds twice.
    const bool small = !clipped && end.decrement < tolerance;
    end.converged = small && ((whole && state.caution == 0) || state.was_small);
    state.was_small = small;
    end.kept = keep.stop_requested();
    if (end.converged || end.kept || state.iteration >= max_iterations) return end;

    const double noise = 1e-13 * std::fabs(end.loss);
    double t = 1;
    bool better = false;
    for (int attempt = 0; attempt < 30 && !better; ++attempt) {
      control.check();
      trial = state.x;
      for (std::size_t i = 0; i < trial.size(); ++i) trial[i] += t * d[i];
      const double loss = objective.evaluate(trial, &trial_gradient, &trial_system, control);
      if (std::isfinite(loss) && loss <= end.loss + 1e-4 * t * slope + noise) {
        better = true;
        trial_loss = loss;
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
