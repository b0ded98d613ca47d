#include "core/inference/svi_estimator.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/inference/gamma_slope.hpp"
#include "core/math/random.hpp"

namespace scriptorium::inference {

SviEstimator::SviEstimator(const FitInput& input, const FitOptions& options, const FitControl& control)
    : options_(options),
      svi_(options.svi),
      control_(control),
      problem_(input.model, *input.summary, input.counts, true),
      layout_(problem_, options.threads),
      likelihood_(problem_, options.threads, input.backend),
      axis_{svi_.mode == SviMode::Scribe} {
  cells_ = problem_.n_cells();
  batch_ = svi_.batch_size > 0 && svi_.batch_size < cells_ ? svi_.batch_size : 0;  // a batch of all cells is none
  if (batch_ && !input.counts)
    throw Error(ErrorCode::BadInput, "minibatches need the counts, and they are not at hand",
                "Open the data that the summary was made from, or fit all cells at once.");
  draws_ = axis_.scribe ? 1 : std::max(1, svi_.draws);
  x_ = layout_.start();
  bind();
  for (std::size_t e = 0; e < elements_.size(); ++e) {
    const auto& family = *elements_[e].family;
    const auto own = axis_.scribe ? family.start() : std::array<double, 2>{x_[2 * e], x_[2 * e + 1]};
    const auto u = axis_.from_coordinates(family, own[0], own[1]);
    x_[2 * e] = u[0];
    x_[2 * e + 1] = u[1];
  }
}

double SviEstimator::estimate(std::int64_t step, int draws, std::vector<double>* gradient) {
  std::vector<std::int64_t> batch = pick_batch(step);
  const double scale = batch.empty() ? 1 : static_cast<double>(cells_) / static_cast<double>(batch.size());
  std::vector<char> active(elements_.size(), 1);
  if (!batch.empty() && problem_.cell) {
    const std::size_t first = elements_.size() - static_cast<std::size_t>(cells_);
    std::fill(active.begin() + static_cast<std::ptrdiff_t>(first), active.end(), 0);
    for (const auto c : batch) active[first + static_cast<std::size_t>(c)] = 1;
  }
  if (gradient) gradient->assign(x_.size(), 0.0);
  double loss = divergence(active, scale, gradient);
  std::vector<double> slope_a(elements_.size()), slope_b(elements_.size());
  for (int d = 0; d < draws; ++d) {
    draw(step * draws_ + d, active, gradient ? &slope_a : nullptr, &slope_b);
    if (rule_over_scalar())
      loss -= expect_over_scalar(batch, scale, draws, gradient);
    else
      loss -= likelihood_.evaluate(point_, batch, scale, slopes_, control_) / draws;
    loss += sampled_divergence(active, scale, draws, gradient, slope_a, slope_b);
    if (!gradient) continue;
    for (std::size_t e = 0; e < elements_.size(); ++e) {
      if (!active[e]) continue;
      const double s = -*elements_[e].slope / draws;
      add(e, s * slope_a[e], s * slope_b[e], *gradient);
    }
  }
  return loss;
}

Posterior SviEstimator::posterior(const std::vector<double>& at) const {
  std::vector<double> own(at.size());
  for (std::size_t e = 0; e < elements_.size(); ++e) {
    const auto c = axis_.to_coordinates(*elements_[e].family, at[2 * e], at[2 * e + 1]);
    own[2 * e] = c[0];
    own[2 * e + 1] = c[1];
  }
  return posterior_at(layout_, own);
}

void SviEstimator::bind() {
  const auto genes = static_cast<std::size_t>(problem_.n_genes()), sites = problem_.gene_sites.size();
  point_.genes.resize(genes * sites);
  point_.units.resize(problem_.units.size());
  slopes_.genes.resize(genes * sites);
  slopes_.units.resize(problem_.units.size());
  if (problem_.scalar) elements_.push_back({&*problem_.scalar, &point_.scalar, &slopes_.scalar, 0, false});
  for (std::size_t i = 0; i < genes * sites; ++i)
    elements_.push_back({&problem_.gene_sites[i % sites], &point_.genes[i], &slopes_.genes[i], 0, false});
  for (std::size_t u = 0; u < problem_.units.size(); ++u)
    elements_.push_back({&*problem_.cell, &point_.units[u], &slopes_.units[u], problem_.units[u].prior_shift, true});
}

std::vector<std::int64_t> SviEstimator::pick_batch(std::int64_t step) {
  if (!batch_) return {};
  order_.resize(static_cast<std::size_t>(cells_));
  std::iota(order_.begin(), order_.end(), std::int64_t{0});
  math::Random random(options_.seed, math::Purpose::Minibatch, static_cast<std::uint64_t>(step));
  for (std::int64_t i = 0; i < batch_; ++i) {
    const auto j = i + static_cast<std::int64_t>(random.uniform() * static_cast<double>(cells_ - i));
    std::swap(order_[static_cast<std::size_t>(i)], order_[static_cast<std::size_t>(j)]);
  }
  std::vector<std::int64_t> batch(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(batch_));
  std::sort(batch.begin(), batch.end());
  return batch;
}

double SviEstimator::expect_over_scalar(const std::vector<std::int64_t>& batch, double scale, int draws,
                                        std::vector<double>* gradient) {
  const auto& f = *problem_.scalar;
  f.make_axis_rule(x_[0], x_[1], std::min(16, f.nodes_for(x_[0], x_[1])), scalar_rule_);
  PointGradient sum;
  sum.genes.assign(point_.genes.size(), 0.0);
  sum.units.assign(point_.units.size(), 0.0);
  double value = 0, first = 0;
  for (std::size_t k = 0; k < scalar_rule_.size(); ++k) {
    const double w = scalar_rule_.weight[k];
    if (w < 1e-12) continue;
    point_.scalar = scalar_rule_.value[k];
    const double ll = likelihood_.evaluate(point_, batch, scale, slopes_, control_);
    if (first == 0) first = ll;
    value += w * ll;
    if (gradient)
      for (std::size_t i = 0; i < 2; ++i) (*gradient)[i] -= w * scalar_rule_.score[i][k] * (ll - first) / draws;
    for (std::size_t i = 0; i < sum.genes.size(); ++i) sum.genes[i] += w * slopes_.genes[i];
    for (std::size_t i = 0; i < sum.units.size(); ++i) sum.units[i] += w * slopes_.units[i];
  }
  std::copy(sum.genes.begin(), sum.genes.end(), slopes_.genes.begin());  // in place: elements point there
  std::copy(sum.units.begin(), sum.units.end(), slopes_.units.begin());
  slopes_.scalar = 0;
  return value / draws;
}

bool SviEstimator::closed(const SiteFamily& f) const {
  if (!axis_.scribe) return true;
  const auto law = f.site().prior.law;
  return law == f.site().guide;
}

double SviEstimator::divergence(const std::vector<char>& active, double scale, std::vector<double>* gradient) {
  constexpr std::int64_t grain = 256;
  const auto n = static_cast<std::int64_t>(elements_.size());
  std::vector<double> parts(static_cast<std::size_t>(compute::pieces(n, grain)));
  compute::parallel_for(n, grain, options_.threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    for (auto e = static_cast<std::size_t>(first); e < static_cast<std::size_t>(last); ++e) {
      const auto& el = elements_[e];
      if (!active[e] || !closed(*el.family)) continue;
      const double weight = el.cell ? scale : 1;
      const auto c = axis_.to_coordinates(*el.family, x_[2 * e], x_[2 * e + 1]);
      const auto k = el.family->divergence(c[0], c[1], el.shift);
      parts[static_cast<std::size_t>(piece)] += weight * k.value;
      if (!gradient) continue;
      const auto a = el.family->arguments(c[0], c[1]);
      const auto g = axis_.from_own(*el.family, a[0], a[1], k.gradient);
      (*gradient)[2 * e] += weight * g[0];
      (*gradient)[2 * e + 1] += weight * g[1];
    }
  });
  double sum = 0;
  for (const double v : parts) sum += v;
  return sum;
}

void SviEstimator::draw(std::int64_t number, const std::vector<char>& active, std::vector<double>* slope_a,
                        std::vector<double>* slope_b) {
  compute::parallel_for(static_cast<std::int64_t>(elements_.size()), 256, options_.threads,
                        [&](std::int64_t, std::int64_t first, std::int64_t last) {
                          for (auto e = static_cast<std::size_t>(first); e < static_cast<std::size_t>(last); ++e) {
                            const auto& el = elements_[e];
                            math::Random random(options_.seed, math::Purpose::Svi, static_cast<std::uint64_t>(number),
                                                e);
                            const auto c = axis_.to_coordinates(*el.family, x_[2 * e], x_[2 * e + 1]);
                            const auto arg = el.family->arguments(c[0], c[1]);
                            if (!active[e]) continue;
                            if (!el.family->beta()) {
                              const double noise = arg[1] * random.normal();
                              *el.z = arg[0] + noise;
                              if (slope_a) (*slope_a)[e] = 1, (*slope_b)[e] = noise;
                              continue;
                            }
                            const double g1 = random.log_gamma_variate(arg[0]), g2 = random.log_gamma_variate(arg[1]);
                            *el.z = g1 - g2;
                            if (slope_a) {
                              (*slope_a)[e] = arg[0] * log_gamma_slope(arg[0], g1);
                              (*slope_b)[e] = -arg[1] * log_gamma_slope(arg[1], g2);
                            }
                          }
                        });
}

double SviEstimator::sampled_divergence(const std::vector<char>& active, double scale, int draws,
                                        std::vector<double>* gradient, const std::vector<double>& slope_a,
                                        const std::vector<double>& slope_b) {
  double sum = 0;
  for (std::size_t e = 0; e < elements_.size(); ++e) {
    const auto& el = elements_[e];
    if (!active[e] || closed(*el.family)) continue;
    const double weight = (el.cell ? scale : 1) / draws, loc = x_[2 * e], log_scale = x_[2 * e + 1],
                 d = (*el.z - loc) / std::exp(log_scale);
    sum += weight * (-0.5 * d * d - log_scale - 0.5 * math::log_two_pi - el.family->log_prior(*el.z, el.shift));
    if (!gradient) continue;
    const double s = -weight * el.family->log_prior_slope(*el.z, el.shift);
    (*gradient)[2 * e] += s * slope_a[e];
    (*gradient)[2 * e + 1] += s * slope_b[e] - weight;
  }
  return sum;
}

void SviEstimator::add(std::size_t e, double ga, double gb, std::vector<double>& gradient) const {
  const auto& f = *elements_[e].family;
  if (f.beta()) {
    const auto c = axis_.to_coordinates(f, x_[2 * e], x_[2 * e + 1]);
    const auto arg = f.arguments(c[0], c[1]);
    const auto g = axis_.from_log_arguments(arg[0], arg[1], ga, gb);
    ga = g[0];
    gb = g[1];
  }
  gradient[2 * e] += ga;
  gradient[2 * e + 1] += gb;
}

}  // namespace scriptorium::inference
