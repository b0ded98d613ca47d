#include "core/analysis/assignments.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/analysis/dirichlet.hpp"
#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/math/special.hpp"
#include "core/result/components.hpp"
#include "core/result/estimates.hpp"

namespace scriptorium::analysis {
namespace {

constexpr double least_prior = 1e-6;

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

[[noreturn]] void refuse_no_mixture() {
  throw Error(ErrorCode::BadInput, "This fit is no mixture: its cells have no components to be assigned to.",
              "Fit with --components K.");
}

void check_request(const result::Fit& fit, const AssignmentOptions& options) {
  if (fit.model.components < 2) refuse_no_mixture();
  if (!(options.temperature > 0) || !std::isfinite(options.temperature))
    throw Error(ErrorCode::BadInput, "The temperature must be a number above 0.", "Give 1 for plain probabilities.");
  if (fit.point_only && options.draws > 0)
    throw Error(ErrorCode::BadInput, "These are point estimates; they have no posterior to draw from.",
                "Ask for assignments at the point (--map), or give a fit.");
}

/// Calls `each` with the split log likelihoods at the point, or of one posterior draw after another.
void for_each_point(const result::Fit& fit, const data::CountMatrix& counts, const AssignmentOptions& options,
                    bool by_gene, const RunControl& control,
                    const std::function<void(const result::Likelihood&)>& each) {
  check_request(fit, options);
  auto likelihood = options.likelihood;
  likelihood.split = true;
  likelihood.by_cell = !by_gene;
  likelihood.by_gene = by_gene;
  likelihood.scribe_by_gene = by_gene;
  if (options.draws == 0) {
    each(result::log_likelihood(fit.model, point_of_mixture(fit, options), counts, likelihood, control));
    return;
  }
  const result::PosteriorSampler sampler(fit.result.posterior, options.seed);
  for (int d = 0; d < options.draws; ++d) {
    control.tell(static_cast<double>(d) / options.draws, "assignments of draw " + std::to_string(d + 1));
    const auto draw = sampler.draw(static_cast<std::uint64_t>(d));
    model::Values point;
    for (const auto& site : fit.result.posterior.sites) {
      auto& array = point[site.name];
      result::append_axes(site, array);
      array.values = draw.values(site.name);
    }
    result::add_derived(fit.model, point);
    each(result::log_likelihood(fit.model, point, counts, likelihood, control));
  }
}

}  // namespace

std::vector<double> probabilities(std::span<const double> log_weight, std::int64_t components, double temperature) {
  const std::size_t k = size(components);
  std::vector<double> out(log_weight.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = log_weight[i] / temperature;
  for (std::size_t row = 0; row < out.size(); row += k) math::softmax(&out[row], k);
  return out;
}

std::vector<double> entropy(std::span<const double> probability, std::int64_t components, bool normalize) {
  const std::size_t k = size(components);
  const double scale = normalize ? 1 / std::log(static_cast<double>(components)) : 1;
  std::vector<double> out(probability.size() / k);
  for (std::size_t row = 0; row < out.size(); ++row) {
    double sum = 0;
    for (std::size_t j = 0; j < k; ++j) {
      const double p = probability[row * k + j];
      sum -= p > 0 ? p * std::log(p) : p;  // NaN stays NaN
    }
    out[row] = scale * sum;
  }
  return out;
}

model::Values point_of_mixture(const result::Fit& fit, const AssignmentOptions& options) {
  if (fit.model.components < 2) refuse_no_mixture();
  return result::map_estimate(fit,
                              {.use_mean = true, .mean_everywhere = options.mean_point, .canonical = !fit.point_only});
}

Assignments assign_cells(const result::Fit& fit, const data::CountMatrix& counts, const AssignmentOptions& options,
                         const RunControl& control) {
  Assignments out;
  out.rows = counts.n_cells;
  out.components = fit.model.components;
  const std::size_t k = size(out.components), cells = size(out.rows);
  out.entropy.assign(cells, 0.0);
  std::vector<ShareMoments> moments(options.draws > 0 ? cells : 0, ShareMoments(k));
  for_each_point(fit, counts, options, false, control, [&](const result::Likelihood& found) {
    auto share = probabilities(found.by_cell_component, out.components, options.temperature);
    const auto its = entropy(share, out.components, options.normalize);
    for (std::size_t c = 0; c < cells; ++c) out.entropy[c] += its[c] / std::max(options.draws, 1);
    for (std::size_t c = 0; c < moments.size(); ++c) moments[c].add(std::span(share).subspan(c * k, k));
    if (options.keep_draws) out.draws.insert(out.draws.end(), share.begin(), share.end());
    if (options.draws == 0) out.probability = std::move(share);
  });
  if (options.draws == 0) return out;
  out.concentration.resize(cells * k);
  out.probability.resize(cells * k);
  std::vector<std::uint8_t> capped(cells);
  compute::parallel_for(
      out.rows, 64, options.likelihood.threads, [&](std::int64_t, std::int64_t first, std::int64_t last) {
        control.check();
        for (auto c = size(first); c < size(last); ++c) {
          const auto its = options.scribe_fit ? fit_dirichlet_as_scribe(moments[c]) : fit_dirichlet(moments[c]);
          const double all = std::accumulate(its.concentration.begin(), its.concentration.end(), 0.0);
          for (std::size_t j = 0; j < k; ++j) {
            out.concentration[c * k + j] = its.concentration[j];
            out.probability[c * k + j] =
                options.scribe_fit ? its.concentration[j] / all : moments[c].sum[j] / moments[c].draws;
          }
          capped[c] = its.capped;
        }
      });
  out.capped.assign(capped.begin(), capped.end());
  return out;
}

std::vector<double> gene_entropy(const result::Fit& fit, const data::CountMatrix& counts,
                                 const AssignmentOptions& options, const RunControl& control) {
  std::vector<double> out(size(counts.n_genes), 0.0);
  for_each_point(fit, counts, options, true, control, [&](const result::Likelihood& found) {
    const auto its = entropy(probabilities(found.by_gene_component, fit.model.components, options.temperature),
                             fit.model.components, options.normalize);
    for (std::size_t g = 0; g < out.size(); ++g) out[g] += its[g] / std::max(options.draws, 1);
  });
  return out;
}

EmpiricalWeights empirical_mixing_weights(std::span<const double> log_weight, std::span<const double> pi,
                                          std::vector<double> prior) {
  const std::size_t k = pi.size();
  std::vector<double> bare(log_weight.begin(), log_weight.end());
  for (std::size_t i = 0; i < bare.size(); ++i) bare[i] -= std::log(pi[i % k]);
  const auto share = probabilities(bare, static_cast<std::int64_t>(k));
  EmpiricalWeights out;
  if (prior.empty()) prior.assign(k, 1);
  for (double& a : prior) a = std::max(a, least_prior);
  out.prior_concentrations = std::move(prior);
  out.effective_counts.assign(k, 0.0);
  for (std::size_t i = 0; i < share.size(); ++i) out.effective_counts[i % k] += share[i];
  double sum = 0;
  for (std::size_t j = 0; j < k; ++j) {
    out.concentrations.push_back(out.prior_concentrations[j] + out.effective_counts[j]);
    sum += out.concentrations[j];
  }
  for (const double a : out.concentrations) out.weights.push_back(a / sum);
  return out;
}

EmpiricalWeights empirical_weights(const result::Fit& fit, const data::CountMatrix& counts,
                                   const result::LikelihoodOptions& likelihood, bool mean_point,
                                   const RunControl& control) {
  AssignmentOptions at;
  at.mean_point = mean_point;
  const auto point = point_of_mixture(fit, at);
  auto options = likelihood;
  options.split = true;
  options.by_gene = false;
  const auto found = result::log_likelihood(fit.model, point, counts, options, control);
  return empirical_mixing_weights(found.by_cell_component, result::mixing_weights(fit.model, point),
                                  model::layout(fit.model).front().concentration);
}

result::Fit with_mixing_weights(const result::Fit& fit, const EmpiricalWeights& weights) {
  result::Fit out = fit;
  for (auto& site : out.result.posterior.sites) {
    if (site.name != "mixing_weights") continue;
    const double sum = std::accumulate(weights.concentrations.begin(), weights.concentrations.end(), 0.0);
    site.arg1 = weights.concentrations;
    for (std::size_t j = 0; j < site.arg1.size(); ++j) site.arg2[j] = sum - site.arg1[j];
  }
  return out;
}

std::vector<std::int64_t> live_components(std::span<const double> weights, std::int64_t components, double threshold) {
  const std::size_t k = size(components);
  std::vector<double> mean(k, 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i)
    mean[i % k] += weights[i] * static_cast<double>(k) / static_cast<double>(weights.size());
  std::vector<std::int64_t> live;
  for (std::size_t j = 0; j < k; ++j)
    if (mean[j] >= threshold) live.push_back(static_cast<std::int64_t>(j));
  if (live.empty()) live.push_back(std::max_element(mean.begin(), mean.end()) - mean.begin());
  return live;
}

std::vector<Duplicate> duplicate_components(std::span<const double> probability, std::int64_t components,
                                            double alike) {
  const std::size_t k = size(components);
  std::vector<double> product(k * k, 0.0);
  for (std::size_t row = 0; row < probability.size(); row += k)
    for (std::size_t i = 0; i < k; ++i)
      for (std::size_t j = i; j < k; ++j) product[i * k + j] += probability[row + i] * probability[row + j];
  std::vector<Duplicate> out;
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = i + 1; j < k; ++j) {
      const double cosine = product[i * k + j] / std::sqrt(product[i * k + i] * product[j * k + j]);
      if (cosine > alike) out.push_back({static_cast<std::int64_t>(i), static_cast<std::int64_t>(j), cosine});
    }
  return out;
}

std::vector<std::string> component_notes(std::span<const double> probability, const std::vector<std::string>& names) {
  constexpr double least = 0.5;  // cells of a component that has any
  const std::size_t k = names.size();
  std::vector<double> cells(k, 0.0);
  for (std::size_t i = 0; i < probability.size(); ++i) cells[i % k] += probability[i];
  std::vector<std::string> out;
  for (std::size_t j = 0; j < k; ++j)
    if (cells[j] < least) out.push_back("component " + names[j] + " has no cells");
  for (const auto& pair : duplicate_components(probability, static_cast<std::int64_t>(k)))
    if (cells[size(pair.first)] >= least && cells[size(pair.second)] >= least)
      out.push_back("components " + names[size(pair.first)] + " and " + names[size(pair.second)] +
                    " share their cells: they may be one");
  return out;
}

std::vector<double> separation_weights(std::span<const double> r, std::int64_t components) {
  const std::size_t k = size(components), genes = r.size() / k;
  std::vector<double> out(genes, 0.0);
  double sum = 0;
  for (std::size_t g = 0; g < genes; ++g) {
    for (std::size_t i = 0; i < k; ++i)
      for (std::size_t j = i + 1; j < k; ++j) out[g] += std::fabs(std::log(r[i * genes + g] / r[j * genes + g]));
    out[g] *= out[g];
    sum += out[g];
  }
  for (double& w : out) w /= sum;
  return out;
}

std::vector<double> top_mask(std::span<const double> weights, std::int64_t top) {
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  std::vector<double> out(weights.size(), 0.0);
  for (std::size_t i = 0; i < std::min(order.size(), size(top)); ++i) out[order[i]] = 1;
  return out;
}

}  // namespace scriptorium::analysis
