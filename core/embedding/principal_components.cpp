#include "core/embedding/principal_components.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "core/compute/kernels.hpp"
#include "core/compute/parallel.hpp"
#include "core/compute/wide_rows.hpp"
#include "core/embedding/leading_eigenvectors.hpp"
#include "core/embedding/log_counts.hpp"
#include "core/error.hpp"

namespace scriptorium::embedding {
namespace {

constexpr std::int64_t cells_a_piece = 1024;
using Block = LeadingEigenvectors::Block;
using compute::WideRows;

/// The centred matrix x − 1·meanᵀ, multiplied without filling in its zeros; sums in pieces of fixed size.
class Centred {
 public:
  Centred(const LogCounts& x, int threads, const RunControl& control)
      : x_(x),
        mean_(Eigen::Map<const Eigen::VectorXd>(x.mean.data(), static_cast<Eigen::Index>(x.mean.size()))),
        threads_(threads),
        control_(control) {}
  Eigen::Index rows() const { return x_.n_cells; }
  Eigen::Index cols() const { return mean_.size(); }

  Block times(const Block& right) const {
    const WideRows wide = widened(right);
    const Eigen::RowVectorXd shift = mean_.transpose() * wide.matrix();
    Block out(rows(), right.cols());
    compute::parallel_for(x_.n_cells, cells_a_piece, threads_,
                          [&](std::int64_t, std::int64_t first, std::int64_t last) {
                            control_.check();
                            WideRows row(1, right.cols());
                            for (std::int64_t i = first; i < last; ++i) {
                              gather(i, wide, row);
                              out.row(i) = row.matrix() - shift;
                            }
                          });
    return out;
  }

  Block transposed_times(const Block& right) const {
    return summed(right.cols(), [&](std::int64_t i, WideRows& row) { row.matrix() = right.row(i); });
  }
  /// Its transpose times itself times `right`, in one pass over the rows.
  Block gram_times(const Block& right) const {
    const WideRows wide = widened(right);
    const Eigen::RowVectorXd shift = mean_.transpose() * wide.matrix();
    return summed(right.cols(), [&](std::int64_t i, WideRows& row) {
      gather(i, wide, row);
      row.matrix() -= shift;
    });
  }

  /// Rows [first, last) with their zeros.
  Eigen::MatrixXd rows(std::int64_t first, std::int64_t last) const {
    Eigen::MatrixXd out = (-mean_.transpose()).replicate(last - first, 1);
    for (std::int64_t i = first; i < last; ++i)
      for (std::int64_t k = x_.row_start[i]; k < x_.row_start[i + 1]; ++k) out(i - first, x_.column[k]) += x_.value[k];
    return out;
  }

 private:
  WideRows widened(const Block& block) const {
    WideRows wide(block.rows(), block.cols());
    wide.matrix() = block;
    return wide;
  }
  void gather(std::int64_t i, const WideRows& wide, WideRows& row) const {
    compute::gather_rows(column(i), value(i), stored(i), wide.data(), wide.stride(), row.data(), wide.stride());
  }
  /// Σ_i (x_i − mean) · right_i, where `fill` sets right_i.
  template <class Fill>
  Block summed(Eigen::Index width, const Fill& fill) const {
    const std::int64_t grain = std::max(cells_a_piece, (x_.n_cells + 31) / 32);
    std::vector<WideRows> part(static_cast<std::size_t>(compute::pieces(x_.n_cells, grain)));
    std::vector<Eigen::RowVectorXd> total(part.size());
    compute::parallel_for(x_.n_cells, grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
      WideRows sum(cols(), width), row(1, width);
      Eigen::RowVectorXd rows = Eigen::RowVectorXd::Zero(width);
      for (std::int64_t i = first; i < last; ++i) {
        if (i % cells_a_piece == 0) control_.check();
        fill(i, row);
        rows += row.matrix();
        compute::scatter_rows(column(i), value(i), stored(i), row.data(), sum.data(), sum.stride(), sum.stride());
      }
      part[static_cast<std::size_t>(piece)] = std::move(sum);
      total[static_cast<std::size_t>(piece)] = std::move(rows);
    });
    Block out = part[0].matrix();
    for (std::size_t i = 1; i < part.size(); ++i) {
      out += part[i].matrix();
      total[0] += total[i];
    }
    out.noalias() -= mean_ * total[0];
    return out;
  }

  const std::uint32_t* column(std::int64_t i) const { return x_.column.data() + x_.row_start[i]; }
  const double* value(std::int64_t i) const { return x_.value.data() + x_.row_start[i]; }
  std::size_t stored(std::int64_t i) const { return static_cast<std::size_t>(x_.row_start[i + 1] - x_.row_start[i]); }

  const LogCounts& x_;
  Eigen::VectorXd mean_;
  int threads_;
  const RunControl& control_;
};

struct Svd {
  Eigen::MatrixXd u, v;
  Eigen::VectorXd d;
};

/// Of eigenvalues and vectors of x·xᵀ, or of xᵀ·x where there are fewer genes than cells.
Svd svd_of(const Centred& x, const Eigen::VectorXd& eigenvalues, Eigen::MatrixXd vectors) {
  const bool by_gene = x.cols() <= x.rows();
  Svd out;
  out.d = eigenvalues.cwiseMax(0).cwiseSqrt();
  Eigen::MatrixXd other = by_gene ? x.times(vectors) : x.transposed_times(vectors);
  for (Eigen::Index j = 0; j < other.cols(); ++j) other.col(j) *= out.d[j] > 0 ? 1 / out.d[j] : 0;
  out.u = std::move(by_gene ? other : vectors);
  out.v = std::move(by_gene ? vectors : other);
  return out;
}

/// By the products of all pairs of genes (or of cells, where these are fewer): for a narrow matrix, of which most
/// singular vectors are wanted.
Svd svd_of_narrow(const Centred& x, Eigen::Index dims, const RunControl& control) {
  const bool by_gene = x.cols() <= x.rows();
  Eigen::MatrixXd products = Eigen::MatrixXd::Zero(std::min(x.rows(), x.cols()), std::min(x.rows(), x.cols()));
  if (by_gene)
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
  return svd_of(x, eigen.eigenvalues().tail(dims).reverse(), eigen.eigenvectors().rightCols(dims).rowwise().reverse());
}

Svd svd(const Centred& x, Eigen::Index dims, std::uint64_t seed, const RunControl& control) {
  constexpr Eigen::Index narrow = 200;
  const Eigen::Index smaller = std::min(x.rows(), x.cols());
  if (smaller <= narrow || dims * 2 >= smaller) return svd_of_narrow(x, dims, control);
  LeadingEigenvectors search(smaller, {.wanted = dims, .width = 8, .seed = seed});
  while (!search.done())
    search.take(x.cols() <= x.rows() ? x.gram_times(search.block()) : x.times(x.transposed_times(search.block())));
  if (!search.converged())
    throw Error(ErrorCode::Numerical,
                "The principal components have not converged after " + std::to_string(search.blocks()) + " rounds",
                "Ask for fewer components, or for more genes.");
  return svd_of(x, search.values(), search.vectors());
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
