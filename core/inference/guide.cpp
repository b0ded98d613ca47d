#include "core/inference/guide.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/inference/gamma_slope.hpp"
#include "core/math/special.hpp"

namespace scriptorium::inference {
namespace {

constexpr std::int64_t grain = 256;

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

Guide::Guide(const model::Model& model, const Problem& one, bool scribe, int threads)
    : problem_(&one), places_(model, one), scribe_(scribe), threads_(threads), elements_(places_.size()) {
  for (std::size_t k = 0; k < places_.components(); ++k) {
    if (one.scalar) elements_[places_.scalar(k)].family = &*one.scalar;
    for (std::size_t g = 0; g < places_.n_genes(); ++g)
      for (std::size_t s = 0; s < places_.n_sites(); ++s) elements_[places_.gene(k, g, s)].family = &one.gene_sites[s];
  }
  for (std::size_t u = 0; u < places_.n_units(); ++u)
    elements_[places_.unit(u)] = {&*one.cell, one.units[u].prior_shift, true};
  if (model.components > 1) prior_ = model::layout(model).front().concentration;
}

std::vector<double> Guide::start() const {
  std::vector<double> x(size());
  for (std::size_t e = 0; e < elements_.size(); ++e) put(e, elements_[e].family->start().data(), x);
  if (n_weights() > 0) put_concentration(std::vector<double>(n_weights(), 1.0), x);
  return x;
}

void Guide::put(std::size_t e, const double* coordinates, std::vector<double>& x) const {
  const auto& family = *elements_[e].family;
  x[2 * e] = coordinates[0];
  x[2 * e + 1] = coordinates[1];
  if (!scribe_ || !family.beta()) return;
  const auto a = family.arguments(coordinates[0], coordinates[1]);
  x[2 * e] = std::log(a[0]);
  x[2 * e + 1] = std::log(a[1]);
}

std::array<double, 2> Guide::own(std::size_t e, const std::vector<double>& x) const {
  const auto& family = *elements_[e].family;
  if (scribe_ && family.beta()) return family.coordinates(std::exp(x[2 * e]), std::exp(x[2 * e + 1]));
  return {x[2 * e], x[2 * e + 1]};
}

std::array<double, 2> Guide::arguments(std::size_t e, const std::vector<double>& x) const {
  const auto c = own(e, x);
  return elements_[e].family->arguments(c[0], c[1]);
}

void Guide::put_concentration(const std::vector<double>& alpha, std::vector<double>& x) const {
  double* at = &x[2 * elements_.size()];
  for (std::size_t k = 0; k < alpha.size(); ++k) at[k] = std::log(scribe_ ? alpha[k] : alpha[k] / alpha.back());
  if (!scribe_) at[alpha.size() - 1] = std::log(sum_of(alpha));
}

std::vector<double> Guide::concentration(const std::vector<double>& x) const {
  const std::size_t k = n_weights(), first = 2 * elements_.size();
  std::vector<double> alpha(x.begin() + static_cast<std::ptrdiff_t>(first), x.end());
  if (k == 0) return alpha;
  const double log_all = alpha.back();
  if (!scribe_) {
    alpha.back() = 0;
    const double norm = math::log_sum_exp(alpha.data(), k);
    for (double& a : alpha) a += log_all - norm;
  }
  for (double& a : alpha) a = std::exp(a);
  return alpha;
}

/// From slopes in (a ∂/∂a, b ∂/∂b) of a Beta, as they stand for a Normal, to the coordinates'.
void Guide::add(std::size_t e, double ga, double gb, const std::vector<double>& x, std::vector<double>& to) const {
  if (!scribe_ && elements_[e].family->beta()) {
    const auto [a, b] = arguments(e, x);
    const double mean = (b * ga - a * gb) / (a + b);
    gb += ga;
    ga = mean;
  }
  to[2 * e] += ga;
  to[2 * e + 1] += gb;
}

/// From slopes in α_k ∂/∂α_k.
void Guide::add_concentration(const std::vector<double>& slopes, const std::vector<double>& x,
                              std::vector<double>& to) const {
  const std::size_t k = n_weights();
  double* at = &to[2 * elements_.size()];
  if (scribe_) {
    for (std::size_t j = 0; j < k; ++j) at[j] += slopes[j];
    return;
  }
  const auto alpha = concentration(x);
  const double all = sum_of(alpha), sum = sum_of(slopes);
  for (std::size_t j = 0; j + 1 < k; ++j) at[j] += slopes[j] - alpha[j] / all * sum;
  at[k - 1] += sum;
}

bool Guide::closed(const SiteFamily& family) const {
  return !scribe_ || family.site().prior.law == family.site().guide;
}

double Guide::divergence(const std::vector<double>& x, const std::vector<char>& active, double scale,
                         std::vector<double>* gradient) const {
  const auto n = static_cast<std::int64_t>(elements_.size());
  std::vector<double> parts(static_cast<std::size_t>(compute::pieces(n, grain)));
  compute::parallel_for(n, grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    for (auto e = static_cast<std::size_t>(first); e < static_cast<std::size_t>(last); ++e) {
      const auto& el = elements_[e];
      if (!active[e] || !closed(*el.family)) continue;
      const double weight = el.cell ? scale : 1;
      const auto c = own(e, x);
      const auto k = el.family->divergence(c[0], c[1], el.shift);
      parts[static_cast<std::size_t>(piece)] += weight * k.value;
      if (!gradient) continue;
      auto g = k.gradient;
      if (scribe_ && el.family->beta()) {  // from SiteFamily's coordinates to ln α and ln β
        const auto [a, b] = el.family->arguments(c[0], c[1]);
        g = {g[0] + a / (a + b) * g[1], -g[0] + b / (a + b) * g[1]};
      }
      (*gradient)[2 * e] += weight * g[0];
      (*gradient)[2 * e + 1] += weight * g[1];
    }
  });
  double sum = sum_of(parts);
  if (n_weights() == 0) return sum;
  const auto alpha = concentration(x);
  const double all = sum_of(alpha), prior_all = sum_of(prior_), psi = math::digamma(all);
  sum += math::log_gamma(all) - math::log_gamma(prior_all);
  std::vector<double> slopes;
  for (std::size_t k = 0; k < alpha.size(); ++k) {
    const double a = alpha[k], more = a - prior_[k];
    sum += math::log_gamma(prior_[k]) - math::log_gamma(a) + more * (math::digamma(a) - psi);
    slopes.push_back(a * (more * math::trigamma(a) - (all - prior_all) * math::trigamma(all)));
  }
  if (gradient) add_concentration(slopes, x, *gradient);
  return sum;
}

/// ln q on the axis of z.
double Guide::log_q(std::size_t e, const std::vector<double>& x, double z) const {
  const auto [a, b] = arguments(e, x);
  if (elements_[e].family->beta()) return -a * math::softplus(-z) - b * math::softplus(z) - math::log_beta(a, b);
  const double d = (z - a) / b;
  return -0.5 * d * d - std::log(b) - 0.5 * math::log_two_pi;
}

double Guide::sampled_divergence(const std::vector<double>& x, const GuideDraw& at, const std::vector<char>& active,
                                 double scale, double weight, std::vector<double>* gradient) const {
  double sum = 0;
  for (std::size_t e = 0; e < elements_.size(); ++e) {
    const auto& el = elements_[e];
    if (!active[e] || closed(*el.family)) continue;
    const double z = at.z[e], by = weight * (el.cell ? scale : 1);
    sum += by * (log_q(e, x, z) - el.family->log_prior(z, el.shift));
    if (!gradient) continue;
    const auto [a, b] = arguments(e, x);
    const double prior = -el.family->log_prior_slope(z, el.shift);
    if (!el.family->beta()) {  // ln q of a draw changes by its scale alone
      add(e, by * prior * at.slope_a[e], by * (prior * at.slope_b[e] - 1), x, *gradient);
      continue;
    }
    const double slope = prior + a * math::sigmoid(-z) - b * math::sigmoid(z), psi = math::digamma(a + b);
    add(e, by * (slope * at.slope_a[e] + a * (-math::softplus(-z) - math::digamma(a) + psi)),
        by * (slope * at.slope_b[e] + b * (-math::softplus(z) - math::digamma(b) + psi)), x, *gradient);
  }
  return sum;
}

double Guide::log_ratio(const std::vector<double>& x, const GuideDraw& at) const {
  const auto n = static_cast<std::int64_t>(elements_.size());
  std::vector<double> parts(static_cast<std::size_t>(compute::pieces(n, grain)));
  compute::parallel_for(n, grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    for (auto e = static_cast<std::size_t>(first); e < static_cast<std::size_t>(last); ++e)
      parts[static_cast<std::size_t>(piece)] +=
          log_q(e, x, at.z[e]) - elements_[e].family->log_prior(at.z[e], elements_[e].shift);
  });
  double sum = sum_of(parts);
  if (n_weights() == 0) return sum;
  const auto alpha = concentration(x);
  const double norm = math::log_sum_exp(at.log_weight.data(), n_weights());
  sum += math::log_gamma(sum_of(alpha)) - math::log_gamma(sum_of(prior_));
  for (std::size_t k = 0; k < alpha.size(); ++k)
    sum += math::log_gamma(prior_[k]) - math::log_gamma(alpha[k]) + (alpha[k] - prior_[k]) * (at.log_weight[k] - norm);
  return sum;
}

void Guide::draw(const std::vector<double>& x, std::uint64_t seed, math::Purpose purpose, std::uint64_t number,
                 bool mirrored, const std::vector<char>& active, bool slopes, GuideDraw& out) const {
  const std::size_t n = elements_.size();
  out.z.resize(n);
  out.slope_a.resize(n);
  out.slope_b.resize(n);
  const auto log_gamma_of = [&](math::Random& random, double a) {
    const double g = random.log_gamma_variate(a);
    return mirrored ? opposite_log_gamma(a, g) : g;
  };
  const std::size_t drawn = mirrored ? places_.n_scalars() : n;
  compute::parallel_for(static_cast<std::int64_t>(drawn), grain, threads_,
                        [&](std::int64_t, std::int64_t first, std::int64_t last) {
                          for (auto e = static_cast<std::size_t>(first); e < static_cast<std::size_t>(last); ++e) {
                            if (!active[e]) continue;
                            math::Random random(seed, purpose, number, e);
                            const auto [a, b] = arguments(e, x);
                            if (!elements_[e].family->beta()) {
                              const double noise = (mirrored ? -b : b) * random.normal();
                              out.z[e] = a + noise;
                              out.slope_a[e] = 1;
                              out.slope_b[e] = noise;
                              continue;
                            }
                            const double g1 = log_gamma_of(random, a), g2 = log_gamma_of(random, b);
                            out.z[e] = g1 - g2;
                            if (!slopes) continue;
                            out.slope_a[e] = a * log_gamma_slope(a, g1);
                            out.slope_b[e] = -b * log_gamma_slope(b, g2);
                          }
                        });
  const auto alpha = concentration(x);
  out.log_weight.resize(alpha.size());
  out.weight_slope.resize(alpha.size());
  for (std::size_t k = 0; k < alpha.size(); ++k) {
    math::Random random(seed, purpose, number, n + k);
    out.log_weight[k] = log_gamma_of(random, alpha[k]);
    if (slopes) out.weight_slope[k] = alpha[k] * log_gamma_slope(alpha[k], out.log_weight[k]);
  }
}

void Guide::add_slopes(const std::vector<double>& x, const GuideDraw& at, const std::vector<char>& active,
                       const std::vector<double>& slope, const std::vector<double>& weight_slope, double by,
                       std::vector<double>& gradient) const {
  for (std::size_t e = 0; e < elements_.size(); ++e)
    if (active[e]) add(e, by * slope[e] * at.slope_a[e], by * slope[e] * at.slope_b[e], x, gradient);
  if (n_weights() == 0) return;
  std::vector<double> slopes(n_weights());
  for (std::size_t k = 0; k < slopes.size(); ++k) slopes[k] = by * weight_slope[k] * at.weight_slope[k];
  add_concentration(slopes, x, gradient);
}

Posterior Guide::posterior(const std::vector<double>& x, const std::vector<std::size_t>& given) const {
  const auto& p = *problem_;
  const std::size_t k = places_.components();
  const bool mixture = n_weights() > 0;
  auto order = given;
  if (order.empty())
    for (std::size_t j = 0; j < k; ++j) order.push_back(j);
  Posterior out;
  if (mixture) {
    SitePosterior site{"mixing_weights",
                       model::Extent::Scalar,
                       model::Law::Dirichlet,
                       model::Transform::Identity,
                       {},
                       {},
                       static_cast<std::int64_t>(k)};
    const auto alpha = concentration(x);
    for (const auto j : order) {
      site.arg1.push_back(alpha[j]);
      site.arg2.push_back(sum_of(alpha) - alpha[j]);
    }
    out.sites.push_back(std::move(site));
  }
  const auto add_site = [&](const SiteFamily& family, model::Extent extent, bool shared, std::size_t n, auto&& place) {
    SitePosterior site{family.site().name,
                       extent,
                       family.site().guide,
                       family.beta() ? model::Transform::Sigmoid : family.transform(),
                       {},
                       {},
                       mixture && !shared ? static_cast<std::int64_t>(k) : 0};
    for (const auto j : shared ? std::vector<std::size_t>{0} : order)
      for (std::size_t i = 0; i < n; ++i) {
        const auto [a, b] = arguments(place(j, i), x);
        site.arg1.push_back(a);
        site.arg2.push_back(b);
      }
    out.sites.push_back(std::move(site));
  };
  if (p.scalar)
    add_site(*p.scalar, model::Extent::Scalar, places_.shared_scalar(), 1,
             [&](std::size_t j, std::size_t) { return places_.scalar(j); });
  for (std::size_t s = 0; s < places_.n_sites(); ++s)
    add_site(p.gene_sites[s], model::Extent::Gene, places_.shared_site(s), places_.n_genes(),
             [&](std::size_t j, std::size_t g) { return places_.gene(j, g, s); });
  if (p.cell)
    add_site(*p.cell, model::Extent::Cell, true, places_.n_units(),
             [&](std::size_t, std::size_t u) { return places_.unit(u); });
  return out;
}

std::vector<double> Guide::coordinates(const Posterior& posterior) const {
  const auto& p = *problem_;
  std::vector<double> x(size());
  if (posterior.conditional)
    throw Error(ErrorCode::Unsupported, "a structured posterior is no product of marginals",
                "Compare fits of the methods exact and svi.");
  const auto find = [&](const std::string& name, std::size_t n) -> const SitePosterior& {
    const auto& site = posterior.site(name);
    if (site.arg1.size() != n || site.arg2.size() != n)
      throw Error(ErrorCode::BadInput,
                  "the posterior of " + name + " has " + std::to_string(site.arg1.size()) +
                      " elements where the model "
                      "and data have " +
                      std::to_string(n),
                  "Give the model and the data of this fit.");
    return site;
  };
  const auto read = [&](const SiteFamily& family, bool shared, std::size_t n, auto&& place) {
    const std::size_t k = shared ? 1 : places_.components();
    const auto& site = find(family.site().name, k * n);
    const bool beta = site.law == model::Law::Beta || site.law == model::Law::BetaPrime;
    if (beta != family.beta() || (!beta && site.transform != family.transform()))
      throw Error(ErrorCode::BadInput, "the posterior of " + site.name + " is of another family than the model's",
                  "Give the model of this fit.");
    for (std::size_t j = 0; j < k; ++j)
      for (std::size_t i = 0; i < n; ++i)
        put(place(j, i), family.coordinates(site.arg1[j * n + i], site.arg2[j * n + i]).data(), x);
  };
  if (n_weights() > 0) put_concentration(find("mixing_weights", n_weights()).arg1, x);
  if (p.scalar)
    read(*p.scalar, places_.shared_scalar(), 1, [&](std::size_t j, std::size_t) { return places_.scalar(j); });
  for (std::size_t s = 0; s < places_.n_sites(); ++s)
    read(p.gene_sites[s], places_.shared_site(s), places_.n_genes(),
         [&](std::size_t j, std::size_t g) { return places_.gene(j, g, s); });
  if (p.cell) read(*p.cell, true, places_.n_units(), [&](std::size_t, std::size_t u) { return places_.unit(u); });
  return x;
}

}  // namespace scriptorium::inference
