#pragma once
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/inference/newton_system.hpp"

/// What the steps of a NewtonSystem and its linear response share (newton_system.cpp, newton_response.cpp).
namespace scriptorium::inference {

using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, 6, 6>;
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, 6, 3 + NewtonSystem::most_rank>;
inline constexpr std::int64_t unit_grain = 256;  // genes or units a piece

/// D⁻¹ R; where D is not positive definite its eigenvalues are replaced by their sizes, with a floor, and `changed`
/// set.
inline Rows solve_block(const Block& d, const Rows& r, bool& changed) {
  if (d.rows() == 2) {
    const double a = d(0, 0), b = d(0, 1), c = d(1, 1), det = a * c - b * b;
    if (a > 0 && det > 1e-12 * a * c) {
      Rows out(2, r.cols());
      for (Eigen::Index k = 0; k < r.cols(); ++k) {
        out(0, k) = (c * r(0, k) - b * r(1, k)) / det;
        out(1, k) = (a * r(1, k) - b * r(0, k)) / det;
      }
      return out;
    }
  } else {
    const Eigen::LLT<Block> llt(d);
    if (llt.info() == Eigen::Success &&
        llt.matrixLLT().diagonal().minCoeff() > 1e-6 * llt.matrixLLT().diagonal().maxCoeff())
      return llt.solve(r);
  }
  changed = true;
  const Eigen::SelfAdjointEigenSolver<Block> eigen(d);
  const auto values = eigen.eigenvalues().cwiseAbs();
  const double floor = std::max(1e-8, 1e-6 * values.maxCoeff());
  return eigen.eigenvectors() * values.cwiseMax(floor).cwiseInverse().asDiagonal() *
         (eigen.eigenvectors().transpose() * r);
}

/// Σ over the kinds that measured both patterns, for every pair of them.
inline Eigen::MatrixXd over_pairs(const std::vector<Eigen::MatrixXd>& by_kind,
                                  const std::vector<std::vector<bool>>& measures, std::size_t patterns) {
  const auto p = static_cast<Eigen::Index>(patterns), n = by_kind.front().rows();
  Eigen::MatrixXd out = Eigen::MatrixXd::Zero(p * n, p * n);
  std::vector<Eigen::Index> measured;
  for (std::size_t k = 0; k < by_kind.size(); ++k) {
    measured.clear();
    for (std::size_t i = 0; i < patterns; ++i)
      if (measures[k][i]) measured.push_back(static_cast<Eigen::Index>(i) * n);
    const double* values = by_kind[k].data();
    for (const auto j : measured)
      for (Eigen::Index b = 0; b < n; ++b) {
        double* column = out.data() + (j + b) * out.rows();
        for (const auto i : measured)
          for (Eigen::Index a = 0; a < n; ++a) column[i + a] += values[b * n + a];
      }
  }
  return out;
}

/// The symmetric root of a positive semi-definite matrix, and its pseudo-inverse.
struct Root {
  Eigen::MatrixXd root, inverse;
  explicit Root(const Eigen::MatrixXd& matrix) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(0.5 * (matrix + matrix.transpose()));
    const Eigen::ArrayXd values = eigen.eigenvalues().array().max(0.0).sqrt();
    const double floor = 1e-7 * values.maxCoeff();
    const Eigen::VectorXd inverted = (values > floor && values > 0).select(1 / values, 0.0);
    root = eigen.eigenvectors() * values.matrix().asDiagonal() * eigen.eigenvectors().transpose();
    inverse = eigen.eigenvectors() * inverted.asDiagonal() * eigen.eigenvectors().transpose();
  }
};

/// The largest eigenvalue of Q_M Q_A.
inline double largest_product(const Eigen::MatrixXd& means, const Eigen::MatrixXd& rates) {
  if (means.rows() == 1) return means(0, 0) * rates(0, 0);
  const Eigen::MatrixXd root = Root(rates).root, both = root * means * root;
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(0.5 * (both + both.transpose()), Eigen::EigenvaluesOnly)
      .eigenvalues()
      .maxCoeff();
}

}  // namespace scriptorium::inference
