#pragma once
#include <nlohmann/json_fwd.hpp>

#include "core/analysis/agreement.hpp"
#include "core/analysis/assignments.hpp"
#include "core/analysis/entropy_map.hpp"
#include "core/analysis/goodness_of_fit.hpp"
#include "core/report/table.hpp"
#include "core/result/density.hpp"
#include "core/result/estimates.hpp"
#include "core/summary/summary_file.hpp"

/// Tables of a fit, with the columns of the command-line contract; the window shows and exports the same ones.
namespace scriptorium::report {

/// iteration, time, loss (and the decrement where the method has one).
Table loss_table(const result::Fit& fit);
/// parameter, gene, cell, component, value. `values` as map_estimate() gives them.
Table values_table(const result::Fit& fit, const model::Values& values, bool descriptive);
/// parameter, gene, cell, component, family, arg1, arg2, mean, sd, q025, q975. @throws Error for bare point estimates.
Table distributions_table(const result::Fit& fit, bool descriptive);
/// gene, count, lower, median, upper, observed (95 % band, shares of the cells), and_above for the last bin of a gene.
Table bands_table(const result::Fit& fit, const std::vector<result::GenePredictive>& genes);
/// gene, mean_count, map_R, map_D, map_failure, post_R, post_D, post_failure, verdict.
Table diagnosis_table(const result::Fit& fit, const analysis::Diagnosis& diagnosis);
/// gene or cell, loglik.
Table likelihood_table(const std::string& axis, const std::vector<std::string>& names,
                       const std::vector<double>& values);
/// gene or cell, loglik, then loglik_1 … loglik_K: what each component of a mixture says, its log weight included.
Table split_likelihood_table(const std::string& axis, const std::vector<std::string>& names,
                             const std::vector<double>& values, const std::vector<double>& by_component);
/// gene or cell, and a column of numbers.
Table named_values_table(const std::string& axis, const std::vector<std::string>& names, const std::string& column,
                         const std::vector<double>& values);
/// cell, assignment (the name of the most probable component), p_1 … p_K, entropy; over draws also concentration_1 ….
Table assignment_table(const result::Fit& fit, const analysis::Assignments& found);
/// component, label, cells (by their most probable component), share of the component's cells, expected (sum of
/// probabilities).
Table composition_table(const result::Fit& fit, const analysis::Composition& of, const analysis::Labels& labels);
/// component, weight, concentration, effective_count, prior.
Table mixing_table(const result::Fit& fit, const analysis::EmpiricalWeights& weights);
/// gene, separation, then means over the cells of each component: entropy_1 … entropy_K, evidence_1 …, count_1 ….
/// `map` is of analysis::component_blocks(), whose genes these are.
Table gene_evidence_table(const result::Fit& fit, const analysis::GeneEvidence& of,
                          const std::vector<std::int64_t>& genes, const analysis::EntropyMap& map);
/// site, log_prob: priors, counts (the log likelihood) and log_joint.
Table density_table(const result::Density& density, const std::vector<std::string>& sites);
/// site, index, gradient of log joint + log Jacobian on the unconstrained axis.
Table gradient_table(const result::Density& density, const std::vector<std::string>& sites);

/// What `show --json` prints: model, options, data, sizes, loss, convergence, timing, device, seed, version.
nlohmann::json describe_fit(const result::Fit& fit);

/// The same of a count summary: sizes and totals under the keys of `inspect --json`, and its sources.
nlohmann::json describe_summary(const summary::NamedSummary& summary);

}  // namespace scriptorium::report
