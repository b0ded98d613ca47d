#include "core/result/predictive_source.hpp"

#include "core/compute/parallel.hpp"
#include "core/error.hpp"

namespace scriptorium::result {

PredictiveSource::PredictiveSource(const Fit& fit, const PredictiveOptions& options, const RunControl& control)
    : posterior_kind_(options.kind == PredictiveKind::Posterior),
      sampler_(fit.result.posterior, options.seed),
      kind_(model::find_parameterization(fit.model.parameterization).key) {
  for (const auto& site : model::layout(fit.model)) {
    if (site.extent == model::Extent::Scalar) scalar_ = site.name;
    if (site.extent == model::Extent::Cell) capture_ = site.name;
    if (site.name == "gate") gate_ = true;
  }
  point_ = map_estimate(fit.model, fit.result.posterior.sites,
                        {.use_mean = true, .mean_everywhere = options.mean_point, .canonical = false});
  for (const auto& site : model::layout(fit.model))
    if (!point_.count(site.name))
      throw Error(ErrorCode::BadInput, "The fit has no values of " + site.name + ".",
                  "The model " + fit.model.likelihood + " needs them.");
  shared_.resize(posterior_kind_ ? static_cast<std::size_t>(options.draws) : 1);
  compute::parallel_for(static_cast<std::int64_t>(shared_.size()), 1, options.threads,
                        [&](std::int64_t, std::int64_t first, std::int64_t last) {
                          for (auto d = static_cast<std::size_t>(first); d < static_cast<std::size_t>(last); ++d) {
                            control.check();
                            std::vector<double> captures;
                            if (posterior_kind_) {
                              const auto draw = sampler_.draw(d);
                              if (!scalar_.empty()) shared_[d].scalar = draw.value(scalar_, 0);
                              if (!capture_.empty()) captures = draw.values(capture_);
                            } else {
                              if (!scalar_.empty()) shared_[d].scalar = point_.at(scalar_).values.at(0);
                              if (!capture_.empty()) captures = point_.at(capture_).values;
                            }
                            shared_[d].strata =
                                stratify(fit.summary, log_capture(fit.model, capture_, std::move(captures)));
                          }
                        });
}

GenePoint PredictiveSource::gene(std::size_t g, std::size_t draw) const {
  double scalar = shared(draw).scalar, r = 0, mu = 0, gate = 0;
  if (!posterior_kind_) {
    const auto at = [&](const char* name) { return point_.at(name).values[g]; };
    if (!scalar_.empty() && point_.at(scalar_).values.size() > 1) scalar = point_.at(scalar_).values[g];
    if (kind_ == "canonical" || kind_ == "mean_disp") r = at("r");
    if (kind_ != "canonical") mu = at("mu");
    if (gate_) gate = at("gate");
  } else {
    const auto from = sampler_.draw(draw);
    if (kind_ == "canonical" || kind_ == "mean_disp") r = from.value("r", g);
    if (kind_ != "canonical") mu = from.value("mu", g);
    if (gate_) gate = from.value("gate", g);
  }
  return gene_point(kind_, scalar, r, mu, gate);
}

}  // namespace scriptorium::result
