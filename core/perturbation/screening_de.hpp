#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/perturbation/chain.hpp"
#include "core/perturbation/de_lists.hpp"
#include "core/perturbation/de_state.hpp"
#include "core/perturbation/weighted_de.hpp"
#include "core/perturbation/z_matrix.hpp"

/// Which genes change with each target of a screen that was worked out.
namespace scriptorium::perturbation {

/// One table a target, in the order of `targets` (codes). Weights are the scores of the result, made without each
/// marker where that marker is tested. @param counts  of the cells and genes of the result; @throws Cancelled
std::vector<WeightedDe> weighted_de_of(const Screening& of, const data::CountMatrix& counts,
                                       std::span<const std::int32_t> targets, const DeOptions& options = {},
                                       const RunControl& control = {});

/// The same, target by target: each is handed to `take` as soon as it is there, and kept in `state`; what `state` has
/// is taken from there, the same bits. Of a result only the screen, the expression and, unless `options` want it
/// unweighted, signature and scores are read.
void for_each_weighted_de(const Screening& of, const data::CountMatrix& counts, std::span<const std::int32_t> targets,
                          const DeOptions& options, const DeState& state, const RunControl& control,
                          const std::function<void(std::int32_t target, WeightedDe)>& take);

/// Adjusted p (Benjamini and Hochberg over the rows) of a group's weight; NaN where there is no test.
std::vector<double> adjusted_p(const WeightedDe& de, std::size_t group);
/// Genes that go up and down in each group, as read_de_lists() finds them in a table; background: all that were tested.
std::vector<DeList> changed_genes(const WeightedDe& de, const std::vector<std::string>& genes,
                                  const ListOptions& options = {});

/// How a Z matrix is drawn: targets as they come, genes by the target in which |z| is largest, the highest z first.
/// @returns rows of the matrix
std::vector<std::size_t> gene_order(const ZMatrix& matrix);

}  // namespace scriptorium::perturbation
