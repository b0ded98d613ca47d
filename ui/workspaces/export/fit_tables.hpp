#pragma once
#include "core/result/fit_file.hpp"
#include "ui/tables/table_data.hpp"

namespace scriptorium::ui {

/// Point estimates, with the columns of the command line.
std::shared_ptr<const TableData> mapTable(const result::Fit& fit);
/// Marginal posteriors, likewise.
std::shared_ptr<const TableData> distributionsTable(const result::Fit& fit);
/// The loss trace, likewise.
std::shared_ptr<const TableData> lossTable(const result::Fit& fit);
/// What made a fit, line by line: data, model, priors, settings, seed, device, versions.
QString provenance(const result::Fit& fit);

}  // namespace scriptorium::ui
