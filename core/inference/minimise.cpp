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

constexpr std::size_t most_secants = 6;

/// The Newton direction, corrected by what the last steps saw of the Hessian that the system does not have (two-loop
/// recursion of limited-memory BFGS; Nocedal and Wright, Numerical Optimization, 7.2).
NewtonSystem::Direction corrected(const NewtonSystem& system, std::vector<double> gradient,
                                  const std::vector<Secant>& secants, int threads, int caution) {
  std::vector<double> along(secants.size()), size(secants.size());
  for (std::size_t i = secants.size(); i-- > 0;) {
    const auto& [step, change] = secants[i];
    size[i] = dot(step, change);
    along[i] = dot(step, gradient) / size[i];
    for (std::size_t k = 0; k < gradient.size(); ++k) gradient[k] -= along[i] * change[k];
  }
  auto direction = system.solve(gradient, threads, caution);
  for (std::size_t i = 0; i < secants.size(); ++i) {
    const auto& [step, change] = secants[i];
    const double by = along[i] - (-dot(change, direction.own) - dot(change, direction.pulled)) / size[i];
    for (std::size_t k = 0; k < step.size(); ++k) direction.pulled[k] -= by * step[k];
  }
  return direction;
}

/// How far a site may go in one step, which is as far as its quadrature was chosen for: first coordinates 3, log scales
/// 1.5. Above 1: too far.
double excess(const std::vector<double>& d, std::size_t i) {
  return std::max(std::fabs(d[i]) / 3, std::fabs(d[i + 1]) / 1.5);
}

/// The step to try: what genes and units do by themselves is cut one by one, what moves them together (a ridge can ask
/// for very far) as one. Either way it points downhill. `clipped`: whether anything was cut.
std::vector<double> bounded(const Objective& objective, const std::vector<double>& x,
                            const std::vector<double>& gradient, NewtonSystem::Direction direction, bool& clipped) {
  auto& own = direction.own;
  const auto& pulled = direction.pulled;
  clipped = false;
  // The sites of a gene are cut as one: each for itself could turn its step uphill, and where the wall does, it waits.
  const auto cut = [&](std::size_t first, std::size_t size) {
    double by = 1, slope = 0;
    for (auto i = first; i < first + size; i += 2) by = std::max(by, excess(own, i));
    clipped = clipped || by > 1;
    for (auto i = first; i < first + size; ++i) slope += (own[i] /= by) * gradient[i];
    if (slope > 0) std::fill_n(own.begin() + static_cast<std::ptrdiff_t>(first), size, 0.0);
  };
  objective.keep_inside(x, own);
  const auto size = objective.gene_size();
  if (objective.scalar_size()) cut(0, 2);
  for (std::int64_t g = 0; g < objective.problem().n_genes(); ++g) cut(objective.gene_at(g), size);
  for (std::size_t u = 0; u < objective.problem().units.size(); ++u) cut(objective.cell_at(u), 2);
  // How far all may be pulled: as far as the cells and the scalar may, and all but the flightiest genes.
  const auto furthest = [&](std::size_t first, std::size_t count) {
    double most = 0;
    for (auto i = first; i < first + count; i += 2) most = std::max(most, excess(pulled, i));
    return most;
  };
  const auto genes = static_cast<std::size_t>(objective.problem().n_genes());
  std::vector<double> by_gene;
  for (std::size_t g = 0; g < genes; ++g)
    by_gene.push_back(furthest(objective.gene_at(static_cast<std::int64_t>(g)), size));
  auto sorted = by_gene;
  const auto nearly_all = sorted.begin() + static_cast<std::ptrdiff_t>(genes - 1 - genes / 50);
  std::nth_element(sorted.begin(), nearly_all, sorted.end());
  const auto cells = objective.cell_at(0);
  const double most =
      std::max({1.0, *nearly_all, furthest(0, objective.scalar_size()), furthest(cells, pulled.size() - cells)});
  clipped = clipped || most > 1;
  for (const double share : {1 / most, 0.5 / most, 0.0}) {
    auto d = own;
    for (std::size_t i = 0; i < objective.scalar_size(); ++i) d[i] += share * pulled[i];
    for (std::size_t g = 0; g < genes; ++g) {
      const auto at = objective.gene_at(static_cast<std::int64_t>(g));
      const double by = share / std::max(1.0, share * by_gene[g]);
      clipped = clipped || by < share;
      for (auto i = at; i < at + size; ++i) d[i] += by * pulled[i];
    }
    for (auto i = cells; i < d.size(); ++i) d[i] += share * pulled[i];
    auto inside = d;
    objective.keep_inside(x, inside);
    if (dot(gradient, inside) < 0) return inside;
    if (dot(gradient, d) < 0) return d;
  }
  return own;
}

/// After a trial that was no better: shortens, in `d`, the long steps of genes that lost by them what the trial was to
/// gain. One gene between two optima must not hold up all others. Returns whether there were any.
bool shorten_spoilers(const Objective& objective, const NewtonSystem& before, const NewtonSystem& after,
                      const std::vector<double>& gradient, double t, std::vector<double>& d) {
  constexpr double is_long = 0.3;
  bool any = false;
  const auto size = objective.gene_size();
  for (std::size_t g = 0; g < before.gene_loss.size(); ++g) {
    const auto at = objective.gene_at(static_cast<std::int64_t>(g));
    double slope = 0, longest = 0;
    for (auto i = at; i < at + size; ++i) {
      slope += gradient[i] * d[i];
      longest = std::max(longest, std::fabs(d[i]));
    }
    if (t * longest < is_long || after.gene_loss[g] - before.gene_loss[g] < t * slope) continue;
    for (auto i = at; i < at + size; ++i) d[i] *= 0.25;
    any = true;
  }
  return any;
}

}  // namespace

std::map<std::string, std::vector<double>> pack_state(const MinimiseState& state) {
  std::map<std::string, std::vector<double>> arrays{
      {"x", state.x},
      {"iteration",
       {static_cast<double>(state.iteration), static_cast<double>(state.caution), static_cast<double>(state.round),
        state.was_small ? 1.0 : 0.0}}};
  for (std::size_t i = 0; i < state.secants.size(); ++i) {
    arrays["step" + std::to_string(i)] = state.secants[i].step;
    arrays["change" + std::to_string(i)] = state.secants[i].change;
  }
  return arrays;
}

MinimiseState unpack_state(const Checkpoint& checkpoint) {
  const auto& counts = checkpoint.arrays.at("iteration");
  MinimiseState state;
  state.x = checkpoint.arrays.at("x");
  state.iteration = static_cast<std::int64_t>(counts.at(0));
  state.caution = static_cast<int>(counts.at(1));
  state.round = static_cast<int>(counts.at(2));
  state.was_small = counts.at(3) != 0;
  for (std::size_t i = 0; i < most_secants; ++i) {
    const auto step = checkpoint.arrays.find("step" + std::to_string(i)),
               change = checkpoint.arrays.find("change" + std::to_string(i));
    if (step == checkpoint.arrays.end() || change == checkpoint.arrays.end()) break;
    state.secants.push_back({step->second, change->second});
  }
  return state;
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

    auto direction = corrected(system, gradient, state.secants, threads, state.caution);
    const bool whole = direction.whole;
    end.decrement = -0.5 * (dot(gradient, direction.own) + dot(gradient, direction.pulled));
    bool clipped = false;
    auto d = bounded(objective, state.x, gradient, std::move(direction), clipped);
    double slope = dot(gradient, d);
    // Far from the end genes go their own way after each joint step, or one of them would hold up the others.
    const bool rough = clipped && objective.genes_apart();
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
      const double loss = rough ? objective.settle(trial, &trial_gradient, &trial_system, control)
                                : objective.evaluate(trial, &trial_gradient, &trial_system, control);
      if (std::isfinite(loss) && loss <= end.loss + 1e-4 * t * slope + noise) {
        better = true;
        trial_loss = loss;
        break;
      }
      if (auto shorter = d; attempt < 4 && std::isfinite(loss) &&
                            shorten_spoilers(objective, system, trial_system, gradient, t, shorter)) {
        if (const double rest = dot(gradient, shorter); rest < 0) {
          d = std::move(shorter);
          slope = rest;
          continue;
        }
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
    if (rough) {
      state.secants.clear();
    } else if (objective.problem().visits_nonzeros) {
      Secant secant{trial, trial_gradient};
      for (std::size_t i = 0; i < trial.size(); ++i) {
        secant.step[i] -= state.x[i];
        secant.change[i] -= gradient[i];
      }
      if (dot(secant.step, secant.change) > 0) state.secants.push_back(std::move(secant));
      if (state.secants.size() > most_secants) state.secants.erase(state.secants.begin());
    }
    state.x = trial;
  }
}

}  // namespace scriptorium::inference
