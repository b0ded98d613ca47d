#include "core/embedding/principal_components.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <irlba/irlba.hpp>
#include <tuple>

#include "core/compute/parallel.hpp"
#include "core/embedding/log_counts.hpp"
#include "core/error.hpp"

namespace scriptorium::embedding {
namespace {

constexpr std::int64_t cells_a_piece = 1024;

/// The centred matrix as irlba multiplies by it: x − 1·meanᵀ, sums in pieces of fixed size.
class Centred final : public irlba::Matrix<Eigen::VectorXd, Eigen::MatrixXd> {
 public:
  Centred(const LogCounts& x, int threads, const RunControl& control)
      : x_(x),
        mean_(Eigen::Map<const Eigen::VectorXd>(x.mean.data(), static_cast<Eigen::Index>(x.mean.size()))),
        threads_(threads),
        control_(control) {}
  Eigen::Index rows() const override { return x_.n_cells; }
  Eigen::Index cols() const override { return mean_.size(); }

  void times(const Eigen::VectorXd& right, Eigen::VectorXd& out) const {
    const double shift = mean_.dot(right);
    compute::parallel_for(x_.n_cells, cells_a_piece, threads_,
                          [&](std::int64_t, std::int64_t first, std::int64_t last) {
                            control_.check();
                            for (std::int64_t i = first; i < last; ++i) {
                              double sum = 0;
                              for (std::int64_t k = x_.row_start[i]; k < x_.row_start[i + 1]; ++k)
                                sum += x_.value[k] * right[x_.column[k]];
                              out[i] = sum - shift;
                            }
                          });
  }

  void transposed_times(const Eigen::VectorXd& right, Eigen::VectorXd& out) const {
    const std::int64_t grain = std::max(cells_a_piece, (x_.n_cells + 31) / 32);
    std::vector<Eigen::VectorXd> part(static_cast<std::size_t>(compute::pieces(x_.n_cells, grain)));
    compute::parallel_for(x_.n_cells, grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
      Eigen::VectorXd& sum = part[static_cast<std::size_t>(piece)];
      sum.setZero(mean_.size());
      for (std::int64_t i = first; i < last; ++i) {
        if (i % cells_a_piece == 0) control_.check();
        for (std::int64_t k = x_.row_start[i]; k < x_.row_start[i + 1]; ++k)
          sum[x_.column[k]] += x_.value[k] * right[i];
      }
    });
    out = -right.sum() * mean_;
    for (const Eigen::VectorXd& sum : part) out += sum;
  }

  /// Rows [first, last) with their zeros.
  Eigen::MatrixXd rows(std::int64_t first, std::int64_t last) const {
    Eigen::MatrixXd out = (-mean_.transpose()).replicate(last - first, 1);
    for (std::int64_t i = first; i < last; ++i)
      for (std::int64_t k = x_.row_start[i]; k < x_.row_start[i + 1]; ++k) out(i - first, x_.column[k]) += x_.value[k];
    return out;
  }

  std::unique_ptr<irlba::Workspace<Eigen::VectorXd>> new_workspace() const override {
    struct Times final : irlba::Workspace<Eigen::VectorXd> {
      explicit Times(const Centred& matrix) : matrix_(matrix) {}
      void multiply(const Eigen::VectorXd& right, Eigen::VectorXd& out) override { matrix_.times(right, out); }
      const Centred& matrix_;
    };
    return std::make_unique<Times>(*this);
  }
  std::unique_ptr<irlba::AdjointWorkspace<Eigen::VectorXd>> new_adjoint_workspace() const override {
    struct Times final : irlba::AdjointWorkspace<Eigen::VectorXd> {
      explicit Times(const Centred& matrix) : matrix_(matrix) {}
      void multiply(const Eigen::VectorXd& right, Eigen::VectorXd& out) override {
        matrix_.transposed_times(right, out);
      }
      const Centred& matrix_;
    };
    return std::make_unique<Times>(*this);
  }
  std::unique_ptr<irlba::RealizeWorkspace<Eigen::MatrixXd>> new_realize_workspace() const override {
    struct Whole final : irlba::RealizeWorkspace<Eigen::MatrixXd> {
      explicit Whole(const Centred& matrix) : matrix_(matrix) {}
      const Eigen::MatrixXd& realize(Eigen::MatrixXd& buffer) override {
        return buffer = matrix_.rows(0, matrix_.rows());
      }
      const Centred& matrix_;
    };
    return std::make_unique<Whole>(*this);
  }
  using irlba::Matrix<Eigen::VectorXd, Eigen::MatrixXd>::rows;

 private:
  const LogCounts& x_;
  Eigen::VectorXd mean_;
  int threads_;
  const RunControl& control_;
};

struct Svd {
  Eigen::MatrixXd u, v;
  Eigen::VectorXd d;
};

/// By the products of all pairs of genes (or of cells, where these are fewer): for a narrow matrix, of which most
/// singular vectors are wanted.
Svd svd_of_narrow(const Centred& x, Eigen::Index dims, const RunControl& control) {
  const bool few_genes = x.cols() <= x.rows();
  Eigen::MatrixXd products = Eigen::MatrixXd::Zero(std::min(x.rows(), x.cols()), std::min(x.rows(), x.cols()));
  if (few_genes)
    for (std::int64_t first = 0; first < x.rows(); first += cells_a_piece) {
      control.check();
      const Eigen::MatrixXd block = x.rows(first, std::min<std::int64_t>(x.rows(), first + cells_a_piece));
      products.noalias() += block.transpose() * block;
    }
  else {
    const Eigen::MatrixXd all = x.rows(0, x.rows());
    products.noalias() = all * all.transpose();
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(products);
  Svd out;
  out.d = eigen.eigenvalues().tail(dims).reverse().cwiseMax(0).cwiseSqrt();
  Eigen::MatrixXd& known = few_genes ? out.v : out.u;
  Eigen::MatrixXd& other = few_genes ? out.u : out.v;
  known = eigen.eigenvectors().rightCols(dims).rowwise().reverse();
  other.resize(few_genes ? x.rows() : x.cols(), dims);
  Eigen::VectorXd column(other.rows());
  for (Eigen::Index j = 0; j < dims; ++j) {
    if (few_genes)
      x.times(known.col(j), column);
    else
      x.transposed_times(known.col(j), column);
    other.col(j) = out.d[j] > 0 ? Eigen::VectorXd(column / out.d[j]) : Eigen::VectorXd::Zero(column.size());
  }
  return out;
}

Svd svd(const Centred& x, Eigen::Index dims, std::uint64_t seed, const RunControl& control) {
  constexpr Eigen::Index narrow = 200, narrow_at_need = 4000;
  const Eigen::Index smaller = std::min(x.rows(), x.cols());
  if (smaller <= narrow || dims * 2 >= smaller) return svd_of_narrow(x, dims, control);
  irlba::Options<Eigen::VectorXd> options;
  options.convergence_tolerance = 1e-12;  // the default leaves 1e-3 in the scores
  options.extra_work = static_cast<int>(std::max<Eigen::Index>(20, dims));
  options.seed = seed;
  Svd out;
  bool converged = false;
  int rounds = 0;
  try {
    std::tie(converged, rounds) = irlba::compute(x, dims, out.u, out.v, out.d, options);
  } catch (const std::runtime_error& error) {  // the rank is less than what irlba works with
    if (dynamic_cast<const Error*>(&error) != nullptr) throw;
  }
  if (!converged && smaller <= narrow_at_need) return svd_of_narrow(x, dims, control);
  if (!converged)
    throw Error(ErrorCode::Numerical,
                "The principal components have not converged after " + std::to_string(rounds) + " rounds",
                "Ask for fewer components, or for more genes.");
  return out;
}

void check(std::int64_t n_cells, const PcaOptions& options) {
  if (n_cells < 2)
    throw Error(ErrorCode::BadInput,
                "Principal components need at least two cells; there is " + std::to_string(n_cells),
                "Keep more cells.");
  if (options.dims < 1)
    throw Error(ErrorCode::BadInput, "Principal components: none was asked for", "Ask for 1 or more.");
}

}  // namespace

PrincipalComponents principal_components(const LogCounts& x, const PcaOptions& options, const RunControl& control) {
  const std::int64_t n_cells = x.n_cells;
  check(n_cells, options);
  if (!(x.total_variance > 0))
    throw Error(ErrorCode::BadInput, "No gene differs between the cells, so there are no directions to lay them out by",
                "Keep more cells or genes.");
  const auto genes = static_cast<Eigen::Index>(x.genes.size());
  control.tell(-1,
               "principal components of " + std::to_string(n_cells) + " cells and " + std::to_string(genes) + " genes");
  const Centred centred(x, options.threads, control);
  Svd found = svd(centred, std::min<Eigen::Index>({options.dims, n_cells - 1, genes}), options.seed, control);

  PrincipalComponents out;
  out.n_cells = n_cells;
  out.genes = x.genes;
  out.total_variance = x.total_variance;
  while (out.dims < found.d.size() && found.d[out.dims] > 1e-7 * found.d[0]) ++out.dims;
  out.scores.resize(static_cast<std::size_t>(n_cells * out.dims));
  out.loadings.resize(static_cast<std::size_t>(genes * out.dims));
  for (int j = 0; j < out.dims; ++j) {
    Eigen::Index largest = 0;
    found.v.col(j).cwiseAbs().maxCoeff(&largest);
    const double sign = found.v(largest, j) < 0 ? -1 : 1, d = found.d[j];
    for (Eigen::Index i = 0; i < n_cells; ++i) out.scores[i * out.dims + j] = sign * d * found.u(i, j);
    for (Eigen::Index i = 0; i < genes; ++i) out.loadings[i * out.dims + j] = sign * found.v(i, j);
    out.variance.push_back(d * d / static_cast<double>(n_cells - 1));
  }
  return out;
}

PrincipalComponents principal_components(std::int64_t n_cells, std::int64_t n_genes, const data::CountSource& counts,
                                         const data::Missing& missing, const PcaOptions& options,
                                         const RunControl& control) {
  check(n_cells, options);
  control.tell(-1, "normalising the counts");
  return principal_components(log_counts(n_cells, n_genes, counts, missing, options, control), options, control);
}

PrincipalComponents principal_components(const data::Dataset& dataset, const PcaOptions& options,
                                         const RunControl& control) {
  return principal_components(dataset.counts.n_cells, dataset.counts.n_genes, data::source_of(dataset.counts),
                              dataset.missing, options, control);
}

}  // namespace scriptorium::embedding
