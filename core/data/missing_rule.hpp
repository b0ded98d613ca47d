#pragma once
#include "core/data/open.hpp"

namespace scriptorium::data {

std::string to_string(MissingRule rule);  ///< leave-out, zero, full-genes: what missing_rule() reads
/// A data set read with LeaveOut, as if it had been opened with `rule`.
/// @throws Error(BadInput) when FullGenes leaves no gene.
Dataset treat_missing(Dataset dataset, MissingRule rule);

}  // namespace scriptorium::data
