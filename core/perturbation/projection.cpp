// The arithmetic that Mixscale and Mixscape share: scaled signature, direction, projection.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/perturbation/score.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Mean of rows [first, last) of each column.
std::vector<double> mean_rows(std::span<const double> values, std::size_t columns, std::size_t first,
                              std::size_t last) {
  std::vector<double> mean(columns, 0);
  for (std::size_t i = first; i < last; ++i)
    for (std::size_t j = 0; j < columns; ++j) mean[j] += values[i * columns + j];
  for (double& one : mean) one /= static_cast<double>(last - first);
  return mean;
}

double dot(const double* a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t j = 0; j < b.size(); ++j) sum += a[j] * b[j];
  return sum;
}

/// One projection a column: the markers but one, along the direction without it.
std::vector<double> without_each(const GroupScore& group, std::span<const double> values) {
  const std::size_t m = group.markers.size();
  const auto& v = group.direction;
  const double vv = dot(v.data(), v);
  std::vector<double> out(values.size());
  for (std::size_t i = 0; i < group.cells.size(); ++i) {
    const double* const row = values.data() + i * m;
    const double whole = dot(row, v);
    for (std::size_t j = 0; j < m; ++j) out[i * m + j] = m == 1 ? nan : (whole - row[j] * v[j]) / (vv - v[j] * v[j]);
  }
  return out;
}

}  // namespace

void scale_columns(std::vector<double>& values, std::size_t columns, double cap) {
  const std::size_t n = columns == 0 ? 0 : values.size() / columns;
  if (n == 0) return;
  const auto mean = mean_rows(values, columns, 0, n);
  for (std::size_t j = 0; j < columns; ++j) {
    double squares = 0, least = values[j], most = values[j];
    for (std::size_t i = 0; i < n; ++i) {
      const double value = values[i * columns + j];
      squares += (value - mean[j]) * (value - mean[j]);
      least = std::min(least, value);
      most = std::max(most, value);
    }
    // A constant column is 0, whatever rounding made of its mean.
    const bool constant = least == most;
    const double sd = constant || n < 2 ? 1 : std::sqrt(squares / static_cast<double>(n - 1));
    for (std::size_t i = 0; i < n; ++i) {
      double& value = values[i * columns + j];
      value = constant ? 0 : std::min((value - mean[j]) / sd, cap);
    }
  }
}

bool project(GroupScore& group, std::span<const double> values, Rule rule, bool leave_one_out) {
  const std::size_t m = group.markers.size(), n = group.cells.size();
  const auto of_target = mean_rows(values, m, 0, group.n_target), of_controls = mean_rows(values, m, group.n_target, n);
  group.direction.resize(m);
  for (std::size_t j = 0; j < m; ++j) group.direction[j] = of_target[j] - of_controls[j];
  const double vv = dot(group.direction.data(), group.direction);
  if (!(vv > 0)) return false;
  group.projection.resize(n);
  for (std::size_t i = 0; i < n; ++i) group.projection[i] = dot(values.data() + i * m, group.direction) / vv;
  const std::span controls = std::span(group.projection).subspan(group.n_target);
  double sum = 0, squares = 0;
  for (const double p : controls) sum += p;
  group.control_mean = sum / static_cast<double>(controls.size());
  for (const double p : controls) squares += (p - group.control_mean) * (p - group.control_mean);
  group.control_sd = std::sqrt(squares / (static_cast<double>(controls.size()) - 1));
  if (rule == Rule::Py && !(group.control_sd > 0)) group.control_sd = 1;
  if (leave_one_out) group.leave_one_out = without_each(group, values);
  return true;
}

void add_leave_one_out(GroupScore& group, const Signature& signature, bool scale, int threads,
                       const RunControl& control) {
  if (!group.leave_one_out.empty()) return;
  auto values = signature.columns(group.cells, group.markers, threads, control);
  if (scale) scale_columns(values, group.markers.size(), scaled_at_most);
  group.leave_one_out = without_each(group, values);
}

}  // namespace scriptorium::perturbation
