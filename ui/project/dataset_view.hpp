#pragma once
#include <memory>

#include "core/data/dataset.hpp"
#include "core/progress.hpp"
#include "ui/charts/figure.hpp"
#include "ui/tables/table_data.hpp"

namespace scriptorium::ui {

/// A data set with all that its page shows, made once by a worker.
struct OpenedData {
  std::shared_ptr<const data::Dataset> dataset;
  QString facts;    ///< in words
  QString missing;  ///< what was not measured, in words; empty when everything was
  charts::Figure counts_per_cell, genes_per_cell, mean_variance;
  std::vector<std::int64_t> gene_of_point;  ///< of each point of `mean_variance`
  std::shared_ptr<const TableData> cells, genes;
};
std::shared_ptr<const OpenedData> describe(std::shared_ptr<const data::Dataset> dataset, const RunControl& control);

/// How a layer is called: its path, "the table" in files that have one matrix without a name.
QString layerName(const QString& path);

/// The histogram of positive whole numbers on a log1p axis: about 60 bins of equal width as drawn, zeros in the first;
/// one a number where there are fewer numbers.
charts::Figure histogramOfCounts(const QString& name, const QString& title, const QString& axis,
                                 const std::vector<double>& values);

}  // namespace scriptorium::ui
