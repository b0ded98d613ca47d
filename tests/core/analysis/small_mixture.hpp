#pragma once
#include <cmath>
#include <string>

#include "core/data/dataset.hpp"
#include "core/math/random.hpp"
#include "core/result/estimates.hpp"
#include "core/summary/count_summary.hpp"

/// A small mixture with a made-up posterior, and counts from its components in turn.
namespace small_mixture {

using namespace scriptorium;

inline constexpr std::size_t kCells = 60, kGenes = 9, kComponents = 3;

struct Setting {
  result::Fit fit;
  data::Dataset data;
  model::Values point;
};

/// Three components whose r differ in some of the genes, with counts drawn from them.
inline Setting make(const std::string& likelihood) {
  Setting s;
  s.fit.model.likelihood = likelihood;
  s.fit.model.components = kComponents;
  math::Random random(3, math::Purpose::Test);
  for (const auto& site : model::layout(s.fit.model)) {
    inference::SitePosterior posterior{site.name, site.extent, site.guide, site.guide_transform, {}, {}};
    if (site.support == model::Support::Simplex) {
      posterior.components = kComponents;
      posterior.arg1 = {30, 20, 10};
      posterior.arg2 = {30, 40, 50};
      s.fit.result.posterior.sites.push_back(posterior);
      continue;
    }
    const std::size_t n = site.extent == model::Extent::Scalar ? 1
                          : site.extent == model::Extent::Gene ? kGenes
                                                               : kCells,
                      k = site.by_component ? kComponents : 1;
    if (site.by_component) posterior.components = kComponents;
    for (std::size_t i = 0; i < k * n; ++i) {
      const double z = random.normal(), gene = static_cast<double>(i % n), component = static_cast<double>(i / n);
      const double value = site.name == "r"      ? std::exp(-1 + 0.4 * gene + (i % 3 == 0 ? 0.8 * component : 0))
                           : site.name == "gate" ? 0.05 + 0.02 * gene
                           : site.name == "p"    ? 0.6
                                                 : 1 / (1 + std::exp(0.5 - 0.6 * z));
      if (site.guide == model::Law::Beta) {
        posterior.arg1.push_back(200 * value);
        posterior.arg2.push_back(200 * (1 - value));
      } else {
        posterior.arg1.push_back(std::log(value));
        posterior.arg2.push_back(0.05);
      }
    }
    s.fit.result.posterior.sites.push_back(posterior);
  }
  s.point = result::map_estimate(s.fit, {.use_mean = true});
  auto& counts = s.data.counts;
  counts.n_cells = kCells;
  counts.n_genes = kGenes;
  const auto& r = s.point.at("r").values;
  for (std::size_t c = 0; c < kCells; ++c) {
    for (std::size_t g = 0; g < kGenes; ++g) {
      const auto u = random.negative_binomial(r[c % kComponents * kGenes + g], 0.8);
      if (u == 0) continue;
      counts.gene.push_back(static_cast<std::uint32_t>(g));
      counts.count.push_back(static_cast<std::uint32_t>(u));
    }
    counts.row_start.push_back(counts.nnz());
    s.fit.cells.push_back("cell" + std::to_string(c));
    s.data.cells.names.push_back(s.fit.cells.back());
  }
  for (std::size_t g = 0; g < kGenes; ++g) {
    s.fit.genes.push_back("gene" + std::to_string(g));
    s.data.genes.names.push_back(s.fit.genes.back());
  }
  s.fit.summary = summary::summarise(counts, 1, {});
  return s;
}

}  // namespace small_mixture
