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

/// Σ [B ∇]ᵀ D⁻¹ [−g B ∇] over the genes of one kind, or the units of one pattern; B has two columns.
using Sums = Eigen::Matrix<double, 3, 4>;

/// What genes and units add up to, by pattern. Index 0 … P−1: patterns.
struct Reduced {
  Eigen::Vector2d scalar_right = Eigen::Vector2d::Zero();  ///< Bᵀ D⁻¹ (−g)
  Eigen::Matrix2d scalar_block = Eigen::Matrix2d::Zero();  ///< Bᵀ D⁻¹ B
  Eigen::MatrixXd scalar_mean;                             ///< 2 × P: Bᵀ D⁻¹ ∇
  Eigen::VectorXd right;                                   ///< P: ∇ᵀ D⁻¹ (−g)
  Eigen::MatrixXd product;                                 ///< P × P: ∇ᵀ D⁻¹ ∇
};

Reduced spread(const std::vector<Sums>& sums, const std::vector<std::vector<bool>>& measures, std::size_t patterns) {
  const auto p = static_cast<Eigen::Index>(patterns);
  Reduced out;
  out.scalar_mean = Eigen::MatrixXd::Zero(2, p);
  out.right = Eigen::VectorXd::Zero(p);
  out.product = Eigen::MatrixXd::Zero(p, p);
  for (std::size_t k = 0; k < sums.size(); ++k) {
    const Sums& s = sums[k];
    out.scalar_right += s.block<2, 1>(0, 0);
    out.scalar_block += s.block<2, 2>(0, 1);
    for (Eigen::Index i = 0; i < p; ++i) {
      if (!measures[k][static_cast<std::size_t>(i)]) continue;
      out.scalar_mean.col(i) += s.block<2, 1>(0, 3);
      out.right(i) += s(2, 0);
      for (Eigen::Index j = 0; j < p; ++j)
        if (measures[k][static_cast<std::size_t>(j)]) out.product(i, j) += s(2, 3);
    }
  }
  return out;
}

/// Each unit belongs to one pattern.
std::vector<std::vector<bool>> each_its_own(std::size_t patterns) {
  std::vector<std::vector<bool>> out(patterns, std::vector<bool>(patterns, false));
  for (std::size_t k = 0; k < patterns; ++k) out[k][k] = true;
  return out;
}

/// The largest eigenvalue of Q_M Q_A, Q_A diagonal.
double largest_product(const Eigen::MatrixXd& means, const Eigen::MatrixXd& rates) {
  const Eigen::VectorXd root = rates.diagonal().cwiseMax(0).cwiseSqrt();
  const Eigen::MatrixXd both = root.asDiagonal() * means * root.asDiagonal();
  if (both.rows() == 1) return both(0, 0);
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(0.5 * (both + both.transpose()), Eigen::EigenvaluesOnly)
      .eigenvalues()
      .maxCoeff();
}

}  // namespace

std::vector<double> NewtonSystem::solve(const std::vector<double>& gradient, int threads, int caution,
                                        bool* whole) const {
  const std::size_t scalar_size = has_scalar ? 2 : 0, size = static_cast<std::size_t>(gene_size),
                    patterns = problem->n_patterns();
  const auto genes = static_cast<std::int64_t>(gene_mean.size() / size),
             cells = static_cast<std::int64_t>(cell_block.size() / 3);
  const std::size_t gene_at = scalar_size, cell_at = gene_at + static_cast<std::size_t>(genes) * size;

  // D⁻¹ [−g, B, ∇] for every unit, and the sums that the border needs.
  std::vector<Rows> gene_rows(static_cast<std::size_t>(genes)), cell_rows(static_cast<std::size_t>(cells));
  std::atomic<bool> mended = false;
  const auto reduce = [&](std::int64_t n, std::size_t groups, auto&& group, auto&& fill, std::vector<Rows>& rows) {
    const Sums none = Sums::Zero();
    std::vector<std::vector<Sums>> partial(static_cast<std::size_t>(compute::pieces(n, grain)));
    compute::parallel_for(n, grain, threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
      Block d;
      Rows r;
      bool changed = false;
      auto& sums = partial[static_cast<std::size_t>(piece)];
      sums.assign(groups, none);
      for (auto i = first; i < last; ++i) {
        fill(static_cast<std::size_t>(i), d, r);
        rows[static_cast<std::size_t>(i)] = solve_block(d, r, changed);
        sums[group(static_cast<std::size_t>(i))] += r.rightCols<3>().transpose() * rows[static_cast<std::size_t>(i)];
      }
      if (changed) mended = true;
    });
    std::vector<Sums> total(groups, none);
    for (const auto& part : partial)
      for (std::size_t k = 0; k < part.size(); ++k) total[k] += part[k];
    return total;
  };
  const auto gene_sums = reduce(
      genes, problem->n_kinds(), [&](std::size_t i) { return problem->kind_of_gene[i]; },
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
  const auto cell_sums = reduce(
      cells, patterns, [&](std::size_t i) { return problem->units[i].pattern; },
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

  Reduced g = spread(gene_sums, problem->measures, patterns);
  const Reduced c = spread(cell_sums, each_its_own(patterns), patterns);
  const auto p = static_cast<Eigen::Index>(patterns);

  // Genes and cells alone are positive definite while Q_M Q_A < 1: the product term is scaled (on its gene side) to
  // that.
  const double product = coupled ? largest_product(g.product, c.product) : 0;
  double coupling = coupled ? 1 : 0;
  // A ridge alone brings Q_M Q_A to 0.99…; only beyond 1 is it no minimum's.
  constexpr double allowed[] = {1 - 1e-6, 0.9, 0.5, 0};
  if (product > allowed[caution]) {
    coupling = std::sqrt(std::min(allowed[caution], 0.9) / product);
    mended = true;
  }
  g.scalar_mean *= coupling;
  g.right *= coupling;
  g.product *= coupling * coupling;

  // Unknowns besides the units' own: the step s of the scalar (2) and, for each pattern, a = ∇Mᵀδ over its genes and
  // b = ∇Aᵀδ over its cells and the scalar.
  //   [S − …, m12; m21, m22] [s; a, b] = [r1; r2]
  Eigen::MatrixXd m22 = Eigen::MatrixXd::Identity(2 * p, 2 * p);
  m22.topRightCorner(p, p) = -g.product;
  m22.bottomLeftCorner(p, p) = -c.product;
  const Eigen::PartialPivLU<Eigen::MatrixXd> inverse(m22);
  Eigen::VectorXd r2(2 * p), ab;
  r2 << g.right, c.right;
  Eigen::Vector2d s = Eigen::Vector2d::Zero();
  if (has_scalar) {
    Eigen::Matrix2d m11;
    m11 << scalar_block[0], scalar_block[1], scalar_block[1], scalar_block[2];
    m11 -= g.scalar_block + c.scalar_block;
    Eigen::MatrixXd rate = Eigen::MatrixXd::Zero(2, p);
    if (coupling > 0) rate = Eigen::Map<const Eigen::MatrixXd>(scalar_rate.data(), 2, p);
    Eigen::MatrixXd m12(2, 2 * p), m21(2 * p, 2);
    m12 << c.scalar_mean - rate, g.scalar_mean;
    m21 << g.scalar_mean.transpose(), (c.scalar_mean - rate).transpose();
    const Eigen::Vector2d r1 = Eigen::Vector2d(-gradient[0], -gradient[1]) - g.scalar_right - c.scalar_right;
    bool changed = false;
    const Eigen::Matrix2d schur = m11 - m12 * inverse.solve(m21);
    s = solve_block(0.5 * (schur + schur.transpose()), Rows(r1 - m12 * inverse.solve(r2)), changed);
    if (changed) mended = true;
    ab = inverse.solve(r2 - m21 * s);
  } else {
    ab = inverse.solve(r2);
  }
  // What multiplies D⁻¹∇ of a gene (by kind) and of a unit (by pattern).
  std::vector<double> gene_pull(problem->n_kinds(), 0.0), cell_pull(patterns);
  for (std::size_t k = 0; k < gene_pull.size(); ++k)
    for (std::size_t q = 0; q < patterns; ++q)
      if (problem->measures[k][q]) gene_pull[k] += coupling * ab(p + static_cast<Eigen::Index>(q));
  for (std::size_t q = 0; q < patterns; ++q) cell_pull[q] = coupled ? ab(static_cast<Eigen::Index>(q)) : 0;

  std::vector<double> step(gradient.size());
  if (has_scalar) step[0] = s(0), step[1] = s(1);
  const auto place = [&](std::size_t at, std::size_t width, const std::vector<Rows>& rows, auto&& other) {
    compute::parallel_for(static_cast<std::int64_t>(rows.size()), 4096, threads,
                          [&](std::int64_t, std::int64_t first, std::int64_t last) {
                            for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i)
                              for (std::size_t a = 0; a < width; ++a) {
                                const auto row = static_cast<Eigen::Index>(a);
                                step[at + i * width + a] = rows[i](row, 0) - rows[i](row, 1) * s(0) -
                                                           rows[i](row, 2) * s(1) + rows[i](row, 3) * other(i);
                              }
                          });
  };
  place(gene_at, size, gene_rows, [&](std::size_t i) { return gene_pull[problem->kind_of_gene[i]]; });
  place(cell_at, 2, cell_rows, [&](std::size_t i) { return cell_pull[problem->units[i].pattern]; });
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
  std::vector<double> by_kind(problem->n_kinds(), 0.0), own(static_cast<std::size_t>(genes));
  compute::parallel_for(genes, grain, threads, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      const Block d = Eigen::Map<const Eigen::MatrixXd>(&gene_block[i * size * size], gene_size, gene_size);
      const Rows r = Eigen::Map<const Eigen::VectorXd>(&gene_mean[i * size], gene_size);
      bool changed = false;
      const Rows x = solve_block(d, r, changed);
      for (std::size_t a = 0; a < size; ++a) {
        out.gene_step[i * size + a] = x(static_cast<Eigen::Index>(a), 0);
        own[i] += x(static_cast<Eigen::Index>(a), 0) * gene_mean[i * size + a];
      }
    }
  });
  for (std::size_t i = 0; i < own.size(); ++i) by_kind[problem->kind_of_gene[i]] += own[i];
  const auto p = static_cast<Eigen::Index>(problem->n_patterns());
  Eigen::MatrixXd means = Eigen::MatrixXd::Zero(p, p), rates = Eigen::MatrixXd::Zero(p, p);
  for (std::size_t k = 0; k < by_kind.size(); ++k)
    for (Eigen::Index i = 0; i < p; ++i)
      for (Eigen::Index j = 0; j < p; ++j)
        if (problem->measures[k][static_cast<std::size_t>(i)] && problem->measures[k][static_cast<std::size_t>(j)])
          means(i, j) += by_kind[k];
  for (std::size_t i = 0; i < static_cast<std::size_t>(cells); ++i) {
    Block d(2, 2);
    d << cell_block[i * 3], cell_block[i * 3 + 1], cell_block[i * 3 + 1], cell_block[i * 3 + 2];
    const Rows r = Eigen::Map<const Eigen::VectorXd>(&cell_rate[i * 2], 2);
    bool changed = false;
    const Rows x = solve_block(d, r, changed);
    for (std::size_t a = 0; a < 2; ++a) {
      out.cell_step[i * 2 + a] = x(static_cast<Eigen::Index>(a), 0);
      const auto q = static_cast<Eigen::Index>(problem->units[i].pattern);
      rates(q, q) += x(static_cast<Eigen::Index>(a), 0) * cell_rate[i * 2 + a];
    }
  }
  out.proper = largest_product(means, rates) < 1;
  if (!out.proper) return out;
  const Eigen::PartialPivLU<Eigen::MatrixXd> both(Eigen::MatrixXd::Identity(p, p) - rates * means);
  out.log_determinant = std::log(both.determinant());
  const Eigen::MatrixXd genes_gain = both.solve(rates),
                        units_gain = (Eigen::MatrixXd::Identity(p, p) - means * rates).partialPivLu().solve(means);
  for (const auto& measured : problem->measures) {
    double gain = 0;
    for (Eigen::Index i = 0; i < p; ++i)
      for (Eigen::Index j = 0; j < p; ++j)
        if (measured[static_cast<std::size_t>(i)] && measured[static_cast<std::size_t>(j)]) gain += genes_gain(i, j);
    out.gene_gain.push_back(gain);
  }
  for (Eigen::Index i = 0; i < p; ++i) out.unit_gain.push_back(units_gain(i, i));
  return out;
}

}  // namespace scriptorium::inference
