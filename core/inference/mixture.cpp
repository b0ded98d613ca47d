#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

#include "core/compute/parallel.hpp"
#include "core/inference/minimise.hpp"
#include "core/inference/mixing.hpp"
#include "core/inference/mixture_objective.hpp"
#include "core/inference/mixture_start.hpp"
#include "core/inference/optimum.hpp"
#include "core/inference/solver.hpp"
#include "core/math/special.hpp"

// Variational EM of mixtures: q(component of each cell) × mean field over everything else.
namespace scriptorium::inference {
namespace {

constexpr int first_steps = 6;         // Newton steps of the first round, from moments
constexpr int steps = 2;               // of the others
constexpr double worth_moving = 0.01;  // nats of one cell
constexpr double nothing = 1e-12;      // of a cell: a component does without it
constexpr double worth_a_step = 0.01;  // of a round's gain: steps that promise less wait for the next round
constexpr double loose = 1;            // nats left at the end of a simpler model's fit
constexpr double resolution = 1e-10;   // of the loss: what sums over 1e9 entries leave to be told apart

/// A point of the search: where the sites are, and how cells are shared out.
struct Place {
  std::vector<double> x, share, concentration;
  double loss = INFINITY, left = INFINITY;
  std::int64_t round = 0;
  double gain = INFINITY;  ///< of the last round
  int small = 0;           ///< rounds in a row with less left than the tolerance
  bool gates_tried = false;
  double moved = INFINITY;  ///< gain of the last time that cells were tried in other components
};

using Watch = std::function<void(const Place&)>;

class VariationalEm {
 public:
  VariationalEm(const model::Model& model, const FitInput& input, const FitOptions& options)
      : options_(options),
        objective_(model, *input.summary, *input.counts, options.threads,
                   input.backend && input.backend->is_gpu() ? input.backend : nullptr),
        mixing_(model::layout(model).front().concentration, input.cell_logits) {}

  MixtureObjective& objective() { return objective_; }

  /// Rounds of one maximisation and one expectation until less than `tolerance` nats are estimated to be left.
  void run(Place& at, double tolerance, const FitControl& control, const Watch& watch) {
    if (at.concentration.empty())
      objective_.share_out(at.share);
    else
      restore(at);
    for (;;) {
      control.check();
      const double enough = std::max(tolerance, resolution * std::fabs(at.loss));
      if (at.small >= 2 && !try_gates(at, control) && !try_cells(at, control)) return;
      if (control.keep.stop_requested() || at.round >= options_.max_iterations) return;
      advance(at, control);
      at.small = at.left < enough ? at.small + 1 : 0;
      // Whatever gained more the last time goes next; the very last word has the test above.
      if (at.gain < at.moved && at.moved > enough) try_cells(at, control);
      watch(at);
    }
  }

 private:
  void restore(const Place& at) {
    objective_.share_out(at.share);
    mixing_.set(at.concentration);
  }

  void advance(Place& at, const FitControl& control) {
    const bool fresh = at.concentration.empty();
    if (at.x.empty()) at.x = objective_.start();
    mixing_.update(objective_.sizes());
    MinimiseState state;
    state.x = at.x;
    // The tolerance of the steps is far below what the rounds gain: most end by their number.
    double enough = 1e-3 * options_.tolerance;
    if (std::isfinite(at.gain)) enough = std::max(enough, worth_a_step * at.gain);
    const auto end = minimise(objective_, state, enough, fresh ? first_steps : steps, options_.threads, control, {},
                              [](double, double) {});
    at.x = std::move(state.x);
    expect(at, control);
    // Gains fall geometrically near the end: what is left is the rest of that series, and what the steps left.
    at.left += end.decrement;
    ++at.round;
  }

  /// Shares the cells out again, and what that says of the loss.
  void expect(Place& at, const RunControl& control) {
    const std::size_t k = objective_.components();
    auto share = objective_.scores(at.x, control);
    const double divergence = objective_.divergence() + mixing_.divergence();
    mixing_.add_log_weights(share);
    double likelihood = 0;
    for (std::size_t row = 0; row < share.size(); row += k) likelihood += math::softmax(&share[row], k);
    for (double& part : share)
      if (part < nothing) part = 0;
    const double loss = divergence - likelihood, gain = at.loss - loss;
    if (!std::isfinite(loss))
      throw Error(ErrorCode::Numerical, "the loss is not a number in round " + std::to_string(at.round),
                  "Check the priors; very wide ones can overflow.");
    const double ratio = std::isfinite(at.gain) && at.gain > 0 ? std::clamp(gain / at.gain, 0.0, 0.98) : 0.98;
    at.left = std::isfinite(gain) ? std::max(gain, 0.0) * ratio / (1 - ratio) : INFINITY;
    if (std::isfinite(gain)) at.left = std::max(at.left, std::max(gain, 0.0));
    at.gain = gain;
    at.loss = loss;
    at.concentration = mixing_.concentration();
    at.share = std::move(share);
    objective_.share_out(at.share);
  }

  /// Gates have two explanations of zeros: once the rest has converged the other one is tried. Whether it gained.
  bool try_gates(Place& at, const RunControl& control) {
    if (objective_.problem().gate_at < 0 || at.gates_tried) return false;
    at.gates_tried = true;
    objective_.choose_nodes(at.x);
    const double gain = objective_.improve_genes(at.x, control);
    if (gain < options_.tolerance) return false;
    at.small = 0;
    at.gain = INFINITY;
    return true;
  }

  /// Cells whose captures hold them in a component are tried in the others. Whether it gained.
  bool try_cells(Place& at, const RunControl& control) {
    std::vector<double> log_weight(at.share.size(), 0.0);
    mixing_.add_log_weights(log_weight);
    at.moved = objective_.move_cells(at.x, at.share, log_weight, worth_moving, control);
    if (at.moved < options_.tolerance) return false;
    at.small = 0;
    at.gain = INFINITY;
    return true;
  }

  const FitOptions& options_;
  MixtureObjective objective_;
  MixingPosterior mixing_;
};

/// The simpler model fitted from every start, and the best of these carried over. @return their losses
std::vector<double> begin(Place& at, VariationalEm& em, const MixtureStarts& starts, int restarts,
                          const FitInput& input, const FitOptions& options, const FitControl& control) {
  VariationalEm first(plainer(input.model), input, options);
  Place plain;
  std::vector<double> losses;
  for (int start = 0; start < restarts; ++start) {
    control.tell(-1, "fitting the negative binomial to begin with, start " + std::to_string(start + 1) + " of " +
                         std::to_string(restarts));
    Place one;
    one.share = starts.responsibilities(start, control);
    first.run(one, loose, control, [](const Place&) {});
    losses.push_back(one.loss);
    if (!(plain.loss <= one.loss)) plain = std::move(one);
    if (control.keep.stop_requested()) break;
  }
  auto& objective = em.objective();
  objective.share_out(plain.share);
  std::vector<std::vector<double>> of_parts;
  for (std::size_t k = 0; k < objective.components(); ++k)
    of_parts.push_back(carry_over(objective.part(k), first.objective().part(k), first.objective().of_part(plain.x, k)));
  at.x = objective.put_together(of_parts);
  objective.improve_genes(at.x, control);
  at.share = std::move(plain.share);
  return losses;
}

/// Components by falling size; as the annotation has them where there is one.
std::vector<std::size_t> order_of(const MixtureObjective& objective, bool annotated) {
  std::vector<std::size_t> order(objective.components());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto& sizes = objective.sizes();
  if (!annotated)
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return sizes[a] > sizes[b]; });
  return order;
}

Posterior posterior_of(const model::Model& model, const MixtureObjective& objective, const Place& at,
                       const std::vector<std::size_t>& order) {
  const auto k = static_cast<std::int64_t>(order.size());
  const auto layout = model::layout(model);
  const auto shared_by_all = [&](const std::string& name) {
    return std::ranges::any_of(layout, [&](const auto& site) { return site.name == name && !site.by_component; });
  };
  Posterior out;
  SitePosterior mixing{
      "mixing_weights", model::Extent::Scalar, model::Law::Dirichlet, model::Transform::Identity, {}, {}, k};
  const double all = std::accumulate(at.concentration.begin(), at.concentration.end(), 0.0);
  for (const auto j : order) {
    mixing.arg1.push_back(at.concentration[j]);
    mixing.arg2.push_back(all - at.concentration[j]);
  }
  out.sites.push_back(std::move(mixing));
  for (std::size_t place = 0; place < order.size(); ++place) {
    auto sites = sites_at(objective.part(order[place]), objective.of_part(at.x, order[place]));
    for (std::size_t s = 0; s < sites.size(); ++s) {
      const bool shared = shared_by_all(sites[s].name);
      if (place == 0) {
        out.sites.push_back(std::move(sites[s]));
        if (!shared) out.sites.back().components = k;
      } else if (!shared) {
        auto& to = out.sites[s + 1];
        to.arg1.insert(to.arg1.end(), sites[s].arg1.begin(), sites[s].arg1.end());
        to.arg2.insert(to.arg2.end(), sites[s].arg2.begin(), sites[s].arg2.end());
      }
    }
  }
  return out;
}

std::map<std::string, std::vector<double>> pack(const Place& at, const Place& best, const std::vector<double>& losses) {
  std::map<std::string, std::vector<double>> arrays;
  for (const auto& [name, place] : {std::pair{"", &at}, {"best_", &best}}) {
    const std::string prefix = name;
    arrays[prefix + "x"] = place->x;
    arrays[prefix + "share"] = place->share;
    arrays[prefix + "concentration"] = place->concentration;
    arrays[prefix + "numbers"] = {place->loss,
                                  place->left,
                                  static_cast<double>(place->round),
                                  place->gain,
                                  static_cast<double>(place->small),
                                  place->gates_tried ? 1.0 : 0.0,
                                  place->moved};
  }
  arrays["losses"] = losses;
  return arrays;
}

Place unpack(const Checkpoint& checkpoint, const std::string& prefix) {
  Place at;
  at.x = checkpoint.arrays.at(prefix + "x");
  at.share = checkpoint.arrays.at(prefix + "share");
  at.concentration = checkpoint.arrays.at(prefix + "concentration");
  const auto& numbers = checkpoint.arrays.at(prefix + "numbers");
  at.loss = numbers.at(0);
  at.left = numbers.at(1);
  at.round = static_cast<std::int64_t>(numbers.at(2));
  at.gain = numbers.at(3);
  at.small = static_cast<int>(numbers.at(4));
  at.gates_tried = numbers.at(5) != 0;
  at.moved = numbers.at(6);
  return at;
}

}  // namespace

FitResult fit_mixture(const FitInput& input, const FitOptions& options, const Checkpoint* resume,
                      const FitControl& control) {
  if (!input.counts)
    throw Error(ErrorCode::BadInput, "a mixture needs the counts again, and they are not at hand",
                "Open the data that the summary was made from.");
  control.tell(-1, "preparing");
  VariationalEm em(input.model, input, options);
  const auto print = fingerprint(input, options);
  if (resume) check_resume(*resume, "mixture", print, em.objective().size());
  Recorder recorder(control, options, "mixture", print, resume);
  Place at, best;
  std::vector<double> losses, plain_losses;  // of starts; of the simpler model, where it chooses among them
  std::int64_t earlier = 0, best_began = 0;  // rounds of the starts before; before the best one
  if (resume) {
    at = unpack(*resume, "");
    best = unpack(*resume, "best_");
    losses = resume->arrays.at("losses");
    plain_losses = resume->arrays.at("plain_losses");
    best_began = static_cast<std::int64_t>(resume->arrays.at("best_began").at(0));
    if (!resume->trace.empty()) earlier = resume->trace.back().iteration - at.round;
  }
  int restarts = std::max(1, options.restarts);
  const auto keep = [&] {
    if (at.x.empty()) return;
    auto arrays = pack(at, best, losses);
    arrays["best_began"] = {static_cast<double>(best_began)};
    arrays["plain_losses"] = plain_losses;
    recorder.keep(std::move(arrays));
  };
  const auto watch = [&](const Place& place) {
    // Moving cells may gain as much again as the last time.
    const double left = std::isfinite(place.moved) ? std::max(place.left, place.moved) : place.left;
    char message[160];
    std::snprintf(message, sizeof message, "start %zu of %d, round %lld, loss %.4f, about %.2g nats left",
                  losses.size() + 1, restarts, static_cast<long long>(place.round), place.loss, left);
    const double done = 1 - std::log(std::max(1.0, left / options.tolerance)) / std::log(1e8);
    if (recorder.due()) keep();
    recorder.add(earlier + place.round, place.loss, left,
                 (static_cast<double>(losses.size()) + std::clamp(done, 0.0, 0.99)) / restarts, message);
  };
  try {
    const MixtureStarts starts(input, options, control);
    if (starts.alike()) restarts = 1;
    const bool simpler = has_plainer(em.objective().problem());
    const int tried = std::exchange(restarts, simpler ? 1 : restarts);
    while (static_cast<int>(losses.size()) < restarts) {
      if (at.x.empty()) {
        if (simpler)
          plain_losses = begin(at, em, starts, tried, input, options, control);
        else
          at.share = starts.responsibilities(static_cast<int>(losses.size()), control);
      }
      em.run(at, options.tolerance, control, watch);
      if (control.keep.stop_requested()) keep();  // with this start still under way
      losses.push_back(at.loss);
      if (!(best.loss <= at.loss)) best = at, best_began = earlier;
      earlier += at.round;
      if (control.keep.stop_requested()) break;
      at = {};
    }
  } catch (const Cancelled&) {
    keep();
    throw;
  }

  auto& objective = em.objective();
  objective.share_out(best.share);
  const auto order = order_of(objective, !input.cell_logits.empty());
  FitResult result;
  result.posterior = posterior_of(input.model, objective, best, order);
  result.loss = best.loss;
  for (auto point : recorder.trace()) {  // of the start that is kept
    point.iteration -= best_began;
    if (point.iteration > 0 && point.iteration <= best.round) result.trace.push_back(point);
  }
  result.seconds = recorder.seconds();
  auto& c = result.convergence;
  const double tolerance = std::max(options.tolerance, resolution * std::fabs(best.loss));
  c.converged = best.small >= 2;
  c.stopped_early = c.resumable = control.keep.stop_requested();
  c.notes = identifiability_notes(Problem(model::component_model(input.model), *input.summary, input.counts));
  if (losses.size() > 1) c.notes.push_back(losses_note(losses, ""));
  if (plain_losses.size() > 1) c.notes.push_back(losses_note(plain_losses, "of the negative binomial"));
  std::vector<double> sizes;
  for (const auto k : order) sizes.push_back(objective.sizes()[k]);
  note_dead_components(sizes, c.notes);
  char text[300];
  if (c.converged) {
    std::snprintf(
        text, sizeof text,
        "Converged after %lld rounds: about %.1g nats of ELBO are left to gain (rule: twice in a row the last "
        "gain, the rest of its series and half the Newton decrement together below %.1g).",
        static_cast<long long>(best.round), best.left, tolerance);
  } else {
    std::snprintf(text, sizeof text, "%s %lld rounds with about %.2g nats of ELBO still to gain.",
                  c.stopped_early ? "Stopped by you after" : "Not converged: ended after",
                  static_cast<long long>(best.round), best.left);
    c.advice = c.stopped_early ? "Resume it, or read it as provisional." : "Allow more iterations.";
  }
  c.verdict = text;
  return result;
}

}  // namespace scriptorium::inference
