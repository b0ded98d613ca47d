#include "core/inference/nonzero_pass.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/compute/parallel.hpp"

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
  node_.resize(static_cast<std::size_t>(size));
  cosines_.resize(node_.size() * node_.size());
  for (int m = 0; m < size; ++m) {
    const double angle = math::pi * (m + 0.5) / size;
    node_[static_cast<std::size_t>(m)] = low_ + h * (1 + std::cos(angle));
    for (int j = 0; j < size; ++j) cosines_[static_cast<std::size_t>(m * size + j)] = std::cos(j * angle);
  }
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

NonzeroPass::NonzeroPass(const Problem& problem, int threads) : problem_(&problem), threads_(threads) {}

void NonzeroPass::resize() {
  const auto m = static_cast<std::size_t>(axis.size());
  cell_weights.assign(problem_->units.size() * m, 0.0);
  all_cells.assign(problem_->n_kinds() * m, 0.0);
  exp_node.clear();
  for (const double t : axis.nodes()) exp_node.push_back(std::exp(t));
  nonzero_minus_zero.assign(static_cast<std::size_t>(problem_->n_genes()) * m, 0.0);
  zero.assign(static_cast<std::size_t>(problem_->n_genes()) * m, 0.0);
  per_count.assign(problem_->mean == Mean::MeanAndDispersion ? static_cast<std::size_t>(problem_->n_genes()) * m : 0,
                   0.0);
  zero_sum.assign(problem_->n_patterns() * m, 0.0);
}

void NonzeroPass::sum_cells() {
  const auto m = static_cast<std::size_t>(axis.size());
  std::vector<double> by_pattern(problem_->n_patterns() * m, 0.0);
  for (std::size_t c = 0; c < problem_->units.size(); ++c)
    for (std::size_t k = 0; k < m; ++k) by_pattern[problem_->units[c].pattern * m + k] += cell_weights[c * m + k];
  all_cells = problem_->over_measured(by_pattern);
}

void NonzeroPass::sum_zeros() {
  const auto m = static_cast<std::size_t>(axis.size());
  std::vector<double> by_kind(problem_->n_kinds() * m, 0.0);
  for (std::size_t g = 0; g < problem_->kind_of_gene.size(); ++g)
    for (std::size_t k = 0; k < m; ++k) by_kind[problem_->kind_of_gene[g] * m + k] += zero[g * m + k];
  zero_sum = problem_->over_kinds(by_kind);
}

void NonzeroPass::gene_weights(std::int64_t gene, double* nonzero, double* by_count) const {
  const auto m = static_cast<std::size_t>(axis.size());
  const auto& matrix = problem_->by_gene;
  std::fill(nonzero, nonzero + m, 0.0);
  if (by_count) std::fill(by_count, by_count + m, 0.0);
  for (auto i = static_cast<std::size_t>(matrix.row_start[static_cast<std::size_t>(gene)]);
       i < static_cast<std::size_t>(matrix.row_start[static_cast<std::size_t>(gene) + 1]); ++i) {
    const double* w = &cell_weights[matrix.gene[i] * m];  // transposed: `gene` holds the cell
    for (std::size_t k = 0; k < m; ++k) nonzero[k] += w[k];
    if (by_count) {
      const double u = matrix.count[i];
      for (std::size_t k = 0; k < m; ++k) by_count[k] += u * w[k];
    }
  }
}

void NonzeroPass::cell_function(std::int64_t cell, double* coefficients) const {
  const auto m = static_cast<std::size_t>(axis.size());
  const auto& matrix = *problem_->counts;
  std::array<double, most_nodes> values;
  std::copy_n(
      zero_sum.begin() + static_cast<std::ptrdiff_t>(problem_->units[static_cast<std::size_t>(cell)].pattern * m), m,
      values.begin());
  for (auto i = static_cast<std::size_t>(matrix.row_start[static_cast<std::size_t>(cell)]);
       i < static_cast<std::size_t>(matrix.row_start[static_cast<std::size_t>(cell) + 1]); ++i) {
    const double* a = &nonzero_minus_zero[matrix.gene[i] * m];
    for (std::size_t k = 0; k < m; ++k) values[k] += a[k];
    if (!per_count.empty()) {
      const double* b = &per_count[matrix.gene[i] * m];
      const double u = matrix.count[i];
      for (std::size_t k = 0; k < m; ++k) values[k] += u * b[k];
    }
  }
  axis.to_coefficients(values.data(), coefficients);
}

}  // namespace scriptorium::inference
