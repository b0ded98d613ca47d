// Kinds nb/loglik, nb/log_joint and nb/capture_prior.
#include <cmath>

#include "core/math/distributions.hpp"
#include "core/result/components.hpp"
#include "core/result/density.hpp"
#include "core/result/estimates.hpp"
#include "golden.hpp"

namespace conformance {

using namespace scriptorium;

void check_loglik(Case& test) {
  const auto& in = test.inputs();
  const auto counts = counts_of(in.at("counts"));
  const auto model = model_of(in);
  result::LikelihoodOptions options;
  options.r_floor = in.value("r_floor", 1e-6);
  options.p_floor = in.value("p_floor", 1e-6);
  const json& draws = in.at("draws");
  std::size_t n = 0;
  for (const auto& entry : draws) n = entry.size();
  const double rtol = test.tolerance("rtol"), atol = test.tolerance("atol");
  for (std::size_t s = 0; s < n; ++s) {
    json point = json::object();
    for (const auto& [name, values] : draws.items()) point[name] = values.at(s);
    const bool mixture = model.components > 1;
    options.split = mixture;
    options.scribe_by_gene = mixture;
    const auto values = point_of(model, point);
    const auto found = result::log_likelihood(model, values, counts, options, {});
    const std::string draw = "draw " + std::to_string(s) + " ";
    test.compare(draw + "by cell", found.by_cell, test.expected().at("loglik_cell").at(s), rtol, atol);
    if (test.expected().contains("loglik_gene"))
      test.compare(draw + "by gene", found.by_gene, test.expected()["loglik_gene"].at(s), rtol, atol);
    if (!mixture) continue;
    const auto expect = [&](const char* key, const std::vector<double>& value) {
      if (test.expected().contains(key)) test.compare(draw + key, value, test.expected()[key].at(s), rtol, atol);
    };
    expect("loglik_cell_components", found.by_cell_component);
    expect("scribe_loglik_gene", found.by_gene);
    expect("scribe_loglik_gene_components", found.by_gene_component);
    if (!test.expected().contains("additive_weights")) continue;
    std::vector<std::int64_t> shape;
    const auto weights = result::json_numbers(test.expected()["additive_weights"], "weights", shape);
    auto weighted = options;
    weighted.gene_weights = weights;
    weighted.weight_type = result::WeightType::Additive;
    expect("loglik_cell_components_additive",
           result::log_likelihood(model, values, counts, weighted, {}).by_cell_component);
  }
}

void check_log_joint(Case& test) {
  const auto& in = test.inputs();
  const auto& expected = test.expected();
  const auto model = model_of(in);
  const auto point = point_of(model, in.at("params"));
  result::LikelihoodOptions options;
  options.guards = result::Guards::Fitting;
  std::vector<double> logits;
  if (in.contains("annotation_prior_logits") && !in["annotation_prior_logits"].is_null()) {
    std::vector<std::int64_t> shape;
    logits = result::json_numbers(in["annotation_prior_logits"], "annotation logits", shape);
    options.cell_logits = logits;
  }
  const auto found = result::density(model, point, counts_of(in.at("counts")), options, {});
  const double plain = test.tolerance("rtol"), atol = test.tolerance("atol");
  // log L_c of the capture prior is a single-precision number in the source.
  const bool single = model.capture_prior.has_value();
  const double total = single ? test.tolerance("rtol_float32_sites") : plain;
  const auto rtol_of = [&](const std::string& site) { return site == "eta_capture" ? total : plain; };
  for (const auto& [site, value] : expected.at("log_prob_by_site").items())
    test.compare("log prob of " + site, site == "counts" ? found.log_likelihood : found.log_prior.at(site), value,
                 rtol_of(site), atol);
  test.compare("log joint", found.log_joint, expected.at("log_joint"), total, atol);
  test.compare("log likelihood", found.log_likelihood_by_cell, expected.at("loglik_per_cell"), plain, atol);
  for (const auto& [site, value] : expected.at("grad_log_joint_natural").items())
    test.compare("natural gradient of " + site, found.gradient_natural.at(site), flat(value), rtol_of(site), atol);
  for (const auto& [site, value] : expected.at("log_abs_det_jacobian").items())
    test.compare("Jacobian of " + site, found.log_jacobian.at(site), value, plain, atol);
  test.compare("potential energy", found.potential(), expected.at("potential_energy"), total, atol);
  for (const auto& [site, value] : expected.at("grad_potential").items()) {
    auto gradient = found.gradient_unconstrained.at(site);
    for (double& entry : gradient) entry = -entry;
    test.compare("gradient of the potential by " + site, gradient, flat(value), rtol_of(site), atol);
  }
  auto derived = point;
  result::add_derived(model, derived);
  for (const auto& [name, value] : expected.at("deterministic_sites").items())
    test.compare("derived " + name, derived.at(name).values, flat(value), plain, atol);
}

void check_capture_prior(Case& test) {
  const auto& in = test.inputs();
  const auto& expected = test.expected();
  const double rtol = test.tolerance("rtol"), atol = test.tolerance("atol");
  std::vector<std::int64_t> shape;
  if (in.contains("logits")) {
    const auto weights = result::json_numbers(in.at("mixing_weights"), "weights", shape),
               logits = result::json_numbers(in["logits"], "logits", shape);
    std::vector<double> found;
    for (std::size_t c = 0; c < logits.size(); c += weights.size())
      for (const double w : result::annotated_weights(weights, &logits[c])) found.push_back(w);
    return test.compare("cell mixing", found, expected.at("cell_mixing"), rtol, atol);
  }
  if (in.contains("eta")) {
    model::CapturePrior prior;
    if (in.contains("organism"))
      prior = model::organism_capture_prior(in["organism"].get<std::string>());
    else
      prior = {std::log(in.at("M0").get<double>()), in.at("sigma_M").get<double>(), {}};
    test.compare("log M0", prior.log_m0, expected.at("log_M0"), rtol, atol);
    test.compare("sigma", prior.sigma_m, in.at("sigma_M"), rtol, atol);
    const auto eta = result::json_numbers(in["eta"], "eta", shape),
               library = result::json_numbers(in.at("library_size"), "library_size", shape);
    std::vector<double> mean, log_prob;
    for (std::size_t c = 0; c < eta.size(); ++c) {
      mean.push_back(prior.log_m0 - std::log(std::max(library[c], 1.0)));
      log_prob.push_back(math::truncated_normal_log_density(eta[c], mean[c], prior.sigma_m));
    }
    model::Model model;
    model.capture_prior = prior;
    model::Values values{{"eta_capture", {{"cell"}, {static_cast<std::int64_t>(eta.size())}, eta}}};
    result::add_derived(model, values);
    test.compare("prior mean", mean, expected.at("prior_mean"), rtol, atol);
    test.compare("log prob", log_prob, expected.at("log_prob"), rtol, atol);
    test.compare("p_capture", values.at("p_capture").values, expected.at("p_capture"), rtol, atol);
    test.compare("phi_capture", values.at("phi_capture").values, expected.at("phi_capture"), rtol, atol);
    return;
  }
  // BetaPrime: the law of the odds.
  const double alpha = in.at("alpha").get<double>(), beta = in.at("beta").get<double>();
  const auto phi = result::json_numbers(in.at("phi"), "phi", shape);
  std::vector<double> log_prob, p, at_p;
  for (double value : phi) {
    log_prob.push_back(math::beta_prime_log_density(value, alpha, beta));
    p.push_back(1 / (1 + value));
    at_p.push_back(math::beta_log_density(p.back(), alpha, beta));
  }
  const result::Marginal law{model::Law::BetaPrime, model::Transform::Exp, alpha, beta};
  const double single = 1e-6;  // the moments of the source come from single-precision parameters
  test.compare("log prob", log_prob, expected.at("log_prob"), test.tolerance("beta_prime_rtol", rtol), atol);
  test.compare("p", p, expected.at("p"), rtol, atol);
  test.compare("beta log prob", at_p, expected.at("beta_log_prob_at_p"), rtol, atol);
  test.compare("mean", law.mean(), expected.at("mean"), single, atol);
  test.compare("mode", law.mode(), expected.at("mode"), single, atol);
  test.compare("variance", law.sd() * law.sd(), expected.at("variance"), single, atol);
}

}  // namespace conformance
