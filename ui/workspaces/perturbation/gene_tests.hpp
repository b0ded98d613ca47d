#pragma once
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/perturbation/screening_de.hpp"

namespace scriptorium::ui {

/// The tables of `targets`, as weighted_de_of() makes them. Finished targets are kept in `folder`, so that a run that
/// was cancelled or ended badly goes on behind them; what is there of other data or settings counts for nothing, and
/// where a file is damaged all begin anew. Nothing is left of it at the end.
/// @param dataset  the cells and genes of the result; @throws Error(Io) when `folder` cannot be written to; Cancelled
std::vector<perturbation::WeightedDe> testGenes(const perturbation::Screening& of, const data::Dataset& dataset,
                                                const std::vector<std::int32_t>& targets,
                                                const perturbation::DeOptions& options, const std::string& folder,
                                                const RunControl& control);

}  // namespace scriptorium::ui
