#include "core/result/density.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/math/distributions.hpp"
#include "core/result/components.hpp"
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
    case Law::Dirichlet:  // all shares together: add_mixing_weights()
      break;
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
  ChainRule(const model::Model& model, model::Values point, LikelihoodSlopes slopes)
      : kind_(model::find_parameterization(model.parameterization).key),
        point_(std::move(point)),
        s_(std::move(slopes)) {}

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
  model::Values point_;
  LikelihoodSlopes s_;
};

/// Log likelihood by cell, and how it changes with the parameters of each component and with the mixing weights.
struct Scored {
  std::vector<double> by_cell;
  std::vector<ChainRule> slopes;      ///< one a component
  std::vector<double> mixing_slopes;  ///< of Σ_c log Σ_k w_ck P_ck by π_k, with weights that are normalised
};

Scored score(const model::Model& model, const model::Values& point, const data::CountMatrix& counts,
             const LikelihoodOptions& options, const RunControl& control) {
  Scored out;
  const auto one = model::component_model(model);
  const auto add_slopes = [&](LikelihoodTerms& terms, model::Values values) {
    LikelihoodSlopes slopes;
    auto by_cell = evaluate_terms(terms, counts, options, control, &slopes).by_cell;
    out.slopes.emplace_back(one, std::move(values), std::move(slopes));
    return by_cell;
  };
  if (model.components < 2) {
    auto terms = resolve_terms(model, point, counts.n_cells, counts.n_genes, options);
    out.by_cell = add_slopes(terms, point);
    return out;
  }
  const auto cells = static_cast<std::size_t>(counts.n_cells), k = static_cast<std::size_t>(model.components);
  const auto weights = mixing_weights(model, point);
  if (!options.cell_logits.empty() && options.cell_logits.size() != cells * k)
    throw Error(ErrorCode::BadInput,
                "There are " + std::to_string(options.cell_logits.size()) + " annotation logits for " +
                    std::to_string(cells) + " cells and " + std::to_string(k) + " components.",
                "Give one a cell and component.");
  std::vector<LikelihoodTerms> terms;
  std::vector<std::vector<double>> values;
  for (std::size_t j = 0; j < k; ++j) {
    terms.push_back(resolve_terms(one, component_values(point, static_cast<std::int64_t>(j)), counts.n_cells,
                                  counts.n_genes, options));
    values.push_back(evaluate_terms(terms[j], counts, options, control, nullptr).by_cell);
    terms[j].cell_weight.resize(cells);
  }
  out.mixing_slopes.assign(k, 0.0);
  std::vector<double> joint(k);
  for (std::size_t c = 0; c < cells; ++c) {
    const bool annotated = !options.cell_logits.empty();
    const auto own = annotated ? annotated_weights(weights, &options.cell_logits[c * k]) : weights;
    for (std::size_t j = 0; j < k; ++j) joint[j] = std::log(own[j]) + values[j][c];
    out.by_cell.push_back(math::log_sum_exp(joint.data(), k));
    for (std::size_t j = 0; j < k; ++j) {
      const double share = std::exp(joint[j] - out.by_cell[c]);
      terms[j].cell_weight[c] = share;
      out.mixing_slopes[j] += annotated ? (share - own[j]) / (weights[j] + 1e-8) : share / weights[j] - 1;
    }
  }
  for (std::size_t j = 0; j < k; ++j) add_slopes(terms[j], component_values(point, static_cast<std::int64_t>(j)));
  return out;
}

/// The Dirichlet prior of the shares, and their gradients; on the unconstrained axis by stick breaking:
/// π_i = z_i Π_{j<i} (1 − z_j) with z_i = σ(x_i − ln(K − 1 − i)).
void add_mixing_weights(const Site& site, const std::vector<double>& weights, const std::vector<double>& slopes,
                        Density& out) {
  const auto& alpha = site.concentration;
  const std::size_t k = weights.size();
  double total = 0, prior = 0;
  auto& natural = out.gradient_natural[site.name];
  for (std::size_t i = 0; i < k; ++i) {
    total += alpha[i];
    prior += (alpha[i] == 1 ? 0 : (alpha[i] - 1) * std::log(weights[i])) - math::log_gamma(alpha[i]);
    natural.push_back((alpha[i] - 1) / weights[i] + slopes[i]);
  }
  prior += math::log_gamma(total);
  double jacobian = 0, left = 1;
  auto& real = out.gradient_unconstrained[site.name];
  for (std::size_t i = 0; i + 1 < k; ++i) {
    const double z = weights[i] / left;
    jacobian += std::log(weights[i]) + std::log1p(-z);
    double slope = natural[i] * weights[i] * (1 - z);
    for (std::size_t j = i + 1; j < k; ++j) slope -= natural[j] * weights[j] * z;
    real.push_back(slope + 1 - static_cast<double>(k - i) * z);
    left -= weights[i];
  }
  out.log_prior[site.name] = prior;
  out.log_jacobian[site.name] = jacobian;
  out.log_joint += prior;
}

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
    const std::int64_t rows = site.by_component ? model.components : 1;
    if (static_cast<std::int64_t>(found->second.values.size()) != rows * wanted)
      throw Error(ErrorCode::BadInput,
                  "The parameter " + site.name + " has " + std::to_string(found->second.values.size()) +
                      " values where the model has " + std::to_string(rows * wanted) + ".",
                  "It is one per " + std::string(site.by_component ? "component and " : "") +
                      (site.extent == model::Extent::Scalar ? "model" : model::to_string(site.extent)) + ".");
    for (double value : found->second.values)
      if (!(value >= 0) || (site.support != model::Support::Positive && value > 1))
        throw Error(ErrorCode::BadInput,
                    "The parameter " + site.name + " holds " + std::to_string(value) + ", outside " +
                        model::to_string(site.support) + ".",
                    "Check the values.");
  }
  Density result;
  auto scored = score(model, point, counts, options, control);
  result.log_likelihood_by_cell = std::move(scored.by_cell);
  for (double cell : result.log_likelihood_by_cell) result.log_likelihood += cell;
  result.log_joint = result.log_likelihood;

  const std::size_t components = scored.slopes.size();
  for (const auto& site : sites) {
    const auto& values = point.at(site.name).values;
    if (site.support == model::Support::Simplex) {
      add_mixing_weights(site, values, scored.mixing_slopes, result);
      continue;
    }
    const std::size_t length = site.by_component ? values.size() / components : values.size();
    const auto likelihood_slope = [&](std::size_t i) {
      if (site.by_component) return scored.slopes[i / length](site, i % length);
      double sum = 0;
      for (const auto& slopes : scored.slopes) sum += slopes(site, i);
      return sum;
    };
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
      natural.push_back(slope + likelihood_slope(i));
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
