#include "core/inference/local_grid.hpp"

#include <algorithm>
#include <cmath>

#include "core/compute/kernels.hpp"

namespace scriptorium::inference {
namespace {

/// Weights of a point x between the nodes 0 … 7: Lagrange's products from the left and from the right, over ∏ (j − i).
void lagrange(double x, double* weights) {
  constexpr std::array<double, LocalGrid::taps> scale{-1.0 / 5040, 1.0 / 720, -1.0 / 240, 1.0 / 144,
                                                      -1.0 / 144,  1.0 / 240, -1.0 / 720, 1.0 / 5040};
  std::array<double, LocalGrid::taps> right;
  right[LocalGrid::taps - 1] = 1;
  for (int j = LocalGrid::taps - 1; j > 0; --j)
    right[static_cast<std::size_t>(j - 1)] = right[static_cast<std::size_t>(j)] * (x - j);
  double left = 1;
  for (std::size_t j = 0; j < scale.size(); ++j) {
    weights[j] = left * right[j] * scale[j];
    left *= x - static_cast<double>(j);
  }
}

}  // namespace

void LocalGrid::set(double low, double high, double spacing) {
  // Three nodes more than the interval on either side, so that no point of it lacks neighbours.
  const double span = std::max(high - low, 1e-3);
  const auto inner = static_cast<int>(std::ceil(span / spacing));
  const double step = span / inner;
  const int size = (inner + 1 + 6 + 3) / 4 * 4;
  low_ = low - 3 * step;
  inverse_spacing_ = 1 / step;
  nodes_.resize(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) nodes_[static_cast<std::size_t>(i)] = low_ + i * step;
}

int LocalGrid::locate_among(double t, int first, int width, double* weights) const {
  const double place = (t - low_) * inverse_spacing_;
  const double s = place >= first ? std::min(place, first + width - 1.0) : first;  // NaN: the first
  const int at = std::clamp(static_cast<int>(s) - 3, first, first + width - taps);
  lagrange(s - at, weights);
  return at;
}

double LocalGrid::evaluate_window(const double* values, int first, int width, double t) const {
  std::array<double, taps> weights;
  const double* at = values + (locate_among(t, first, width, weights.data()) - first);
  double sum = 0;
  for (std::size_t j = 0; j < taps; ++j) sum += weights[j] * at[j];
  return sum;
}

void ShiftedGrid::set(const LocalGrid& grid, double lowest_shift, double highest_shift) {
  spacing_ = grid.spacing();
  grid_low_ = grid.nodes().front();
  grid_size_ = grid.size();
  low_ = grid_low_ + (std::floor(lowest_shift / spacing_) - 3) * spacing_;
  size_ = (offset(highest_shift, nullptr) + grid_size_ + LocalGrid::taps + 3) / 4 * 4;
}

int ShiftedGrid::offset(double shift, double* taps) const {
  const double s = (grid_low_ + shift - low_) / spacing_;
  const int at = std::max(static_cast<int>(s) - 3, 0);
  if (taps) lagrange(s - at, taps);
  return at;
}

void ShiftedGrid::spread(double shift, const double* weights, double* out) const {
  std::array<double, LocalGrid::taps> taps;
  double* to = out + offset(shift, taps.data());
  for (std::size_t j = 0; j < taps.size(); ++j)
    compute::add_scaled(weights, taps[j], to + j, static_cast<std::size_t>(grid_size_));
}

void ShiftedGrid::gather(double shift, double by, const double* f, double* out) const {
  if (by == 0) return;  // a node whose value is wanted, not its share of an average
  std::array<double, LocalGrid::taps> taps;
  const double* from = f + offset(shift, taps.data());
  for (std::size_t j = 0; j < taps.size(); ++j)
    compute::add_scaled(from + j, by * taps[j], out, static_cast<std::size_t>(grid_size_));
}

}  // namespace scriptorium::inference
