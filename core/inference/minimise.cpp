#include "core/inference/minimise.hpp"

#include <algorithm>
#include <cmath>

#include "core/inference/mixture_objective.hpp"

namespace scriptorium::inference {
namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

constexpr std::size_t most_secants = 6;
constexpr double resolution = 1e-10;  // of the loss: what sums over 1e9 entries leave to be told apart

/// The Newton direction, corrected by what the last steps saw of the Hessian that the system does not have (two-loop
/// recursion of limited-memory BFGS; Nocedal and Wright, Numerical Optimization, 7.2).
template <class System>
NewtonSystem::Direction corrected(const System& system, std::vector<double> gradient,
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

/// A step to try.
struct Step {
  std::vector<double> d;
  double decrement = 0;  ///< nats that the whole step promises, without what the walls of Betas forbid
  bool cut = false;      ///< something was cut
};

/// What genes and units do by themselves is cut one by one; what moves them together (a ridge can ask for very far) as
/// one. Few that are pulled much further than nearly all are left out of that: their curvature is next to none, and
/// says nothing. Either way the step points downhill.
template <class Loss>
Step bounded(const Loss& objective, const std::vector<double>& x, const std::vector<double>& gradient,
             NewtonSystem::Direction direction) {
  auto& own = direction.own;
  const auto& pulled = direction.pulled;
  Step out;
  const auto wanted = own;
  objective.keep_inside(x, own);

  // The sites of a gene are cut as one: each for itself could turn its step uphill.
  std::vector<double> reach(own.size());  // how far beyond trust a block is pulled, at its first coordinate
  const auto cut = [&](std::size_t first, std::size_t size) {
    double by = 1, slope = 0;
    for (auto i = first; i < first + size; ++i) slope += own[i] * gradient[i];
    if (slope > 0) {  // the wall did: the sites that it does not hold go on without the others
      slope = 0;
      for (auto i = first; i < first + size; i += 2) {
        const bool free = std::fabs(own[i]) + std::fabs(own[i + 1]) >
                          0.5 * (std::fabs(wanted[i]) + std::fabs(wanted[i + 1])),
                   down = own[i] * gradient[i] + own[i + 1] * gradient[i + 1] < 0;
        if (!free || !down) own[i] = own[i + 1] = 0;
        slope += own[i] * gradient[i] + own[i + 1] * gradient[i + 1];
      }
    }
    out.decrement -= 0.5 * slope;
    for (auto i = first; i < first + size; i += 2) {
      by = std::max(by, excess(own, i));
      reach[first] = std::max(reach[first], excess(pulled, i));
    }
    out.cut = out.cut || by > 1;
    for (auto i = first; i < first + size; ++i) own[i] /= by;
  };
  double most = 1;
  std::vector<bool> left(own.size());  // blocks that are not pulled
  const auto cut_all = [&](std::size_t first, std::size_t count, std::size_t size) {
    std::vector<double> all;
    for (std::size_t k = 0; k < count; ++k) {
      cut(first + k * size, size);
      all.push_back(reach[first + k * size]);
    }
    if (all.empty()) return;
    const auto nearly_last = all.end() - 1 - static_cast<std::ptrdiff_t>(count / 50);
    std::nth_element(all.begin(), nearly_last, all.end());
    const double flighty = std::max(1.0, 4 * *nearly_last);
    for (std::size_t k = 0; k < count; ++k) {
      const auto i = first + k * size;
      left[i] = reach[i] > flighty;
      if (!left[i]) most = std::max(most, reach[i]);
    }
  };
  const std::size_t scalar = objective.scalar_size(), size = objective.gene_size();
  if (scalar) cut_all(0, scalar / 2, 2);
  cut_all(scalar, objective.n_gene_blocks(), size);
  cut_all(objective.cell_at(0), (objective.size() - objective.cell_at(0)) / 2, 2);
  out.cut = out.cut || most > 1;
  out.decrement -= 0.5 * dot(gradient, pulled);

  const auto add_pulled = [&](double share) {
    out.d = own;
    for (std::size_t first = 0, next = 0; first < own.size(); first = next) {
      next = first + (first < scalar ? 2 : first < objective.cell_at(0) ? size : 2);
      const double by = left[first] ? 0 : share;
      out.cut = out.cut || by < 1;
      for (auto i = first; i < next; ++i) out.d[i] += by * pulled[i];
    }
  };
  for (const double share : {1 / most, 0.5 / most, 0.0}) {
    add_pulled(share);
    auto inside = out.d;
    objective.keep_inside(x, inside);
    const bool down = dot(gradient, inside) < 0;
    if (down) out.d = std::move(inside);
    if (down || dot(gradient, out.d) < 0) break;
  }
  return out;
}

/// After a trial that was no better: shortens, in `d`, the long steps of genes that lost by them what the trial was to
/// gain. One gene between two optima must not hold up all others. Returns whether there were any.
template <class Loss>
bool shorten_spoilers(const Loss& objective, const typename Loss::System& before, const typename Loss::System& after,
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

template <class Loss>
MinimiseEnd minimise(Loss& objective, MinimiseState& state, double tolerance, int max_iterations, int threads,
                     const RunControl& control, std::stop_token keep,
                     const std::function<void(double, double)>& watch) {
  MinimiseEnd end;
  std::vector<double> gradient, trial, trial_gradient;
  typename Loss::System system, trial_system;
  double trial_loss = NAN;  // what the line search found at state.x, if it has been there
  for (;; ++state.iteration) {
    const bool fresh = std::isnan(trial_loss);
    if ((fresh ? objective.choose_nodes(state.x) : objective.renew_nodes(state.x)) || fresh) {
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
    auto [d, decrement, cut] = bounded(objective, state.x, gradient, std::move(direction));
    end.decrement = decrement;
    double slope = dot(gradient, d);
    // Far from the end genes go their own way after each joint step, or one of them would hold up the others.
    const bool rough = cut && objective.genes_apart();
    watch(end.loss, end.decrement);
    // A decrement from a mended Hessian, or a careful step, counts when it holds twice.
    end.tolerance = std::max(tolerance, resolution * std::fabs(end.loss));
    const bool small = !cut && end.decrement < end.tolerance;
    end.converged = small && ((whole && state.caution == 0) || state.was_small);
    end.kept = keep.stop_requested();
    if (end.converged || end.kept || state.iteration >= max_iterations) {
      state.was_small = small;
      return end;
    }

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
    else if (t == 1 || end.decrement < end.tolerance)
      state.caution = std::max(state.caution - 1, 0);
    state.was_small = small;  // with the step: a stop before it repeats this iteration
    if (!better) {
      if (state.caution < 3) continue;
      end.stuck = true;
      return end;
    }
    if (rough) {
      state.secants.clear();
    } else if (objective.visits_nonzeros()) {
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

template MinimiseEnd minimise(Objective&, MinimiseState&, double, int, int, const RunControl&, std::stop_token,
                              const std::function<void(double, double)>&);
template MinimiseEnd minimise(MixtureObjective&, MinimiseState&, double, int, int, const RunControl&, std::stop_token,
                              const std::function<void(double, double)>&);

}  // namespace scriptorium::inference
