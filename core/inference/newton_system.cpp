#include "core/inference/newton_system.hpp"

#include <atomic>

#include "core/compute/parallel.hpp"
#include "core/inference/newton_blocks.hpp"

namespace scriptorium::inference {
namespace {

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

/// The few combinations of the pairs through which genes and cells really pull at each other: the leading directions
/// of U Vᵀ in the metric of the blocks, as what ∇M and ∇A are to be multiplied by.
struct Leading {
  Eigen::MatrixXd genes, cells;  ///< rank × fewer
};
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

/// matrix⁻¹ right, where it is not positive definite mended as blocks are.
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

/// One of the systems that share units: D⁻¹ [−g, B, ∇] of its genes, their sums by kind, and where its scalar, genes
/// and pairs are.
struct Member {
  const NewtonSystem* system = nullptr;
  std::vector<Rows> rows;
  std::vector<Sums> sums;
  std::size_t gene_at = 0;
  Eigen::Index scalar_at = 0, rate_at = 0, pair_at = 0, kept = 1;  ///< rate_at: column of a unit's ∇A
  Leading leading;
  Eigen::MatrixXd genes() const {
    Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(system->rank, system->rank);
    for (const auto& s : sums) sum += s.bottomRightCorner(system->rank, system->rank);
    return sum;
  }
};

/// D⁻¹ [−g, B, ∇] for every gene, and what the border needs of them.
void reduce_genes(Member& member, const std::vector<double>& gradient, int threads, std::atomic<bool>& mended) {
  const NewtonSystem& s = *member.system;
  const Problem& problem = *s.problem;
  const auto size = static_cast<std::size_t>(s.gene_size), pairs = static_cast<std::size_t>(s.rank);
  const int rank = s.rank;
  const auto genes = static_cast<std::int64_t>(s.gene_block.size() / size / size);
  member.rows.resize(static_cast<std::size_t>(genes));
  // Each piece's sums by kind, in the order in which kinds come.
  std::vector<std::vector<std::pair<std::size_t, Sums>>> partial(
      static_cast<std::size_t>(compute::pieces(genes, unit_grain)));
  compute::parallel_for(genes, unit_grain, threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    Rows r(s.gene_size, 3 + rank);
    bool changed = false;
    auto& sums = partial[static_cast<std::size_t>(piece)];
    for (auto at = static_cast<std::size_t>(first); at < static_cast<std::size_t>(last); ++at) {
      const std::size_t i = problem.genes_by_kind[at], its = problem.kind_of_gene[i];
      const Block d = Eigen::Map<const Eigen::MatrixXd>(&s.gene_block[i * size * size], s.gene_size, s.gene_size);
      for (std::size_t a = 0; a < size; ++a) {
        const auto row = static_cast<Eigen::Index>(a);
        r(row, 0) = -gradient[member.gene_at + i * size + a];
        r(row, 1) = s.has_scalar ? s.gene_scalar[(i * size + a) * 2] : 0;
        r(row, 2) = s.has_scalar ? s.gene_scalar[(i * size + a) * 2 + 1] : 0;
        for (std::size_t m = 0; m < pairs; ++m)
          r(row, static_cast<Eigen::Index>(3 + m)) = s.coupled ? s.gene_mean[(i * size + a) * pairs + m] : 0;
      }
      member.rows[i] = solve_block(d, r, changed);
      if (sums.empty() || sums.back().first != its) sums.emplace_back(its, Sums::Zero(2 + rank, 3 + rank));
      sums.back().second.noalias() += r.rightCols(2 + rank).transpose() * member.rows[i];
    }
    if (changed) mended = true;
  });
  member.sums.assign(problem.n_kinds(), Sums::Zero(2 + rank, 3 + rank));
  for (const auto& part : partial)
    for (const auto& [its, sums] : part) member.sums[its] += sums;
}

/// The units' D⁻¹ [−g, B, ∇] (two rows of `width` numbers each) and the sums [−g B ∇]ᵀ D⁻¹ [−g B ∇] by pattern.
struct UnitSums {
  Eigen::Index width = 0;
  std::vector<double> rows;
  std::vector<Eigen::MatrixXd> by_pattern;
};

UnitSums reduce_units(const std::vector<Member>& members, Eigen::Index width, std::size_t cell_at,
                      const std::vector<double>& gradient, int threads, std::atomic<bool>& mended) {
  using Wide = Eigen::Matrix<double, 2, Eigen::Dynamic, Eigen::RowMajor>;
  const Problem& problem = *members.front().system->problem;
  const auto cells = static_cast<std::int64_t>(members.front().system->cell_block.size() / 3);
  UnitSums out;
  out.width = width;
  out.rows.resize(static_cast<std::size_t>(cells * 2 * width));
  std::vector<std::vector<std::pair<std::size_t, Eigen::MatrixXd>>> partial(
      static_cast<std::size_t>(compute::pieces(cells, unit_grain)));
  compute::parallel_for(cells, unit_grain, threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
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

}  // namespace

void solve_block(const double* h, const double* gradient, std::size_t size, double* step) {
  const auto n = static_cast<Eigen::Index>(size);
  const Block block = Eigen::Map<const Eigen::MatrixXd>(h, n, n);
  bool changed = false;
  const Rows right = -Eigen::Map<const Eigen::VectorXd>(gradient, n);
  Eigen::Map<Eigen::VectorXd>(step, n) = solve_block(block, right, changed);
}

NewtonSystem::Direction NewtonSystem::solve(const std::vector<double>& gradient, int threads, int caution) const {
  return solve_joint({this, 1}, false, gradient, threads, caution);
}

NewtonSystem::Direction NewtonSystem::solve_joint(std::span<const NewtonSystem> systems, bool shared_scalar,
                                                  const std::vector<double>& gradient, int threads, int caution) {
  const NewtonSystem& front = systems.front();
  const Problem& problem = *front.problem;
  const std::size_t patterns = problem.n_patterns(), size = static_cast<std::size_t>(front.gene_size);
  const auto count = static_cast<Eigen::Index>(systems.size());
  const Eigen::Index scalars = !front.has_scalar ? 0 : shared_scalar ? 2 : 2 * count;
  const bool coupled = front.coupled;
  std::vector<Member> members(systems.size());
  std::atomic<bool> mended = false;
  std::size_t at = static_cast<std::size_t>(scalars);
  Eigen::Index width = 1 + scalars;
  for (std::size_t k = 0; k < members.size(); ++k) {
    auto& m = members[k];
    m.system = &systems[k];
    m.gene_at = at;
    m.scalar_at = shared_scalar || scalars == 0 ? 0 : 2 * static_cast<Eigen::Index>(k);
    m.rate_at = width;
    width += m.system->rank;
    at += m.system->gene_block.size() / size;
    reduce_genes(m, gradient, threads, mended);
  }
  const std::size_t cell_at = at;
  const UnitSums units = reduce_units(members, width, cell_at, gradient, threads, mended);

  // The pairs of pattern q: those of one member after the other, `kept` in all.
  Eigen::Index kept = 0;
  Eigen::MatrixXd turn = Eigen::MatrixXd::Zero(width - 1 - scalars, 0);  // of all members' ∇A
  for (auto& m : members) {
    Eigen::MatrixXd cells = Eigen::MatrixXd::Zero(m.system->rank, m.system->rank);
    for (const auto& sums : units.by_pattern) cells += sums.block(m.rate_at, m.rate_at, m.system->rank, m.system->rank);
    m.leading = leading_pairs(m.genes(), cells, patterns);
    m.pair_at = kept;
    m.kept = m.leading.genes.cols();
    kept += m.kept;
    turn.conservativeResizeLike(Eigen::MatrixXd::Zero(turn.rows(), kept));
    turn.block(m.rate_at - 1 - scalars, m.pair_at, m.system->rank, m.kept) = m.leading.cells;
  }
  const auto p = static_cast<Eigen::Index>(patterns) * kept;
  Eigen::MatrixXd gene_product = Eigen::MatrixXd::Zero(p, p), cell_product = gene_product,
                  gene_mean = Eigen::MatrixXd::Zero(scalars, p), cell_mean = gene_mean, rate = gene_mean,
                  m11 = Eigen::MatrixXd::Zero(scalars, scalars);
  Eigen::VectorXd gene_right = Eigen::VectorXd::Zero(p), cell_right = gene_right, r1 = Eigen::VectorXd::Zero(scalars);
  for (Eigen::Index i = 0; i < scalars; ++i) r1(i) = -gradient[static_cast<std::size_t>(i)];
  for (const auto& m : members) {
    const Reduced g = spread(m.sums, m.leading.genes, problem.measures, patterns);
    const auto global = [&](Eigen::Index i) { return i / m.kept * kept + m.pair_at + i % m.kept; };
    for (Eigen::Index i = 0; i < g.right.size(); ++i) {
      gene_right(global(i)) = g.right(i);
      for (Eigen::Index j = 0; j < g.right.size(); ++j) gene_product(global(i), global(j)) = g.product(i, j);
      if (scalars) gene_mean.block<2, 1>(m.scalar_at, global(i)) += g.scalar_mean.col(i);
    }
    if (!scalars) continue;
    const double* block = m.system->scalar_block;
    auto own = m11.block<2, 2>(m.scalar_at, m.scalar_at);
    own(0, 0) += block[0];
    own(0, 1) += block[1];
    own(1, 0) += block[1];
    own(1, 1) += block[2];
    own -= g.scalar_block;
    r1.segment<2>(m.scalar_at) -= g.scalar_right;
    const auto pairs = static_cast<std::size_t>(m.system->rank);
    for (std::size_t q = 0; coupled && q < patterns; ++q)
      rate.block(m.scalar_at, static_cast<Eigen::Index>(q) * kept + m.pair_at, 2, m.kept) +=
          Eigen::Map<const Eigen::MatrixXd>(&m.system->scalar_rate[q * pairs * 2], 2, m.system->rank) * m.leading.cells;
  }
  for (std::size_t q = 0; q < patterns; ++q) {
    const auto& sums = units.by_pattern[q];
    const Eigen::Index first = static_cast<Eigen::Index>(q) * kept, rates = 1 + scalars, n = width - rates;
    cell_product.block(first, first, kept, kept) = turn.transpose() * sums.block(rates, rates, n, n) * turn;
    cell_right.segment(first, kept) = turn.transpose() * sums.block(rates, 0, n, 1);
    cell_mean.middleCols(first, kept) = sums.block(1, rates, scalars, n) * turn;
    m11 -= sums.block(1, 1, scalars, scalars);
    r1 -= sums.block(1, 0, scalars, 1);
  }

  // Genes and cells alone are positive definite while Q_M Q_A < 1: the product term is scaled (on its gene side) to
  // that.
  const double product = coupled ? largest_product(gene_product, cell_product) : 0;
  double coupling = coupled ? 1 : 0;
  // A ridge alone brings Q_M Q_A to 0.99…; only beyond 1 is it no minimum's.
  constexpr double allowed[] = {1 - 1e-6, 0.9, 0.5, 0};
  if (product > allowed[caution]) {
    coupling = std::sqrt(std::min(allowed[caution], 0.9) / product);
    mended = true;
  }
  gene_mean *= coupling;
  gene_right *= coupling;
  gene_product *= coupling * coupling;
  if (!(coupling > 0)) rate.setZero();

  // Unknowns besides the units' own: the step s of the scalars and, for each pattern and pair, a = ∇Mᵀδ over its
  // genes and b = ∇Aᵀδ over its cells and the scalars.
  //   [S − …, m12; m21, m22] [s; a, b] = [r1; r2]
  Eigen::MatrixXd m22 = Eigen::MatrixXd::Identity(2 * p, 2 * p);
  m22.topRightCorner(p, p) = -gene_product;
  m22.bottomLeftCorner(p, p) = -cell_product;
  const Eigen::PartialPivLU<Eigen::MatrixXd> inverse(m22);
  Eigen::VectorXd r2(2 * p), ab, s = Eigen::VectorXd::Zero(scalars);
  r2 << gene_right, cell_right;
  if (scalars) {
    Eigen::MatrixXd m12(scalars, 2 * p), m21(2 * p, scalars);
    m12 << cell_mean - rate, gene_mean;
    m21 << gene_mean.transpose(), (cell_mean - rate).transpose();
    bool changed = false;
    s = solve_mended(m11 - m12 * inverse.solve(m21), r1 - m12 * inverse.solve(r2), changed);
    if (changed) mended = true;
    ab = inverse.solve(r2 - m21 * s);
  } else {
    ab = inverse.solve(r2);
  }

  Direction out{std::vector<double>(gradient.size()), std::vector<double>(gradient.size()), !mended};
  for (Eigen::Index i = 0; i < scalars; ++i) out.pulled[static_cast<std::size_t>(i)] = s(i);
  for (const auto& m : members) {
    // What multiplies D⁻¹∇ of a gene, by kind.
    std::vector<Eigen::VectorXd> pull;
    for (const auto& measured : problem.measures) {
      Eigen::VectorXd sum = Eigen::VectorXd::Zero(m.kept);
      for (std::size_t q = 0; q < patterns; ++q)
        if (measured[q]) sum += coupling * ab.segment(p + static_cast<Eigen::Index>(q) * kept + m.pair_at, m.kept);
      pull.emplace_back(m.leading.genes * sum);
    }
    const Eigen::Vector2d own = scalars ? Eigen::Vector2d(s.segment<2>(m.scalar_at)) : Eigen::Vector2d::Zero();
    compute::parallel_for(static_cast<std::int64_t>(m.rows.size()), 4096, threads,
                          [&](std::int64_t, std::int64_t first, std::int64_t last) {
                            for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i)
                              for (std::size_t a = 0; a < size; ++a) {
                                const auto row = static_cast<Eigen::Index>(a);
                                const std::size_t to = m.gene_at + i * size + a;
                                out.own[to] = m.rows[i](row, 0);
                                out.pulled[to] =
                                    m.rows[i].row(row).tail(m.system->rank).dot(pull[problem.kind_of_gene[i]]) -
                                    m.rows[i](row, 1) * own(0) - m.rows[i](row, 2) * own(1);
                              }
                          });
  }
  // A unit's row times what the border asks of it: −s for the scalars, the pairs of its pattern.
  std::vector<Eigen::VectorXd> asked;
  for (std::size_t q = 0; q < patterns; ++q) {
    auto& all = asked.emplace_back(Eigen::VectorXd::Zero(width));
    all.segment(1, scalars) = -s;
    all.tail(width - 1 - scalars) = turn * ab.segment(static_cast<Eigen::Index>(q) * kept, kept);
  }
  const auto wide = static_cast<std::size_t>(width);
  compute::parallel_for(static_cast<std::int64_t>(units.rows.size() / (2 * wide)), 4096, threads,
                        [&](std::int64_t, std::int64_t first, std::int64_t last) {
                          for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i)
                            for (std::size_t a = 0; a < 2; ++a) {
                              const double* row = &units.rows[(i * 2 + a) * wide];
                              out.own[cell_at + i * 2 + a] = row[0];
                              out.pulled[cell_at + i * 2 + a] =
                                  Eigen::Map<const Eigen::VectorXd>(row, width).dot(asked[problem.units[i].pattern]);
                            }
                        });
  return out;
}

}  // namespace scriptorium::inference
