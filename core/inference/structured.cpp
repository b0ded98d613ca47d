#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/compute/parallel.hpp"
#include "core/inference/optimum.hpp"
#include "core/inference/solver.hpp"
#include "core/math/special.hpp"

namespace scriptorium::inference {
namespace {

/// Thrown where FitControl::keep ends the conditional fits.
struct Kept {};

/// The best mean-field fit of everything else, given the shared scalar at z.
struct Given {
  double z = 0;
  double loss = 0;  ///< −(ELBO + ln prior(z)), with the Gaussian correction for the coupling of genes and captures
  std::vector<double> x;
  std::vector<double> captures;  ///< coordinates of the units with the moments of the best factor of any shape
  std::vector<double> gene_extra, unit_extra;  ///< variance that the coupling adds to the first coordinates
};

class Conditioner {
 public:
  Conditioner(const Problem& problem, const FitOptions& options, const FitControl& control)
      : problem_(problem), options_(options), control_(control) {}

  Given at(double z, const std::vector<double>& warm) const {
    Objective objective(problem_, options_.threads, z);
    MinimiseState state;
    state.x = warm;
    const auto end = minimise(objective, state, options_.tolerance, options_.max_iterations, options_.threads, control_,
                              control_.keep, [](double, double) {});
    if (end.kept) throw Kept{};
    Given out{z, end.loss, std::move(state.x), {}, {}, {}};
    if (!problem_.capture) return out;
    out.captures = free_captures(objective, out);

    // Given the scalar, genes and captures meet only in −M·A. To second order the true conditional differs from the
    // factorised one by that coupling: its log normaliser by −½ ln det(I − Q_M Q_A), its variances by a rank-one term.
    NewtonSystem system;
    objective.evaluate(out.x, nullptr, &system, control_);
    const auto response = system.response(options_.threads);
    if (!response.proper) return out;
    out.loss += 0.5 * response.log_determinant;
    out.gene_extra = response.gene_variance;
    out.unit_extra = response.unit_variance;
    return out;
  }

  /// The best factor of a capture is known up to its constant, exp of the expected log joint, and need not look like
  /// its family (near ν = 1 it does not): its mean and variance by quadrature, put into the family. Where the cell's
  /// likelihood is not at hand in closed form the family's own optimum stays.
  std::vector<double> free_captures(const Objective& objective, const Given& given) const {
    const std::size_t units = problem_.units.size(), first = objective.cell_at(0);
    std::vector<double> out(given.x.begin() + static_cast<std::ptrdiff_t>(first), given.x.end());
    if (problem_.visits_nonzeros) return out;
    const auto& family = *problem_.cell;
    const double log_phi = problem_.scalar->read(given.z);
    std::vector<double> mean_sum(problem_.n_patterns(), 0.0);
    SiteRule rule;
    for (std::int64_t g = 0; g < problem_.n_genes(); ++g) {
      const auto at = objective.gene_at(g);
      problem_.gene_sites[0].make_rule(given.x[at], given.x[at + 1],
                                       problem_.gene_sites[0].nodes_for(given.x[at], given.x[at + 1]), false, rule);
      double mean = 0;
      for (std::size_t i = 0; i < rule.size(); ++i) mean += rule.weight[i] * std::exp(rule.value[i]);
      if (problem_.mean == Mean::MeanTimesOdds) mean *= std::exp(log_phi);
      for (std::uint32_t k = 0; k < mean_sum.size(); ++k)
        if (problem_.measured(static_cast<std::size_t>(g), k)) mean_sum[k] += mean;
    }
    compute::parallel_for(static_cast<std::int64_t>(units), 64, options_.threads,
                          [&](std::int64_t, std::int64_t begin, std::int64_t end) {
                            SiteRule nodes;
                            for (auto u = static_cast<std::size_t>(begin); u < static_cast<std::size_t>(end); ++u) {
                              const double x1 = out[2 * u], x2 = out[2 * u + 1];
                              family.make_axis_rule(x1, x2, std::max(24, family.nodes_for(x1, x2)), nodes);
                              const auto [a, b] = family.arguments(x1, x2);
                              double top = -INFINITY;
                              std::vector<double> w(nodes.size());
                              for (std::size_t i = 0; i < nodes.size(); ++i) {
                                const double z = nodes.value[i], d = family.read(z) - log_phi, zero = math::softplus(d);
                                const double target = problem_.units[u].total * (d - zero) -
                                                      mean_sum[problem_.units[u].pattern] * zero +
                                                      family.log_prior(z, problem_.units[u].prior_shift);
                                const double own = family.beta() ? -a * math::softplus(-z) - b * math::softplus(z)
                                                                 : -0.5 * (z - a) * (z - a) / (b * b);
                                top = std::max(top, w[i] = std::log(nodes.weight[i]) + target - own);
                              }
                              double sum = 0, mean = 0, square = 0;
                              for (std::size_t i = 0; i < nodes.size(); ++i) {
                                const double weight = std::exp(w[i] - top),
                                             v = family.beta() ? math::sigmoid(nodes.value[i]) : nodes.value[i];
                                sum += weight;
                                mean += weight * v;
                                square += weight * v * v;
                              }
                              mean /= sum;
                              const double variance = square / sum - mean * mean;
                              if (!(variance > 0)) continue;
                              const double total = family.beta() ? mean * (1 - mean) / variance - 1 : 0;
                              const auto c = family.beta() ? family.coordinates(mean * total, (1 - mean) * total)
                                                           : family.coordinates(mean, std::sqrt(variance));
                              if (std::isfinite(c[0]) && std::isfinite(c[1])) out[2 * u] = c[0], out[2 * u + 1] = c[1];
                            }
                          });
    return out;
  }

  /// Marginals given z: those of the factorised fit, widened by the coupling.
  std::vector<SitePosterior> sites(const Given& given) const {
    const Objective objective(problem_, options_.threads, given.z);
    auto x = given.x;
    std::copy(given.captures.begin(), given.captures.end(),
              x.begin() + static_cast<std::ptrdiff_t>(objective.cell_at(0)));
    auto sites = sites_at(objective, x);
    for (auto& site : sites) {
      const bool gene = site.name == problem_.gene_sites.front().site().name;
      if (!gene && site.extent != model::Extent::Cell) continue;
      const auto& extra = gene ? given.gene_extra : given.unit_extra;
      if (extra.empty()) continue;
      for (std::size_t i = 0; i < site.arg1.size(); ++i) {
        const double more = gene ? extra[i] : extra[problem_.unit_of_cell[i]];
        if (site.law == model::Law::Beta || site.law == model::Law::BetaPrime) {
          const double variance = math::trigamma(site.arg1[i]) + math::trigamma(site.arg2[i]);  // of the logit
          const double shrink = variance / (variance + more);
          site.arg1[i] *= shrink;
          site.arg2[i] *= shrink;
        } else {
          site.arg2[i] = std::sqrt(site.arg2[i] * site.arg2[i] + more);
        }
      }
    }
    return sites;
  }

 private:
  const Problem& problem_;
  const FitOptions& options_;
  const FitControl& control_;
};

/// One marginal with the mean and variance of a weighted mixture of marginals: on the natural scale for Betas, on the
/// axis of z for Normals.
SitePosterior mix(const std::vector<const SitePosterior*>& given, const std::vector<double>& weight) {
  SitePosterior out = *given.front();
  const bool beta = out.law == model::Law::Beta || out.law == model::Law::BetaPrime;
  for (std::size_t i = 0; i < out.arg1.size(); ++i) {
    double mean = 0, square = 0;
    for (std::size_t k = 0; k < given.size(); ++k) {
      const double a = given[k]->arg1[i], b = given[k]->arg2[i], s = a + b;
      const double m = beta ? a / s : a, v = beta ? a * b / (s * s * (s + 1)) : b * b;
      mean += weight[k] * m;
      square += weight[k] * (v + m * m);
    }
    const double variance = std::max(square - mean * mean, 1e-300);
    if (beta) {
      const double total = mean * (1 - mean) / variance - 1;
      out.arg1[i] = mean * total;
      out.arg2[i] = (1 - mean) * total;
    } else {
      out.arg1[i] = mean;
      out.arg2[i] = std::sqrt(variance);
    }
  }
  return out;
}

SitePosterior scalar_marginal(const Problem& problem, const std::vector<double>& z, const std::vector<double>& weight) {
  const auto& family = *problem.scalar;
  SitePosterior site{family.site().name, model::Extent::Scalar, family.site().guide, family.transform(), {0}, {0}};
  double mean = 0, square = 0;
  for (std::size_t k = 0; k < z.size(); ++k) {
    const double v = family.beta() ? math::sigmoid(z[k]) : z[k];
    mean += weight[k] * v;
    square += weight[k] * v * v;
  }
  const double variance = std::max(square - mean * mean, 1e-300), total = mean * (1 - mean) / variance - 1;
  site.arg1[0] = family.beta() ? mean * total : mean;
  site.arg2[0] = family.beta() ? (1 - mean) * total : std::sqrt(variance);
  return site;
}

}  // namespace

FitResult fit_structured(const FitInput& input, const FitOptions& options, const Checkpoint* resume,
                         const FitControl& control) {
  const Problem problem = problem_of(input);
  if (!problem.scalar)
    throw Error(ErrorCode::Unsupported,
                "structured needs a parameter shared by all genes, and " + input.model.parameterization + " has none",
                "Use exact, or another parameterization.");
  const auto print = fingerprint(input, options);

  // The factorised fit says where to look; what is resumed is what it had and the nodes done since.
  Recorder recorder(control, options, "structured", print, resume);
  Objective factorised(problem, options.threads);
  MinimiseState state;
  std::map<std::string, std::vector<double>> kept;
  if (resume) {
    check_resume(*resume, "structured", print, factorised.size());
    state = unpack_state(*resume);
    kept = resume->arrays;
  }
  std::int64_t step = 0;
  const auto keep_now = [&] {
    std::erase_if(
        kept, [](const auto& entry) { return entry.first.starts_with("step") || entry.first.starts_with("change"); });
    for (auto& [name, array] : pack_state(state)) kept[name] = std::move(array);
    recorder.keep(kept);
  };
  FitResult result;
  try {
    const auto first = find_optimum(factorised, state, input, options, control, [&](double loss, double decrement) {
      if (recorder.due()) keep_now();
      step = state.iteration + 1;
      recorder.add(state.iteration, loss, decrement, 0.05, "factorised fit, loss " + std::to_string(loss));
    });
    result.loss = first.loss;
    if (first.kept) throw Kept{};

    const Conditioner conditioner(problem, options, control);
    const std::vector<double> others(state.x.begin() + 2, state.x.end());
    // A node already done (before a resume) is not fitted again: stored as z, loss, x, extras.
    const auto given = [&](double z, const std::vector<double>& warm, double fraction) {
      char key[64];
      std::snprintf(key, sizeof key, "node %.17g", z);
      Given g;
      if (const auto at = kept.find(key); at != kept.end()) {
        const auto& v = at->second;
        const auto genes = static_cast<std::ptrdiff_t>(v[1]), units = static_cast<std::ptrdiff_t>(v[2]),
                   captures = 2 * static_cast<std::ptrdiff_t>(problem.units.size());
        g.z = z;
        g.loss = v[0];
        g.gene_extra.assign(v.begin() + 3, v.begin() + 3 + genes);
        g.unit_extra.assign(v.begin() + 3 + genes, v.begin() + 3 + genes + units);
        g.captures.assign(v.begin() + 3 + genes + units, v.begin() + 3 + genes + units + captures);
        g.x.assign(v.begin() + 3 + genes + units + captures, v.end());
      } else {
        g = conditioner.at(z, warm);
        std::vector<double> v{g.loss, static_cast<double>(g.gene_extra.size()),
                              static_cast<double>(g.unit_extra.size())};
        v.insert(v.end(), g.gene_extra.begin(), g.gene_extra.end());
        v.insert(v.end(), g.unit_extra.begin(), g.unit_extra.end());
        v.insert(v.end(), g.captures.begin(), g.captures.end());
        v.insert(v.end(), g.x.begin(), g.x.end());
        if (control.on_checkpoint) kept[key] = std::move(v);
        if (recorder.due()) keep_now();
      }
      recorder.add(step++, g.loss, -1, fraction,
                   "given " + problem.scalar->site().name + ", loss " + std::to_string(g.loss));
      return g;
    };

    // Mode and curvature of the scalar's marginal by parabolas; mean field has its sd too small, so start wide.
    const bool beta = problem.scalar->beta();
    const auto arguments = problem.scalar->arguments(state.x[0], state.x[1]);
    double centre = beta ? math::digamma(arguments[0]) - math::digamma(arguments[1]) : arguments[0];
    double sd = 2 * (beta ? std::sqrt(math::trigamma(arguments[0]) + math::trigamma(arguments[1])) : arguments[1]);
    Given middle = given(centre, others, 0.1);
    for (int attempt = 0; attempt < 12; ++attempt) {
      const Given left = given(centre - sd, middle.x, 0.1 + 0.02 * attempt),
                  right = given(centre + sd, middle.x, 0.11 + 0.02 * attempt);
      const double curvature = (left.loss - 2 * middle.loss + right.loss) / (sd * sd),
                   slope = (right.loss - left.loss) / (2 * sd);
      const double wanted = curvature > 0 ? 1 / std::sqrt(curvature) : 2 * sd;
      const double shift =
          curvature > 0 ? std::clamp(-slope / curvature, -2 * sd, 2 * sd) : (slope > 0 ? -2 * sd : 2 * sd);
      const bool settled = std::fabs(shift) < 0.3 * wanted && wanted > 0.6 * sd && wanted < 1.6 * sd;
      centre += shift;
      sd = std::clamp(wanted, 0.25 * sd, 4 * sd);
      if (settled) break;
      middle = given(centre, middle.x, 0.12 + 0.02 * attempt);
    }

    const int nodes = std::max(5, options.structured_nodes | 1), half = nodes / 2;
    const double width = 4.5;  // sds to each side
    std::vector<Given> grid(static_cast<std::size_t>(nodes));
    int done = 0;
    const auto fill = [&](int i, const std::vector<double>& warm) {
      grid[static_cast<std::size_t>(i)] =
          given(centre + sd * width * (i - half) / half, warm, 0.35 + 0.64 * ++done / nodes);
    };
    fill(half, middle.x);
    for (int i = half + 1; i < nodes; ++i) fill(i, grid[static_cast<std::size_t>(i - 1)].x);
    for (int i = half - 1; i >= 0; --i) fill(i, grid[static_cast<std::size_t>(i + 1)].x);

    double best = INFINITY;
    for (const auto& g : grid) best = std::min(best, g.loss);
    const double spacing = grid[1].z - grid[0].z;
    std::vector<double> z, weight, log_density;
    double sum = 0;
    for (const auto& g : grid) sum += std::exp(best - g.loss);
    for (const auto& g : grid) {
      z.push_back(g.z);
      weight.push_back(std::exp(best - g.loss) / sum);
      log_density.push_back(best - g.loss - std::log(sum * spacing));
    }
    Conditional conditional{problem.scalar->site().name, problem.scalar->transform(), z, log_density, {}};
    for (const auto& g : grid) conditional.sites.push_back(conditioner.sites(g));
    auto& sites = result.posterior.sites;
    sites.push_back(scalar_marginal(problem, z, weight));
    for (std::size_t s = 0; s < conditional.sites.front().size(); ++s) {
      std::vector<const SitePosterior*> same;
      for (const auto& node : conditional.sites) same.push_back(&node[s]);
      sites.push_back(mix(same, weight));
    }
    result.posterior.conditional = std::move(conditional);
    result.loss = best - std::log(sum * spacing);  // −ln ∫ e^ELBO(z) dz
    const double edge = std::max(weight.front(), weight.back()) / *std::max_element(weight.begin(), weight.end());
    auto& c = result.convergence;
    c.converged = first.converged && edge < 1e-2;
    char text[320];
    std::snprintf(
        text, sizeof text,
        "%s: %d conditional fits over %s, each to %.1g nats; the density at the ends of its grid is %.1g of its peak.",
        c.converged ? "Converged" : "Not converged", nodes, problem.scalar->site().name.c_str(), options.tolerance,
        edge);
    c.verdict = text;
    if (!c.converged)
      c.advice = first.converged ? "Use exact, or more grid nodes." : "Allow more iterations: those of exact ran out.";
    c.notes = identifiability_notes(problem);
  } catch (const Kept&) {
    keep_now();
    result.posterior = posterior_at(factorised, state.x);
    auto& c = result.convergence;
    c.stopped_early = c.resumable = true;
    c.verdict = "Stopped by you before the conditional fits were done: this is the factorised posterior of exact.";
    c.advice = "Resume it for honest intervals.";
    c.notes = identifiability_notes(problem);
  } catch (const Cancelled&) {
    keep_now();
    throw;
  }
  result.trace = recorder.trace();
  result.seconds = recorder.seconds();
  return result;
}

}  // namespace scriptorium::inference
