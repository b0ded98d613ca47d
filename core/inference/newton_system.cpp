#include "core/inference/newton_system.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/compute/parallel.hpp"

namespace scriptorium::inference {
namespace {

using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, 6, 6>;
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, 6, 3 + NewtonSystem::most_rank>;
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

/// Σ [B ∇]ᵀ D⁻¹ [−g B ∇] over the genes of one kind, or the units of one pattern; B has two columns, ∇ has `rank`.
using Sums = Eigen::MatrixXd;

/// What genes and units add up to, by pattern and pair. Index 0 … P·rank − 1: patterns, the pairs of each together.
struct Reduced {
  Eigen::Vector2d scalar_right = Eigen::Vector2d::Zero();  ///< Bᵀ D⁻¹ (−g)
  Eigen::Matrix2d scalar_block = Eigen::Matrix2d::Zero();  ///< Bᵀ D⁻¹ B
  Eigen::MatrixXd scalar_mean;                             ///< 2 × P·rank: Bᵀ D⁻¹ ∇
  Eigen::VectorXd right;                                   ///< P·rank: ∇ᵀ D⁻¹ (−g)
  Eigen::MatrixXd product;                                 ///< P·rank square: ∇ᵀ D⁻¹ ∇
};

/// Σ over the kinds that measured both patterns, for every pair of them.
Eigen::MatrixXd over_pairs(const std::vector<Eigen::MatrixXd>& by_kind, const std::vector<std::vector<bool>>& measures,
                           std::size_t patterns) {
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

/// The sums by pattern, with the columns of ∇ turned by `turn` (rank × fewer).
Reduced spread(const std::vector<Sums>& sums, const Eigen::MatrixXd& turn,
               const std::vector<std::vector<bool>>& measures, std::size_t patterns) {
  const auto p = static_cast<Eigen::Index>(patterns), rank = turn.rows(), n = turn.cols();
  Reduced out;
  out.scalar_mean = Eigen::MatrixXd::Zero(2, p * n);
  out.right = Eigen::VectorXd::Zero(p * n);
  std::vector<Eigen::MatrixXd> products;
  for (std::size_t k = 0; k < sums.size(); ++k) {
    const Sums& s = sums[k];
    products.emplace_back(turn.transpose() * s.bottomRightCorner(rank, rank) * turn);
    const Eigen::MatrixXd scalar_mean = s.block(0, 3, 2, rank) * turn;
    const Eigen::VectorXd right = turn.transpose() * s.block(2, 0, rank, 1);
    out.scalar_right += s.block<2, 1>(0, 0);
    out.scalar_block += s.block<2, 2>(0, 1);
    for (Eigen::Index i = 0; i < p; ++i) {
      if (!measures[k][static_cast<std::size_t>(i)]) continue;
      out.scalar_mean.middleCols(i * n, n) += scalar_mean;
      out.right.segment(i * n, n) += right;
    }
  }
  out.product = over_pairs(products, measures, patterns);
  return out;
}

/// Each unit belongs to one pattern.
std::vector<std::vector<bool>> each_its_own(std::size_t patterns) {
  std::vector<std::vector<bool>> out(patterns, std::vector<bool>(patterns, false));
  for (std::size_t k = 0; k < patterns; ++k) out[k][k] = true;
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
double largest_product(const Eigen::MatrixXd& means, const Eigen::MatrixXd& rates) {
  if (means.rows() == 1) return means(0, 0) * rates(0, 0);
  const Eigen::MatrixXd root = Root(rates).root, both = root * means * root;
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(0.5 * (both + both.transpose()), Eigen::EigenvaluesOnly)
      .eigenvalues()
      .maxCoeff();
}

/// The few combinations of the pairs through which genes and cells really pull at each other: the leading directions
/// of U Vᵀ in the metric of the blocks, as what ∇M and ∇A are to be multiplied by.
struct Leading {
  Eigen::MatrixXd genes, cells;  ///< rank × fewer
};
Leading leading_pairs(const std::vector<Sums>& gene_sums, const std::vector<Sums>& cell_sums, Eigen::Index rank,
                      std::size_t patterns) {
  if (rank == 1) return {Eigen::MatrixXd::Identity(1, 1), Eigen::MatrixXd::Identity(1, 1)};
  Eigen::MatrixXd genes = Eigen::MatrixXd::Zero(rank, rank), cells = genes;
  for (const auto& s : gene_sums) genes += s.bottomRightCorner(rank, rank);
  for (const auto& s : cell_sums) cells += s.bottomRightCorner(rank, rank);
  const Root root(cells);
  const Eigen::MatrixXd both = root.root * genes * root.root;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(0.5 * (both + both.transpose()));
  const Eigen::Index most = patterns == 1 ? rank : std::min<Eigen::Index>(rank, 5);
  Eigen::Index kept = 1;
  while (kept < most && eigen.eigenvalues()(rank - 1 - kept) > 1e-4) ++kept;
  const Eigen::MatrixXd directions = eigen.eigenvectors().rightCols(kept);
  return {root.root * directions, root.inverse * directions};
}

/// D⁻¹ R of every gene or unit (`rows`), and by group Σ Lᵀ D⁻¹ R with L the last `left` columns of R. They are gone
/// through as unit(0), unit(1), … says, which brings those of a group together; fill(i, D, R) gives the two of number
/// i.
template <class Unit, class Group, class Fill>
std::vector<Sums> reduce(std::int64_t n, std::size_t groups, Eigen::Index left, int threads, const Unit& unit,
                         const Group& group, const Fill& fill, std::vector<Rows>& rows, bool& mended) {
  rows.resize(static_cast<std::size_t>(n));
  std::atomic<bool> any = false;
  // Each piece's sums by group, in the order in which groups come.
  std::vector<std::vector<std::pair<std::size_t, Sums>>> partial(static_cast<std::size_t>(compute::pieces(n, grain)));
  compute::parallel_for(n, grain, threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    Block d;
    Rows r;
    bool changed = false;
    auto& sums = partial[static_cast<std::size_t>(piece)];
    for (auto at = first; at < last; ++at) {
      const std::size_t i = unit(static_cast<std::size_t>(at)), its = group(i);
      fill(i, d, r);
      rows[i] = solve_block(d, r, changed);
      if (sums.empty() || sums.back().first != its) sums.emplace_back(its, Sums::Zero(left, r.cols()));
      sums.back().second.noalias() += r.rightCols(left).transpose() * rows[i];
    }
    if (changed) any = true;
  });
  if (any) mended = true;
  std::vector<Sums> total(groups);
  for (const auto& part : partial)
    for (const auto& [its, sums] : part)
      if (total[its].size() == 0)
        total[its] = sums;
      else
        total[its] += sums;
  for (auto& sums : total)
    if (sums.size() == 0) sums = Sums::Zero(left, partial.empty() ? left : partial.front().front().second.cols());
  return total;
}

}  // namespace

void solve_block(const double* h, const double* gradient, std::size_t size, double* step) {
  const auto n = static_cast<Eigen::Index>(size);
  const Block block = Eigen::Map<const Eigen::MatrixXd>(h, n, n);
  bool changed = false;
  const Rows right = -Eigen::Map<const Eigen::VectorXd>(gradient, n);
  Eigen::Map<Eigen::VectorXd>(step, n) = solve_block(block, right, changed);
}

NewtonSystem::Direction NewtonSystem::solve(const std::vector<double>& gradient, int threads, int caution) const {
  const std::size_t scalar_size = has_scalar ? 2 : 0, size = static_cast<std::size_t>(gene_size),
                    patterns = problem->n_patterns(), pairs = static_cast<std::size_t>(rank);
  const auto genes = static_cast<std::int64_t>(gene_block.size() / size / size),
             cells = static_cast<std::int64_t>(cell_block.size() / 3);
  const std::size_t gene_at = scalar_size, cell_at = gene_at + static_cast<std::size_t>(genes) * size;

  // D⁻¹ [−g, B, ∇] for every unit, and the sums that the border needs.
  std::vector<Rows> gene_rows, cell_rows;
  bool mended = false;
  const auto gene_sums = reduce(
      genes, problem->n_kinds(), 2 + rank, threads, [&](std::size_t at) { return problem->genes_by_kind[at]; },
      [&](std::size_t i) { return problem->kind_of_gene[i]; },
      [&](std::size_t i, Block& d, Rows& r) {
        d = Eigen::Map<const Eigen::MatrixXd>(&gene_block[i * size * size], gene_size, gene_size);
        r.resize(gene_size, 3 + rank);
        for (std::size_t a = 0; a < size; ++a) {
          const auto row = static_cast<Eigen::Index>(a);
          r(row, 0) = -gradient[gene_at + i * size + a];
          r(row, 1) = has_scalar ? gene_scalar[(i * size + a) * 2] : 0;
          r(row, 2) = has_scalar ? gene_scalar[(i * size + a) * 2 + 1] : 0;
          for (std::size_t m = 0; m < pairs; ++m)
            r(row, static_cast<Eigen::Index>(3 + m)) = coupled ? gene_mean[(i * size + a) * pairs + m] : 0;
        }
      },
      gene_rows, mended);
  const auto cell_sums = reduce(
      cells, patterns, 2 + rank, threads, [](std::size_t at) { return at; },
      [&](std::size_t i) { return problem->units[i].pattern; },
      [&](std::size_t i, Block& d, Rows& r) {
        d.resize(2, 2);
        d << cell_block[i * 3], cell_block[i * 3 + 1], cell_block[i * 3 + 1], cell_block[i * 3 + 2];
        r.resize(2, 3 + rank);
        for (std::size_t a = 0; a < 2; ++a) {
          const auto row = static_cast<Eigen::Index>(a);
          r(row, 0) = -gradient[cell_at + i * 2 + a];
          r(row, 1) = has_scalar ? cell_scalar[i * 4 + a * 2] : 0;
          r(row, 2) = has_scalar ? cell_scalar[i * 4 + a * 2 + 1] : 0;
          for (std::size_t m = 0; m < pairs; ++m)
            r(row, static_cast<Eigen::Index>(3 + m)) = coupled ? cell_rate[(i * 2 + a) * pairs + m] : 0;
        }
      },
      cell_rows, mended);

  const Leading leading = leading_pairs(gene_sums, cell_sums, rank, patterns);
  Reduced g = spread(gene_sums, leading.genes, problem->measures, patterns);
  const Reduced c = spread(cell_sums, leading.cells, each_its_own(patterns), patterns);
  const auto kept = leading.genes.cols(), p = static_cast<Eigen::Index>(patterns) * kept;

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

  // Unknowns besides the units' own: the step s of the scalar (2) and, for each pattern and pair, a = ∇Mᵀδ over its
  // genes and b = ∇Aᵀδ over its cells and the scalar.
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
    for (std::size_t k = 0; coupling > 0 && k < patterns; ++k)
      rate.middleCols(static_cast<Eigen::Index>(k) * kept, kept) =
          Eigen::Map<const Eigen::MatrixXd>(&scalar_rate[k * pairs * 2], 2, rank) * leading.cells;
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
  std::vector<Eigen::VectorXd> gene_pull, cell_pull;
  for (const auto& measured : problem->measures) {
    Eigen::VectorXd pull = Eigen::VectorXd::Zero(kept);
    for (std::size_t q = 0; q < patterns; ++q)
      if (measured[q]) pull += coupling * ab.segment(p + static_cast<Eigen::Index>(q) * kept, kept);
    gene_pull.emplace_back(leading.genes * pull);
  }
  for (std::size_t q = 0; q < patterns; ++q)
    cell_pull.emplace_back(leading.cells * ab.segment(static_cast<Eigen::Index>(q) * kept, kept));

  Direction out{std::vector<double>(gradient.size()), std::vector<double>(gradient.size()), !mended};
  if (has_scalar) out.pulled[0] = s(0), out.pulled[1] = s(1);
  const auto place = [&](std::size_t at, std::size_t width, const std::vector<Rows>& rows, auto&& other) {
    compute::parallel_for(static_cast<std::int64_t>(rows.size()), 4096, threads,
                          [&](std::int64_t, std::int64_t first, std::int64_t last) {
                            for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i)
                              for (std::size_t a = 0; a < width; ++a) {
                                const auto row = static_cast<Eigen::Index>(a);
                                out.own[at + i * width + a] = rows[i](row, 0);
                                out.pulled[at + i * width + a] = rows[i].row(row).tail(rank).dot(other(i)) -
                                                                 rows[i](row, 1) * s(0) - rows[i](row, 2) * s(1);
                              }
                          });
  };
  place(gene_at, size, gene_rows,
        [&](std::size_t i) -> const Eigen::VectorXd& { return gene_pull[problem->kind_of_gene[i]]; });
  place(cell_at, 2, cell_rows,
        [&](std::size_t i) -> const Eigen::VectorXd& { return cell_pull[problem->units[i].pattern]; });
  return out;
}

NewtonSystem::Response NewtonSystem::response(int threads) const {
  Response out;
  const std::size_t size = static_cast<std::size_t>(gene_size), patterns = problem->n_patterns();
  const auto genes = static_cast<std::int64_t>(gene_block.size() / size / size),
             cells = static_cast<std::int64_t>(cell_block.size() / 3);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  std::vector<Rows> gene_rows, cell_rows;
  bool mended = false;
  const auto gene_sums = reduce(
      genes, problem->n_kinds(), rank, threads, [&](std::size_t at) { return problem->genes_by_kind[at]; },
      [&](std::size_t i) { return problem->kind_of_gene[i]; },
      [&](std::size_t i, Block& d, Rows& r) {
        d = Eigen::Map<const Eigen::MatrixXd>(&gene_block[i * size * size], gene_size, gene_size);
        r = Eigen::Map<const RowMajor>(&gene_mean[i * size * static_cast<std::size_t>(rank)], gene_size, rank);
      },
      gene_rows, mended);
  const auto cell_sums = reduce(
      cells, patterns, rank, threads, [](std::size_t at) { return at; },
      [&](std::size_t i) { return problem->units[i].pattern; },
      [&](std::size_t i, Block& d, Rows& r) {
        d.resize(2, 2);
        d << cell_block[i * 3], cell_block[i * 3 + 1], cell_block[i * 3 + 1], cell_block[i * 3 + 2];
        r = Eigen::Map<const RowMajor>(&cell_rate[i * 2 * static_cast<std::size_t>(rank)], 2, rank);
      },
      cell_rows, mended);
  const Eigen::MatrixXd means = over_pairs(gene_sums, problem->measures, patterns),
                        rates = over_pairs(cell_sums, each_its_own(patterns), patterns);
  out.proper = largest_product(means, rates) < 1;
  if (!out.proper) return out;
  const Eigen::MatrixXd one = Eigen::MatrixXd::Identity(means.rows(), means.cols());
  const Eigen::PartialPivLU<Eigen::MatrixXd> both(one - rates * means);
  out.log_determinant = std::log(both.determinant());
  const Eigen::MatrixXd genes_gain = both.solve(rates), units_gain = (one - means * rates).partialPivLu().solve(means);
  const auto block = [&](const Eigen::MatrixXd& gain, std::size_t i, std::size_t j) {
    return gain.block(static_cast<Eigen::Index>(i) * rank, static_cast<Eigen::Index>(j) * rank, rank, rank);
  };
  std::vector<Eigen::MatrixXd> gene_gain, unit_gain;
  for (const auto& measured : problem->measures) {
    gene_gain.emplace_back(Eigen::MatrixXd::Zero(rank, rank));
    for (std::size_t i = 0; i < patterns; ++i)
      for (std::size_t j = 0; j < patterns; ++j)
        if (measured[i] && measured[j]) gene_gain.back() += block(genes_gain, i, j);
  }
  for (std::size_t i = 0; i < patterns; ++i) unit_gain.emplace_back(block(units_gain, i, i));
  const auto variance = [](const Rows& rows, const Eigen::MatrixXd& gain) {
    return std::max(0.0, (rows.row(0) * gain * rows.row(0).transpose())(0, 0));
  };
  for (std::size_t i = 0; i < gene_rows.size(); ++i)
    out.gene_variance.push_back(variance(gene_rows[i], gene_gain[problem->kind_of_gene[i]]));
  for (std::size_t i = 0; i < cell_rows.size(); ++i)
    out.unit_variance.push_back(variance(cell_rows[i], unit_gain[problem->units[i].pattern]));
  return out;
}

}  // namespace scriptorium::inference
