#include "core/inference/site_rule.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "core/math/distributions.hpp"

namespace scriptorium::inference {

using model::Law;
using model::Transform;

namespace {

double apply(Transform t, double z) {
  switch (t) {
    case Transform::Identity:
      return z;
    case Transform::Sigmoid:
      return math::sigmoid(z);
    case Transform::Exp:
      return std::exp(z);
    case Transform::Softplus:
      return math::softplus(z);
  }
  return z;
}
double log_slope(Transform t, double z) {  // ln T'(z)
  switch (t) {
    case Transform::Identity:
      return 0;
    case Transform::Sigmoid:
      return math::log_sigmoid(z) + math::log_sigmoid(-z);
    case Transform::Exp:
      return z;
    case Transform::Softplus:
      return math::log_sigmoid(z);
  }
  return 0;
}
double log_slope_slope(Transform t, double z) {  // d/dz ln T'(z)
  switch (t) {
    case Transform::Identity:
      return 0;
    case Transform::Sigmoid:
      return 1 - 2 * math::sigmoid(z);
    case Transform::Exp:
      return 1;
    case Transform::Softplus:
      return math::sigmoid(-z);
  }
  return 0;
}
/// ln T(z) for positive transforms, without underflow.
double log_value(Transform t, double z) {
  if (t == Transform::Exp) return z;
  if (t == Transform::Softplus) return z < -35 ? z : std::log(math::softplus(z));
  return std::log(apply(t, z));
}

bool is_beta(Law law) {
  return law == Law::Beta || law == Law::BetaPrime;
}

/// KL(Beta(a, b) ‖ Beta(α, β)) with derivatives in (a, b); α = β = 0 gives minus the entropy on the logit axis.
Second beta_divergence(double a, double b, double alpha, double beta) {
  const double s = a + b, da = a - alpha, db = b - beta, ds = s - alpha - beta;
  const double t1a = math::trigamma(a), t1b = math::trigamma(b), t1s = math::trigamma(s);
  const double t2a = math::tetragamma(a), t2b = math::tetragamma(b), t2s = math::tetragamma(s);
  Second k;
  k.value = -math::log_beta(a, b) + da * math::digamma(a) + db * math::digamma(b) - ds * math::digamma(s);
  if (alpha > 0) k.value += math::log_beta(alpha, beta);
  k.gradient = {da * t1a - ds * t1s, db * t1b - ds * t1s};
  k.hessian = {t1a + da * t2a - t1s - ds * t2s, -t1s - ds * t2s, t1b + db * t2b - t1s - ds * t2s};
  return k;
}

/// From derivatives in (a, b) to derivatives in (ln a/b, ln(a+b)).
Second to_coordinates(const Second& k, double a, double b) {
  const double s = a + b, e = a * b / s, ee = e * (b - a) / s;
  Second out;
  out.value = k.value;
  const double g1 = k.gradient[0], g2 = k.gradient[1];
  out.gradient = {e * (g1 - g2), a * g1 + b * g2};
  const double h11 = k.hessian[0], h12 = k.hessian[1], h22 = k.hessian[2];
  out.hessian = {e * e * (h11 - 2 * h12 + h22) + ee * (g1 - g2),
                 e * (a * (h11 - h12) + b * (h12 - h22)) + e * (g1 - g2),
                 a * a * h11 + 2 * a * b * h12 + b * b * h22 + a * g1 + b * g2};
  return out;
}

}  // namespace

const math::Rule& hermite_rule(int nodes) {
  static std::array<math::Rule, 129> rules;
  static std::array<std::once_flag, 129> made;
  const auto n = static_cast<std::size_t>(std::clamp(nodes, 1, 128));
  std::call_once(made[n], [n] { rules[n] = math::gauss_hermite(static_cast<int>(n)); });
  return rules[n];
}

Second& Second::operator+=(const Second& other) {
  value += other.value;
  for (std::size_t i = 0; i < 2; ++i) gradient[i] += other.gradient[i];
  for (std::size_t i = 0; i < 3; ++i) hessian[i] += other.hessian[i];
  return *this;
}

SiteFamily::SiteFamily(const model::Site& site, Read what)
    : site_(site),
      read_(what),
      beta_(is_beta(site.guide)),
      transform_(beta_ ? Transform::Sigmoid : site.guide_transform) {
  start_ = coordinates(site.guide_start.a, site.guide_start.b);
}

std::array<double, 2> SiteFamily::arguments(double x1, double x2) const {
  if (!beta_) return {x1, std::exp(x2)};
  const double s = std::exp(x2);
  return {s * math::sigmoid(x1), s * math::sigmoid(-x1)};
}
std::array<double, 2> SiteFamily::coordinates(double arg1, double arg2) const {
  if (!beta_) return {arg1, std::log(arg2)};
  return {std::log(arg1 / arg2), std::log(arg1 + arg2)};
}

void SiteFamily::place(double what, double spread, double* out) const {
  // z with read(z) = what: every reading is monotone, so a few safeguarded Newton steps do.
  double low = -60, high = 60;
  const bool rising = read(high) > read(low);
  double z = 0;
  for (int step = 0; step < 80; ++step) {
    const double excess = read(z) - what;
    ((excess > 0) == rising ? high : low) = z;
    const double newton = z - excess / read_slope(z);
    const double next = newton > low && newton < high ? newton : 0.5 * (low + high);
    if (std::fabs(next - z) < 1e-10) break;
    z = next;
  }
  if (!beta_) {
    out[0] = z;
    out[1] = std::log(spread);
    return;
  }
  // Concentration whose logit has that variance: ψ₁(a) + ψ₁(b) ≈ 1/a + 1/b.
  const double p = math::sigmoid(z);
  out[0] = z;
  out[1] = std::log(1 / (p * (1 - p) * spread * spread));
}

int SiteFamily::nodes_for(double x1, double x2) const {
  if (beta_) {
    const auto [a, b] = arguments(x1, x2);
    return math::beta_nodes(a, b);
  }
  // The functions integrated are softplus-like on this axis (nearest singularity at ±iπ): see the README's table.
  // ln softplus bends at its origin where ln exp is straight, so it takes more.
  const double sd = std::exp(x2) * (transform_ == Transform::Softplus ? 1.7 : 1);
  return sd < 0.005  ? 3
         : sd < 0.02 ? 5
         : sd < 0.07 ? 6
         : sd < 0.18 ? 8
         : sd < 0.4  ? 12
         : sd < 0.8  ? 18
         : sd < 1.5  ? 24
         : sd < 3    ? 40
                     : 64;
}

double SiteFamily::read_as(Read what, double z) const {
  switch (what) {
    case Read::LogValue:
      return log_value(transform_, z);
    case Read::LogOdds:
      if (beta_ || transform_ == Transform::Sigmoid) return -z;  // z is the logit of p
      return log_value(transform_, z);
    case Read::LogCapture:
      if (site_.name == "eta_capture") return -apply(transform_, z);
      if (beta_ || transform_ == Transform::Sigmoid) return math::log_sigmoid(z);
      return -std::log1p(apply(transform_, z));
    case Read::Logit:
      return z;
  }
  return z;
}

double SiteFamily::read_slope(double z) const {
  const auto log_value_slope = [&] {
    if (transform_ == Transform::Exp) return 1.0;
    return z < -35 ? 1.0 : math::sigmoid(z) / math::softplus(z);
  };
  switch (read_) {
    case Read::LogValue:
      return log_value_slope();
    case Read::LogOdds:
      return beta_ || transform_ == Transform::Sigmoid ? -1.0 : log_value_slope();
    case Read::LogCapture: {
      if (site_.name == "eta_capture") return -std::exp(log_slope(transform_, z));
      if (beta_ || transform_ == Transform::Sigmoid) return math::sigmoid(-z);
      return -std::exp(log_slope(transform_, z)) / (1 + apply(transform_, z));
    }
    case Read::Logit:
      return 1;
  }
  return 1;
}

double SiteFamily::log_prior(double z, double prior_shift) const {
  const auto& prior = site_.prior;
  if (beta_ && is_beta(prior.law))  // z is the logit of p, for φ too
    return -prior.a * math::softplus(-z) - prior.b * math::softplus(z) - math::log_beta(prior.a, prior.b);
  // A Beta guide of φ lives on logit p = −ln φ; every other guide on its own transform's axis.
  const bool from_logit = beta_ && site_.guide == Law::BetaPrime;
  const double x = from_logit ? std::exp(-z) : apply(transform_, z);
  const double jacobian = from_logit ? -z : log_slope(transform_, z);
  switch (prior.law) {
    case Law::Beta:
      return -(prior.a - 1) * math::softplus(-z) - (prior.b - 1) * math::softplus(z) -
             math::log_beta(prior.a, prior.b) + jacobian;
    case Law::BetaPrime: {
      const double log_x = from_logit ? -z : log_value(transform_, z);
      return (prior.b - 1) * log_x - (prior.a + prior.b) * std::log1p(x) - math::log_beta(prior.a, prior.b) + jacobian;
    }
    case Law::LogNormal: {
      const double log_x = from_logit ? -z : log_value(transform_, z);
      return math::normal_log_density(log_x, prior.a, prior.b) - log_x + jacobian;
    }
    case Law::TransformedNormal:
      return math::normal_log_density(z, prior.a, prior.b);
    case Law::Gamma: {
      const double log_x = from_logit ? -z : log_value(transform_, z);
      return prior.a * std::log(prior.b) - math::log_gamma(prior.a) + (prior.a - 1) * log_x - prior.b * x + jacobian;
    }
    case Law::TruncatedNormal:
      return math::truncated_normal_log_density(x, prior.a - prior_shift, prior.b) + jacobian;
    case Law::Dirichlet:
      break;  // no site of its own family
  }
  return 0;
}

double SiteFamily::log_prior_slope(double z, double prior_shift) const {
  const auto& prior = site_.prior;
  if (beta_ && is_beta(prior.law)) return prior.a * math::sigmoid(-z) - prior.b * math::sigmoid(z);
  const bool from_logit = beta_ && site_.guide == Law::BetaPrime;
  const double x = from_logit ? std::exp(-z) : apply(transform_, z);
  const double dx = from_logit ? -x : std::exp(log_slope(transform_, z));
  const double dlog = x > 0 ? dx / x : 1;
  const double jacobian = from_logit ? -1 : log_slope_slope(transform_, z);
  switch (prior.law) {
    case Law::Beta:
      return (prior.a - 1) * math::sigmoid(-z) - (prior.b - 1) * math::sigmoid(z) + jacobian;
    case Law::BetaPrime:
      return (prior.b - 1) * dlog - (prior.a + prior.b) * dx / (1 + x) + jacobian;
    case Law::LogNormal: {
      const double log_x = from_logit ? -z : log_value(transform_, z);
      return (-(log_x - prior.a) / (prior.b * prior.b) - 1) * dlog + jacobian;
    }
    case Law::TransformedNormal:
      return -(z - prior.a) / (prior.b * prior.b);
    case Law::Gamma:
      return (prior.a - 1) * dlog - prior.b * dx + jacobian;
    case Law::TruncatedNormal:
      return -(x - prior.a + prior_shift) / (prior.b * prior.b) * dx + jacobian;
    case Law::Dirichlet:
      break;
  }
  return 0;
}

void SiteFamily::make_rule_reading(Read what, double x1, double x2, int nodes, bool with_curvature,
                                   SiteRule& rule) const {
  const auto n = static_cast<std::size_t>(nodes);
  rule.value.resize(n);
  rule.weight.resize(n);
  for (auto& s : rule.score) s.resize(n);
  for (auto& h : rule.curvature) h.resize(with_curvature ? n : 0);
  if (!beta_) {
    const auto& hermite = hermite_rule(nodes);
    const double s = std::exp(x2);
    for (std::size_t i = 0; i < n; ++i) {
      const double x = hermite.node[i], w = hermite.weight[i], q = x * x - 1;
      rule.value[i] = read_as(what, x1 + s * x);
      rule.weight[i] = w;
      rule.score[0][i] = x / s;
      rule.score[1][i] = q;
      if (with_curvature) {
        rule.curvature[0][i] = q / (s * s);
        rule.curvature[1][i] = (x * q - 2 * x) / s;
        rule.curvature[2][i] = q * q - 2 * x * x;
      }
    }
    return;
  }
  const auto [a, b] = arguments(x1, x2);
  // Sufficient statistics ln p, ln(1−p), centred under the rule itself.
  auto& t1 = rule.score[0];
  auto& t2 = rule.score[1];
  math::beta_rule(nodes, a, b, rule.value.data(), rule.weight.data(), t1.data(), t2.data());
  double m1 = 0, m2 = 0;
  for (std::size_t i = 0; i < n; ++i) {
    m1 += rule.weight[i] * t1[i];
    m2 += rule.weight[i] * t2[i];
    rule.value[i] = read_as(what, rule.value[i]);
  }
  double c11 = 0, c12 = 0, c22 = 0;
  for (std::size_t i = 0; i < n; ++i) {
    t1[i] -= m1;
    t2[i] -= m2;
    c11 += rule.weight[i] * t1[i] * t1[i];
    c12 += rule.weight[i] * t1[i] * t2[i];
    c22 += rule.weight[i] * t2[i] * t2[i];
  }
  const double total = a + b, e = a * b / total, ee = e * (b - a) / total;
  for (std::size_t i = 0; i < n; ++i) {
    const double u = t1[i], v = t2[i];
    t1[i] = e * (u - v);
    t2[i] = a * u + b * v;
    if (with_curvature) {
      const double h11 = u * u - c11, h12 = u * v - c12, h22 = v * v - c22;
      rule.curvature[0][i] = e * e * (h11 - 2 * h12 + h22) + ee * (u - v);
      rule.curvature[1][i] = e * (a * (h11 - h12) + b * (h12 - h22)) + e * (u - v);
      rule.curvature[2][i] = a * a * h11 + 2 * a * b * h12 + b * b * h22 + a * u + b * v;
    }
  }
}

Second SiteFamily::divergence(double x1, double x2, double prior_shift) const {
  const auto& prior = site_.prior;
  if (beta_ && is_beta(prior.law)) {
    const auto [a, b] = arguments(x1, x2);
    return to_coordinates(beta_divergence(a, b, prior.a, prior.b), a, b);
  }
  const bool normal_prior =
      prior.law == Law::TransformedNormal || (prior.law == Law::LogNormal && transform_ == Transform::Exp);
  if (!beta_ && normal_prior) {
    const double s2 = std::exp(2 * x2), v = prior.b * prior.b, d = x1 - prior.a;
    return {std::log(prior.b) - x2 + (s2 + d * d) / (2 * v) - 0.5, {d / v, s2 / v - 1}, {1 / v, 0, 2 * s2 / v}};
  }
  // −entropy in closed form, −E ln prior by the site's own rule.
  Second k;
  if (beta_) {
    const auto [a, b] = arguments(x1, x2);
    k = to_coordinates(beta_divergence(a, b, 0, 0), a, b);
  } else {
    k = {-x2 - 0.5 * (math::log_two_pi + 1), {0, -1}, {0, 0, 0}};
  }
  thread_local SiteRule rule;
  const int nodes = std::max(16, nodes_for(x1, x2));
  make_rule_reading(Read::Logit, x1, x2, nodes, true, rule);  // z itself
  for (std::size_t i = 0; i < rule.size(); ++i) {
    const double f = -rule.weight[i] * log_prior(rule.value[i], prior_shift);
    k.value += f;
    for (std::size_t j = 0; j < 2; ++j) k.gradient[j] += f * rule.score[j][i];
    for (std::size_t j = 0; j < 3; ++j) k.hessian[j] += f * rule.curvature[j][i];
  }
  return k;
}

}  // namespace scriptorium::inference
