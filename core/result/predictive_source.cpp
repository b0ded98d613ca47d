#include "core/result/predictive_source.hpp"

#include "core/compute/parallel.hpp"
#include "core/error.hpp"

namespace scriptorium::result {

PredictiveSource::PredictiveSource(const Fit& fit, const PredictiveOptions& options, const RunControl& control)
    : posterior_kind_(options.kind == PredictiveKind::Posterior),
      components_(static_cast<std::size_t>(fit.model.components)),
      genes_(static_cast<std::size_t>(fit.summary.n_genes)),
      sampler_(fit.result.posterior, options.seed),
      kind_(model::find_parameterization(fit.model.parameterization).key) {
  const auto sites = model::layout(fit.model);
  for (const auto& site : sites) {
    by_component_[site.name] = site.by_component;
    if (site.support == model::Support::Simplex) continue;
    if (site.extent == model::Extent::Scalar) scalar_ = site.name;
    if (site.extent == model::Extent::Cell) capture_ = site.name;
    if (site.name == "gate") gate_ = true;
  }
  point_ = map_estimate(fit.model, fit.result.posterior.sites,
                        {.use_mean = true, .mean_everywhere = options.mean_point, .canonical = false});
  for (const auto& site : sites)
    if (!point_.count(site.name))
      throw Error(ErrorCode::BadInput, "The fit has no values of " + site.name + ".",
                  "The model " + fit.model.likelihood + " needs them.");
  shared_.resize(fixed() ? 1 : static_cast<std::size_t>(options.draws));
  compute::parallel_for(
      static_cast<std::int64_t>(shared_.size()), 1, options.threads,
      [&](std::int64_t, std::int64_t first, std::int64_t last) {
        for (auto d = static_cast<std::size_t>(first); d < static_cast<std::size_t>(last); ++d) {
          control.check();
          const auto draw = sampler_.draw(d);
          const auto all = [&](const std::string& site) {
            return posterior_kind_ ? draw.values(site) : point_.at(site).values;
          };
          for (std::size_t k = 0; k < components_ && !scalar_.empty(); ++k)
            shared_[d].scalar.push_back(at(scalar_, 0, k, &draw));
          std::vector<std::uint32_t> component;
          if (components_ > 1) {
            const auto weights = options.shares.empty() ? all("mixing_weights") : std::vector<double>();
            component = draw_components(options.shares.empty() ? weights : options.shares, components_,
                                        fit.summary.n_cells, options.seed, d);
          }
          shared_[d].strata = stratify(
              fit.summary, log_capture(fit.model, capture_, capture_.empty() ? std::vector<double>() : all(capture_)),
              component);
        }
      });
}

/// A value of a gene's or of the shared site, of a component where it has them.
double PredictiveSource::at(const std::string& site, std::size_t g, std::size_t component,
                            const PosteriorSampler::Draw* draw) const {
  const bool by_component = by_component_.at(site);
  if (posterior_kind_) {
    const std::size_t length = site == scalar_ ? 1 : genes_;
    return draw->value(site, (by_component ? component * length : 0) + g);
  }
  const auto& values = point_.at(site).values;  // of a point, p may be per gene
  const std::size_t rows = by_component ? components_ : 1, length = values.size() / rows;
  return values[(by_component ? component * length : 0) + (length > 1 ? g : 0)];
}

GenePoint PredictiveSource::gene(std::size_t g, std::size_t draw, std::size_t component) const {
  const auto from = sampler_.draw(draw);
  const auto value = [&](bool there, const char* site) { return there ? at(site, g, component, &from) : 0; };
  double scalar = 0;
  if (!scalar_.empty()) scalar = posterior_kind_ ? shared(draw).scalar[component] : at(scalar_, g, component, &from);
  return gene_point(kind_, scalar, value(kind_ == "canonical" || kind_ == "mean_disp", "r"),
                    value(kind_ != "canonical", "mu"), value(gate_, "gate"));
}

}  // namespace scriptorium::result
