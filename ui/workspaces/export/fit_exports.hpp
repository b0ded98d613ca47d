#pragma once
#include "core/data/dataset.hpp"
#include "core/progress.hpp"
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
/// A text as a file. @throws Error(Io)
void writeText(const QString& path, const QString& text);
/// 100 posterior draws as ArviZ reads them, as `sample` writes them.
void writeDraws(const QString& path, const result::Fit& fit, const RunControl& control);
/// The data with what the fit says of cells and genes, as `export` writes it.
void writeAnndata(const QString& path, const result::Fit& fit, const data::Dataset& data, const RunControl& control);

}  // namespace scriptorium::ui
