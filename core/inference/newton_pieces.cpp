#include "core/inference/newton_pieces.hpp"

#include <algorithm>
#include <cmath>

#include "core/compute/parallel.hpp"

namespace scriptorium::inference::newton {
namespace {

constexpr std::int64_t grain = 256;

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

/// What couples a gene's own coordinates (rows) and those that all systems share.
Block border_of(const Member& member, std::size_t gene) {
  const GeneLayout& layout = *member.layout;
  const auto all = static_cast<std::size_t>(member.system->gene_size);
  Block out(static_cast<Eigen::Index>(layout.own.size()), static_cast<Eigen::Index>(layout.shared.size()));
  for (std::size_t a = 0; a < layout.own.size(); ++a)
    for (std::size_t b = 0; b < layout.shared.size(); ++b)
      out(static_cast<Eigen::Index>(a), static_cast<Eigen::Index>(b)) =
          member.system->gene_block[(gene * all + layout.own[a]) * all + layout.shared[b]];
  return out;
}

}  // namespace

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

Reduced spread(const std::vector<Sums>& sums, Eigen::Index scalars, const Eigen::MatrixXd& turn,
               const std::vector<std::vector<bool>>& measures, std::size_t patterns) {
  const auto p = static_cast<Eigen::Index>(patterns), rank = turn.rows(), n = turn.cols();
  Reduced out;
  out.scalar_right = Eigen::VectorXd::Zero(scalars);
  out.scalar_block = Eigen::MatrixXd::Zero(scalars, scalars);
  out.scalar_mean = Eigen::MatrixXd::Zero(scalars, p * n);
  out.right = Eigen::VectorXd::Zero(p * n);
  std::vector<Eigen::MatrixXd> products;
  for (std::size_t k = 0; k < sums.size(); ++k) {
    const Sums& s = sums[k];
    products.emplace_back(turn.transpose() * s.bottomRightCorner(rank, rank) * turn);
    const Eigen::MatrixXd scalar_mean = s.block(0, 1 + scalars, scalars, rank) * turn;
    const Eigen::VectorXd right = turn.transpose() * s.block(scalars, 0, rank, 1);
    out.scalar_right += s.block(0, 0, scalars, 1);
    out.scalar_block += s.block(0, 1, scalars, scalars);
    for (Eigen::Index i = 0; i < p; ++i) {
      if (!measures[k][static_cast<std::size_t>(i)]) continue;
      out.scalar_mean.middleCols(i * n, n) += scalar_mean;
      out.right.segment(i * n, n) += right;
    }
  }
  out.product = over_pairs(products, measures, patterns);
  return out;
}

double largest_product(const Eigen::MatrixXd& means, const Eigen::MatrixXd& rates) {
  if (means.rows() == 1) return means(0, 0) * rates(0, 0);
  const Eigen::MatrixXd root = Root(rates).root, both = root * means * root;
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(0.5 * (both + both.transpose()), Eigen::EigenvaluesOnly)
      .eigenvalues()
      .maxCoeff();
}

Leading leading_pairs(const Eigen::MatrixXd& genes, const Eigen::MatrixXd& cells, std::size_t patterns) {
  const Eigen::Index rank = genes.rows();
  if (rank == 1) return {Eigen::MatrixXd::Identity(1, 1), Eigen::MatrixXd::Identity(1, 1)};
  const Root root(cells);
  const Eigen::MatrixXd both = root.root * genes * root.root;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(0.5 * (both + both.transpose()));
  const Eigen::Index most = patterns == 1 ? rank : std::min<Eigen::Index>(rank, 5);
  Eigen::Index kept = 1;
  while (kept < most && eigen.eigenvalues()(rank - 1 - kept) > 1e-4) ++kept;
  const Eigen::MatrixXd directions = eigen.eigenvectors().rightCols(kept);
  return {root.root * directions, root.inverse * directions};
}

Eigen::VectorXd solve_mended(const Eigen::MatrixXd& matrix, const Eigen::VectorXd& right, bool& changed) {
  const Eigen::MatrixXd even = 0.5 * (matrix + matrix.transpose());
  if (even.rows() <= 2) {
    const Rows small = right;
    return solve_block(Block(even), small, changed);
  }
  // Scaled to a unit diagonal: parameters of small components have small curvatures.
  const Eigen::VectorXd scale = even.diagonal().cwiseAbs().cwiseMax(1e-300).cwiseSqrt().cwiseInverse();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(scale.asDiagonal() * even * scale.asDiagonal());
  if (eigen.eigenvalues().minCoeff() < 1e-10) changed = true;
  const double floor = 1e-8 * eigen.eigenvalues().cwiseAbs().maxCoeff();
  return scale.asDiagonal() *
         (eigen.eigenvectors() * eigen.eigenvalues().cwiseAbs().cwiseMax(floor).cwiseInverse().asDiagonal() *
          (eigen.eigenvectors().transpose() * (scale.asDiagonal() * right)));
}

void reduce_genes(Member& member, const std::vector<double>& gradient, int threads, std::atomic<bool>& mended) {
  const NewtonSystem& s = *member.system;
  const GeneLayout& layout = *member.layout;
  const Problem& problem = *s.problem;
  const auto all = static_cast<std::size_t>(s.gene_size), size = layout.own.size(),
             pairs = static_cast<std::size_t>(s.rank);
  const int rank = s.rank;
  const auto rows = static_cast<Eigen::Index>(size);
  const auto genes = static_cast<std::int64_t>(layout.genes);
  member.rows = Blocks(layout.genes, rows, 3 + rank);
  member.across = Blocks(layout.genes, rows, static_cast<Eigen::Index>(layout.shared.size()));
  // Each piece's sums by kind, in the order in which kinds come.
  std::vector<std::vector<std::pair<std::size_t, Sums>>> partial(
      static_cast<std::size_t>(compute::pieces(genes, grain)));
  compute::parallel_for(size == 0 ? 0 : genes, grain, threads,
                        [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
                          Rows r(rows, 3 + rank);
                          Block d(rows, rows);
                          bool changed = false;
                          auto& sums = partial[static_cast<std::size_t>(piece)];
                          for (auto at = static_cast<std::size_t>(first); at < static_cast<std::size_t>(last); ++at) {
                            const std::size_t i = problem.genes_by_kind[at], its = problem.kind_of_gene[i];
                            for (std::size_t a = 0; a < size; ++a) {
                              const auto row = static_cast<Eigen::Index>(a);
                              const std::size_t own = i * all + layout.own[a];
                              for (std::size_t b = 0; b < size; ++b)
                                d(row, static_cast<Eigen::Index>(b)) = s.gene_block[own * all + layout.own[b]];
                              r(row, 0) = -gradient[layout.own_at(member.place, i) + a];
                              r(row, 1) = s.has_scalar ? s.gene_scalar[own * 2] : 0;
                              r(row, 2) = s.has_scalar ? s.gene_scalar[own * 2 + 1] : 0;
                              for (std::size_t m = 0; m < pairs; ++m)
                                r(row, static_cast<Eigen::Index>(3 + m)) = s.coupled ? s.gene_mean[own * pairs + m] : 0;
                            }
                            member.rows[i] = solve_block(d, r, changed);
                            if (!member.across.empty())
                              member.across[i] = solve_block(d, Rows(border_of(member, i)), changed);
                            if (sums.empty() || sums.back().first != its)
                              sums.emplace_back(its, Sums::Zero(2 + rank, 3 + rank));
                            sums.back().second.noalias() += r.rightCols(2 + rank).transpose() * member.rows[i];
                          }
                          if (changed) mended = true;
                        });
  member.sums.assign(problem.n_kinds(), Sums::Zero(2 + rank, 3 + rank));
  for (const auto& part : partial)
    for (const auto& [its, sums] : part) member.sums[its] += sums;
}

Eigen::MatrixXd SharedGenes::genes(const Member& member) const {
  const int rank = member.system->rank;
  Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(rank, rank);
  for (const auto& s : sums) sum += s.block(member.rate_at - 1, member.rate_at, rank, rank);
  return sum;
}

SharedGenes reduce_shared(const std::vector<Member>& members, Eigen::Index width, const std::vector<double>& gradient,
                          int threads, std::atomic<bool>& mended) {
  using Wide = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const GeneLayout& layout = *members.front().layout;
  const Problem& problem = *members.front().system->problem;
  const std::size_t size = layout.shared.size();
  const auto rows = static_cast<Eigen::Index>(size);
  const auto genes = static_cast<std::int64_t>(size == 0 ? 0 : layout.genes);
  SharedGenes out;
  out.width = width;
  out.rows.resize(static_cast<std::size_t>(genes * rows * width));
  std::vector<std::vector<std::pair<std::size_t, Sums>>> partial(
      static_cast<std::size_t>(compute::pieces(genes, grain)));
  compute::parallel_for(genes, grain, threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    Wide r(rows, width);
    bool changed = false;
    auto& sums = partial[static_cast<std::size_t>(piece)];
    for (auto at = static_cast<std::size_t>(first); at < static_cast<std::size_t>(last); ++at) {
      const std::size_t i = problem.genes_by_kind[at], its = problem.kind_of_gene[i];
      Block corner = Block::Zero(rows, rows);
      r.setZero();
      for (std::size_t a = 0; a < size; ++a) r(static_cast<Eigen::Index>(a), 0) = -gradient[layout.shared_at(i) + a];
      for (const auto& member : members) {
        const NewtonSystem& s = *member.system;
        const auto all = static_cast<std::size_t>(s.gene_size), pairs = static_cast<std::size_t>(s.rank);
        for (std::size_t a = 0; a < size; ++a) {
          const auto row = static_cast<Eigen::Index>(a);
          const std::size_t from = i * all + layout.shared[a];
          for (std::size_t b = 0; b < size; ++b)
            corner(row, static_cast<Eigen::Index>(b)) += s.gene_block[from * all + layout.shared[b]];
          for (std::size_t b = 0; s.has_scalar && b < 2; ++b)
            r(row, 1 + member.scalar_at + static_cast<Eigen::Index>(b)) += s.gene_scalar[from * 2 + b];
          for (std::size_t m = 0; s.coupled && m < pairs; ++m)
            r(row, member.rate_at + static_cast<Eigen::Index>(m)) += s.gene_mean[from * pairs + m];
        }
        if (layout.own.empty()) continue;
        const Block border = border_of(member, i);
        const auto own = member.rows[i];
        corner.noalias() -= border.transpose() * member.across[i];
        r.col(0).noalias() -= border.transpose() * own.col(0);
        if (s.has_scalar) r.middleCols(1 + member.scalar_at, 2).noalias() -= border.transpose() * own.middleCols(1, 2);
        r.middleCols(member.rate_at, s.rank).noalias() -= border.transpose() * own.rightCols(s.rank);
      }
      const Rows inverse = solve_block(corner, Rows(Eigen::MatrixXd::Identity(rows, rows)), changed);
      Eigen::Map<Wide> solved(&out.rows[i * size * static_cast<std::size_t>(width)], rows, width);
      solved.noalias() = inverse * r;
      if (sums.empty() || sums.back().first != its) sums.emplace_back(its, Sums::Zero(width - 1, width));
      sums.back().second.noalias() += r.rightCols(width - 1).transpose() * solved;
    }
    if (changed) mended = true;
  });
  out.sums.assign(size == 0 ? 0 : problem.n_kinds(), Sums::Zero(width - 1, width));
  for (const auto& part : partial)
    for (const auto& [its, sums] : part) out.sums[its] += sums;
  return out;
}

UnitSums reduce_units(const std::vector<Member>& members, Eigen::Index width, std::size_t cell_at,
                      const std::vector<double>& gradient, int threads, std::atomic<bool>& mended) {
  using Wide = Eigen::Matrix<double, 2, Eigen::Dynamic, Eigen::RowMajor>;
  const Problem& problem = *members.front().system->problem;
  const auto cells = static_cast<std::int64_t>(members.front().system->cell_block.size() / 3);
  UnitSums out;
  out.width = width;
  out.rows.resize(static_cast<std::size_t>(cells * 2 * width));
  std::vector<std::vector<std::pair<std::size_t, Eigen::MatrixXd>>> partial(
      static_cast<std::size_t>(compute::pieces(cells, grain)));
  compute::parallel_for(cells, grain, threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    Wide r(2, width);
    bool changed = false;
    auto& sums = partial[static_cast<std::size_t>(piece)];
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      r.setZero();
      Block d = Block::Zero(2, 2);
      for (std::size_t a = 0; a < 2; ++a) r(static_cast<Eigen::Index>(a), 0) = -gradient[cell_at + i * 2 + a];
      for (const auto& member : members) {
        const NewtonSystem& s = *member.system;
        d(0, 0) += s.cell_block[i * 3];
        d(0, 1) += s.cell_block[i * 3 + 1];
        d(1, 1) += s.cell_block[i * 3 + 2];
        const auto pairs = static_cast<std::size_t>(s.rank);
        for (std::size_t a = 0; a < 2; ++a) {
          const auto row = static_cast<Eigen::Index>(a);
          for (std::size_t b = 0; s.has_scalar && b < 2; ++b)
            r(row, 1 + member.scalar_at + static_cast<Eigen::Index>(b)) += s.cell_scalar[i * 4 + a * 2 + b];
          for (std::size_t m = 0; s.coupled && m < pairs; ++m)
            r(row, member.rate_at + static_cast<Eigen::Index>(m)) = s.cell_rate[(i * 2 + a) * pairs + m];
        }
      }
      d(1, 0) = d(0, 1);
      const Rows inverse = solve_block(d, Rows(Eigen::MatrixXd::Identity(2, 2)), changed);
      Eigen::Map<Wide> solved(&out.rows[i * 2 * static_cast<std::size_t>(width)], 2, width);
      solved.noalias() = inverse.lazyProduct(r);
      const std::size_t its = problem.units[i].pattern;
      if (sums.empty() || sums.back().first != its) sums.emplace_back(its, Eigen::MatrixXd::Zero(width, width));
      sums.back().second.noalias() += r.transpose() * solved;
    }
    if (changed) mended = true;
  });
  out.by_pattern.assign(problem.n_patterns(), Eigen::MatrixXd::Zero(width, width));
  for (const auto& part : partial)
    for (const auto& [its, sums] : part) out.by_pattern[its] += sums;
  return out;
}

}  // namespace scriptorium::inference::newton
