#pragma once
#include <cstdint>
#include <string>

#include "core/data/dataset.hpp"

struct SviMixture {
  std::string likelihoods = "nbvcp";
  std::int64_t components = 5, genes = 300, steps = 3000, batch = 0;
  double rate = 0.02;
  int draws = 200;
};

/// Prints a table: mixtures by exact and by svi from the same clusters of the cells, on the most variable genes; the
/// marginalised −ELBO of both from the same draws, and their difference.
void compare_svi_mixture(const scriptorium::data::Dataset& dataset, const SviMixture& of, int threads);
