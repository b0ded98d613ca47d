#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/math/count_simulation.hpp"
#include "core/result/estimates.hpp"

namespace scriptorium::result {

using math::GenePoint;
using math::Stratum;

/// The cells cut three times, ever more coarsely; every level covers all cells, and `parent[level][i]` is the stratum
/// of the next coarser level in which stratum i of `level` lies.
struct Strata {
  static constexpr int levels = 3;
  std::vector<Stratum> level[levels];
  std::vector<std::size_t> parent[levels];
};

/// Sorts the cells of each pattern and component by n and cuts them into groups of nearly equal size (about 24, 6 and
/// 3 in all, at least one each). Empty `n`: no capture, one stratum per pattern and component. Empty `component`: all
/// cells are of component 0.
Strata stratify(const summary::CountSummary& summary, const std::vector<double>& n,
                const std::vector<std::uint32_t>& component = {});

/// The component of every cell in a replicated data set.
/// @param weights  one a component, for all cells; or cells × components, each cell's own
std::vector<std::uint32_t> draw_components(std::span<const double> weights, std::size_t components, std::int64_t cells,
                                           std::uint64_t seed, std::uint64_t draw);

/// n = ln ν of every cell from values of a capture site; empty when the model has none.
std::vector<double> log_capture(const model::Model& model, const std::string& site, std::vector<double> values);

/// r and x = logit p of one gene from values of the sampled sites.
GenePoint gene_point(const std::string& parameterization, double shared, double r, double mu, double gate);

}  // namespace scriptorium::result
