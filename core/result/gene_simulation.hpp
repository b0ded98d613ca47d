#pragma once
#include "core/result/predictive_source.hpp"

namespace scriptorium::result {

/// Replicated count histograms of one gene: drawn by strata of cells where that is less work than cell by cell.
GenePredictive simulate_gene(const Fit& fit, const PredictiveSource& source, const PredictiveOptions& options,
                             std::int64_t gene);

}  // namespace scriptorium::result
