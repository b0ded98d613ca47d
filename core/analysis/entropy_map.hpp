#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/analysis/assignments.hpp"
#include "core/data/dataset.hpp"
#include "core/result/likelihood_terms.hpp"

/// What each gene by itself says of the component of each cell. Gene g of cell c has the responsibilities
/// softmax_k(ln π_k + ln f_k(x_cg)): their entropy says how unsure the component would be if this gene were all that is
/// known (the entropy of the π where the gene says nothing). Its evidence is ln f_a(x_cg) − ln f_b(x_cg), in nats, for
/// the component a of the cell and the most probable other one b: over all genes it sums to the log odds of a and b but
/// for the π.
namespace scriptorium::analysis {

/// A mixture at its point estimate, ready to be asked gene by gene.
struct GeneEvidence {
  std::vector<double> log_weight;              ///< ln π, one a component
  std::vector<result::LikelihoodTerms> terms;  ///< one a component
  std::vector<std::int32_t> first, second;     ///< a and b of each cell, −1: it has no component
  std::vector<double> separation;              ///< of each gene: mean evidence over the cells that have a component
  std::vector<std::int64_t> order;             ///< genes by falling separation
  std::size_t components() const { return log_weight.size(); }
};
/// @param fit  a mixture; its cells and genes in the order of `data`
/// @param assigned  the component a of each cell, −1: none; empty: the most probable one at the point
/// @param options  draws and temperature do not enter
/// Costs as much as two log likelihoods. @throws Error as assign_cells(), and Error(BadInput) for `assigned` of another
/// length or without components
GeneEvidence gene_evidence(const result::Fit& fit, const data::Dataset& data, std::span<const std::int32_t> assigned,
                           const AssignmentOptions& options, const RunControl& control);
/// Responsibilities of the components given one count alone.
std::vector<double> responsibilities(const GeneEvidence& of, std::int64_t cell, std::int64_t gene, std::uint64_t count);

/// Cells that have a component, by component, the surest of each first; equal ones in their order.
/// @param assigned  as assignment() gives it
std::vector<std::int64_t> cells_by_component(std::span<const double> probability, std::int64_t components,
                                             std::span<const std::int32_t> assigned);
/// Edges of at most `most` blocks of nearly equal size of `n` > 0 things: 0, …, n.
std::vector<std::int64_t> even_blocks(std::int64_t n, std::int64_t most);

/// Which cells and genes a map shows.
struct EntropyMapRequest {
  std::vector<std::int64_t> cells;  ///< in the order of the map, e.g. cells_by_component()
  std::vector<std::int64_t> edges;  ///< blocks + 1 places in `cells`, ascending: a block is [edges[b], edges[b + 1])
  std::vector<std::int64_t> genes;  ///< in the order of the map
  std::int64_t most_cells = 0;      ///< of a block: more are represented by so many, evenly taken; 0: all are visited
  int threads = 0;
};
/// All cells that have a component, a block for each component; of the `genes` that separate them most.
EntropyMapRequest component_blocks(const GeneEvidence& of, std::int64_t genes);
/// Genes × blocks, gene by gene: means over the visited cells of the block whose gene was measured, NaN where there are
/// none (of the evidence also where no cell has a component).
struct EntropyMap {
  std::vector<double> entropy, evidence, count;
  bool sampled = false;  ///< whether some cells of a block were not visited
};
/// Time: without capture the non-zeros of the visited cells × components, and blocks × genes; with capture the zeros of
/// these genes in these cells are visited too. Memory: the map. The same bits at any number of threads.
/// @throws Error(BadInput) for edges that are not ascending places in `cells`
EntropyMap entropy_map(const GeneEvidence& of, const data::Dataset& data, const EntropyMapRequest& request,
                       const RunControl& control);

}  // namespace scriptorium::analysis
