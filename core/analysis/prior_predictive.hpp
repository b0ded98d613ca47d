#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "core/model/model.hpp"
#include "core/progress.hpp"
#include "core/summary/count_summary.hpp"

namespace scriptorium::analysis {

struct PriorPredictiveOptions {
  int draws = 60;
  std::int64_t most_genes = 2000, most_cells = 300;  ///< so many of each are drawn at most; enough for a histogram
  int bins = 40;
  std::uint64_t seed = 42;  ///< another one is another look
  int threads = 0;
};

/// One statistic of genes or cells: how it is spread in the data, and in data sets drawn from the priors. Shares per
/// bin add to 1; what lies outside the edges is in the first or last bin.
struct PriorCheck {
  std::vector<double> edges;                               ///< bins + 1, in the statistic's unit
  std::vector<double> observed, median;                    ///< per bin
  std::array<std::array<std::vector<double>, 2>, 2> band;  ///< [95 %, 50 %][lower, upper] over draws, per bin
  double observed_low = 0, observed_high = 0;              ///< central 95 % in the data
  double implied_low = 0, implied_high = 0;                ///< and in all draws together
  /// Share of the data, 0 … 1, in bins that the central 95 % of all draws overlap, or where one draw in forty has
  /// something.
  double reached = 0;
};

/// What the priors say of data not yet looked at: expected counts only, so the noise of counting is not in it.
struct PriorPredictive {
  PriorCheck gene_mean;   ///< mean count per cell of each gene
  PriorCheck zero_share;  ///< share of cells without a count of each gene, 0 … 1
  PriorCheck cell_total;  ///< counts per cell
};

/// Draws data sets from the priors of a model and lays the data beside them. Every draw has its own shared scalar, so
/// its genes move together. The capture prior from biology takes the library sizes of the data.
/// @throws Error(BadInput) for a model out of its domain, and for data without a count.
PriorPredictive prior_predictive(const model::Model& model, const summary::CountSummary& summary,
                                 const PriorPredictiveOptions& options, const RunControl& control);

}  // namespace scriptorium::analysis
