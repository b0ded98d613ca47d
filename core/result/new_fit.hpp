#pragma once
#include "core/data/dataset.hpp"
#include "core/result/fit_file.hpp"

namespace scriptorium::result {

/// A fit before its solver has run: everything but `result`. Summarises the counts and takes names and identity from
/// the data set as it is handed over (after filters). `device`, `version` and `created_at` are of this program, now.
/// @throws Error(BadInput) for a model out of its domain, and for data without cells, genes or counts.
Fit new_fit(const data::Dataset& dataset, const model::Model& model, const inference::FitOptions& options,
            const RunControl& control);

}  // namespace scriptorium::result
