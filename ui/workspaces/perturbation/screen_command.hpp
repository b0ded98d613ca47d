#pragma once
#include "core/perturbation/chain.hpp"
#include "ui/jobs/fit_item.hpp"

namespace scriptorium::ui {

/// The scriptorium-cli command that does the same as a run of the page, quoted for a shell; only what differs from the
/// defaults. Filters that `perturb` does not know are a `convert` before it.
QString commandFor(const perturbation::ChainOptions& options, const DataChoice& data);

}  // namespace scriptorium::ui
