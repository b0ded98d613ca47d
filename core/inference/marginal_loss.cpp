#include "core/inference/marginal_loss.hpp"

#include <cmath>
#include <optional>

#include "core/inference/guide.hpp"
#include "core/inference/log_likelihood.hpp"

namespace scriptorium::inference {
namespace {

void summarise(MarginalLoss& of) {
  const auto n = static_cast<double>(of.draws.size());
  double sum = 0, square = 0;
  for (const double d : of.draws) sum += d;
  of.loss = sum / n;
  for (const double d : of.draws) square += (d - of.loss) * (d - of.loss);
  of.error = n > 1 ? std::sqrt(square / (n - 1) / n) : INFINITY;
}

}  // namespace

MarginalLoss marginal_loss(const FitInput& input, const Posterior& posterior, int draws, std::uint64_t seed,
                           int threads, const RunControl& control) {
  if (!input.summary || (!input.counts && input.model.components > 1))
    throw Error(ErrorCode::BadInput, "a mixture needs the counts, and they are not at hand",
                "Open the data that the summary was made from.");
  const Problem one(model::component_model(input.model), *input.summary, input.counts, true);
  const Guide guide(input.model, one, false, threads);
  const auto x = guide.coordinates(posterior);
  std::optional<LogLikelihood> single;
  std::optional<MixtureLogLikelihood> mixture;
  if (input.model.components > 1)
    mixture.emplace(input.model, one, input.cell_logits, threads);
  else
    single.emplace(one, threads);
  const std::vector<char> active(guide.n_elements(), 1);
  GuideDraw draw;
  std::vector<double> slopes, weight_slopes;
  Point point;
  PointGradient unused;
  MarginalLoss out;
  for (int i = 0; i < draws; ++i) {
    control.check();
    guide.draw(x, seed, math::Purpose::PosteriorDraw, static_cast<std::uint64_t>(i), false, active, false, draw);
    double likelihood;
    if (mixture) {
      likelihood = mixture->evaluate(draw.z, draw.log_weight, {}, 1, slopes, weight_slopes, control);
      const auto& share = mixture->responsibilities();
      out.cells.resize(guide.n_weights(), 0.0);
      for (std::size_t at = 0; at < share.size(); ++at) out.cells[at % out.cells.size()] += share[at] / draws;
    } else {
      guide.places().read(draw.z, 0, point);
      likelihood = single->evaluate(point, {}, 1, unused, control);
    }
    out.draws.push_back(guide.log_ratio(x, draw) - likelihood);
  }
  summarise(out);
  return out;
}

MarginalLoss difference(const MarginalLoss& a, const MarginalLoss& b) {
  MarginalLoss out;
  for (std::size_t i = 0; i < std::min(a.draws.size(), b.draws.size()); ++i)
    out.draws.push_back(a.draws[i] - b.draws[i]);
  summarise(out);
  return out;
}

}  // namespace scriptorium::inference
