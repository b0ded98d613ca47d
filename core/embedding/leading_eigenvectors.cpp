#include "core/embedding/leading_eigenvectors.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "core/math/random.hpp"

namespace scriptorium::embedding {

LeadingEigenvectors::LeadingEigenvectors(Eigen::Index n, const Options& options) : options_(options), n_(n) {
  // Room to iterate in beside what is wanted: much of it saves products, little saves orthogonalisation.
  most_ = std::min(n, options.wanted + std::max<Eigen::Index>(60, 24 * options.width));
  basis_.resize(n, most_);
  within_.setZero(most_, most_);
  next_.setZero(n, options.width);
  orthonormalise(next_);
}

Eigen::MatrixXd LeadingEigenvectors::orthonormalise(Block& block) {
  const Eigen::Index width = block.cols();
  Eigen::MatrixXd made = Eigen::MatrixXd::Zero(width, width);
  Eigen::MatrixXd q(n_, width);
  const auto clear = [&](Eigen::VectorXd& column, Eigen::Index j, int times) {
    const auto known = basis_.leftCols(columns_), before = q.leftCols(j);
    for (; times > 0; --times) {
      column -= known * (known.transpose() * column).eval();
      column -= before * (before.transpose() * column).eval();
      column.normalize();
    }
  };
  for (Eigen::Index j = 0; j < width; ++j) {
    Eigen::VectorXd column = block.col(j);
    const double whole = column.norm();
    const auto before = q.leftCols(j);
    for (int again = 0; again < 2; ++again) {
      const Eigen::VectorXd share = before.transpose() * column;
      column.noalias() -= before * share;
      made.col(j).head(j) += share;
    }
    const double length = column.norm();
    if (length > 0.1 * options_.tolerance * scale_) {
      made(j, j) = length;
      column /= length;
      if (length < 0.01 * whole || length < 1e-6 * scale_) clear(column, j, 2);  // much of it may be rounding
    } else {  // nothing new: any other direction will do
      math::Random random(options_.seed, math::Purpose::Layout, drawn_++);
      for (double& one : column) one = random.normal();
      clear(column, j, 3);
    }
    q.col(j) = column;
  }
  block = q;
  return made;
}

void LeadingEigenvectors::take(Block product) {
  const Eigen::Index width = std::min(next_.cols(), most_ - columns_), before = columns_;
  basis_.middleCols(before, width) = next_.leftCols(width);
  columns_ += width;
  ++blocks_;
  const auto known = basis_.leftCols(columns_);
  Eigen::MatrixXd inside = known.transpose() * product.leftCols(width);
  Block left = product.leftCols(width) - known * inside;
  const Eigen::MatrixXd rounding = known.transpose() * left;
  left.noalias() -= known * rounding;
  inside += rounding;
  within_.block(0, before, columns_, width) = inside;
  within_.block(before, 0, width, columns_) = inside.transpose();
  const auto own = within_.block(before, before, width, width).eval();
  within_.block(before, before, width, width) = (own + own.transpose()) / 2;
  scale_ = std::max(scale_, inside.cwiseAbs().maxCoeff());
  if (columns_ == n_) {  // the whole space
    rest_ = Eigen::MatrixXd::Zero(width, width);
    check();
    return;
  }
  rest_ = orthonormalise(left);
  next_ = std::move(left);
  if ((columns_ + options_.width > most_ && most_ < n_) || rest_.norm() <= options_.tolerance * scale_) check();
}

void LeadingEigenvectors::check() {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(within_.topLeftCorner(columns_, columns_));
  const Eigen::MatrixXd& rising = eigen.eigenvectors();
  const Eigen::Index wanted = std::min(options_.wanted, columns_), width = rest_.cols();
  scale_ = eigen.eigenvalues()[columns_ - 1];
  converged_ = wanted == options_.wanted;
  for (Eigen::Index j = 0; j < wanted && converged_; ++j)
    converged_ = (rest_ * rising.col(columns_ - 1 - j).tail(width)).norm() <= options_.tolerance * scale_;
  done_ = converged_ || ++restarts_ > options_.restarts;
  // The best, and of the others as many as leave room for most blocks.
  const Eigen::Index others = std::min((most_ - options_.wanted) / 6, columns_ - wanted - 2 * options_.width);
  const Eigen::Index keep = done_ ? wanted : wanted + std::max<Eigen::Index>(0, others);
  const Eigen::MatrixXd kept = basis_.leftCols(columns_) * rising.rightCols(keep).rowwise().reverse();
  const Eigen::VectorXd of_kept = eigen.eigenvalues().tail(keep).reverse();
  if (done_) {
    values_ = of_kept;
    vectors_ = kept;
    return;
  }
  basis_.leftCols(keep) = kept;
  within_.setZero();
  within_.diagonal().head(keep) = of_kept;
  columns_ = keep;
}

}  // namespace scriptorium::embedding
