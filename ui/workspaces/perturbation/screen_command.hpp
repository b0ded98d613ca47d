#pragma once
#include "core/perturbation/chain.hpp"
#include "ui/jobs/fit_item.hpp"
#include "ui/workspaces/perturbation/gene_settings.hpp"

namespace scriptorium::ui {

/// The scriptorium-cli command that does the same as a run of the page, quoted for a shell; only what differs from the
/// defaults. Filters that `perturb` does not know are a `convert` before it.
QString commandFor(const perturbation::ChainOptions& options, const DataChoice& data);

/// The same for a view of genes: tests of genes, and what is made of them.
struct GenesCommand {
  QString view;         ///< as GeneSettingsForm::showFor() has them
  QString sets;         ///< path of the GMT file
  bool whole = false;   ///< programs of all targets together, as none was found
  bool groups = false;  ///< several groups of cells: one matrix each
};
QString commandFor(const perturbation::ChainOptions& options, const DataChoice& data, const GeneSettings& settings,
                   const GenesCommand& wanted);

}  // namespace scriptorium::ui
