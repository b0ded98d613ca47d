#include "core/inference/optimum.hpp"

#include <algorithm>
#include <cmath>

namespace scriptorium::inference {
namespace {

constexpr int most_rounds = 4;
constexpr double nearly = 0.005;  // nats a gene: the joint steps are nearly there
constexpr double little = 1;      // nats

/// Middle of a marginal as the likelihood reads it, and its sd on the axis of z.
struct Middle {
  double value = 0, sd = 0.1;
};
Middle middle(const SiteFamily& family, const double* at) {
  const auto [a, b] = family.arguments(at[0], at[1]);
  if (!family.beta()) return {family.read(at[0]), std::max(b, 1e-4)};
  return {family.read(at[0]), std::sqrt(1 / a + 1 / b)};
}

}  // namespace

bool has_plainer(const Problem& problem) {
  return problem.gate_at >= 0 || problem.visits_nonzeros;
}

model::Model plainer(model::Model model) {
  model.likelihood = model::find_likelihood(model.likelihood).variable_capture ? "nbvcp" : "nbdm";
  if (model::find_parameterization(model.parameterization).key == "mean_disp") model.parameterization = "canonical";
  model::Model bare;
  bare.likelihood = model.likelihood;
  bare.parameterization = model.parameterization;
  bare.components = model.components;
  const auto sites = model::layout(bare);
  std::erase_if(model.mixture_params, [&](const auto& name) {
    return std::none_of(sites.begin(), sites.end(), [&](const auto& site) { return site.name == name; });
  });
  std::erase_if(model.priors, [&](const auto& prior) {
    return std::none_of(sites.begin(), sites.end(), [&](const auto& site) { return site.name == prior.first; });
  });
  return model;
}

std::vector<double> carry_over(const Objective& objective, const Objective& first, const std::vector<double>& y) {
  const Problem &p = objective.problem(), &plain = first.problem();
  auto x = objective.start();
  const Middle odds = middle(*plain.scalar, y.data());
  const auto capture = [&](std::size_t unit) { return middle(*plain.cell, &y[first.cell_at(unit)]); };
  if (objective.scalar_size()) p.scalar->place(odds.value, odds.sd, x.data());
  for (std::int64_t g = 0; g < p.n_genes(); ++g) {
    const Middle level = middle(plain.gene_sites[0], &y[first.gene_at(g)]);
    double* at = &x[objective.gene_at(g)];
    if (p.mean == Mean::MeanAndDispersion && plain.mean == Mean::DispersionIsSampled) {
      p.gene_sites[0].place(level.value - odds.value, level.sd, at);
      p.gene_sites[1].place(level.value, level.sd, at + 2);
    } else {
      p.gene_sites[0].place(level.value, level.sd, at);
    }
  }
  // Cells that share a unit there may have units of their own here.
  std::vector<bool> placed(p.units.size(), false);
  for (std::size_t c = 0; c < p.unit_of_cell.size(); ++c) {
    const auto u = p.unit_of_cell[c];
    if (placed[u]) continue;
    placed[u] = true;
    const Middle nu = capture(plain.unit_of_cell[c]);
    p.cell->place(nu.value, nu.sd, &x[objective.cell_at(u)]);
  }
  return x;
}

namespace {
std::vector<double> start(const Objective& objective, const FitInput& input, const FitOptions& options,
                          const FitControl& control) {
  const Problem& p = objective.problem();
  if (!has_plainer(p)) return objective.start();
  control.tell(-1, "fitting the negative binomial to begin with");
  const Problem plain(plainer(input.model), *input.summary, nullptr);
  Objective first(plain, options.threads);
  MinimiseState state;
  state.x = first.start();
  minimise(first, state, 1.0, options.max_iterations, options.threads, control, control.keep, [](double, double) {});
  return carry_over(objective, first, state.x);
}
}  // namespace

MinimiseEnd find_optimum(Objective& objective, MinimiseState& state, const FitInput& input, const FitOptions& options,
                         const FitControl& control, const std::function<void(double, double)>& watch) {
  if (state.x.empty()) {
    auto x = start(objective, input, options, control);
    objective.improve_genes(x, control);
    state.x = std::move(x);  // only now: a checkpoint of a half improved start would end elsewhere
  }
  // Single genes on the way from one explanation to the other hold up the joint steps: they are sent ahead once the
  // rest is nearly there, and again at the end where that changed much.
  const bool inflated = objective.problem().gate_at >= 0;
  for (;;) {
    double enough = options.tolerance;
    if (inflated && state.round < 2)
      enough =
          std::max(enough, state.round == 0 ? nearly * static_cast<double>(objective.problem().n_genes()) : little);
    auto end =
        minimise(objective, state, enough, options.max_iterations, options.threads, control, control.keep, watch);
    if (!inflated || !end.converged || state.round >= most_rounds) return end;
    auto x = state.x;
    const double gain = objective.improve_genes(x, control);
    state.x = std::move(x);
    end.loss -= gain;
    if (enough == options.tolerance && gain < std::max(end.tolerance, 1e-3)) return end;
    state.round = gain < little ? most_rounds : state.round + 1;
    state.was_small = false;
    state.secants.clear();
  }
}

}  // namespace scriptorium::inference
