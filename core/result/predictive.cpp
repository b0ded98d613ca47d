#include "core/result/predictive.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <span>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/result/gene_simulation.hpp"

namespace scriptorium::result {
namespace {

using math::Purpose;
using math::Random;

void check_request(const Fit& fit, const std::vector<std::int64_t>& genes, const PredictiveOptions& options) {
  if (options.draws < 1) throw Error(ErrorCode::BadInput, "The number of predictive draws must be at least 1.", {});
  if (fit.point_only && options.kind == PredictiveKind::Posterior)
    throw Error(ErrorCode::BadInput, "These are point estimates; they have no posterior to draw from.",
                "Ask for the predictive at the point (map), or give a fit.");
  const auto shares = static_cast<std::size_t>(fit.summary.n_cells * fit.model.components);
  if (!options.shares.empty() && options.shares.size() != shares)
    throw Error(ErrorCode::BadInput,
                "There are " + std::to_string(options.shares.size()) + " probabilities of components; the cells need " +
                    std::to_string(shares) + ".",
                "Give one a cell and component.");
  if (fit.summary.n_cells == 0)
    throw Error(ErrorCode::BadInput, "The fit does not know its data.", "Give the data as well.");
  for (auto g : genes)
    if (g < 0 || g >= fit.summary.n_genes)
      throw Error(ErrorCode::BadInput, "There is no gene number " + std::to_string(g) + ".", {});
}

}  // namespace

std::vector<GenePredictive> predictive(const Fit& fit, const std::vector<std::int64_t>& genes,
                                       const PredictiveOptions& options, const RunControl& control) {
  check_request(fit, genes, options);
  control.tell(0, "drawing parameters");
  const PredictiveSource source(fit, options, control);
  const auto cpu = options.backend ? nullptr : compute::cpu_backend(options.threads);
  const GeneSimulator simulator(fit, source, options, options.backend ? *options.backend : *cpu);
  std::vector<GenePredictive> result;
  while (result.size() < genes.size()) {
    auto some = simulator.run(std::span(genes).subspan(result.size()), control);
    std::move(some.begin(), some.end(), std::back_inserter(result));
    control.tell(
        static_cast<double>(result.size()) / static_cast<double>(genes.size()),
        "replicated data of " + std::to_string(result.size()) + " of " + std::to_string(genes.size()) + " genes");
  }
  return result;
}

std::vector<std::uint32_t> predictive_draws(const Fit& fit, const std::vector<std::int64_t>& genes,
                                            const PredictiveOptions& options, const RunControl& control) {
  check_request(fit, genes, options);
  const auto cells = static_cast<std::size_t>(fit.summary.n_cells);
  const double size = static_cast<double>(cells) * static_cast<double>(genes.size()) * options.draws;
  if (size > 1e8)
    throw Error(ErrorCode::OutOfMemory,
                "Full draws of so many cells and genes would be " + std::to_string(static_cast<long>(size / 1e6)) +
                    " million numbers.",
                "Ask for fewer genes or draws, or for bands.");
  const bool map = options.kind == PredictiveKind::Map;
  const auto point = map_estimate(fit.model, fit.result.posterior.sites,
                                  {.use_mean = true, .mean_everywhere = options.mean_point, .canonical = false});
  const PosteriorSampler sampler(fit.result.posterior, options.seed);
  const auto kind = model::find_parameterization(fit.model.parameterization).key;
  const auto sites = model::layout(fit.model);
  const auto components = static_cast<std::size_t>(fit.model.components);
  std::set<std::string> by_component;
  for (const auto& site : sites)
    if (site.by_component) by_component.insert(site.name);
  std::vector<std::uint32_t> result(static_cast<std::size_t>(size));
  compute::parallel_for(options.draws, 1, options.threads, [&](std::int64_t, std::int64_t d, std::int64_t) {
    control.check();
    const auto draw = sampler.draw(static_cast<std::uint64_t>(d));
    std::map<std::string, std::vector<double>> values;
    std::vector<double> n;
    for (const auto& site : sites) {
      values[site.name] = map ? point.at(site.name).values : draw.values(site.name);
      if (site.extent == model::Extent::Cell) n = log_capture(fit.model, site.name, values[site.name]);
    }
    std::vector<std::uint32_t> component(cells, 0);
    if (components > 1)
      component = draw_components(options.shares.empty() ? values.at("mixing_weights") : options.shares, components,
                                  fit.summary.n_cells, options.seed, static_cast<std::uint64_t>(d));
    const auto at = [&](const char* name, std::size_t i, std::size_t k) {
      const auto found = values.find(name);
      if (found == values.end()) return 0.0;
      const bool rows = by_component.count(name) != 0;
      const std::size_t length = found->second.size() / (rows ? components : 1);
      return found->second[(rows ? k * length : 0) + (length > 1 ? i : 0)];
    };
    for (std::size_t k = 0; k < genes.size(); ++k) {
      const auto g = static_cast<std::size_t>(genes[k]);
      std::vector<GenePoint> points;
      for (std::size_t j = 0; j < components; ++j)
        points.push_back(gene_point(kind, values.count("p") ? at("p", g, j) : at("phi", g, j), at("r", g, j),
                                    at("mu", g, j), at("gate", g, j)));
      Random random(options.seed, map ? Purpose::PredictiveMap : Purpose::PredictivePosterior,
                    static_cast<std::uint64_t>(g), static_cast<std::uint64_t>(d) | (std::uint64_t{1} << 31));
      for (std::size_t c = 0; c < cells; ++c) {
        const GenePoint& gene = points[component[c]];
        const bool gated = gene.gate > 0 && random.uniform() < gene.gate;
        const double odds = math::same::exp(gene.x + (n.empty() ? 0 : n[c]));
        const std::uint64_t count = gated ? 0 : random.negative_binomial(gene.r, odds);
        result[(static_cast<std::size_t>(d) * cells + c) * genes.size() + k] =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(count, 0xffffffffu));
      }
    }
  });
  return result;
}

}  // namespace scriptorium::result
