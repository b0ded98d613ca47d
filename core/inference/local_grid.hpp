#pragma once
#include <array>
#include <cstddef>
#include <vector>

namespace scriptorium::inference {

/// Even nodes on an interval of t with interpolation through the eight nodes around a point. A function that is
/// analytic to the imaginary distance ρ is met to about 43 (spacing/ρ)⁸ of its size, wherever the interval ends: the
/// weights of a cell whose t is well known are few, and close together.
class LocalGrid {
 public:
  static constexpr int taps = 8;

  /// Nodes that cover [low, high] at most `spacing` apart, a multiple of four of them.
  void set(double low, double high, double spacing);
  int size() const { return static_cast<int>(nodes_.size()); }
  const std::vector<double>& nodes() const { return nodes_; }
  double spacing() const { return 1 / inverse_spacing_; }
  /// The first of the eight nodes around t, and their weights (they sum to one). A t beyond the nodes counts as the
  /// last of them.
  int locate(double t, double* weights) const { return locate_among(t, 0, size(), weights); }
  /// A function at t, given its values at the `width` ≥ 8 nodes from `first` on; beyond them it stays what it is there.
  double evaluate_window(const double* values, int first, int width, double t) const;

 private:
  int locate_among(double t, int first, int width, double* weights) const;
  double low_ = 0, inverse_spacing_ = 1;
  std::vector<double> nodes_;
};

/// The nodes of a grid shifted by any amount of an interval, on one longer grid of the same spacing: a function of
/// t + shift is tabulated once, whatever the shift.
class ShiftedGrid {
 public:
  void set(const LocalGrid& grid, double lowest_shift, double highest_shift);
  int size() const { return size_; }
  double node(std::size_t k) const { return low_ + static_cast<double>(k) * spacing_; }
  /// Adds weights at the grid's nodes, shifted, to `out` (size()).
  void spread(double shift, const double* weights, double* out) const;
  /// Adds by · f(node + shift) to `out` at the grid's nodes, for f tabulated on this grid.
  void gather(double shift, double by, const double* f, double* out) const;

 private:
  int offset(double shift, double* taps) const;
  double low_ = 0, spacing_ = 1, grid_low_ = 0;
  int grid_size_ = 0, size_ = 0;
};

}  // namespace scriptorium::inference
