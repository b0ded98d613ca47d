#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/result/predictive.hpp"

namespace scriptorium::analysis {

/// The tight/wide rule: MAP predictive against posterior predictive. All thresholds are shown and editable.
struct VerdictRule {
  double wide_ratio = 2.0;   ///< R above it: wide
  double wide_spread = 1.5;  ///< D above it: wide
  double off_failure = 0.5;  ///< MAP calibration failure above it: off target
  double nonconverged_share = 0.05, share = 0.20;
  double slack = 1e-9;  ///< ties at a band's edge count as inside
};

/// Band width R in units of counting noise, spread D, calibration failure (share of occupied bins outside the band).
struct BandScore {
  double ratio = 0, spread = 0, failure = 0;
  bool wide = false;
};
BandScore score_band(const result::GenePredictive& gene, double n_cells, const VerdictRule& rule);

/// "fine", "tight_off", "guide", "model", "nonconverged".
std::string gene_verdict(const BandScore& map, const BandScore& posterior, const VerdictRule& rule);
std::string overall_verdict(const std::map<std::string, double>& shares, const VerdictRule& rule);
struct VerdictText {
  std::string title, reason, remedy;
};
/// What a verdict means for a model and what to try next.
VerdictText explain(const std::string& verdict, const model::Model& model);

struct GeneDiagnosis {
  std::int64_t gene = 0;
  double mean_count = 0;
  BandScore map, posterior;
  double zeros_observed = 0, zeros_predicted = 0;
  std::string verdict;
};
struct Diagnosis {
  std::vector<GeneDiagnosis> genes;
  std::map<std::string, double> shares;  ///< of each verdict
  std::string verdict;
  std::int64_t count(const std::string& of) const;  ///< genes with this verdict
};
/// The overall verdict in words, with what stands in its way: a fit that has not converged, single genes that are off.
VerdictText explain(const Diagnosis& diagnosis, const result::Fit& fit);
struct DiagnoseOptions {
  std::vector<std::int64_t> genes;  ///< empty: default_genes()
  int draws = 200;
  std::uint64_t seed = 42;
  bool mean_point = false;
  int threads = 0;
  const compute::Backend* backend = nullptr;  ///< as in PredictiveOptions
  VerdictRule rule;
  std::vector<double> shares;  ///< as in PredictiveOptions
};
Diagnosis diagnose(const result::Fit& fit, const DiagnoseOptions& options, const RunControl& control);

/// Genes of a rows × columns panel grid spread over expression (selection rule of SCRIBE's plots), by rising median.
std::vector<std::int64_t> panel_genes(const summary::CountSummary& summary, int rows, int columns);
/// panel_genes(5, 5) and 200 more at random.
std::vector<std::int64_t> default_genes(const summary::CountSummary& summary, std::uint64_t seed);

}  // namespace scriptorium::analysis
