#include "core/inference/mixing.hpp"

#include <cmath>
#include <map>

#include "core/math/special.hpp"

namespace scriptorium::inference {
namespace {

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum;
}

}  // namespace

MixingPosterior::MixingPosterior(std::vector<double> prior, std::span<const double> logits)
    : prior_(std::move(prior)), logits_(logits) {
  const std::size_t k = prior_.size();
  std::map<std::vector<double>, std::uint32_t> known;
  for (std::size_t at = 0; at < logits.size(); at += k) {
    std::vector<double> row(logits.begin() + static_cast<std::ptrdiff_t>(at),
                            logits.begin() + static_cast<std::ptrdiff_t>(at + k));
    const auto [found, is_new] = known.try_emplace(row, static_cast<std::uint32_t>(rows_.size()));
    if (is_new) {
      rows_.push_back(std::move(row));
      row_cells_.push_back(0);
    }
    row_cells_[found->second] += 1;
    row_of_cell_.push_back(found->second);
  }
  set(prior_);
}

void MixingPosterior::set(std::vector<double> concentration) {
  alpha_ = std::move(concentration);
  const double psi = math::digamma(sum_of(alpha_));
  expected_log_.clear();
  for (const double a : alpha_) expected_log_.push_back(math::digamma(a) - psi);
}

double MixingPosterior::log_sum(std::size_t row, const std::vector<double>& alpha) const {
  const double all = sum_of(alpha);
  std::vector<double> terms;
  for (std::size_t j = 0; j < alpha.size(); ++j) terms.push_back(std::log(alpha[j] / all) + rows_[row][j]);
  return math::log_sum_exp(terms.data(), terms.size());
}

/// What the concentrations change of minus the loss.
double MixingPosterior::bound(const std::vector<double>& alpha, const std::vector<double>& cells) const {
  const double all = sum_of(alpha), psi = math::digamma(all);
  double value = -math::log_gamma(all);
  for (std::size_t j = 0; j < alpha.size(); ++j)
    value += (cells[j] + prior_[j] - alpha[j]) * (math::digamma(alpha[j]) - psi) + math::log_gamma(alpha[j]);
  for (std::size_t r = 0; r < rows_.size(); ++r) value -= row_cells_[r] * log_sum(r, alpha);
  return value;
}

void MixingPosterior::update(const std::vector<double>& cells) {
  const std::size_t k = prior_.size();
  std::vector<double> base(k);
  for (std::size_t j = 0; j < k; ++j) base[j] = prior_[j] + cells[j];
  std::vector<double> best = rows_.empty() ? base : alpha_;
  if (!rows_.empty() && bound(base, cells) > bound(best, cells)) best = base;
  // Natural-gradient steps: the conjugate update, and F⁻¹ times the slope of the annotation's part.
  for (int round = 0; round < 50 && !rows_.empty(); ++round) {
    const double all = sum_of(best);
    std::vector<double> slope(k, 0.0);
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      const double sum = log_sum(r, best);
      for (std::size_t j = 0; j < k; ++j) slope[j] -= row_cells_[r] * (std::exp(rows_[r][j] - sum) - 1) / all;
    }
    double across = 0, within = 0;
    const double shared = math::trigamma(all);
    for (std::size_t j = 0; j < k; ++j) {
      across += slope[j] / math::trigamma(best[j]);
      within += 1 / math::trigamma(best[j]);
    }
    std::vector<double> target(k);
    for (std::size_t j = 0; j < k; ++j)
      target[j] = base[j] + (slope[j] + shared * across / (1 - shared * within)) / math::trigamma(best[j]);
    const double now = bound(best, cells);
    bool better = false;
    double moved = 0;
    for (double by = 1; by > 1e-6 && !better; by *= 0.5) {
      auto trial = best;
      moved = 0;
      bool inside = true;
      for (std::size_t j = 0; j < k; ++j) {
        trial[j] += by * (target[j] - best[j]);
        inside = inside && trial[j] > 1e-3 * prior_[j];
        moved = std::max(moved, std::fabs(trial[j] - best[j]) / best[j]);
      }
      if (!inside || !(bound(trial, cells) > now)) continue;
      best = std::move(trial);
      better = true;
    }
    if (!better || moved < 1e-10) break;
  }
  set(std::move(best));
}

void MixingPosterior::add_log_weights(std::vector<double>& scores) const {
  const std::size_t k = prior_.size();
  std::vector<double> sums;
  for (std::size_t r = 0; r < rows_.size(); ++r) sums.push_back(log_sum(r, alpha_));
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i] += expected_log_[i % k];
    if (!logits_.empty()) scores[i] += logits_[i] - sums[row_of_cell_[i / k]];
  }
}

double MixingPosterior::divergence() const {
  double value = math::log_gamma(sum_of(alpha_)) - math::log_gamma(sum_of(prior_));
  for (std::size_t j = 0; j < alpha_.size(); ++j)
    value += math::log_gamma(prior_[j]) - math::log_gamma(alpha_[j]) + (alpha_[j] - prior_[j]) * expected_log_[j];
  return value;
}

}  // namespace scriptorium::inference
