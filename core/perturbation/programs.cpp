#include "core/perturbation/programs.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/perturbation/nb_regression.hpp"

namespace scriptorium::perturbation {
namespace {

using Matrix = Eigen::MatrixXd;

/// Columns to mean 0 and sd 1; constant ones to 0.
void standardise(Matrix& x) {
  for (Eigen::Index j = 0; j < x.cols(); ++j) {
    x.col(j).array() -= x.col(j).mean();
    const double sd = std::sqrt(x.col(j).squaredNorm() / static_cast<double>(x.rows() - 1));
    if (sd > 1e-12 * (1 + x.col(j).cwiseAbs().maxCoeff()))
      x.col(j) /= sd;
    else
      x.col(j).setZero();
  }
}

struct Components {
  Matrix score;                  ///< rows × k
  std::vector<double> variance;  ///< of all components, falling
};

/// Loadings are turned so that the largest is positive.
Components components_of(const Matrix& x, int k) {
  const Matrix covariance = x.transpose() * x / static_cast<double>(x.rows() - 1);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(covariance);
  const Eigen::Index p = x.cols();
  Components result;
  for (Eigen::Index j = p; j-- > 0;) result.variance.push_back(std::max(0.0, solver.eigenvalues()(j)));
  Matrix loading = solver.eigenvectors().rightCols(k).rowwise().reverse();
  for (Eigen::Index j = 0; j < loading.cols(); ++j) {
    Eigen::Index at = 0;
    loading.col(j).cwiseAbs().maxCoeff(&at);
    if (loading(at, j) < 0) loading.col(j) *= -1;
  }
  result.score = x * loading;
  return result;
}

int number_of(const ComponentChoice& choice, const std::vector<double>& share) {
  const int most = static_cast<int>(share.size());
  if (choice.number > 0) return std::min(choice.number, most);
  int k = 0;
  if (choice.share > 0) {
    for (int j = 0; j < most; ++j)
      if (share[static_cast<std::size_t>(j)] >= choice.share) k = j + 1;
  } else if (choice.cumulative_share > 0) {
    double sum = 0;
    for (int j = 0; j < most && k == 0; ++j)
      if ((sum += share[static_cast<std::size_t>(j)]) >= choice.cumulative_share - 1e-12) k = j + 1;
  }
  if (k == 0)
    throw Error(ErrorCode::BadInput, "No component explains the share of the variance that was asked for.",
                "Ask for a smaller share (between 0 and 1), or for a number of components.");
  return k;
}

ZMatrix without_faint_rows(const ZMatrix& z, double row_p) {
  const double least = z_of_p(std::min(1.0, row_p));
  ZMatrix kept{z.group, {}, z.targets, {}};
  const std::size_t p = z.targets.size();
  for (std::size_t r = 0; r < z.genes.size(); ++r) {
    bool clear = false;
    for (std::size_t t = 0; t < p; ++t) {
      const double value = z.at(r, t);
      if (!std::isfinite(value))
        throw Error(ErrorCode::BadInput, "The Z matrix has no number for " + z.genes[r] + " and " + z.targets[t] + ".",
                    "Clean it first: missing values become 0.");
      clear = clear || std::fabs(value) >= least;
    }
    if (!clear) continue;
    kept.genes.push_back(z.genes[r]);
    kept.z.insert(kept.z.end(), z.z.begin() + static_cast<std::ptrdiff_t>(r * p),
                  z.z.begin() + static_cast<std::ptrdiff_t>((r + 1) * p));
  }
  return kept;
}

/// Scores of one permutation: k columns.
Matrix null_scores(const Matrix& x, int k, std::uint64_t seed, std::int64_t permutation) {
  Matrix shuffled = x;
  for (Eigen::Index j = 0; j < x.cols(); ++j) {
    math::Random random(seed, math::Purpose::ProgramPermutation, static_cast<std::uint64_t>(permutation),
                        static_cast<std::uint64_t>(j));
    for (Eigen::Index i = x.rows(); i > 1; --i)
      std::swap(shuffled(i - 1, j), shuffled(static_cast<Eigen::Index>(random.uniform() * static_cast<double>(i)), j));
  }
  return components_of(shuffled, k).score;
}

/// Share of `sorted` and of its mirror image at or below x.
double both_signs_share(const std::vector<double>& sorted, double x) {
  const auto below = std::upper_bound(sorted.begin(), sorted.end(), x) - sorted.begin();
  const auto mirrored = sorted.end() - std::lower_bound(sorted.begin(), sorted.end(), -x);
  return static_cast<double>(below + mirrored) / (2 * static_cast<double>(sorted.size()));
}

}  // namespace

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n,
               mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
    ab += (a[i] - mean_a) * (b[i] - mean_b);
  }
  return aa > 0 && bb > 0 ? std::clamp(ab / std::sqrt(aa) / std::sqrt(bb), -1.0, 1.0)
                          : std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> column_of(const ZMatrix& z, std::size_t target) {
  std::vector<double> column(z.genes.size());
  for (std::size_t r = 0; r < column.size(); ++r) column[r] = z.at(r, target);
  return column;
}

PcaTest pca_permutation_test(const ZMatrix& z, const PcaTestOptions& options, const RunControl& control) {
  if (options.permutations < 1)
    throw Error(ErrorCode::BadInput, "A permutation test needs permutations.", "200 are the usual number.");
  PcaTest test;
  test.z = without_faint_rows(z, options.row_p);
  const auto n = static_cast<Eigen::Index>(test.z.genes.size()), p = static_cast<Eigen::Index>(z.targets.size());
  if (p < 2 || n < 2)
    throw Error(ErrorCode::BadInput,
                "Components need two targets and two genes at least; there are " + std::to_string(p) + " and " +
                    std::to_string(n) + " with some |z| beyond the least.",
                "Take more targets, or keep more genes.");
  Matrix x(n, p);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j < p; ++j) x(i, j) = test.z.at(static_cast<std::size_t>(i), static_cast<std::size_t>(j));
  standardise(x);
  const auto all = components_of(x, static_cast<int>(p));
  const double total = std::accumulate(all.variance.begin(), all.variance.end(), 0.0);
  for (const double v : all.variance) test.share.push_back(total > 0 ? v / total : 0);
  const int k = test.components = number_of(options.components, test.share);

  const auto rounds = static_cast<std::size_t>(options.permutations), rows = static_cast<std::size_t>(n),
             width = static_cast<std::size_t>(k);
  std::vector<std::vector<double>> null(width, std::vector<double>(rounds * rows));
  std::mutex telling;
  std::int64_t done = 0;
  compute::parallel_for(options.permutations, 1, options.threads, [&](std::int64_t, std::int64_t first, std::int64_t) {
    control.check();
    const Matrix score = null_scores(x, k, options.seed, first);
    for (std::size_t j = 0; j < width; ++j)
      std::copy_n(score.col(static_cast<Eigen::Index>(j)).data(), rows,
                  null[j].begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(first) * rows));
    const std::lock_guard lock(telling);
    control.tell(static_cast<double>(++done) / options.permutations, "permuting");
  });
  test.score.resize(rows * width);
  test.p.resize(rows * width);
  for (std::size_t j = 0; j < width; ++j) {
    control.check();
    std::sort(null[j].begin(), null[j].end());
    for (std::size_t i = 0; i < rows; ++i) {
      const double score = all.score(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j));
      test.score[i * width + j] = score;
      test.p[i * width + j] = both_signs_share(null[j], score);
    }
  }
  return test;
}

std::vector<Program> programs_of(const PcaTest& test, const ProgramOptions& options) {
  const auto width = static_cast<std::size_t>(test.components);
  const double beyond = z_of_p(options.z_p);
  std::vector<Program> programs;
  for (std::size_t j = 0; j < width; ++j) {
    std::vector<double> score(test.z.genes.size());
    for (std::size_t i = 0; i < score.size(); ++i) score[i] = test.score[i * width + j];
    Program program;
    program.component = static_cast<int>(j) + 1;
    program.share = test.share[j];
    std::vector<std::size_t> columns;
    for (std::size_t t = 0; t < test.z.targets.size(); ++t)
      if (std::fabs(correlation(score, column_of(test.z, t))) >= options.correlation) {
        columns.push_back(t);
        program.targets.push_back(test.z.targets[t]);
      }
    std::vector<std::size_t> high, low;
    double sum_high = 0, sum_low = 0;
    for (std::size_t i = 0; i < score.size(); ++i) {
      double sum = 0;
      bool clear = false;
      for (const std::size_t t : columns) {
        sum += test.z.at(i, t);
        clear = clear || std::fabs(test.z.at(i, t)) >= beyond;
      }
      const double p = test.p[i * width + j];
      if (!clear) continue;
      if (p >= 1 - options.permutation_p) {
        high.push_back(i);
        sum_high += sum;
      } else if (p <= options.permutation_p) {
        low.push_back(i);
        sum_low += sum;
      }
    }
    const bool turned = sum_low > sum_high;
    if (turned) std::swap(high, low);
    const auto put = [&](std::vector<std::size_t>& from, std::vector<std::string>& genes, std::vector<double>& scores) {
      std::stable_sort(from.begin(), from.end(),
                       [&](std::size_t a, std::size_t b) { return std::fabs(score[a]) > std::fabs(score[b]); });
      for (const std::size_t i : from) {
        genes.push_back(test.z.genes[i]);
        scores.push_back(turned ? -score[i] : score[i]);
      }
    };
    put(high, program.up, program.up_score);
    put(low, program.down, program.down_score);
    programs.push_back(std::move(program));
  }
  return programs;
}

}  // namespace scriptorium::perturbation
