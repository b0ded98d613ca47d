#include "simulate.hpp"

#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/math/random.hpp"

using namespace scriptorium;

namespace {

void add_cells(std::int64_t from, std::int64_t to, std::int64_t genes, data::CountMatrix& m) {
  for (std::int64_t c = from; c < to; ++c) {
    math::Random random(1, math::Purpose::Test, static_cast<std::uint64_t>(c));
    const double depth = std::exp(0.5 * random.normal());
    for (std::int64_t g = 0; g < genes; ++g) {
      const double mean = 0.6 * depth * std::exp(-3.0 * static_cast<double>(g) / static_cast<double>(genes));
      const auto u = random.negative_binomial(0.7, mean / 0.7);
      if (u == 0) continue;
      m.gene.push_back(static_cast<std::uint32_t>(g));
      m.count.push_back(static_cast<data::Count>(u));
    }
    m.row_start.push_back(m.nnz());
  }
}

}  // namespace

data::CountMatrix simulate(std::int64_t cells, std::int64_t genes, std::int64_t first) {
  constexpr std::int64_t grain = 256;
  std::vector<data::CountMatrix> parts(static_cast<std::size_t>(compute::pieces(cells, grain)));
  compute::parallel_for(cells, grain, 0, [&](std::int64_t piece, std::int64_t from, std::int64_t to) {
    add_cells(first + from, first + to, genes, parts[static_cast<std::size_t>(piece)]);
  });
  data::CountMatrix m;
  m.n_cells = cells;
  m.n_genes = genes;
  for (const auto& part : parts) {
    const auto offset = m.nnz();
    for (std::size_t row = 1; row < part.row_start.size(); ++row) m.row_start.push_back(offset + part.row_start[row]);
    m.gene.insert(m.gene.end(), part.gene.begin(), part.gene.end());
    m.count.insert(m.count.end(), part.count.begin(), part.count.end());
  }
  return m;
}
