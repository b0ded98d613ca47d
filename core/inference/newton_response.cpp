#include "core/compute/parallel.hpp"
#include "core/inference/newton_blocks.hpp"

namespace scriptorium::inference {

NewtonSystem::Response NewtonSystem::response(int threads) const {
  Response out;
  const std::size_t size = static_cast<std::size_t>(gene_size);
  const auto genes = static_cast<std::int64_t>(gene_mean.size() / size),
             cells = static_cast<std::int64_t>(cell_block.size() / 3);
  out.gene_step.resize(gene_mean.size());
  out.cell_step.resize(cell_rate.size());
  std::vector<Eigen::MatrixXd> by_kind(problem->n_kinds(), Eigen::MatrixXd::Zero(1, 1));
  std::vector<double> own(static_cast<std::size_t>(genes));
  compute::parallel_for(genes, unit_grain, threads, [&](std::int64_t, std::int64_t first, std::int64_t last) {
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
  for (std::size_t i = 0; i < own.size(); ++i) by_kind[problem->kind_of_gene[i]](0, 0) += own[i];
  const auto p = static_cast<Eigen::Index>(problem->n_patterns());
  const Eigen::MatrixXd means = over_pairs(by_kind, problem->measures, problem->n_patterns());
  Eigen::MatrixXd rates = Eigen::MatrixXd::Zero(p, p);
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
