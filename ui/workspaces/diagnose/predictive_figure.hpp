#pragma once
#include <map>

#include "core/analysis/goodness_of_fit.hpp"
#include "ui/charts/figure.hpp"
#include "ui/tables/table_data.hpp"

namespace scriptorium::ui {

/// Predictive checks of some genes under both kinds of prediction, in the same order.
struct PredictivePage {
  std::vector<result::GenePredictive> map, posterior;
};

/// Per gene two panels on the same axes: data against the bands of the MAP prediction, and against the posterior's.
charts::Figure predictiveFigure(const PredictivePage& page, const std::vector<std::string>& names,
                                const std::map<std::int64_t, analysis::GeneDiagnosis>& known, int gene_columns,
                                bool log_shares);

/// All genes of a fit with what is known of each; unchecked ones say so.
std::shared_ptr<const TableData> diagnosisTable(const result::Fit& fit,
                                                const std::map<std::int64_t, analysis::GeneDiagnosis>& known);

/// How badly a gene is predicted, for ranking: 1 is added when its verdict is not "fine", to the larger share of count
/// bins outside the 95 % band (0 … 1).
double misfit(const analysis::GeneDiagnosis& gene);

}  // namespace scriptorium::ui
