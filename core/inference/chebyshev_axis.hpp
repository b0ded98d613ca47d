#pragma once
#include <vector>

namespace scriptorium::inference {

/// Interpolation at Chebyshev nodes of functions of one number per cell, t_c: Σ_c w_gc f_g(t_c) = Σ_m f_g(x_m) W_gm
/// with W_gm = Σ_c w_gc E ℓ_m(t_c). All that zero-inflated capture models, and mean_disp with capture, need of the
/// cells. Accurate to rounding where t spans decades, for functions of points; fits take LocalGrid.
class ChebyshevAxis {
 public:
  /// Enough nodes on [low, high] for functions analytic to the imaginary distance `clearance`, to `tolerance`.
  void set(double low, double high, double clearance, double tolerance, int most);
  int size() const { return static_cast<int>(node_.size()); }
  const std::vector<double>& nodes() const { return node_; }
  /// Adds weight · T_j(t), j = 0 … size−1, to `moments`. t outside the interval counts as its end.
  void add_polynomials(double t, double weight, double* moments) const;
  /// Node weights (Lagrange) from polynomial moments, and polynomial coefficients from node values.
  void to_node_weights(const double* moments, double* weights) const;
  void to_coefficients(const double* values, double* coefficients) const;
  /// Σ_j c_j T_j(t), and its derivative in t.
  double evaluate(const double* coefficients, double t) const;
  double slope(const double* coefficients, double t) const;

 private:
  double scaled(double t) const;
  double low_ = -1, high_ = 1;
  std::vector<double> node_;
  std::vector<double> cosines_;  ///< T_j(x_m), row m
};

}  // namespace scriptorium::inference
