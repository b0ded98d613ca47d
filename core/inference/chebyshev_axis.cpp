#include "core/inference/chebyshev_axis.hpp"

#include <algorithm>
#include <cmath>

#include "core/math/distributions.hpp"

namespace scriptorium::inference {
namespace {
constexpr int most_nodes = 128;
}

void ChebyshevAxis::set(double low, double high, double clearance, double tolerance, int most) {
  low_ = low;
  high_ = std::max(high, low + 1e-3);  // one library size only is an interval all the same
  const double h = 0.5 * (high_ - low_), ratio = clearance / h;
  const double rate = std::log(ratio + std::sqrt(1 + ratio * ratio));
  const int size =
      std::clamp(static_cast<int>(std::ceil(-std::log(tolerance) / rate)) + 2, 6, std::min(most, most_nodes));
  // cos(j·angle) with angle = π (2m + 1)/(2 size): a circle of 4 size points has them all.
  if (static_cast<std::size_t>(size) != node_.size()) {
    std::vector<double> circle(static_cast<std::size_t>(4 * size));
    for (std::size_t i = 0; i < circle.size(); ++i)
      circle[i] = std::cos(math::pi * static_cast<double>(i) / (2 * size));
    node_.resize(static_cast<std::size_t>(size));
    cosines_.resize(node_.size() * node_.size());
    for (int m = 0; m < size; ++m)
      for (int j = 0; j < size; ++j)
        cosines_[static_cast<std::size_t>(m * size + j)] =
            circle[static_cast<std::size_t>(j * (2 * m + 1) % (4 * size))];
  }
  for (std::size_t m = 0; m < node_.size(); ++m)
    node_[m] = low_ + h * (1 + std::cos(math::pi * (static_cast<double>(m) + 0.5) / size));
}

double ChebyshevAxis::scaled(double t) const {
  return std::clamp(2 * (t - low_) / (high_ - low_) - 1, -1.0, 1.0);
}

void ChebyshevAxis::add_polynomials(double t, double weight, double* moments) const {
  const double x = scaled(t);
  double previous = weight, current = weight * x;
  moments[0] += previous;
  for (int j = 1; j < size(); ++j) {
    moments[j] += current;
    const double next = 2 * x * current - previous;
    previous = current;
    current = next;
  }
}

void ChebyshevAxis::to_node_weights(const double* moments, double* weights) const {
  const int n = size();
  for (int m = 0; m < n; ++m) {
    const double* row = &cosines_[static_cast<std::size_t>(m * n)];
    double sum = 0.5 * moments[0];
    for (int j = 1; j < n; ++j) sum += row[j] * moments[j];
    weights[m] = 2.0 / n * sum;
  }
}

void ChebyshevAxis::to_coefficients(const double* values, double* coefficients) const {
  const int n = size();
  std::fill(coefficients, coefficients + n, 0.0);
  for (int m = 0; m < n; ++m) {
    const double* row = &cosines_[static_cast<std::size_t>(m * n)];
    const double v = 2.0 / n * values[m];
    for (int j = 0; j < n; ++j) coefficients[j] += v * row[j];
  }
  coefficients[0] *= 0.5;
}

double ChebyshevAxis::evaluate(const double* c, double t) const {
  const double x = scaled(t);
  double b1 = 0, b2 = 0;
  for (int j = size() - 1; j > 0; --j) {
    const double b = c[j] + 2 * x * b1 - b2;
    b2 = b1;
    b1 = b;
  }
  return c[0] + x * b1 - b2;
}

double ChebyshevAxis::slope(const double* c, double t) const {
  // Σ j c_j U_{j−1}(x) dx/dt, by Clenshaw's recurrence for U.
  const double x = scaled(t);
  double b1 = 0, b2 = 0;
  for (int j = size() - 1; j > 0; --j) {
    const double b = j * c[j] + 2 * x * b1 - b2;
    b2 = b1;
    b1 = b;
  }
  return b1 * 2 / (high_ - low_);
}

}  // namespace scriptorium::inference
