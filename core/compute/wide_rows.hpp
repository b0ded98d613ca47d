#pragma once
#include <Eigen/Core>
#include <cstddef>
#include <vector>

namespace scriptorium::compute {

/// A matrix for gather_rows() and scatter_rows(): rows are filled up to a multiple of eight numbers, zeros at first,
/// and begin where lines of the cache begin, so that a step reads one line and not two.
class WideRows {
 public:
  using Map =
      Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0, Eigen::OuterStride<>>;
  using ConstMap =
      Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0, Eigen::OuterStride<>>;

  WideRows() = default;
  WideRows(Eigen::Index rows, Eigen::Index columns)
      : rows_(rows), columns_(columns), lines_((columns + 7) / 8), line_(static_cast<std::size_t>(rows * lines_)) {}
  /// Numbers from one row to the next.
  std::size_t stride() const { return static_cast<std::size_t>(8 * lines_); }
  double* data() { return line_.front().value; }
  const double* data() const { return line_.front().value; }
  double* row(Eigen::Index i) { return line_[static_cast<std::size_t>(i * lines_)].value; }
  const double* row(Eigen::Index i) const { return line_[static_cast<std::size_t>(i * lines_)].value; }
  /// As it was asked for, without what fills the rows up.
  Map matrix() { return {data(), rows_, columns_, Eigen::OuterStride<>(8 * lines_)}; }
  ConstMap matrix() const { return {data(), rows_, columns_, Eigen::OuterStride<>(8 * lines_)}; }

 private:
  struct alignas(64) Line {
    double value[8] = {};
  };
  Eigen::Index rows_ = 0, columns_ = 0, lines_ = 0;
  std::vector<Line> line_;
};

}  // namespace scriptorium::compute
