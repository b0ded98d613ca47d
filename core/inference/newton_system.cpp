#include "core/inference/newton_system.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/compute/parallel.hpp"

namespace scriptorium::inference {
namespace {

using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, 6, 6>;
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, 6, 4>;
constexpr std::int64_t grain = 256;

/// D⁻¹ R; where D is not positive definite its eigenvalues are replaced by their sizes, with a floor, and `changed`
/// set.
Rows solve_block(const Block& d, const Rows& r, bool& changed) {
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

/// Sums over units of [B ∇]ᵀ D⁻¹ [−g B ∇] with B two columns: a 3 × 4 table, in a fixed order.
struct Reduction {
  Eigen::Matrix<double, 3, 4> sum = Eigen::Matrix<double, 3, 4>::Zero();
};

}  // namespace

std::vector<double> NewtonSystem::solve(const std::vector<double>& gradient, int threads, int caution,
                                        bool* whole) const {
  const std::size_t scalar_size = has_scalar ? 2 : 0, size = static_cast<std::size_t>(gene_size);
  const auto genes = static_cast<std::int64_t>(gene_mean.size() / size),
             cells = static_cast<std::int64_t>(cell_block.size() / 3);
  const std::size_t gene_at = scalar_size, cell_at = gene_at + static_cast<std::size_t>(genes) * size;

  // D⁻¹ [−g, B, ∇] for every unit, and the sums that the border needs.
  std::vector<Rows> gene_rows(static_cast<std::size_t>(genes)), cell_rows(static_cast<std::size_t>(cells));
  std::atomic<bool> mended = false;
  const auto reduce = [&](std::int64_t n, auto&& fill, std::vector<Rows>& rows) {
    std::vector<Reduction> partial(static_cast<std::size_t>(compute::pieces(n, grain)));
    compute::parallel_for(n, grain, threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
      Block d;
      Rows r;
      bool changed = false;
      auto& sum = partial[static_cast<std::size_t>(piece)].sum;
      for (auto i = first; i < last; ++i) {
        fill(static_cast<std::size_t>(i), d, r);
        rows[static_cast<std::size_t>(i)] = solve_block(d, r, changed);
        sum += r.rightCols<3>().transpose() * rows[static_cast<std::size_t>(i)];
      }
      if (changed) mended = true;
    });
    Reduction total;
    for (const auto& p : partial) total.sum += p.sum;
    return total.sum;
  };
  auto g = reduce(
      genes,
      [&](std::size_t i, Block& d, Rows& r) {
        d = Eigen::Map<const Eigen::MatrixXd>(&gene_block[i * size * size], gene_size, gene_size);
        r.resize(gene_size, 4);
        for (std::size_t a = 0; a < size; ++a) {
          const auto row = static_cast<Eigen::Index>(a);
          r(row, 0) = -gradient[gene_at + i * size + a];
          r(row, 1) = has_scalar ? gene_scalar[(i * size + a) * 2] : 0;
          r(row, 2) = has_scalar ? gene_scalar[(i * size + a) * 2 + 1] : 0;
          r(row, 3) = coupled ? gene_mean[i * size + a] : 0;
        }
      },
      gene_rows);
  const auto c = reduce(
      cells,
      [&](std::size_t i, Block& d, Rows& r) {
        d.resize(2, 2);
        d << cell_block[i * 3], cell_block[i * 3 + 1], cell_block[i * 3 + 1], cell_block[i * 3 + 2];
        r.resize(2, 4);
        for (std::size_t a = 0; a < 2; ++a) {
          const auto row = static_cast<Eigen::Index>(a);
          r(row, 0) = -gradient[cell_at + i * 2 + a];
          r(row, 1) = has_scalar ? cell_scalar[i * 4 + a * 2] : 0;
          r(row, 2) = has_scalar ? cell_scalar[i * 4 + a * 2 + 1] : 0;
          r(row, 3) = coupled ? cell_rate[i * 2 + a] : 0;
        }
      },
      cell_rows);

  // Genes and cells alone are positive definite while q_M q_A < 1: the product term is scaled (on its gene side) to
  // that.
  const double product = g(2, 3) * c(2, 3);
  double coupling = coupled ? 1 : 0;
  // A ridge alone brings q_M q_A to 0.99…; only beyond 1 is it no minimum's.
  constexpr double allowed[] = {1 - 1e-6, 0.9, 0.5, 0};
  if (product > allowed[caution]) {
    coupling = std::sqrt(std::min(allowed[caution], 0.9) / product);
    mended = true;
  }
  g.row(2) *= coupling;
  g.col(3) *= coupling;

  // Unknowns besides the units' own: the step s of the scalar (2), a = ∇Mᵀδ over genes, b = ∇Aᵀδ over cells and scalar.
  //   [S − …, m12; m21, m22] [s; a, b] = [r1; r2]
  Eigen::Matrix2d m22;
  m22 << 1, -g(2, 3), -c(2, 3), 1;
  const Eigen::Matrix2d inverse = m22.inverse();
  const Eigen::Vector2d r2(g(2, 0), c(2, 0));
  Eigen::Vector2d s = Eigen::Vector2d::Zero(), ab;
  if (has_scalar) {
    Eigen::Matrix2d m11, m12, m21;
    m11 << scalar_block[0], scalar_block[1], scalar_block[1], scalar_block[2];
    m11 -= g.block<2, 2>(0, 1) + c.block<2, 2>(0, 1);
    const Eigen::Vector2d rate = coupling > 0 ? Eigen::Vector2d(scalar_rate[0], scalar_rate[1]) : Eigen::Vector2d(0, 0);
    m12 << c.block<2, 1>(0, 3) - rate, g.block<2, 1>(0, 3);
    m21 << g.block<1, 2>(2, 1), c.block<1, 2>(2, 1) - rate.transpose();
    const Eigen::Vector2d r1 = Eigen::Vector2d(-gradient[0], -gradient[1]) - g.block<2, 1>(0, 0) - c.block<2, 1>(0, 0);
    bool changed = false;
    const Eigen::Matrix2d schur = m11 - m12 * inverse * m21;
    s = solve_block(0.5 * (schur + schur.transpose()), Rows(r1 - m12 * inverse * r2), changed);
    if (changed) mended = true;
    ab = inverse * (r2 - m21 * s);
  } else {
    ab = inverse * r2;
  }

  std::vector<double> step(gradient.size());
  if (has_scalar) step[0] = s(0), step[1] = s(1);
  const auto place = [&](std::size_t at, std::size_t width, const std::vector<Rows>& rows, double other) {
    compute::parallel_for(static_cast<std::int64_t>(rows.size()), 4096, threads,
                          [&](std::int64_t, std::int64_t first, std::int64_t last) {
                            for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i)
                              for (std::size_t a = 0; a < width; ++a) {
                                const auto row = static_cast<Eigen::Index>(a);
                                step[at + i * width + a] = rows[i](row, 0) - rows[i](row, 1) * s(0) -
                                                           rows[i](row, 2) * s(1) + rows[i](row, 3) * other;
                              }
                          });
  };
  place(gene_at, size, gene_rows, coupling * ab(1));
  place(cell_at, 2, cell_rows, ab(0));
  if (whole) *whole = !mended;
  return step;
}

NewtonSystem::Response NewtonSystem::response(int threads) const {
  Response out;
  const std::size_t size = static_cast<std::size_t>(gene_size);
  const auto genes = static_cast<std::int64_t>(gene_mean.size() / size),
             cells = static_cast<std::int64_t>(cell_block.size() / 3);
  out.gene_step.resize(gene_mean.size());
  out.cell_step.resize(cell_rate.size());
  std::vector<double> partial(static_cast<std::size_t>(compute::pieces(genes, grain)));
  compute::parallel_for(genes, grain, threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      const Block d = Eigen::Map<const Eigen::MatrixXd>(&gene_block[i * size * size], gene_size, gene_size);
      const Rows r = Eigen::Map<const Eigen::VectorXd>(&gene_mean[i * size], gene_size);
      bool changed = false;
      const Rows x = solve_block(d, r, changed);
      for (std::size_t a = 0; a < size; ++a) {
        out.gene_step[i * size + a] = x(static_cast<Eigen::Index>(a), 0);
        partial[static_cast<std::size_t>(piece)] += x(static_cast<Eigen::Index>(a), 0) * gene_mean[i * size + a];
      }
    }
  });
  for (const double p : partial) out.genes += p;
  for (std::size_t i = 0; i < static_cast<std::size_t>(cells); ++i) {
    Block d(2, 2);
    d << cell_block[i * 3], cell_block[i * 3 + 1], cell_block[i * 3 + 1], cell_block[i * 3 + 2];
    const Rows r = Eigen::Map<const Eigen::VectorXd>(&cell_rate[i * 2], 2);
    bool changed = false;
    const Rows x = solve_block(d, r, changed);
    for (std::size_t a = 0; a < 2; ++a) {
      out.cell_step[i * 2 + a] = x(static_cast<Eigen::Index>(a), 0);
      out.cells += x(static_cast<Eigen::Index>(a), 0) * cell_rate[i * 2 + a];
    }
  }
  return out;
}

}  // namespace scriptorium::inference
