// Kinds nb/mixture, analysis/mixture_assignment, analysis/dirichlet_fit and analysis/prune_dead_components.
#include <cmath>
#include <limits>

#include "core/analysis/assignments.hpp"
#include "core/analysis/dirichlet.hpp"
#include "core/result/components.hpp"
#include "core/result/estimates.hpp"
#include "golden.hpp"

namespace conformance {

using namespace scriptorium;

namespace {

std::vector<double> list(const json& value) {
  std::vector<std::int64_t> shape;
  return result::json_numbers(value, "values", shape);
}

analysis::ShareMoments moments_of(const json& draws) {
  analysis::ShareMoments moments(draws.at(0).size());
  for (const auto& draw : draws) moments.add(list(draw));
  return moments;
}

/// One draw of every parameter of `draws`.
json draw_of(const json& draws, std::size_t s) {
  json point = json::object();
  for (const auto& [name, values] : draws.items()) point[name] = values.at(s);
  return point;
}

void check_empirical(Case& test, const std::string& what, const analysis::EmpiricalWeights& found, const json& wanted,
                     double rtol, double atol) {
  test.compare(what + " weights", found.weights, wanted.at("weights"), rtol, atol);
  test.compare(what + " concentrations", found.concentrations, wanted.at("concentrations"), rtol, atol);
  test.compare(what + " effective counts", found.effective_counts, wanted.at("effective_counts"), rtol, atol);
  test.compare(what + " prior", found.prior_concentrations, wanted.at("prior_concentrations"), rtol, atol);
}

void compare_values(Case& test, const std::string& what, const model::Values& found, const json& wanted, double rtol,
                    double atol) {
  for (const auto& [name, value] : wanted.items()) {
    test.check(what + " lacks " + name, found.count(name) != 0);
    if (found.count(name)) test.compare(what + " " + name, found.at(name).values, flat(value), rtol, atol);
  }
}

void check_at_point(Case& test, const result::Fit& fit, const data::CountMatrix& counts, double rtol, double atol) {
  const auto& expected = test.expected();
  const auto k = fit.model.components;
  result::LikelihoodOptions likelihood;
  likelihood.split = true;
  likelihood.scribe_by_gene = true;
  compare_values(test, "map", result::map_estimate(fit, {}), expected.at("map"), rtol, atol);
  const auto point = result::map_estimate(fit, {.use_mean = true});
  const auto found = result::log_likelihood(fit.model, point, counts, likelihood, {});
  test.compare("map components by cell", found.by_cell_component, expected.at("map_loglik_cell_components"), rtol,
               atol);
  test.compare("map components by gene", found.by_gene_component, expected.at("scribe_map_loglik_gene_components"),
               rtol, atol);
  test.compare("map entropy by gene", analysis::entropy(analysis::probabilities(found.by_gene_component, k), k),
               expected.at("scribe_entropy_map_gene"), rtol, atol);
  analysis::AssignmentOptions options;
  options.draws = 0;
  const auto assigned = analysis::assign_cells(fit, counts, options, {});
  test.compare("map probabilities", assigned.probability, expected.at("map_probabilities"), rtol, atol);
  test.compare("map entropy", assigned.entropy, expected.at("entropy_map_cell"), rtol, atol);
  options.temperature = 3;
  test.compare("map probabilities, temperature 3", analysis::assign_cells(fit, counts, options, {}).probability,
               expected.at("map_probabilities_temperature_3"), rtol, atol);
  check_empirical(
      test, "empirical",
      analysis::empirical_mixing_weights(found.by_cell_component, result::mixing_weights(fit.model, point), {}),
      expected.at("empirical_mixing"), rtol, atol);
  compare_values(test, "component", result::map_estimate(result::get_component(fit, 1), {}),
                 expected.at("component_1").at("map"), rtol, atol);
}

void check_draws(Case& test, const model::Model& model, const data::CountMatrix& counts, double rtol, double atol) {
  const auto& expected = test.expected();
  const auto k = model.components;
  const json& draws = test.inputs().at("draws");
  const std::size_t n = draws.at("mixing_weights").size(), cells = static_cast<std::size_t>(counts.n_cells);
  result::LikelihoodOptions likelihood;
  likelihood.split = true;
  likelihood.scribe_by_gene = true;
  std::vector<analysis::ShareMoments> moments(cells, analysis::ShareMoments(static_cast<std::size_t>(k)));
  for (std::size_t s = 0; s < n; ++s) {
    const auto point = point_of(model, draw_of(draws, s));
    const auto found = result::log_likelihood(model, point, counts, likelihood, {});
    const std::string draw = "draw " + std::to_string(s) + " ";
    const auto expect = [&](const char* key, const std::vector<double>& value) {
      test.compare(draw + key, value, expected.at(key).at(s), rtol, atol);
    };
    const auto share = analysis::probabilities(found.by_cell_component, k),
               warm = analysis::probabilities(found.by_cell_component, k, 3);
    expect("posterior_sample_probabilities", share);
    expect("posterior_sample_probabilities_temperature_3", warm);
    expect("entropy_cell", analysis::entropy(share, k));
    expect("entropy_cell_normalized", analysis::entropy(share, k, true));
    expect("entropy_cell_temperature_3", analysis::entropy(warm, k));
    const auto by_gene = analysis::probabilities(found.by_gene_component, k);
    expect("scribe_entropy_gene", analysis::entropy(by_gene, k));
    expect("scribe_entropy_gene_normalized", analysis::entropy(by_gene, k, true));
    expect("scribe_entropy_gene_temperature_3",
           analysis::entropy(analysis::probabilities(found.by_gene_component, k, 3), k));
    for (std::size_t c = 0; c < cells; ++c)
      moments[c].add(std::span(share).subspan(c * static_cast<std::size_t>(k), static_cast<std::size_t>(k)));

    // One component alone: SCRIBE still adds its log weight.
    auto alone =
        result::log_likelihood(model::component_model(model), result::component_values(point, 1), counts, {}, {})
            .by_cell;
    for (double& value : alone) value += std::log(result::mixing_weights(model, point)[1]);
    test.compare(draw + "component 1", alone, expected.at("component_1").at("scribe_loglik_cell").at(s), rtol, atol);
    const auto weights = result::mixing_weights(model, point);
    test.compare(draw + "weights of components 0 and 2",
                 std::vector{weights[0] / (weights[0] + weights[2]), weights[2] / (weights[0] + weights[2])},
                 expected.at("components_0_2_mixing_samples").at(s), rtol, atol);
    const std::vector<std::int64_t> genes = {1, 4, 6};
    auto few = point;
    for (auto& [name, array] : few) {
      if (array.dims.empty() || array.dims.back() != "gene") continue;
      const auto length = static_cast<std::size_t>(array.shape.back());
      std::vector<double> kept;
      for (std::size_t row = 0; row < array.values.size(); row += length)
        for (const auto g : genes) kept.push_back(array.values[row + static_cast<std::size_t>(g)]);
      array.values = std::move(kept);
      array.shape.back() = 3;
    }
    test.compare(draw + "genes 1, 4, 6",
                 result::log_likelihood(model, few, counts.select({}, genes), likelihood, {}).by_cell,
                 expected.at("genes_1_4_6").at("loglik_cell").at(s), rtol, atol);
  }
  const double dirichlet = test.tolerance("rtol_dirichlet");
  std::vector<double> concentration, mean;
  for (const auto& cell : moments) {
    const auto fit = analysis::fit_dirichlet_as_scribe(cell);
    double sum = 0;
    for (const double a : fit.concentration) sum += a;
    for (const double a : fit.concentration) {
      concentration.push_back(a);
      mean.push_back(a / sum);
    }
  }
  test.compare("concentration", concentration, expected.at("posterior_concentration"), dirichlet, atol);
  test.compare("mean probabilities", mean, expected.at("posterior_mean_probabilities"), dirichlet, atol);
}

}  // namespace

void check_mixture(Case& test) {
  const auto& in = test.inputs();
  const double atol = test.tolerance("atol");
  if (in.contains("samples"))
    return test.compare("concentration", analysis::fit_dirichlet_as_scribe(moments_of(in["samples"])).concentration,
                        test.expected().at("concentration"), test.tolerance("rtol_dirichlet"), atol);
  const auto model = model_of(in);
  const auto counts = counts_of(in.at("counts"));
  result::Fit fit;
  fit.model = model;
  fit.result.posterior.sites = marginals_of(model, in.at("variational_params"));
  const bool odds = model.parameterization == "mean_odds";
  check_at_point(test, fit, counts, odds ? test.tolerance("rtol_betaprime") : test.tolerance("rtol"), atol);
  check_draws(test, model, counts, test.tolerance("rtol"), atol);
}

void check_mixture_assignment(Case& test) {
  const auto& in = test.inputs();
  const auto& expected = test.expected();
  const double rtol = test.tolerance("rtol"), atol = test.tolerance("atol");
  const auto weights = list(in.at("mixing_weights"));
  const auto k = static_cast<std::int64_t>(weights.size());
  const auto map = list(in.at("log_lik_map"));
  const auto share = analysis::probabilities(map, k);
  test.compare("map", share, expected.at("map_probabilities"), rtol, atol);
  test.compare("map, temperature 2", analysis::probabilities(map, k, 2), expected.at("map_probabilities_T2"), rtol,
               atol);
  const auto exact = analysis::entropy(share, k);
  test.compare("entropy", exact, expected.at("entropy_exact"), rtol, atol);
  test.compare("entropy, SCRIBE's in double", exact, expected.at("entropy_map_float64_eps"), rtol, atol);
  test.compare("entropy, SCRIBE's in single", exact, expected.at("entropy_map_float32_eps"), rtol,
               test.file().at("tolerance").at("entropy_map_float32_eps").at("atol").get<double>());
  test.compare("normalised entropy", analysis::entropy(share, k, true), expected.at("entropy_normalized_exact"), rtol,
               atol);
  std::vector<analysis::ShareMoments> cells(map.size() / weights.size(), analysis::ShareMoments(weights.size()));
  std::size_t s = 0;
  for (const auto& draw : in.at("log_lik_posterior")) {
    const auto its = analysis::probabilities(list(draw), k);
    const std::string name = "draw " + std::to_string(s);
    if (s < expected.at("sample_probabilities_first3").size())
      test.compare(name, its, expected["sample_probabilities_first3"].at(s), rtol, atol);
    test.compare(name + " entropy", analysis::entropy(its, k), expected.at("entropy_samples_float64_eps").at(s), rtol,
                 atol);
    for (std::size_t c = 0; c < cells.size(); ++c)
      cells[c].add(std::span(its).subspan(c * weights.size(), weights.size()));
    ++s;
  }
  const double minka = test.file().at("tolerance").at("dirichlet_minka_per_cell").at("rtol").get<double>();
  for (const auto& [cell, wanted] : expected.at("dirichlet_minka_per_cell").items())
    test.compare("concentration of cell " + cell,
                 analysis::fit_dirichlet_as_scribe(cells.at(std::stoul(cell))).concentration, wanted, minka, atol);
  check_empirical(test, "flat", analysis::empirical_mixing_weights(map, weights, {}),
                  expected.at("empirical_mixing_flat_prior"), rtol, atol);
  check_empirical(test, "prior 5",
                  analysis::empirical_mixing_weights(map, weights, std::vector<double>(weights.size(), 5)),
                  expected.at("empirical_mixing_prior_5"), rtol, atol);
  const auto genes = analysis::separation_weights(list(in.at("r_components")), k);
  test.compare("gene weights", genes, expected.at("de_gene_weights"), rtol, atol);
  test.compare("mask", analysis::top_mask(genes, 3), expected.at("top3_mask"), rtol, atol);
}

void check_dirichlet_fit(Case& test) {
  const auto rtol = [&](const char* rule) { return test.file().at("tolerance").at(rule).at("rtol").get<double>(); };
  for (const auto& [name, samples] : test.inputs().at("samples").items()) {
    const auto moments = moments_of(samples);
    const auto& wanted = test.expected().at(name);
    test.compare(name + " of largest likelihood", analysis::fit_dirichlet(moments).concentration, wanted.at("mle"),
                 rtol("mle"), 0);
    const auto scribe = analysis::fit_dirichlet_as_scribe(moments).concentration;
    test.compare(name + " as SCRIBE", scribe, wanted.at("scribe_minka"), rtol("scribe_minka"), 0);
    double sum = 0;
    for (const double a : scribe) sum += a;
    std::vector<double> mean;
    for (const double a : scribe) mean.push_back(a / sum);
    test.compare(name + " mean", mean, wanted.at("mean_probabilities_from_minka"), rtol("scribe_minka"), 0);
  }
  std::vector<double> inverse;
  for (const double y : list(test.expected().at("digamma_inverse").at("y")))
    inverse.push_back(analysis::inverse_digamma(y));
  test.compare("inverse digamma", inverse, test.expected()["digamma_inverse"].at("x_scribe_5_steps"),
               rtol("scribe_minka"), 0);
}

void check_dead_components(Case& test) {
  const auto& cases = test.inputs().at("cases");
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& one = cases[i];
    const auto k = static_cast<std::int64_t>(one.at("mixing_weights").at(0).size());
    const auto live = analysis::live_components(list(one.at("mixing_weights")), k, one.at("threshold").get<double>());
    std::vector<bool> active(static_cast<std::size_t>(k), false);
    for (const auto j : live) active[static_cast<std::size_t>(j)] = true;
    const json& wanted = test.expected().at("active").at(i);  // null: all
    test.check("case " + std::to_string(i), wanted.is_null() ? static_cast<std::int64_t>(live.size()) == k
                                                             : active == wanted.get<std::vector<bool>>());
  }
}

}  // namespace conformance
