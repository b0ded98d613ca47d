#pragma once
#include <cmath>
#include <string>

#include "core/math/random.hpp"
#include "core/result/estimates.hpp"
#include "core/summary/count_summary.hpp"

/// A small simulated data set and a made-up posterior near its truth, for any model of the catalogue.
namespace small_model {

using namespace scriptorium;

inline constexpr std::int64_t cells = 400, genes = 12;

struct Setting {
  result::Fit fit;
  data::CountMatrix counts;
  model::Values truth;
};

inline model::Array array(model::Extent extent, std::vector<double> values) {
  model::Array a;
  if (extent != model::Extent::Scalar) {
    a.dims = {model::to_string(extent)};
    a.shape = {static_cast<std::int64_t>(values.size())};
  }
  a.values = std::move(values);
  return a;
}

inline Setting make(const std::string& likelihood, const std::string& parameterization, bool organism = false,
                    bool unconstrained = false) {
  Setting s;
  s.fit.model.likelihood = likelihood;
  s.fit.model.parameterization = parameterization;
  s.fit.model.unconstrained = unconstrained;
  if (organism) s.fit.model.capture_prior = model::organism_capture_prior("human");
  math::Random random(11, math::Purpose::Test);
  std::vector<double> gene_n(cells, 0.0);
  for (const auto& site : model::layout(s.fit.model)) {
    const std::size_t n = site.extent == model::Extent::Scalar
                              ? 1
                              : static_cast<std::size_t>(site.extent == model::Extent::Gene ? genes : cells);
    std::vector<double> values;
    for (std::size_t i = 0; i < n; ++i) {
      const double z = random.normal(), at = static_cast<double>(i);
      values.push_back(site.name == "p"             ? 0.6
                       : site.name == "phi"         ? 0.7
                       : site.name == "r"           ? std::exp(-1.5 + 0.3 * at)
                       : site.name == "mu"          ? std::exp(-1 + 0.4 * at)
                       : site.name == "gate"        ? 0.05 + 0.02 * at
                       : site.name == "p_capture"   ? 1 / (1 + std::exp(0.5 - 0.6 * z))
                       : site.name == "phi_capture" ? std::exp(0.5 - 0.6 * z)
                                                    : 0.8 + 0.5 * std::fabs(z));
    }
    inference::SitePosterior posterior{site.name, site.extent, site.guide, site.guide_transform, {}, {}};
    for (double v : values) {
      if (site.guide == model::Law::Beta) {
        posterior.arg1.push_back(200 * v);
        posterior.arg2.push_back(200 * (1 - v));
      } else if (site.guide == model::Law::BetaPrime) {
        posterior.arg1.push_back(200 / (1 + v));
        posterior.arg2.push_back(200 * v / (1 + v));
      } else {
        const bool softplus = site.guide_transform == model::Transform::Softplus,
                   sigmoid = site.guide_transform == model::Transform::Sigmoid;
        posterior.arg1.push_back(softplus ? math::inverse_softplus(v) : sigmoid ? std::log(v / (1 - v)) : std::log(v));
        posterior.arg2.push_back(0.05);
      }
    }
    s.fit.result.posterior.sites.push_back(posterior);
    s.truth[site.name] = array(site.extent, values);
  }
  auto all = s.truth;
  result::add_derived(s.fit.model, all);
  s.counts.n_cells = cells;
  s.counts.n_genes = genes;
  for (std::int64_t c = 0; c < cells; ++c) {
    for (std::int64_t g = 0; g < genes; ++g) {
      const auto& p = all.at("p").values;
      const double one = p[p.size() > 1 ? static_cast<std::size_t>(g) : 0];
      double odds = one / (1 - one);
      if (all.count("p_capture")) odds *= all.at("p_capture").values[static_cast<std::size_t>(c)];
      if (all.count("gate") && random.uniform() < all.at("gate").values[static_cast<std::size_t>(g)]) continue;
      const auto u = random.negative_binomial(all.at("r").values[static_cast<std::size_t>(g)], odds);
      if (u == 0) continue;
      s.counts.gene.push_back(static_cast<std::uint32_t>(g));
      s.counts.count.push_back(static_cast<std::uint32_t>(u));
    }
    s.counts.row_start.push_back(s.counts.nnz());
  }
  s.fit.summary = summary::summarise(s.counts, 1, {});
  for (std::int64_t g = 0; g < genes; ++g) s.fit.genes.push_back("gene" + std::to_string(g));
  for (std::int64_t c = 0; c < cells; ++c) s.fit.cells.push_back("cell" + std::to_string(c));
  return s;
}

}  // namespace small_model
