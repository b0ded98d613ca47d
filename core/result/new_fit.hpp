#pragma once
#include "core/result/fit_file.hpp"
#include "core/summary/digest.hpp"

namespace scriptorium::result {

/// A fit before its solver has run: everything but `result`. Takes names from the tables of the data set that was
/// digested (after filters; its counts are not looked at). `device`, `version` and `created_at` are of this program,
/// now.
/// @throws Error(BadInput) for a model out of its domain, and for data without cells, genes or counts.
Fit new_fit(const data::Dataset& dataset, summary::Digest digest, const model::Model& model,
            const inference::FitOptions& options);

}  // namespace scriptorium::result
