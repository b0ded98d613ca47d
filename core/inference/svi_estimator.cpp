#include "core/inference/svi_estimator.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/inference/svi_start.hpp"

namespace scriptorium::inference {

SviEstimator::SviEstimator(const FitInput& input, const FitOptions& options, const FitControl& control)
    : input_(input),
      options_(options),
      svi_(options.svi),
      control_(control),
      problem_(model::component_model(input.model), *input.summary, input.counts, true),
      guide_(input.model, problem_, options.svi.mode == SviMode::Scribe, options.threads) {
  cells_ = problem_.n_cells();
  batch_ = svi_.batch_size > 0 && svi_.batch_size < cells_ ? svi_.batch_size : 0;  // a batch of all cells is none
  if (!input.counts && (batch_ || input.model.components > 1))
    throw Error(ErrorCode::BadInput,
                std::string(batch_ ? "minibatches need" : "a mixture needs") + " the counts, and they are not at hand",
                batch_ ? "Open the data that the summary was made from, or fit all cells at once."
                       : "Open the data that the summary was made from.");
  draws_ = guide_.scribe() ? 1 : std::max(1, svi_.draws);
  if (input.model.components > 1)
    mixture_.emplace(input.model, problem_, input.cell_logits, options.threads);
  else
    one_.emplace(problem_, options.threads, input.backend);
}

std::vector<double> SviEstimator::begin() {
  if (guide_.scribe() || (mixture_ && options_.start == Start::Scribe)) {
    x_ = guide_.start();
    return {};
  }
  const SviStarts starts(input_, options_, problem_, guide_, control_);
  constexpr int looks = 16;  // draws, the same for every start
  std::vector<double> losses, best;
  for (int i = 0; i < starts.size(); ++i) {
    x_ = starts.coordinates(i, control_);
    if (starts.size() == 1) return {};
    control_.tell(-1, "comparing starts");
    losses.push_back(estimate(svi_.steps + 1, looks, nullptr));  // draws that no step takes
    if (losses.back() <= *std::min_element(losses.begin(), losses.end())) best = x_;
  }
  x_ = std::move(best);
  return losses;
}

double SviEstimator::estimate(std::int64_t step, int draws, std::vector<double>* gradient) {
  std::vector<std::int64_t> batch = pick_batch(step);
  const double scale = batch.empty() ? 1 : static_cast<double>(cells_) / static_cast<double>(batch.size());
  std::vector<char> active(guide_.n_elements(), 1);
  if (!batch.empty() && problem_.cell) {
    const std::size_t first = guide_.places().unit(0);
    std::fill(active.begin() + static_cast<std::ptrdiff_t>(first), active.end(), 0);
    for (const auto c : batch) active[first + static_cast<std::size_t>(c)] = 1;
  }
  if (gradient) gradient->assign(x_.size(), 0.0);
  double loss = guide_.divergence(x_, active, scale, gradient);
  for (int d = 0; d < draws; ++d) {
    const bool mirrored = mirrors() && d % 2 == 1;
    guide_.draw(x_, options_.seed, math::Purpose::Svi, static_cast<std::uint64_t>(step * draws_ + d - mirrored),
                mirrored, active, gradient != nullptr, draw_);
    if (rule_over_scalar())
      loss -= expect_over_scalar(batch, scale, draws, gradient);
    else
      loss -= evaluate(batch, scale) / draws;
    loss += guide_.sampled_divergence(x_, draw_, active, scale, 1.0 / draws, gradient);
    if (gradient) guide_.add_slopes(x_, draw_, active, slopes_, weight_slopes_, -1.0 / draws, *gradient);
  }
  return loss;
}

double SviEstimator::evaluate(const std::vector<std::int64_t>& batch, double scale) {
  if (mixture_) return mixture_->evaluate(draw_.z, draw_.log_weight, batch, scale, slopes_, weight_slopes_, control_);
  const auto& places = guide_.places();
  places.read(draw_.z, 0, point_);
  const double value = one_->evaluate(point_, batch, scale, point_slopes_, control_);
  slopes_.assign(places.size(), 0.0);
  places.add(point_slopes_, 0, slopes_);
  std::copy(point_slopes_.units.begin(), point_slopes_.units.end(),
            slopes_.begin() + static_cast<std::ptrdiff_t>(places.unit(0)));
  return value;
}

std::vector<std::size_t> SviEstimator::order() const {
  std::vector<std::size_t> order(guide_.n_weights());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto alpha = guide_.concentration(x_);
  if (input_.cell_logits.empty())
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return alpha[a] > alpha[b]; });
  return order;
}

Posterior SviEstimator::posterior() const {
  return guide_.posterior(x_, order());
}

std::vector<std::int64_t> SviEstimator::pick_batch(std::int64_t step) {
  if (!batch_) return {};
  order_.resize(static_cast<std::size_t>(cells_));
  std::iota(order_.begin(), order_.end(), std::int64_t{0});
  math::Random random(options_.seed, math::Purpose::Minibatch, static_cast<std::uint64_t>(step));
  for (std::int64_t i = 0; i < batch_; ++i) {
    const auto j = i + static_cast<std::int64_t>(random.uniform() * static_cast<double>(cells_ - i));
    std::swap(order_[static_cast<std::size_t>(i)], order_[static_cast<std::size_t>(j)]);
  }
  std::vector<std::int64_t> batch(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(batch_));
  std::sort(batch.begin(), batch.end());
  return batch;
}

double SviEstimator::expect_over_scalar(const std::vector<std::int64_t>& batch, double scale, int draws,
                                        std::vector<double>* gradient) {
  const auto& f = *problem_.scalar;
  f.make_axis_rule(x_[0], x_[1], std::min(16, f.nodes_for(x_[0], x_[1])), scalar_rule_);
  std::vector<double> sum(guide_.n_elements(), 0.0);
  double value = 0, first = 0;
  for (std::size_t k = 0; k < scalar_rule_.size(); ++k) {
    const double w = scalar_rule_.weight[k];
    if (w < 1e-12) continue;
    draw_.z[0] = scalar_rule_.value[k];
    const double ll = evaluate(batch, scale);
    if (first == 0) first = ll;
    value += w * ll;
    if (gradient)
      for (std::size_t i = 0; i < 2; ++i) (*gradient)[i] -= w * scalar_rule_.score[i][k] * (ll - first) / draws;
    for (std::size_t i = 1; i < sum.size(); ++i) sum[i] += w * slopes_[i];
  }
  slopes_ = std::move(sum);  // with none in the scalar
  return value / draws;
}

}  // namespace scriptorium::inference
