#pragma once
#include <Eigen/Core>
#include <cstdint>

namespace scriptorium::embedding {

/// Leading eigenvectors of a symmetric positive semi-definite matrix that is known by its products only: block Krylov
/// spaces, orthogonalised in full, restarted with their best vectors (Zhou and Saad 2008). The one who multiplies is
/// asked block by block and may so multiply for several matrices at once. An eigenvalue that is there more often than a
/// block is wide, the same to the last digits, may be missed, as with all Krylov spaces.
///     LeadingEigenvectors search(n, {.wanted = 10});
///     while (!search.done()) search.take(matrix * search.block());
class LeadingEigenvectors {
 public:
  using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  struct Options {
    Eigen::Index wanted = 10;  ///< eigenvectors, at most `n`
    Eigen::Index width = 8;    ///< of a block: wide ones need fewer products of more vectors
    std::uint64_t seed = 42;   ///< of the start: beyond rounding the result does not depend on it
    double tolerance = 1e-12;  ///< ‖Av − λv‖ of each, relative to the largest eigenvalue
    int restarts = 1000;       ///< at most
  };
  /// @param n  rows of the matrix
  LeadingEigenvectors(Eigen::Index n, const Options& options);

  bool done() const { return done_; }
  bool converged() const { return converged_; }
  /// To be multiplied next: n × width, orthonormal.
  const Block& block() const { return next_; }
  /// The matrix times block().
  void take(Block product);
  /// What was found once done: falling eigenvalues, and their vectors as columns, n × wanted.
  const Eigen::VectorXd& values() const { return values_; }
  const Eigen::MatrixXd& vectors() const { return vectors_; }
  /// Blocks that were multiplied.
  int blocks() const { return blocks_; }

 private:
  void check();
  /// `block` becomes orthonormal and orthogonal to the basis; its former self is itself times what is returned.
  Eigen::MatrixXd orthonormalise(Block& block);

  Options options_;
  Eigen::Index n_, most_;     // columns of the basis, at most
  Eigen::Index columns_ = 0;  // of the basis
  Eigen::MatrixXd basis_;     // n × most
  Eigen::MatrixXd within_;    // basisᵀ · matrix · basis
  Eigen::MatrixXd rest_;      // what the matrix makes of the last block beyond the basis: next_ · rest_
  Block next_;
  double scale_ = 0;  // the largest eigenvalue as far as it is known
  std::uint64_t drawn_ = 0;
  int blocks_ = 0, restarts_ = 0;
  bool done_ = false, converged_ = false;
  Eigen::VectorXd values_;
  Eigen::MatrixXd vectors_;
};

}  // namespace scriptorium::embedding
