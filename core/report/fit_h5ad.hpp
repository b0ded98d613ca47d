#pragma once
#include <string>
#include <vector>

#include "core/analysis/assignments.hpp"
#include "core/analysis/goodness_of_fit.hpp"
#include "core/data/dataset.hpp"
#include "core/result/estimates.hpp"

namespace scriptorium::report {

/// The most probable component of each cell, how probable and how sure, and all probabilities as the embedding
/// X_assignment. Cells with a probability that is not finite have no component.
void add_assignments(data::Dataset& dataset, const result::Fit& fit, const analysis::Assignments& found);

/// What a fit says of the cells and genes it was made from, as columns of their tables: of the cells `n_counts`,
/// `loglik` and, by cell, the point estimates (`p_capture`, `p_hat`, …); of the genes `r_map`, `mu_map`, …, and where
/// there is a diagnosis its `verdict` (of a mixture `r_map_<component>`, and the cells' `assignment`,
/// `assignment_prob`, `assignment_entropy` and X_assignment); of both `<parameter>_sd`, the posterior's. A column of
/// that name that is there already is replaced, but for n_counts. `dataset` has the fit's cells and genes, in its
/// order.
void add_fit_columns(data::Dataset& dataset, const result::Fit& fit, const result::MapOptions& point,
                     const analysis::Diagnosis* diagnosis, int threads, const RunControl& control);

/// The data set with these columns as an anndata file, and the fit's description under uns/scriptorium.
/// @returns what the reader of the file should know. @throws Error(Io)
std::vector<std::string> write_fit_h5ad(data::Dataset dataset, const result::Fit& fit, const result::MapOptions& point,
                                        const analysis::Diagnosis* diagnosis, const std::string& path, int threads,
                                        const RunControl& control);

}  // namespace scriptorium::report
