#pragma once
#include <string>

#include "core/data/dataset.hpp"
#include "core/math/random.hpp"

/// Simulated counts of cells in groups: every group has some genes of its own.
namespace groups_of_cells {

inline scriptorium::data::Dataset make(std::int64_t cells, std::int64_t genes, int groups) {
  using scriptorium::math::Purpose;
  using scriptorium::math::Random;
  scriptorium::data::Dataset out;
  out.counts.n_cells = cells;
  out.counts.n_genes = genes;
  for (std::int64_t c = 0; c < cells; ++c) {
    for (std::int64_t g = 0; g < genes; ++g) {
      Random random(7, Purpose::Test, static_cast<std::uint64_t>(c), static_cast<std::uint64_t>(g));
      const double mean = (g % 5 == 0 ? 4 : 0.7) * (g % groups == c % groups ? 5 : 1);
      const auto count = random.negative_binomial(2, mean / 2);
      if (count == 0) continue;
      out.counts.gene.push_back(static_cast<std::uint32_t>(g));
      out.counts.count.push_back(static_cast<scriptorium::data::Count>(count));
    }
    out.counts.row_start.push_back(static_cast<std::int64_t>(out.counts.count.size()));
    out.cells.names.push_back("cell" + std::to_string(c));
  }
  for (std::int64_t g = 0; g < genes; ++g) out.genes.names.push_back("gene" + std::to_string(g));
  return out;
}

}  // namespace groups_of_cells
