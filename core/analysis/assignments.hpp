#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/data/count_matrix.hpp"
#include "core/result/likelihood.hpp"

/// Which component of a mixture each cell belongs to, and how sure that is.
namespace scriptorium::analysis {

/// softmax over components of rows of log weights (rows × components), divided by `temperature` > 0.
std::vector<double> probabilities(std::span<const double> log_weight, std::int64_t components, double temperature = 1);
/// −Σ p ln p of each row, in nats; `normalize`: over ln K, 0 … 1.
std::vector<double> entropy(std::span<const double> probability, std::int64_t components, bool normalize = false);

struct AssignmentOptions {
  int draws = 100;  ///< of the posterior; 0: at the point estimate
  double temperature = 1;
  std::uint64_t seed = 42;
  bool mean_point = false;  ///< at posterior means instead of modes
  bool scribe_fit = false;  ///< Dirichlet fits, and the shares of their concentrations as probabilities, as SCRIBE
  bool normalize = false;   ///< entropies over ln K
  bool keep_draws = false;  ///< Assignments::draws
  result::LikelihoodOptions likelihood;
};

/// Rows are cells (or genes, see gene_entropy()).
struct Assignments {
  std::int64_t rows = 0, components = 0;
  /// rows × components. At a point: its probabilities; over draws: their mean. SCRIBE's are the shares of the
  /// concentrations, which differ from it where draws are all but 0 or 1.
  std::vector<double> probability;
  std::vector<double> concentration;  ///< rows × components: Dirichlet fits to the draws; empty at a point
  std::vector<bool> capped;           ///< rows whose draws were all but equal; empty at a point
  std::vector<double> entropy;        ///< at the point, or the mean over draws
  std::vector<double> draws;          ///< draws × rows × components; empty unless asked for
};

/// Where a mixture is asked at a point: modes (means where there are none), or means. @throws Error as assign_cells()
model::Values point_of_mixture(const result::Fit& fit, const AssignmentOptions& options);
/// @param fit  a mixture; its cells and genes in the order of `counts`
/// @throws Error(BadInput) for what is no mixture, a temperature of 0 or less, and draws of point estimates
Assignments assign_cells(const result::Fit& fit, const data::CountMatrix& counts, const AssignmentOptions& options,
                         const RunControl& control);
/// Entropy of each gene's score: all cells as if from one component (SCRIBE's), so nearly always 0 with many cells.
std::vector<double> gene_entropy(const result::Fit& fit, const data::CountMatrix& counts,
                                 const AssignmentOptions& options, const RunControl& control);

/// Dirichlet posterior of the mixing weights given the cells.
struct EmpiricalWeights {
  std::vector<double> weights, concentrations, effective_counts, prior_concentrations;
};
/// Responsibilities from component log likelihoods without the weights π (cells × components: their ln π_k is taken
/// off); `prior`: concentrations, at least 1e-6.
EmpiricalWeights empirical_mixing_weights(std::span<const double> log_weight, std::span<const double> pi,
                                          std::vector<double> prior);
/// The same from the counts, at the point, with the fit's own prior.
EmpiricalWeights empirical_weights(const result::Fit& fit, const data::CountMatrix& counts,
                                   const result::LikelihoodOptions& likelihood, bool mean_point,
                                   const RunControl& control);
/// The fit with its Dirichlet of the weights replaced.
result::Fit with_mixing_weights(const result::Fit& fit, const EmpiricalWeights& weights);

/// Components whose mean weight over draws (draws × components) is at least `threshold`; the largest if none is.
/// All of them for a threshold of 0.
std::vector<std::int64_t> live_components(std::span<const double> weights, std::int64_t components, double threshold);
/// Pairs of components that share their cells: the cosine of their columns of probabilities is above `alike`.
struct Duplicate {
  std::int64_t first = 0, second = 0;
  double cosine = 0;
};
std::vector<Duplicate> duplicate_components(std::span<const double> probability, std::int64_t components,
                                            double alike = 0.9);
/// What a reader of assignments should know of the components, in words: those without cells, those that share theirs.
/// @param probability  cells × components, all finite; `names` has one name a component
std::vector<std::string> component_notes(std::span<const double> probability, const std::vector<std::string>& names);

/// How much a gene tells components apart: (Σ_{i<j} |ln r_i/r_j|)², normalised to sum 1. `r`: components × genes.
std::vector<double> separation_weights(std::span<const double> r, std::int64_t components);
/// 1 for the `top` largest weights (the first of equal ones), else 0.
std::vector<double> top_mask(std::span<const double> weights, std::int64_t top);

}  // namespace scriptorium::analysis
