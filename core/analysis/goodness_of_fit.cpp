#include "core/analysis/goodness_of_fit.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace scriptorium::analysis {
namespace {

constexpr const char* verdicts[] = {"fine", "tight_off", "guide", "model", "nonconverged"};

}  // namespace

BandScore score_band(const result::GenePredictive& gene, double n_cells, const VerdictRule& rule) {
  const auto& band = gene.band[0];  // 95 %
  const auto bins = static_cast<std::size_t>(gene.bins());
  BandScore score;
  double width = 0, noise = 0, occupied = 0, outside = 0;
  for (std::size_t b = 0; b < bins; ++b) {
    const double share = gene.observed[b], low = band[0][b], high = band[1][b];
    width += high - low;
    // Half a cell is added to every bin, so that empty bins have noise too.
    const double f = (share * n_cells + 0.5) / (n_cells + 0.5 * static_cast<double>(bins));
    noise += 2 * 1.959963984540054 * std::sqrt(f * (1 - f) / n_cells);
    if (share <= 0) continue;
    occupied += 1;
    if (share < low - rule.slack || share > high + rule.slack) outside += 1;
  }
  score.ratio = noise > 0 ? width / noise : 0;
  score.spread = (gene.q95 - gene.q05 + 1) / (gene.observed_q95 - gene.observed_q05 + 1);
  score.failure = occupied > 0 ? outside / occupied : 0;
  score.wide = score.ratio > rule.wide_ratio || score.spread > rule.wide_spread;
  return score;
}

std::string gene_verdict(const BandScore& map, const BandScore& posterior, const VerdictRule& rule) {
  if (map.wide) return posterior.wide ? "model" : "nonconverged";
  if (posterior.wide) return "guide";
  return map.failure > rule.off_failure ? "tight_off" : "fine";
}

std::string overall_verdict(const std::map<std::string, double>& shares, const VerdictRule& rule) {
  const auto share = [&](const char* verdict) {
    const auto found = shares.find(verdict);
    return found == shares.end() ? 0.0 : found->second;
  };
  const double nonconverged = share("nonconverged"), model = share("model"), guide = share("guide");
  if (nonconverged >= rule.nonconverged_share && nonconverged >= guide && nonconverged >= model) return "nonconverged";
  if (model >= rule.share && model >= guide) return "model";
  if (guide >= rule.share) return "guide";
  if (share("tight_off") >= rule.share) return "tight_off";
  return "fine";
}

namespace {

/// Richer likelihoods that are not the model's own yet.
std::string richer_than(const model::Model& model) {
  const auto& likelihood = model::find_likelihood(model.likelihood);
  if (!likelihood.variable_capture)
    return "Try variable capture (" + std::string(likelihood.zero_inflated ? "zinbvcp" : "nbvcp") +
           "): cells may differ in depth more than this likelihood allows.";
  std::string text;
  if (!likelihood.zero_inflated) text = "If such genes have more zeros than predicted, try zero inflation (zinbvcp). ";
  if (model.parameterization != "mean_disp")
    text += "A probability of its own for each gene (mean_disp) frees the shape from the shared one. ";
  return text + "If the cells are of several kinds, one law a gene may not do: look at these genes by group of cells.";
}

}  // namespace

VerdictText explain(const std::string& verdict, const model::Model& model) {
  if (verdict == "fine")
    return {"Fits",
            "The data lie mostly within predictive bands that are about as wide as counting noise, at the point and "
            "over the posterior.",
            "Nothing to do."};
  if (verdict == "tight_off")
    return {"Tight, but off target",
            "The bands are narrow and the data lie outside them: the fit is sure of a wrong shape.",
            richer_than(model)};
  if (verdict == "guide")
    return {"Point tight, posterior wide",
            "At the point estimate the bands fit; over the posterior they are far wider than counting noise: the "
            "approximate "
            "posterior leaves out how its parameters move together.",
            "Fit again with the method \"structured\", which restores the coupling through the shared parameter."};
  if (verdict == "model")
    return {"Wide at the point and over the posterior",
            "Even at the point estimate the model spreads far wider than the data: likelihood, capture or prior do not "
            "suit it.",
            "Change the model or its priors; a richer approximation of the posterior will not help."};
  if (verdict == "nonconverged")
    return {"Point wide, posterior tight",
            "The point estimate fits worse than the posterior around it: the fit has not arrived, or its mode is far "
            "from its mean here.",
            "Let a fit that has not converged go on; of one that has, judge such genes by the posterior or the means."};
  throw Error(ErrorCode::BadInput, "There is no verdict \"" + verdict + "\".", {});
}

std::int64_t Diagnosis::count(const std::string& of) const {
  return std::count_if(genes.begin(), genes.end(), [&](const GeneDiagnosis& gene) { return gene.verdict == of; });
}

VerdictText explain(const Diagnosis& diagnosis, const result::Fit& fit) {
  VerdictText text = explain(diagnosis.verdict, fit.model);
  const auto& convergence = fit.result.convergence;
  if (!fit.point_only && !convergence.converged) {
    text.reason =
        "The fit has not converged, so the bands below say little (" + text.title + "). " + convergence.verdict;
    text.title = "Not converged";
    text.remedy =
        convergence.advice.empty() ? "Let it go on until it has converged, then look again." : convergence.advice;
    return text;
  }
  const auto off = static_cast<std::int64_t>(diagnosis.genes.size()) - diagnosis.count("fine");
  if (diagnosis.verdict == "fine" && 10 * off > static_cast<std::int64_t>(diagnosis.genes.size()))
    text.title = "Fits most genes, but not all";
  if (diagnosis.verdict == "fine" && off > 0)
    text.remedy = "Nothing to do for most genes; look at the " + std::to_string(off) + " of " +
                  std::to_string(diagnosis.genes.size()) + " that are not fine before relying on them.";
  return text;
}

Diagnosis diagnose(const result::Fit& fit, const DiagnoseOptions& options, const RunControl& control) {
  for (const auto& [value, name] : {std::pair{options.rule.wide_ratio, "wide ratio"},
                                    {options.rule.wide_spread, "wide spread"},
                                    {options.rule.off_failure, "off-target share"},
                                    {options.rule.nonconverged_share, "share for nonconverged"},
                                    {options.rule.share, "share of genes"}})
    if (!(value >= 0) || !std::isfinite(value))
      throw Error(ErrorCode::BadInput, std::string("The ") + name + " of the verdict is not a number from 0 up.",
                  "Give another threshold.");
  const auto genes = options.genes.empty() ? default_genes(fit.summary, options.seed) : options.genes;
  result::PredictiveOptions predictive;
  predictive.draws = options.draws;
  predictive.seed = options.seed;
  predictive.mean_point = options.mean_point;
  predictive.threads = options.threads;
  predictive.backend = options.backend;
  predictive.shares = options.shares;
  const auto half = [&](double from, const char* what) {
    RunControl part = control;
    if (control.report)
      part.report = [&control, from, what](const Progress& p) {
        control.tell(from + 0.5 * p.fraction, std::string(what) + ": " + p.message);
      };
    return part;
  };
  predictive.kind = result::PredictiveKind::Map;
  const auto map = result::predictive(fit, genes, predictive, half(0, "at the point"));
  predictive.kind = result::PredictiveKind::Posterior;
  const auto posterior = result::predictive(fit, genes, predictive, half(0.5, "over the posterior"));
  Diagnosis diagnosis;
  for (std::size_t i = 0; i < genes.size(); ++i) {
    const double cells = fit.summary.gene_measured[static_cast<std::size_t>(genes[i])];
    GeneDiagnosis gene;
    gene.gene = genes[i];
    gene.mean_count = map[i].observed_mean;
    gene.map = score_band(map[i], cells, options.rule);
    gene.posterior = score_band(posterior[i], cells, options.rule);
    gene.zeros_observed = map[i].zero_share_observed;
    gene.zeros_predicted = posterior[i].zero_share_predicted;
    gene.verdict = gene_verdict(gene.map, gene.posterior, options.rule);
    diagnosis.shares[gene.verdict] += 1 / static_cast<double>(genes.size());
    diagnosis.genes.push_back(std::move(gene));
  }
  for (const char* verdict : verdicts) diagnosis.shares.try_emplace(verdict, 0.0);
  diagnosis.verdict = overall_verdict(diagnosis.shares, options.rule);
  return diagnosis;
}

}  // namespace scriptorium::analysis
