#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "core/perturbation/cross_groups.hpp"

namespace scriptorium::perturbation {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

Vector soft(const Vector& v, double by) {
  return v.array().sign() * (v.array().abs() - by).max(0.0);
}

/// v, thresholded just so that Σ|w| ≤ bound at length 1; zero where v is.
Vector bounded(const Vector& v, double bound) {
  const double size = v.norm();
  if (size == 0) return v;
  if (v.lpNorm<1>() <= bound * size * (1 + 1e-12)) return v / size;
  double low = 0, high = v.cwiseAbs().maxCoeff() * (1 - 1e-12);
  for (int i = 0; i < 200 && high - low > 1e-14 * high; ++i) {
    const double middle = 0.5 * (low + high);
    const Vector w = soft(v, middle);
    (w.lpNorm<1>() < bound * w.norm() ? high : low) = middle;
  }
  const Vector w = soft(v, high);
  return w / w.norm();
}

}  // namespace

std::vector<std::vector<double>> multi_set_weights(const std::vector<ZMatrix>& x, const std::vector<double>& bound,
                                                   int iterations) {
  const std::size_t k = x.size();
  std::vector<Matrix> values;
  for (const auto& one : x)
    values.push_back(Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
        one.z.data(), static_cast<Eigen::Index>(one.genes.size()), static_cast<Eigen::Index>(one.targets.size())));
  std::vector<Vector> w(k), variate(k);
  for (std::size_t i = 0; i < k; ++i) {
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(values[i].transpose() * values[i]);
    w[i] = solver.eigenvectors().col(values[i].cols() - 1);
    Eigen::Index at = 0;
    w[i].cwiseAbs().maxCoeff(&at);
    if (w[i](at) < 0) w[i] *= -1;
    variate[i] = values[i] * w[i];
    double agreement = 0;
    for (std::size_t j = 0; j < i; ++j) agreement += variate[j].dot(variate[i]);
    if (agreement < 0) {
      w[i] *= -1;
      variate[i] *= -1;
    }
  }
  const auto criterion = [&] {
    double sum = 0;
    for (std::size_t i = 0; i < k; ++i)
      for (std::size_t j = 0; j < i; ++j) sum += variate[i].dot(variate[j]);
    return sum;
  };
  double before = criterion();
  for (int iteration = 0; iteration < iterations && before != 0; ++iteration) {
    for (std::size_t i = 0; i < k; ++i) {
      Vector others = Vector::Zero(values[i].rows());
      for (std::size_t j = 0; j < k; ++j)
        if (j != i) others += variate[j];
      const double most = std::sqrt(static_cast<double>(values[i].cols()));
      w[i] = bounded(values[i].transpose() * others, std::clamp(bound[i], 1.0, most));
      variate[i] = values[i] * w[i];
    }
    const double now = criterion();
    if (std::fabs(now - before) <= 0.001 * std::fabs(before)) break;
    before = now;
  }
  std::vector<std::vector<double>> weights;
  for (const auto& one : w) weights.emplace_back(one.data(), one.data() + one.size());
  return weights;
}

}  // namespace scriptorium::perturbation
