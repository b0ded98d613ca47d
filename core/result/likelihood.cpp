#include "core/result/likelihood.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/math/distributions.hpp"
#include "core/result/likelihood_terms.hpp"

namespace scriptorium::result {
namespace {

using model::Array;
using model::Values;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double fitting_epsilon = 1e-6;

const Array& require(const Values& point, const std::string& name) {
  const auto found = point.find(name);
  if (found != point.end()) return found->second;
  std::string have;
  for (const auto& entry : point) have += (have.empty() ? "" : ", ") + entry.first;
  throw Error(ErrorCode::BadInput, "The parameter " + name + " is missing.",
              "There is: " + (have.empty() ? "nothing" : have) + ".");
}

/// Values of a parameter: `many` of them, or one (repeated unless `may_stay_single`).
std::vector<double> numbers(const Array& array, const std::string& name, std::int64_t many, const char* axis,
                            bool unit_interval, bool may_stay_single) {
  std::vector<double> values = array.values;
  if (values.size() == 1 && !may_stay_single && array.dims.empty())
    values.assign(static_cast<std::size_t>(many), values[0]);
  if (values.size() != static_cast<std::size_t>(many) && !(values.size() == 1 && may_stay_single))
    throw Error(ErrorCode::BadInput,
                "The parameter " + name + " has " + std::to_string(values.size()) + " values; the data have " +
                    std::to_string(many) + " " + axis + ".",
                "Give one value per " + std::string(axis, std::string(axis).size() - 1) + ".");
  for (double value : values)
    if (std::isnan(value) || value < 0 || (unit_interval && value > 1))
      throw Error(ErrorCode::BadInput,
                  "The parameter " + name + " holds " + std::to_string(value) + ", outside " +
                      (unit_interval ? "0 … 1." : "0 … infinity."),
                  "Check the estimates.");
  return values;
}

double logit(double p) {
  return std::log(p) - std::log1p(-p);
}

/// Clips to [low, high] and notes whether the value moved.
double clip(double value, double low, double high, double& free) {
  free = value < low || value > high ? 0 : 1;
  return std::clamp(value, low, high);
}

}  // namespace

LikelihoodTerms resolve_terms(const model::Model& model, const Values& point, std::int64_t n_cells,
                              std::int64_t n_genes, const LikelihoodOptions& options) {
  const auto& likelihood = model::find_likelihood(model.likelihood);
  const auto kind = model::find_parameterization(model.parameterization).key;
  const bool capture = likelihood.variable_capture;
  const auto has = [&](const char* name) { return point.count(name) != 0; };
  const auto genes = [&](const char* name, bool unit, bool single) {
    return numbers(require(point, name), name, n_genes, "genes", unit, single);
  };
  LikelihoodTerms t;
  // Evaluation goes through (r, p) as SCRIBE's does; the others start from what the parameterization samples.
  const bool canonical = kind == "canonical" || (options.guards == Guards::Evaluation && has("p") && has("r"));
  if (canonical) {
    for (double p : genes("p", true, true)) t.x.push_back(logit(p));
    t.r = genes("r", false, false);
  } else if (kind == "mean_disp") {
    t.r = genes("r", false, false);
    const auto mu = genes("mu", false, false);
    for (std::size_t g = 0; g < mu.size(); ++g) t.x.push_back(std::log(mu[g]) - std::log(t.r[g]));
  } else {
    t.r = genes("mu", false, false);
    std::vector<double> odds;
    if (kind == "mean_odds") {
      odds = genes("phi", false, true);
      // The guard of the fitting path acts on φ itself, so on r = μφ too.
      if (options.guards == Guards::Fitting && capture)
        for (double& phi : odds) phi = std::max(phi, fitting_epsilon);
    } else {
      for (double p : genes("p", true, true)) odds.push_back((1 - p) / p);
    }
    for (double phi : odds) t.x.push_back(-std::log(phi));
    for (std::size_t g = 0; g < t.r.size(); ++g) t.r[g] *= odds[odds.size() > 1 ? g : 0];
  }
  if (capture) {
    const auto cells = [&](const char* name, bool unit) {
      return numbers(require(point, name), name, n_cells, "cells", unit, false);
    };
    if (has("phi_capture"))
      for (double odds : cells("phi_capture", false)) t.n.push_back(-std::log1p(odds));
    else if (has("eta_capture"))
      for (double eta : cells("eta_capture", false)) t.n.push_back(-eta);
    else
      for (double nu : cells("p_capture", true)) t.n.push_back(std::log(nu));
  }
  if (likelihood.zero_inflated) t.gate = genes("gate", true, false);

  double r_low = 0, x_limit = infinity, x_high = infinity, n_low = -infinity;
  t.low = -infinity;
  t.high = infinity;
  if (options.guards == Guards::Evaluation) {
    r_low = options.r_floor;
    x_limit = -logit(options.p_floor);
    if (capture) t.low = -x_limit, t.high = x_limit;
  } else if (options.guards == Guards::Fitting) {
    const double limit = -logit(fitting_epsilon);
    if (!capture && !likelihood.zero_inflated) x_limit = limit;
    if (capture && (kind == "canonical" || kind == "mean_prob")) t.low = -limit, t.high = limit;
    if (capture && kind == "mean_odds") x_high = -std::log(fitting_epsilon);
    if (capture && kind == "mean_disp") n_low = std::log(fitting_epsilon);
  }
  t.r_free.resize(t.r.size());
  t.x_free.resize(t.x.size());
  t.n_free.resize(t.n.size());
  for (std::size_t i = 0; i < t.r.size(); ++i) t.r[i] = clip(t.r[i], r_low, infinity, t.r_free[i]);
  for (std::size_t i = 0; i < t.x.size(); ++i) t.x[i] = clip(t.x[i], -x_limit, std::min(x_limit, x_high), t.x_free[i]);
  for (std::size_t i = 0; i < t.n.size(); ++i) t.n[i] = clip(t.n[i], n_low, 0, t.n_free[i]);
  return t;
}

Likelihood log_likelihood(const model::Model& model, const Values& point, const data::CountMatrix& counts,
                          const LikelihoodOptions& options, const RunControl& control) {
  if (model.components > 1) return mixture_likelihood(model, point, counts, options, control);
  const auto terms = resolve_terms(model, point, counts.n_cells, counts.n_genes, options);
  if (options.backend && options.backend->is_gpu())
    return evaluate_on(*options.backend, terms, counts, options, control);
  return evaluate_terms(terms, counts, options, control, nullptr);
}

}  // namespace scriptorium::result
