#include "core/analysis/prior_predictive.hpp"

#include <algorithm>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/result/count_bands.hpp"
#include "core/result/strata.hpp"

namespace scriptorium::analysis {
namespace {

using model::Extent;

constexpr int capture_points = 48;  // captures of a draw that stand for all in the share of zeros

/// Every `n`-th of `all` things, at most `most` of them.
std::vector<std::size_t> spread(std::int64_t all, std::int64_t most) {
  const std::int64_t n = std::min(all, std::max<std::int64_t>(1, most));
  std::vector<std::size_t> chosen(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) chosen[static_cast<std::size_t>(i)] = static_cast<std::size_t>(i * all / n);
  return chosen;
}

/// Draws of the sites of a model from their priors, which are handed to the sampler of posteriors as if they were one.
class PriorSource {
 public:
  /// Components are alike before the data are seen: one of them is drawn.
  PriorSource(const model::Model& model, std::size_t n_genes, const summary::CountSummary& summary,
              const std::vector<std::size_t>& cells, std::uint64_t seed)
      : model_(model::component_model(model)),
        summary_(summary),
        cells_(cells),
        seed_(seed),
        kind_(model::find_parameterization(model.parameterization).key) {
    for (const model::Site& site : model::layout(model_)) {
      if (site.extent == Extent::Scalar) scalar_ = site.name;
      if (site.extent == Extent::Cell) capture_ = site.name;
      gate_ = gate_ || site.name == "gate";
      if (site.prior.law == model::Law::TruncatedNormal) {
        capture_prior_ = site.prior;
        continue;
      }
      const std::size_t n = site.extent == Extent::Scalar ? 1 : site.extent == Extent::Gene ? n_genes : cells.size();
      const result::Marginal law = result::marginal(site.prior, site.bijection);
      priors_.sites.push_back({site.name, site.extent, law.law, law.transform, std::vector<double>(n, law.arg1),
                               std::vector<double>(n, law.arg2)});
    }
  }

  /// ln ν of the chosen cells; empty without capture.
  std::vector<double> log_capture(std::uint64_t draw) const {
    if (capture_.empty()) return {};
    std::vector<double> values;
    if (capture_prior_) {
      for (const std::size_t cell : cells_) {
        const double total =
            static_cast<double>(std::max<std::uint64_t>(1, summary_.cell_total(static_cast<std::int64_t>(cell))));
        math::Random random(seed_, math::Purpose::PosteriorDraw, cell, draw);  // streams of sites begin at 2³²
        const result::Marginal law =
            result::marginal({model::Law::TruncatedNormal, capture_prior_->a - std::log(total), capture_prior_->b},
                             model::Transform::Identity);
        values.push_back(law.quantile(random.uniform()));
      }
    } else {
      values = sampler_.draw(draw).values(capture_);
    }
    return result::log_capture(model_, capture_, std::move(values));
  }

  /// r, logit p and gate of every gene.
  std::vector<result::GenePoint> genes(std::uint64_t draw) const {
    const auto from = sampler_.draw(draw);
    const auto all = [&](bool there, const char* site) { return there ? from.values(site) : std::vector<double>(); };
    const auto r = all(kind_ == "canonical" || kind_ == "mean_disp", "r"), mu = all(kind_ != "canonical", "mu"),
               gate = all(gate_, "gate");
    const double scalar = scalar_.empty() ? 0 : from.value(scalar_, 0);
    std::vector<result::GenePoint> points(std::max(r.size(), mu.size()));
    for (std::size_t g = 0; g < points.size(); ++g)
      points[g] =
          result::gene_point(kind_, scalar, r.empty() ? 0 : r[g], mu.empty() ? 0 : mu[g], gate.empty() ? 0 : gate[g]);
    return points;
  }

 private:
  const model::Model model_;
  const summary::CountSummary& summary_;
  const std::vector<std::size_t>& cells_;
  std::uint64_t seed_;
  std::string kind_, scalar_, capture_;
  bool gate_ = false;
  std::optional<model::Prior> capture_prior_;
  inference::Posterior priors_;
  result::PosteriorSampler sampler_{priors_, seed_};
};

/// The statistics of one draw.
struct Drawn {
  std::vector<double> gene_mean, zero_share, cell_total;
};

Drawn draw_data(const PriorSource& source, std::uint64_t draw, double genes_each) {
  std::vector<double> capture = source.log_capture(draw);
  if (capture.empty()) capture.push_back(0);
  std::sort(capture.begin(), capture.end());
  double mean_capture = 0;
  for (const double n : capture) mean_capture += std::exp(n) / static_cast<double>(capture.size());
  const auto few = spread(static_cast<std::int64_t>(capture.size()), capture_points);
  Drawn drawn;
  double cell = 0;  // expected counts of a cell that catches everything
  for (const result::GenePoint& gene : source.genes(draw)) {
    const double whole = (1 - gene.gate) * gene.r * std::exp(gene.x);
    cell += whole * genes_each;
    drawn.gene_mean.push_back(whole * mean_capture);
    double zeros = 0;
    for (const std::size_t i : few) zeros += std::exp(-gene.r * std::log1p(std::exp(gene.x + capture[i])));
    drawn.zero_share.push_back(gene.gate + (1 - gene.gate) * zeros / static_cast<double>(few.size()));
  }
  for (const double n : capture) drawn.cell_total.push_back(cell * std::exp(n));
  return drawn;
}

std::vector<double> shares(const std::vector<double>& values, const std::vector<double>& edges) {
  std::vector<double> share(edges.size() - 1, 0.0);
  double n = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    const auto above = std::upper_bound(edges.begin(), edges.end(), value) - edges.begin();
    share[static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(above - 1, 0, static_cast<std::ptrdiff_t>(share.size()) - 1))] += 1;
    n += 1;
  }
  for (double& s : share) s /= std::max(1.0, n);
  return share;
}

/// Bins of equal width, on a log axis from `floor` on where there is one.
PriorCheck check(std::vector<double> observed, const std::vector<Drawn>& draws, std::vector<double> Drawn::*statistic,
                 int bins, std::optional<double> floor) {
  PriorCheck result;
  std::vector<double> pooled;
  for (const Drawn& drawn : draws)
    for (const double value : drawn.*statistic)
      if (std::isfinite(value)) pooled.push_back(value);
  std::sort(pooled.begin(), pooled.end());
  std::sort(observed.begin(), observed.end());
  result.observed_low = result::sorted_quantile(observed, 0.025);
  result.observed_high = result::sorted_quantile(observed, 0.975);
  result.implied_low = result::sorted_quantile(pooled, 0.025);
  result.implied_high = result::sorted_quantile(pooled, 0.975);
  double low = 0, high = 1;
  if (floor) {
    low = std::max(*floor, std::min(result.implied_low, std::max(*floor, observed.front())));
    high = std::max({result.implied_high, observed.back(), low * 10});
  }
  for (int i = 0; i <= bins; ++i) {
    const double at = static_cast<double>(i) / bins;
    result.edges.push_back(floor ? low * std::pow(high / low, at) : low + (high - low) * at);
  }
  result.observed = shares(observed, result.edges);
  std::vector<std::vector<double>> each;
  for (const Drawn& drawn : draws) each.push_back(shares(drawn.*statistic, result.edges));
  std::vector<double> column(each.size());
  for (std::size_t bin = 0; bin < static_cast<std::size_t>(bins); ++bin) {
    for (std::size_t d = 0; d < each.size(); ++d) column[d] = each[d][bin];
    std::sort(column.begin(), column.end());
    result.median.push_back(result::sorted_quantile(column, 0.5));
    for (std::size_t level = 0; level < 2; ++level) {
      const double tail = level == 0 ? 0.025 : 0.25;
      result.band[level][0].push_back(result::sorted_quantile(column, tail));
      result.band[level][1].push_back(result::sorted_quantile(column, 1 - tail));
    }
    // A draw without captures has one expected total for all its cells: bins between the draws count as reached, too.
    const bool between = result.edges[bin + 1] >= result.implied_low && result.edges[bin] <= result.implied_high;
    if (between || result.band[0][1].back() > 0) result.reached += result.observed[bin];
  }
  return result;
}

}  // namespace

PriorPredictive prior_predictive(const model::Model& model, const summary::CountSummary& summary,
                                 const PriorPredictiveOptions& options, const RunControl& control) {
  if (summary.n_cells < 1 || summary.n_genes < 1 || !(summary.total() > 0))
    throw Error(ErrorCode::BadInput, "These data hold no counts to lay beside the priors.",
                "Keep more cells or genes.");
  const auto cells = spread(summary.n_cells, options.most_cells);
  const auto n_genes = std::min(summary.n_genes, options.most_genes);
  const PriorSource source(model, static_cast<std::size_t>(n_genes), summary, cells, options.seed);
  std::vector<Drawn> draws(static_cast<std::size_t>(std::max(1, options.draws)));
  compute::parallel_for(static_cast<std::int64_t>(draws.size()), 1, options.threads,
                        [&](std::int64_t, std::int64_t first, std::int64_t last) {
                          for (std::int64_t d = first; d < last; ++d) {
                            control.check();
                            draws[static_cast<std::size_t>(d)] =
                                draw_data(source, static_cast<std::uint64_t>(d),
                                          static_cast<double>(summary.n_genes) / static_cast<double>(n_genes));
                          }
                        });
  control.check();
  std::vector<double> means, zeros, totals;
  for (std::size_t g = 0; g < static_cast<std::size_t>(summary.n_genes); ++g) {
    if (!(summary.gene_measured[g] > 0)) continue;
    means.push_back(summary.gene_total[g] / summary.gene_measured[g]);
    zeros.push_back(1 - summary.gene_nonzero[g] / summary.gene_measured[g]);
  }
  for (std::int64_t c = 0; c < summary.n_cells; ++c) totals.push_back(static_cast<double>(summary.cell_total(c)));
  const double one = 1 / static_cast<double>(summary.n_cells);  // the smallest mean a gene that was seen can have
  return {check(std::move(means), draws, &Drawn::gene_mean, options.bins, 0.5 * one),
          check(std::move(zeros), draws, &Drawn::zero_share, options.bins, std::nullopt),
          check(std::move(totals), draws, &Drawn::cell_total, options.bins, 0.5)};
}

}  // namespace scriptorium::analysis
