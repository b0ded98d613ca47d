#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "core/compute/kernels.hpp"
#include "core/error.hpp"
#include "core/perturbation/nb_regression.hpp"

namespace scriptorium::perturbation {

NbDesign::NbDesign(const std::vector<std::vector<double>>& columns) : columns_(columns.size()) {
  cells_ = columns.empty() ? 0 : columns.front().size();
  if (cells_ == 0) throw Error(ErrorCode::BadInput, "A regression needs cells and covariates.", "Choose more cells.");
  padded_ = (cells_ + 3) / 4 * 4;
  values_.assign(columns_ * padded_, 0.0);
  for (std::size_t j = 0; j < columns_; ++j) {
    if (columns[j].size() != cells_)
      throw Error(ErrorCode::BadInput, "Covariates of a regression have different numbers of cells.");
    for (std::size_t i = 0; i < cells_; ++i) {
      if (!std::isfinite(columns[j][i]))
        throw Error(ErrorCode::BadInput, "A covariate of a regression is not a finite number in some cell.",
                    "Leave out the cells without counts or without a score.");
      values_[j * padded_ + i] = columns[j][i];
    }
  }
  find_kept();
}

NbDesign NbDesign::with_column(std::size_t j, std::span<const double> values) const {
  NbDesign other = *this;
  std::copy(values.begin(), values.end(), other.values_.begin() + static_cast<std::ptrdiff_t>(j * padded_));
  other.find_kept();
  return other;
}

NbDesign NbDesign::without_column(std::size_t j) const {
  NbDesign other = *this;
  const auto at = other.values_.begin() + static_cast<std::ptrdiff_t>(j * padded_);
  other.values_.erase(at, at + static_cast<std::ptrdiff_t>(padded_));
  --other.columns_;
  other.find_kept();
  return other;
}

/// By Gram and Schmidt from the left, twice for accuracy: a column is kept where something of it is left.
void NbDesign::find_kept() {
  kept_.clear();
  from_.assign(columns_, 0);
  to_.assign(columns_, 0);
  std::vector<Eigen::VectorXd> basis;
  const auto n = static_cast<Eigen::Index>(padded_);
  for (std::size_t j = 0; j < columns_; ++j) {
    const double* x = column(j);
    std::size_t first = 0, last = padded_;
    while (first < last && x[first] == 0) ++first;
    while (last > first && x[last - 1] == 0) --last;
    from_[j] = first / 4 * 4;
    to_[j] = (last + 3) / 4 * 4;
    Eigen::VectorXd left = Eigen::Map<const Eigen::VectorXd>(x, n);
    const double size = left.norm();
    for (int twice = 0; twice < 2; ++twice)
      for (const auto& b : basis) left -= b.dot(left) * b;
    const double rest = left.norm();
    if (!(rest > 1e-9 * size)) continue;
    basis.push_back(left / rest);
    kept_.push_back(j);
  }
  std::vector<double> gram, scratch(padded_), ones(padded_, 1.0);
  products(ones.data(), scratch.data(), gram);
  const auto p = static_cast<Eigen::Index>(kept_.size());
  const Eigen::Map<const Eigen::MatrixXd> g(gram.data(), p, p);
  const Eigen::MatrixXd inverse = g.ldlt().solve(Eigen::MatrixXd::Identity(p, p));
  gram_.assign(inverse.data(), inverse.data() + inverse.size());
}

void NbDesign::products(const double* weight, double* scratch, std::vector<double>& out) const {
  const std::size_t p = kept_.size();
  out.assign(p * p, 0.0);
  for (std::size_t k = 0; k < p; ++k) {
    const std::size_t j = kept_[k], from = from_[j], to = to_[j];
    compute::multiply(column(j) + from, weight + from, scratch + from, to - from);
    for (std::size_t l = k; l < p; ++l) {
      const std::size_t first = std::max(from, from_[kept_[l]]), last = std::min(to, to_[kept_[l]]);
      if (first >= last) continue;
      out[k * p + l] = out[l * p + k] = compute::dot(scratch + first, column(kept_[l]) + first, last - first);
    }
  }
}

void NbDesign::sums(const double* v, std::vector<double>& out) const {
  out.resize(kept_.size());
  for (std::size_t k = 0; k < kept_.size(); ++k) {
    const std::size_t j = kept_[k];
    out[k] = compute::dot(column(j) + from_[j], v + from_[j], to_[j] - from_[j]);
  }
}

std::vector<double> NbDesign::least_squares(std::span<const double> v) const {
  std::vector<double> right, b(kept_.size(), 0.0);
  sums(v.data(), right);
  for (std::size_t k = 0; k < b.size(); ++k)
    for (std::size_t l = 0; l < b.size(); ++l) b[k] += gram_[k * b.size() + l] * right[l];
  return b;
}

}  // namespace scriptorium::perturbation
