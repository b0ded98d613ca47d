#include "core/result/density.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/math/distributions.hpp"
#include "core/result/likelihood_terms.hpp"
#include "core/result/transform.hpp"

namespace scriptorium::result {
namespace {

using model::Law;
using model::Site;

/// Log prior of one value and its slope, both by the natural value. `loc` is the prior's first argument (for η_c with
/// the cell's log library size taken off).
double log_prior(const Site& site, double loc, double x, double& slope) {
  const double a = loc, b = site.prior.b;
  switch (site.prior.law) {
    case Law::Beta:
      slope = (a - 1) / x - (b - 1) / (1 - x);
      // 0 · ln 0 counts as 0: a flat prior is finite at its edges.
      return (a == 1 ? 0 : (a - 1) * std::log(x)) + (b == 1 ? 0 : (b - 1) * std::log1p(-x)) - math::log_beta(a, b);
    case Law::BetaPrime:
      slope = (b - 1) / x - (a + b) / (1 + x);
      return math::beta_prime_log_density(x, a, b);
    case Law::Gamma:
      slope = (a - 1) / x - b;
      return math::gamma_log_density(x, a, b);
    case Law::LogNormal:
      slope = -((std::log(x) - a) / (b * b) + 1) / x;
      return math::log_normal_log_density(x, a, b);
    case Law::TruncatedNormal:
      slope = -(x - a) / (b * b);
      return math::truncated_normal_log_density(x, a, b);
    case Law::TransformedNormal: {
      const double z = to_real(site.bijection, x), log_dx = log_derivative(site.bijection, z);
      slope = (-(z - a) / (b * b) - log_derivative_slope(site.bijection, z)) * std::exp(-log_dx);
      return math::normal_log_density(z, a, b) - log_dx;
    }
  }
  return NAN;
}

/// Slopes of the likelihood by the sampled parameters, from those by (r, x, n, gate): the chain rule per
/// parameterization.
class ChainRule {
 public:
  ChainRule(const model::Model& model, const model::Values& point, const LikelihoodSlopes& slopes)
      : kind_(model::find_parameterization(model.parameterization).key), point_(point), s_(slopes) {}

  double operator()(const Site& site, std::size_t i) const {
    const double value = point_.at(site.name).values[i];
    if (site.name == "gate") return s_.gate[i];
    if (site.name == "p_capture") return s_.n[i] / value;
    if (site.name == "phi_capture") return -s_.n[i] / (1 + value);
    if (site.name == "eta_capture") return -s_.n[i];
    if (site.name == "r") return kind_ == "mean_disp" ? s_.r[i] - s_.x[i] / value : s_.r[i];
    if (site.name == "mu") {
      if (kind_ == "mean_disp") return s_.x[i] / value;
      return s_.r[i] * odds();
    }
    double through_r = 0;  // a shared p or φ moves every r
    if (kind_ != "canonical")
      for (std::size_t g = 0; g < s_.r.size(); ++g) through_r += s_.r[g] * point_.at("mu").values[g];
    if (site.name == "phi") return through_r - s_.x[0] / value;
    return s_.x[0] / (value * (1 - value)) - through_r / (value * value);
  }

 private:
  double odds() const {
    if (kind_ == "mean_odds") return point_.at("phi").values[0];
    const double p = point_.at("p").values[0];
    return (1 - p) / p;
  }
  std::string kind_;
  const model::Values& point_;
  const LikelihoodSlopes& s_;
};

}  // namespace

double Density::potential() const {
  double sum = log_joint;
  for (const auto& entry : log_jacobian) sum += entry.second;
  return -sum;
}

Density density(const model::Model& model, const model::Values& point, const data::CountMatrix& counts,
                const LikelihoodOptions& options, const RunControl& control, const std::vector<double>& library_sizes) {
  const auto sites = model::layout(model);
  for (const auto& site : sites) {
    const auto found = point.find(site.name);
    const std::int64_t wanted = site.extent == model::Extent::Scalar ? 1
                                : site.extent == model::Extent::Gene ? counts.n_genes
                                                                     : counts.n_cells;
    if (found == point.end())
      throw Error(ErrorCode::BadInput, "The parameter " + site.name + " is missing.", "The model samples it.");
    if (static_cast<std::int64_t>(found->second.values.size()) != wanted)
      throw Error(
          ErrorCode::BadInput,
          "The parameter " + site.name + " has " + std::to_string(found->second.values.size()) +
              " values where the model has " + std::to_string(wanted) + ".",
          "It is one per " + (site.extent == model::Extent::Scalar ? "model" : model::to_string(site.extent)) + ".");
    for (double value : found->second.values)
      if (!(value >= 0) || (site.support == model::Support::UnitInterval && value > 1))
        throw Error(ErrorCode::BadInput,
                    "The parameter " + site.name + " holds " + std::to_string(value) + ", outside " +
                        model::to_string(site.support) + ".",
                    "Check the values.");
  }
  Density result;
  const auto terms = resolve_terms(model, point, counts.n_cells, counts.n_genes, options);
  LikelihoodSlopes slopes;
  result.log_likelihood_by_cell = evaluate_terms(terms, counts, options, control, &slopes).by_cell;
  for (double cell : result.log_likelihood_by_cell) result.log_likelihood += cell;
  result.log_joint = result.log_likelihood;

  const ChainRule likelihood_slope(model, point, slopes);
  for (const auto& site : sites) {
    const auto& values = point.at(site.name).values;
    auto& natural = result.gradient_natural[site.name];
    auto& real = result.gradient_unconstrained[site.name];
    double sum = 0, jacobian = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      double loc = site.prior.a;
      if (site.prior.law == Law::TruncatedNormal) {
        double total = library_sizes.empty() ? 0 : library_sizes[i];  // L_c, an empty cell counts as one molecule
        for (auto k = counts.row_start[i]; library_sizes.empty() && k < counts.row_start[i + 1]; ++k)
          total += counts.count[static_cast<std::size_t>(k)];
        loc -= std::log(std::max(total, 1.0));
      }
      double slope = 0;
      sum += log_prior(site, loc, values[i], slope);
      natural.push_back(slope + likelihood_slope(site, i));
      const double z = to_real(site.bijection, values[i]), log_dx = log_derivative(site.bijection, z);
      jacobian += log_dx;
      real.push_back(natural.back() * std::exp(log_dx) + log_derivative_slope(site.bijection, z));
    }
    result.log_prior[site.name] = sum;
    result.log_jacobian[site.name] = jacobian;
    result.log_joint += sum;
  }
  return result;
}

}  // namespace scriptorium::result
