#include "simulate.hpp"

#include <cmath>

#include "core/math/random.hpp"

using namespace scriptorium;

data::CountMatrix simulate(std::int64_t cells, std::int64_t genes) {
  data::CountMatrix m;
  m.n_cells = cells;
  m.n_genes = genes;
  for (std::int64_t c = 0; c < cells; ++c) {
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
  return m;
}
