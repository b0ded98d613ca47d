#pragma once
#include <algorithm>
#include <cmath>

#include "core/inference/problem.hpp"
#include "core/math/random.hpp"

/// Small data and all models, for the tests of this folder.
namespace scriptorium::testing {

/// Counts with zeros, an empty cell, a silent gene, a gene with counts above 1e4, library sizes over three decades;
/// `wide`: counts up to 1e6 and library sizes over six decades.
inline data::CountMatrix simulated_counts(std::int64_t cells = 40, std::int64_t genes = 17, std::uint64_t seed = 1,
                                          bool wide = false) {
  data::CountMatrix m;
  m.n_cells = cells;
  m.n_genes = genes;
  for (std::int64_t c = 0; c < cells; ++c) {
    math::Random random(seed, math::Purpose::Test, static_cast<std::uint64_t>(c));
    const double decades = 6 * static_cast<double>(c) / static_cast<double>(cells - 1) - 4;
    const double depth = wide ? std::pow(10, decades) : std::exp(random.normal() * 1.2);
    for (std::int64_t g = 0; g < genes; ++g) {
      if (c == 3 || g == 4) continue;
      const double mean = depth * (g == 6 ? 9000 : std::exp(0.3 * static_cast<double>(g) - 2));
      const auto u = random.negative_binomial(0.8, mean / 0.8);
      if (u == 0) continue;
      m.gene.push_back(static_cast<std::uint32_t>(g));
      m.count.push_back(static_cast<data::Count>(u));
    }
    m.row_start.push_back(m.nnz());
  }
  return m;
}

/// Two kinds of cells, one twice as many as the other, which half of the genes tell apart: by a factor of `apart`.
inline data::CountMatrix two_kinds(std::int64_t cells, std::int64_t genes, std::uint64_t seed, double apart = 6) {
  data::CountMatrix m;
  m.n_cells = cells;
  m.n_genes = genes;
  for (std::int64_t c = 0; c < cells; ++c) {
    math::Random random(seed, math::Purpose::Test, static_cast<std::uint64_t>(c));
    const double depth = std::exp(0.4 * random.normal());
    for (std::int64_t g = 0; g < genes; ++g) {
      const bool high = g % 4 == (c % 3 == 0 ? 0 : 1);
      const auto u = random.negative_binomial(1.5, depth * (high ? apart : 1) / 1.5);
      if (u == 0) continue;
      m.gene.push_back(static_cast<std::uint32_t>(g));
      m.count.push_back(static_cast<data::Count>(u));
    }
    m.row_start.push_back(m.nnz());
  }
  return m;
}

/// Three patterns of cells, two of which lack genes; the counts there are taken out of `m`.
inline data::Missing take_out(data::CountMatrix& m) {
  data::Missing missing{{{}, {1, 5}, {5, 7}}, {}};
  data::CountMatrix out;
  out.n_cells = m.n_cells;
  out.n_genes = m.n_genes;
  for (std::int64_t c = 0; c < m.n_cells; ++c) {
    const auto pattern = static_cast<std::uint32_t>(c < m.n_cells / 3 ? 1 : c < m.n_cells / 2 ? 2 : 0);
    missing.pattern_of_cell.push_back(pattern);
    for (auto k = m.row_start[c]; k < m.row_start[c + 1]; ++k) {
      const auto g = m.gene[static_cast<std::size_t>(k)];
      const auto& lacking = missing.genes[pattern];
      if (std::find(lacking.begin(), lacking.end(), g) != lacking.end()) continue;
      out.gene.push_back(g);
      out.count.push_back(m.count[static_cast<std::size_t>(k)]);
    }
    out.row_start.push_back(out.nnz());
  }
  m = std::move(out);
  return missing;
}

inline std::vector<model::Model> all_models() {
  std::vector<model::Model> out;
  for (const auto& likelihood : model::likelihoods())
    for (const auto& parameterization : model::parameterizations())
      for (const bool unconstrained : {false, true}) {
        model::Model m;
        m.likelihood = likelihood.key;
        m.parameterization = parameterization.key;
        m.unconstrained = unconstrained;
        out.push_back(m);
        if (likelihood.variable_capture) {
          m.capture_prior = model::organism_capture_prior("human");
          out.push_back(m);
        }
      }
  return out;
}
inline std::string name_of(const model::Model& m) {
  return m.likelihood + " " + m.parameterization + (m.unconstrained ? " unconstrained" : "") +
         (m.capture_prior ? " organism" : "");
}

}  // namespace scriptorium::testing
