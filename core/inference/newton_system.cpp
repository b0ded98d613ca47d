#include "core/inference/newton_system.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/compute/parallel.hpp"
#include "core/inference/newton_pieces.hpp"

namespace scriptorium::inference {

using namespace newton;

void solve_block(const double* h, const double* gradient, std::size_t size, double* step) {
  const auto n = static_cast<Eigen::Index>(size);
  const Block block = Eigen::Map<const Eigen::MatrixXd>(h, n, n);
  bool changed = false;
  const Rows right = -Eigen::Map<const Eigen::VectorXd>(gradient, n);
  Eigen::Map<Eigen::VectorXd>(step, n) = solve_block(block, right, changed);
}

GeneLayout NewtonSystem::layout() const {
  GeneLayout out;
  const auto size = static_cast<std::size_t>(gene_size);
  out.own.resize(size);
  std::iota(out.own.begin(), out.own.end(), std::size_t{0});
  out.genes = gene_block.size() / size / size;
  out.first = has_scalar ? 2 : 0;
  return out;
}

NewtonSystem::Direction NewtonSystem::solve(const std::vector<double>& gradient, int threads, int caution) const {
  return solve_joint({this, 1}, false, layout(), gradient, threads, caution);
}

NewtonSystem::Direction NewtonSystem::solve_joint(std::span<const NewtonSystem> systems, bool shared_scalar,
                                                  const GeneLayout& layout, const std::vector<double>& gradient,
                                                  int threads, int caution) {
  const NewtonSystem& front = systems.front();
  const Problem& problem = *front.problem;
  const std::size_t patterns = problem.n_patterns(), size = layout.own.size();
  const auto count = static_cast<Eigen::Index>(systems.size());
  const Eigen::Index scalars = !front.has_scalar ? 0 : shared_scalar ? 2 : 2 * count;
  const bool coupled = front.coupled;
  std::vector<Member> members(systems.size());
  std::atomic<bool> mended = false;
  Eigen::Index width = 1 + scalars;
  for (std::size_t k = 0; k < members.size(); ++k) {
    auto& m = members[k];
    m.system = &systems[k];
    m.layout = &layout;
    m.place = k;
    m.scalar_at = shared_scalar || scalars == 0 ? 0 : 2 * static_cast<Eigen::Index>(k);
    m.rate_at = width;
    width += m.system->rank;
    reduce_genes(m, gradient, threads, mended);
  }
  const SharedGenes shared = reduce_shared(members, width, gradient, threads, mended);
  const std::size_t cell_at = layout.end();
  const UnitSums units = reduce_units(members, width, cell_at, gradient, threads, mended);

  // The pairs of pattern q: those of one member after the other, `kept` in all.
  Eigen::Index kept = 0;
  const Eigen::Index all_pairs = width - 1 - scalars;
  Eigen::MatrixXd turn = Eigen::MatrixXd::Zero(all_pairs, 0), gene_turn = turn;  // of all members' ∇A, and ∇M
  for (auto& m : members) {
    Eigen::MatrixXd cells = Eigen::MatrixXd::Zero(m.system->rank, m.system->rank);
    for (const auto& sums : units.by_pattern) cells += sums.block(m.rate_at, m.rate_at, m.system->rank, m.system->rank);
    m.leading = leading_pairs(shared.sums.empty() ? m.genes() : m.genes() + shared.genes(m), cells, patterns);
    m.pair_at = kept;
    m.kept = m.leading.genes.cols();
    kept += m.kept;
    for (auto* to : {&turn, &gene_turn}) to->conservativeResizeLike(Eigen::MatrixXd::Zero(all_pairs, kept));
    turn.block(m.rate_at - 1 - scalars, m.pair_at, m.system->rank, m.kept) = m.leading.cells;
    gene_turn.block(m.rate_at - 1 - scalars, m.pair_at, m.system->rank, m.kept) = m.leading.genes;
  }
  const auto p = static_cast<Eigen::Index>(patterns) * kept;
  Eigen::MatrixXd gene_product = Eigen::MatrixXd::Zero(p, p), cell_product = gene_product,
                  gene_mean = Eigen::MatrixXd::Zero(scalars, p), cell_mean = gene_mean, rate = gene_mean,
                  m11 = Eigen::MatrixXd::Zero(scalars, scalars);
  Eigen::VectorXd gene_right = Eigen::VectorXd::Zero(p), cell_right = gene_right, r1 = Eigen::VectorXd::Zero(scalars);
  for (Eigen::Index i = 0; i < scalars; ++i) r1(i) = -gradient[static_cast<std::size_t>(i)];
  for (const auto& m : members) {
    const Reduced g = spread(m.sums, 2, m.leading.genes, problem.measures, patterns);
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
  if (!shared.sums.empty()) {
    const Reduced g = spread(shared.sums, scalars, gene_turn, problem.measures, patterns);
    gene_right += g.right;
    gene_product += g.product;
    gene_mean += g.scalar_mean;
    m11 -= g.scalar_block;
    r1 -= g.scalar_right;
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
  // The steps of the genes' shared coordinates, which their own answer to.
  const std::size_t shared_size = layout.shared.size();
  std::vector<Eigen::VectorXd> wanted;  // what multiplies their rows, by kind
  for (const auto& measured : problem.measures) {
    auto& all = wanted.emplace_back(Eigen::VectorXd::Zero(width));
    all.segment(1, scalars) = -s;
    for (std::size_t q = 0; q < patterns; ++q)
      if (measured[q])
        all.tail(all_pairs) += coupling * gene_turn * ab.segment(p + static_cast<Eigen::Index>(q) * kept, kept);
  }
  for (std::size_t i = 0; shared_size > 0 && i < layout.genes; ++i)
    for (std::size_t a = 0; a < shared_size; ++a) {
      const double* row = &shared.rows[(i * shared_size + a) * static_cast<std::size_t>(width)];
      const std::size_t to = layout.shared_at(i) + a;
      out.own[to] = row[0];
      out.pulled[to] = Eigen::Map<const Eigen::VectorXd>(row, width).dot(wanted[problem.kind_of_gene[i]]);
    }
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
    const auto answer = [&](std::size_t i) {
      for (std::size_t a = 0; a < size; ++a) {
        const auto row = static_cast<Eigen::Index>(a);
        const std::size_t to = layout.own_at(m.place, i) + a;
        out.own[to] = m.rows[i](row, 0);
        out.pulled[to] = m.rows[i].row(row).tail(m.system->rank).dot(pull[problem.kind_of_gene[i]]) -
                         m.rows[i](row, 1) * own(0) - m.rows[i](row, 2) * own(1);
        for (std::size_t b = 0; b < shared_size; ++b) {
          const double by = m.across[i](row, static_cast<Eigen::Index>(b));
          out.own[to] -= by * out.own[layout.shared_at(i) + b];
          out.pulled[to] -= by * out.pulled[layout.shared_at(i) + b];
        }
      }
    };
    compute::parallel_for(static_cast<std::int64_t>(layout.genes), 4096, threads,
                          [&](std::int64_t, std::int64_t first, std::int64_t last) {
                            for (auto i = first; i < last; ++i) answer(static_cast<std::size_t>(i));
                          });
  }
  // A unit's row times what the border asks of it: −s for the scalars, the pairs of its pattern.
  std::vector<Eigen::VectorXd> asked;
  for (std::size_t q = 0; q < patterns; ++q) {
    auto& all = asked.emplace_back(Eigen::VectorXd::Zero(width));
    all.segment(1, scalars) = -s;
    all.tail(all_pairs) = turn * ab.segment(static_cast<Eigen::Index>(q) * kept, kept);
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

NewtonSystem::Response NewtonSystem::response(int threads) const {
  Response out;
  const std::size_t patterns = problem->n_patterns();
  std::atomic<bool> mended = false;
  std::vector<Member> self(1);
  Member& member = self.front();
  const Eigen::Index scalars = has_scalar ? 2 : 0;
  const GeneLayout its = layout();
  member.system = this;
  member.layout = &its;
  member.rate_at = 1 + scalars;
  const std::size_t cell_at = its.end();
  const std::vector<double> still(cell_at + 2 * problem->units.size(), 0.0);  // what answers is not asked for here
  reduce_genes(member, still, threads, mended);
  const UnitSums units = reduce_units(self, 1 + scalars + rank, cell_at, still, threads, mended);
  std::vector<Eigen::MatrixXd> by_kind;
  for (const auto& sums : member.sums) by_kind.emplace_back(sums.bottomRightCorner(rank, rank));
  const Eigen::MatrixXd means = over_pairs(by_kind, problem->measures, patterns);
  Eigen::MatrixXd rates = Eigen::MatrixXd::Zero(means.rows(), means.cols());
  const auto at = [&](std::size_t pattern) { return static_cast<Eigen::Index>(pattern) * rank; };
  for (std::size_t q = 0; q < patterns; ++q)
    rates.block(at(q), at(q), rank, rank) = units.by_pattern[q].bottomRightCorner(rank, rank);
  out.proper = largest_product(means, rates) < 1;
  if (!out.proper) return out;
  const Eigen::MatrixXd one = Eigen::MatrixXd::Identity(means.rows(), means.cols());
  const Eigen::PartialPivLU<Eigen::MatrixXd> both(one - rates * means);
  out.log_determinant = std::log(both.determinant());
  const Eigen::MatrixXd genes_gain = both.solve(rates), units_gain = (one - means * rates).partialPivLu().solve(means);
  std::vector<Eigen::MatrixXd> gene_gain;
  for (const auto& measured : problem->measures) {
    gene_gain.emplace_back(Eigen::MatrixXd::Zero(rank, rank));
    for (std::size_t i = 0; i < patterns; ++i)
      for (std::size_t j = 0; j < patterns; ++j)
        if (measured[i] && measured[j]) gene_gain.back() += genes_gain.block(at(i), at(j), rank, rank);
  }
  const auto variance = [](const Eigen::RowVectorXd& step, const Eigen::MatrixXd& gain) {
    return std::max(0.0, step.dot(step * gain));
  };
  for (std::size_t i = 0; i < its.genes; ++i)
    out.gene_variance.push_back(variance(member.rows[i].row(0).tail(rank), gene_gain[problem->kind_of_gene[i]]));
  const auto width = static_cast<std::size_t>(units.width);
  for (std::size_t i = 0; i < problem->units.size(); ++i) {
    const double* row = &units.rows[i * 2 * width];
    const auto q = problem->units[i].pattern;
    out.unit_variance.push_back(variance(Eigen::Map<const Eigen::RowVectorXd>(row + (units.width - rank), rank),
                                         units_gain.block(at(q), at(q), rank, rank)));
  }
  return out;
}

}  // namespace scriptorium::inference
