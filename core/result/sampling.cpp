#include <algorithm>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/result/estimates.hpp"
#include "core/result/transform.hpp"

namespace scriptorium::result {
namespace {

using inference::SitePosterior;
using model::Law;

constexpr int grid_steps = 32;  // fine points between two nodes of the shared scalar

/// A number of a site's own for its streams: the same in every model, so a site's draws do not depend on its
/// neighbours.
std::uint64_t stream_of(const std::string& site) {
  const auto& names = model::parameter_names();
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i].internal == site) return (i + 1) << 32;
  throw Error(ErrorCode::BadInput, "There is no parameter \"" + site + "\" to draw.", {});
}

/// The value of a site; of a Dirichlet's share the log of its Gamma variate.
double draw_value(Law law, model::Transform transform, double arg1, double arg2, math::Random& random) {
  switch (law) {
    case Law::Beta:
      return math::sigmoid(random.logit_beta(arg1, arg2));
    case Law::BetaPrime:
      return std::exp(-random.logit_beta(arg1, arg2));
    case Law::Gamma:
      return random.gamma(arg1) / arg2;
    case Law::LogNormal:
    case Law::TransformedNormal:
      return to_natural(transform, arg1 + arg2 * random.normal());
    case Law::Dirichlet:
      return random.log_gamma_variate(arg1);  // its share of all comes later
    case Law::TruncatedNormal:
      break;
  }
  throw Error(ErrorCode::Unsupported, "A truncated normal is a prior here, never a posterior.", {});
}

/// Natural cubic spline through (x, y), at the points of a grid that cuts each interval in `grid_steps`.
void refine(const std::vector<double>& x, const std::vector<double>& y, std::vector<double>& fine_x,
            std::vector<double>& fine_y) {
  const std::size_t n = x.size();
  std::vector<double> bend(n, 0.0), work(n, 0.0);
  for (std::size_t i = 1; i + 1 < n; ++i) {
    const double left = x[i] - x[i - 1], right = x[i + 1] - x[i];
    const double pivot = 2 * (left + right) - left * work[i - 1];
    const double jump = 6 * ((y[i + 1] - y[i]) / right - (y[i] - y[i - 1]) / left);
    work[i] = right / pivot;
    bend[i] = (jump - left * bend[i - 1]) / pivot;
  }
  for (std::size_t i = n - 1; i-- > 1;) bend[i] -= work[i] * bend[i + 1];
  for (std::size_t i = 0; i + 1 < n; ++i)
    for (int step = 0; step < grid_steps; ++step) {
      const double h = x[i + 1] - x[i], b = static_cast<double>(step) / grid_steps, a = 1 - b;
      fine_x.push_back(x[i] + b * h);
      fine_y.push_back(a * y[i] + b * y[i + 1] +
                       ((a * a * a - a) * bend[i] + (b * b * b - b) * bend[i + 1]) * h * h / 6);
    }
  fine_x.push_back(x.back());
  fine_y.push_back(y.back());
}

}  // namespace

PosteriorSampler::PosteriorSampler(const inference::Posterior& posterior, std::uint64_t seed)
    : posterior_(posterior), seed_(seed) {
  if (!posterior.conditional) return;
  const auto& conditional = *posterior.conditional;
  if (conditional.node.size() < 2 || conditional.log_density.size() != conditional.node.size() ||
      conditional.sites.size() != conditional.node.size())
    throw Error(ErrorCode::BadInput, "The grid of the shared parameter in this fit is not complete.", "Fit again.");
  std::vector<double> log_density;
  refine(conditional.node, conditional.log_density, axis_, log_density);
  const double top = *std::max_element(log_density.begin(), log_density.end());
  cumulative_.assign(axis_.size(), 0.0);
  for (std::size_t i = 1; i < axis_.size(); ++i)
    cumulative_[i] = cumulative_[i - 1] + 0.5 * (std::exp(log_density[i] - top) + std::exp(log_density[i - 1] - top)) *
                                              (axis_[i] - axis_[i - 1]);
  for (double& value : cumulative_) value /= cumulative_.back();
}

PosteriorSampler::Draw PosteriorSampler::draw(std::uint64_t index) const {
  Draw draw;
  draw.owner_ = this;
  draw.draw_ = index;
  if (!posterior_.conditional) return draw;
  const auto& conditional = *posterior_.conditional;
  math::Random random(seed_, math::Purpose::PosteriorDraw, stream_of(conditional.scalar), index);
  const double u = random.uniform();
  const auto above = std::upper_bound(cumulative_.begin(), cumulative_.end(), u);
  const std::size_t i =
      std::clamp<std::size_t>(static_cast<std::size_t>(above - cumulative_.begin()), 1, axis_.size() - 1);
  const double width = cumulative_[i] - cumulative_[i - 1];
  const double share = width > 0 ? std::clamp((u - cumulative_[i - 1]) / width, 0.0, 1.0) : 0.5;
  const double z = axis_[i - 1] + share * (axis_[i] - axis_[i - 1]);
  draw.scalar_ = to_natural(conditional.transform, z);
  const auto node = std::upper_bound(conditional.node.begin(), conditional.node.end(), z);
  draw.node_ = std::clamp<std::size_t>(static_cast<std::size_t>(node - conditional.node.begin()), 1,
                                       conditional.node.size() - 1) -
               1;
  const double low = conditional.node[draw.node_], high = conditional.node[draw.node_ + 1];
  draw.weight_ = std::clamp((z - low) / (high - low), 0.0, 1.0);
  return draw;
}

std::size_t PosteriorSampler::Draw::position(const std::string& site) const {
  const auto& posterior = owner_->posterior_;
  const auto& sites = posterior.conditional ? posterior.conditional->sites[node_] : posterior.sites;
  for (std::size_t i = 0; i < sites.size(); ++i)
    if (sites[i].name == site) return i;
  throw Error(ErrorCode::BadInput, "The fit has no draws of \"" + site + "\".", {});
}

double PosteriorSampler::Draw::element(const SitePosterior& site, std::size_t position, std::size_t index) const {
  math::Random random(owner_->seed_, math::Purpose::PosteriorDraw, stream_of(site.name) | index, draw_);
  double arg1 = site.arg1[index], arg2 = site.arg2[index];
  if (owner_->posterior_.conditional) {
    const auto& above = owner_->posterior_.conditional->sites[node_ + 1][position];
    arg1 += weight_ * (above.arg1[index] - arg1);
    arg2 += weight_ * (above.arg2[index] - arg2);
  }
  return draw_value(site.law, site.transform, arg1, arg2, random);
}

double PosteriorSampler::Draw::value(const std::string& site, std::size_t index) const {
  const auto& posterior = owner_->posterior_;
  if (posterior.conditional && posterior.conditional->scalar == site) return scalar_;
  const std::size_t at = position(site);
  const auto& from = posterior.conditional ? posterior.conditional->sites[node_][at] : posterior.sites[at];
  if (from.law == Law::Dirichlet) return values(site).at(index);
  return element(from, at, index);
}

std::vector<double> PosteriorSampler::Draw::values(const std::string& site) const {
  const auto& posterior = owner_->posterior_;
  if (posterior.conditional && posterior.conditional->scalar == site) return {scalar_};
  const std::size_t at = position(site);
  const auto& from = posterior.conditional ? posterior.conditional->sites[node_][at] : posterior.sites[at];
  std::vector<double> result(from.arg1.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = element(from, at, i);
  if (from.law == Law::Dirichlet) {
    const double top = *std::max_element(result.begin(), result.end());
    double sum = 0;
    for (double& share : result) sum += share = std::exp(share - top);
    for (double& share : result) share /= sum;
  }
  return result;
}

model::Values sample(const Fit& fit, int draws, std::uint64_t seed, bool derived, int threads,
                     const RunControl& control) {
  if (fit.point_only)
    throw Error(ErrorCode::BadInput, "These are point estimates; they have no posterior to draw from.",
                "Give a fit instead of a file of parameters.");
  if (draws < 1) throw Error(ErrorCode::BadInput, "The number of draws must be at least 1.", {});
  double numbers = 0;
  for (const auto& site : fit.result.posterior.sites) numbers += static_cast<double>(site.arg1.size()) * draws;
  if (numbers > 4e9)
    throw Error(ErrorCode::OutOfMemory,
                "So many draws would take " + std::to_string(static_cast<long>(numbers * 8e-9)) + " GB.",
                "Ask for fewer draws, or take a subset of the genes first.");
  const PosteriorSampler sampler(fit.result.posterior, seed);
  model::Values values;
  for (const auto& site : fit.result.posterior.sites) {
    auto& array = values[site.name];
    array.dims = {"draw"};
    array.shape = {draws};
    append_axes(site, array);
    array.values.resize(static_cast<std::size_t>(draws) * site.arg1.size());
  }
  control.tell(-1, "drawing from the posterior");
  compute::parallel_for(draws, 1, threads, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (std::int64_t d = first; d < last; ++d) {
      control.check();
      const auto draw = sampler.draw(static_cast<std::uint64_t>(d));
      for (const auto& site : fit.result.posterior.sites) {
        const auto one = draw.values(site.name);
        std::copy(one.begin(), one.end(),
                  values.at(site.name).values.begin() + d * static_cast<std::int64_t>(one.size()));
      }
    }
  });
  if (derived) add_derived(fit.model, values);
  return values;
}

}  // namespace scriptorium::result
