#include "core/result/predictive.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/result/strata.hpp"

namespace scriptorium::result {
namespace {

using math::Purpose;
using math::Random;

constexpr double band_probability[3][2] = {{0.025, 0.975}, {0.16, 0.84}, {0.25, 0.75}};
constexpr double allowed_excess = 0.01;  // of a bin's variance, when strata are merged

/// Everything of a parameter draw that all genes share: the scalar and the strata of the captures.
struct SharedDraw {
  double scalar = 0;
  Strata strata;
};

/// Where the gene's parameters of each draw come from: one point, or the posterior.
class Source {
 public:
  Source(const Fit& fit, const PredictiveOptions& options, const RunControl& control)
      : fit_(fit),
        posterior_kind_(options.kind == PredictiveKind::Posterior),
        sampler_(fit.result.posterior, options.seed),
        kind_(model::find_parameterization(fit.model.parameterization).key) {
    for (const auto& site : model::layout(fit.model)) {
      if (site.extent == model::Extent::Scalar) scalar_ = site.name;
      if (site.extent == model::Extent::Cell) capture_ = site.name;
      if (site.name == "gate") gate_ = true;
    }
    point_ = map_estimate(fit.model, fit.result.posterior.sites,
                          {.use_mean = true, .mean_everywhere = options.mean_point, .canonical = false});
    for (const auto& site : model::layout(fit.model))
      if (!point_.count(site.name))
        throw Error(ErrorCode::BadInput, "The fit has no values of " + site.name + ".",
                    "The model " + fit.model.likelihood + " needs them.");
    shared_.resize(posterior_kind_ ? static_cast<std::size_t>(options.draws) : 1);
    compute::parallel_for(static_cast<std::int64_t>(shared_.size()), 1, options.threads,
                          [&](std::int64_t, std::int64_t first, std::int64_t last) {
                            for (auto d = static_cast<std::size_t>(first); d < static_cast<std::size_t>(last); ++d) {
                              control.check();
                              std::vector<double> captures;
                              if (posterior_kind_) {
                                const auto draw = sampler_.draw(d);
                                if (!scalar_.empty()) shared_[d].scalar = draw.value(scalar_, 0);
                                if (!capture_.empty()) captures = draw.values(capture_);
                              } else {
                                if (!scalar_.empty()) shared_[d].scalar = point_.at(scalar_).values.at(0);
                                if (!capture_.empty()) captures = point_.at(capture_).values;
                              }
                              shared_[d].strata =
                                  stratify(fit.summary, log_capture(fit.model, capture_, std::move(captures)));
                            }
                          });
  }
  const SharedDraw& shared(std::size_t draw) const { return shared_[posterior_kind_ ? draw : 0]; }
  bool fixed() const { return !posterior_kind_; }
  GenePoint gene(std::size_t g, std::size_t draw) const {
    double scalar = shared(draw).scalar, r = 0, mu = 0, gate = 0;
    if (!posterior_kind_) {
      const auto at = [&](const char* name) { return point_.at(name).values[g]; };
      if (!scalar_.empty() && point_.at(scalar_).values.size() > 1) scalar = point_.at(scalar_).values[g];
      if (kind_ == "canonical" || kind_ == "mean_disp") r = at("r");
      if (kind_ != "canonical") mu = at("mu");
      if (gate_) gate = at("gate");
    } else {
      const auto from = sampler_.draw(draw);
      if (kind_ == "canonical" || kind_ == "mean_disp") r = from.value("r", g);
      if (kind_ != "canonical") mu = from.value("mu", g);
      if (gate_) gate = from.value("gate", g);
    }
    return gene_point(kind_, scalar, r, mu, gate);
  }

 private:
  const Fit& fit_;
  bool posterior_kind_, gate_ = false;
  PosteriorSampler sampler_;
  std::string kind_, scalar_, capture_;
  model::Values point_;
  std::vector<SharedDraw> shared_;
};

/// P(count = k) of a stratum for k < single; what is left belongs to "and above".
void stratum_pmf(const GenePoint& gene, const Stratum& stratum, std::vector<double>& pmf) {
  std::fill(pmf.begin(), pmf.end(), 0.0);
  for (int point = 0; point < stratum.points; ++point) {
    const double l = gene.x + stratum.n[point], weight = stratum.weight[point] * (1 - gene.gate);
    const double log_zero = -gene.r * math::softplus(l), p = math::sigmoid(l);
    if (log_zero > -600) {
      double mass = weight * std::exp(log_zero);
      for (std::size_t k = 0; k < pmf.size(); ++k) {
        pmf[k] += mass;
        mass *= p * (gene.r + static_cast<double>(k)) / static_cast<double>(k + 1);
        if (mass < 1e-18 && static_cast<double>(k) * (1 - p) > gene.r * p) break;  // past the mode and spent
      }
    } else {  // the first masses underflow: go in logarithms
      double log_mass = log_zero;
      const double log_p = -math::softplus(-l);
      for (std::size_t k = 0; k < pmf.size(); ++k) {
        pmf[k] += weight * std::exp(log_mass);
        log_mass += log_p + std::log((gene.r + static_cast<double>(k)) / static_cast<double>(k + 1));
      }
    }
  }
  if (!pmf.empty()) pmf[0] += gene.gate;
}

class GeneSimulation {
 public:
  GeneSimulation(const Fit& fit, const Source& source, const PredictiveOptions& options, std::int64_t gene)
      : fit_(fit), source_(source), options_(options), gene_(gene) {
    const auto g = static_cast<std::size_t>(gene);
    const auto& s = fit.summary;
    value_ = s.value.data() + s.gene_start[g];
    cells_ = s.cells.data() + s.gene_start[g];
    entries_ = static_cast<std::size_t>(s.gene_start[g + 1] - s.gene_start[g]);
    total_ = s.gene_measured[g];
    for (const auto& pattern : s.patterns)
      measured_.push_back(!std::binary_search(pattern.missing_genes.begin(), pattern.missing_genes.end(),
                                              static_cast<std::uint32_t>(g)));
    const double q99 = histogram_quantile(value_, cells_, entries_, total_, 0.99);
    single_ = options.max_bin >= 0 ? static_cast<std::size_t>(options.max_bin) + 1
                                   : static_cast<std::size_t>(std::max(std::ceil(q99), 10.0));
  }

  GenePredictive run() {
    GenePredictive result;
    result.gene = gene_;
    observe(result);
    const auto draws = static_cast<std::size_t>(options_.draws);
    histograms_.assign(draws * (single_ + 1), 0);
    pooled_.assign(single_ + 1, 0.0);
    // One binomial a bin and stratum, or one draw a cell: whichever is less work.
    if (static_cast<double>(single_) * 24 > total_)
      simulate_cells();
    else
      simulate_strata();
    summarise(result);
    return result;
  }

 private:
  Random stream(std::size_t draw) const {
    return {options_.seed, options_.kind == PredictiveKind::Map ? Purpose::PredictiveMap : Purpose::PredictivePosterior,
            static_cast<std::uint64_t>(gene_), draw};
  }

  void observe(GenePredictive& result) const {
    result.observed.assign(single_ + 1, 0.0);
    double zeros = total_;
    for (std::size_t i = 0; i < entries_; ++i) {
      result.observed[std::min<std::size_t>(value_[i], single_)] += cells_[i];
      result.observed_mean += value_[i] * cells_[i];
      zeros -= cells_[i];
    }
    result.observed[0] += zeros;
    for (double& share : result.observed) share /= std::max(total_, 1.0);
    result.observed_mean /= std::max(total_, 1.0);
    result.zero_share_observed = result.observed[0];
    result.observed_q05 = histogram_quantile(value_, cells_, entries_, total_, 0.05);
    result.observed_q95 = histogram_quantile(value_, cells_, entries_, total_, 0.95);
  }

  /// The coarsest level whose merged strata add less than `allowed_excess` to the variance of any occupied bin.
  int choose_level(const GenePoint& point, const Strata& strata) const {
    const auto& fine = strata.level[0];
    std::vector<std::vector<double>> pmf(fine.size(), std::vector<double>(single_));
    std::vector<double> mean(single_, 0.0);
    double cells = 0;
    for (std::size_t i = 0; i < fine.size(); ++i) {
      if (!measured_[fine[i].pattern]) continue;
      stratum_pmf(point, fine[i], pmf[i]);
      cells += static_cast<double>(fine[i].cells);
      for (std::size_t k = 0; k < single_; ++k) mean[k] += static_cast<double>(fine[i].cells) * pmf[i][k];
    }
    std::vector<std::size_t> group(fine.size());
    for (std::size_t i = 0; i < fine.size(); ++i) group[i] = i;
    int chosen = 0;
    for (int level = 1; level < Strata::levels; ++level) {
      for (auto& entry : group) entry = strata.parent[level - 1][entry];
      const std::size_t groups = strata.level[level].size();
      bool good = true;
      std::vector<double> weight(groups), sum(groups), squares(groups);
      for (std::size_t k = 0; k < single_ && good; ++k) {
        if (mean[k] < 1) continue;
        std::fill(weight.begin(), weight.end(), 0.0);
        std::fill(sum.begin(), sum.end(), 0.0);
        std::fill(squares.begin(), squares.end(), 0.0);
        for (std::size_t i = 0; i < fine.size(); ++i) {
          const double n = static_cast<double>(fine[i].cells);
          weight[group[i]] += n;
          sum[group[i]] += n * pmf[i][k];
          squares[group[i]] += n * pmf[i][k] * pmf[i][k];
        }
        double excess = 0;
        for (std::size_t j = 0; j < groups; ++j)
          if (weight[j] > 0) excess += squares[j] - sum[j] * sum[j] / weight[j];
        const double share = mean[k] / cells;
        good = excess <= allowed_excess * mean[k] * (1 - share);
      }
      if (!good) break;
      chosen = level;
    }
    return chosen;
  }

  void simulate_strata() {
    const auto g = static_cast<std::size_t>(gene_);
    const int level = choose_level(source_.gene(g, 0), source_.shared(0).strata);
    const std::size_t draws = static_cast<std::size_t>(options_.draws);
    std::vector<std::vector<double>> pmf;
    double mean = 0;
    for (std::size_t d = 0; d < draws; ++d) {
      const auto& strata = source_.shared(d).strata.level[level];
      if (d == 0 || !source_.fixed()) {
        const GenePoint point = source_.gene(g, d);
        pmf.resize(strata.size(), std::vector<double>(single_));
        double total_mean = 0;
        for (std::size_t i = 0; i < strata.size(); ++i) {
          if (!measured_[strata[i].pattern]) continue;
          stratum_pmf(point, strata[i], pmf[i]);
          total_mean += stratum_mean(point, strata[i]);
          add_pooled(pmf[i], static_cast<double>(strata[i].cells) * (source_.fixed() ? static_cast<double>(draws) : 1));
        }
        mean += total_mean * (source_.fixed() ? static_cast<double>(draws) : 1);
      }
      Random random = stream(d);
      std::uint32_t* histogram = histograms_.data() + d * (single_ + 1);
      for (std::size_t i = 0; i < strata.size(); ++i)
        if (measured_[strata[i].pattern]) multinomial(strata[i].cells, pmf[i], random, histogram);
    }
    predicted_mean_ = mean / (static_cast<double>(draws) * std::max(total_, 1.0));
    quantiles_from_pmf();
  }

  static double stratum_mean(const GenePoint& point, const Stratum& stratum) {
    double odds = 0;
    for (int k = 0; k < stratum.points; ++k) odds += stratum.weight[k] * std::exp(point.x + stratum.n[k]);
    return static_cast<double>(stratum.cells) * (1 - point.gate) * point.r * odds;
  }

  void add_pooled(const std::vector<double>& pmf, double weight) {
    double rest = 1;
    for (std::size_t k = 0; k < single_; ++k) {
      pooled_[k] += weight * pmf[k];
      rest -= pmf[k];
    }
    pooled_[single_] += weight * std::max(rest, 0.0);
  }

  void multinomial(std::uint64_t cells, const std::vector<double>& pmf, Random& random,
                   std::uint32_t* histogram) const {
    double rest = 1;
    for (std::size_t k = 0; k < single_ && cells > 0; ++k) {
      if (pmf[k] <= 0) continue;
      const std::uint64_t here = rest > pmf[k] ? random.binomial(cells, pmf[k] / rest) : cells;
      histogram[k] += static_cast<std::uint32_t>(here);
      cells -= here;
      rest -= pmf[k];
    }
    histogram[single_] += static_cast<std::uint32_t>(cells);
  }

  /// Counts cell by cell, for genes with more bins than that is worth; a share of the counts is kept for quantiles.
  void simulate_cells() {
    const auto g = static_cast<std::size_t>(gene_);
    const std::size_t draws = static_cast<std::size_t>(options_.draws);
    const auto stride = static_cast<std::size_t>(std::max(1.0, total_ * static_cast<double>(draws) / 200'000));
    std::size_t serial = 0;
    double mean = 0;
    for (std::size_t d = 0; d < draws; ++d) {
      const GenePoint point = source_.gene(g, d);
      Random random = stream(d);
      std::uint32_t* histogram = histograms_.data() + d * (single_ + 1);
      for (const auto& stratum : source_.shared(d).strata.level[0]) {
        if (!measured_[stratum.pattern]) continue;
        mean += stratum_mean(point, stratum);
        double upto = 0;
        std::uint64_t done = 0;
        for (int k = 0; k < stratum.points; ++k) {
          upto += stratum.weight[k];
          const auto end = k + 1 == stratum.points
                               ? stratum.cells
                               : static_cast<std::uint64_t>(std::llround(upto * static_cast<double>(stratum.cells)));
          const double odds = std::exp(point.x + stratum.n[k]);
          for (; done < end; ++done) {
            const bool gated = point.gate > 0 && random.uniform() < point.gate;
            const std::uint64_t count = gated ? 0 : random.negative_binomial(point.r, odds);
            ++histogram[std::min<std::uint64_t>(count, single_)];
            pooled_[std::min<std::uint64_t>(count, single_)] += 1;
            if (serial++ % stride == 0) kept_.push_back(static_cast<double>(count));
          }
        }
      }
    }
    predicted_mean_ = mean / (static_cast<double>(draws) * std::max(total_, 1.0));
    quantiles_from_kept();
  }

  void quantiles_from_pmf() {
    double sum = 0, below = 0;
    for (double mass : pooled_) sum += mass;
    for (std::size_t q = 0; q < 2; ++q) {
      below = 0;
      std::size_t k = 0;
      const double wanted = (q == 0 ? 0.05 : 0.95) * sum;
      while (k < single_ && below + pooled_[k] < wanted) below += pooled_[k++];
      if (k == single_) return sample_quantiles();
      quantile_[q] = static_cast<double>(k);
    }
  }

  /// The quantiles lie in "and above": a sample of counts of its own finds them.
  void sample_quantiles() {
    const auto g = static_cast<std::size_t>(gene_);
    const std::size_t draws = static_cast<std::size_t>(options_.draws);
    Random random(options_.seed, Purpose::Genes, static_cast<std::uint64_t>(gene_), draws);
    for (std::size_t i = 0; i < 40'000; ++i) {
      const std::size_t d = i % draws;
      const GenePoint point = source_.gene(g, d);
      const auto& strata = source_.shared(d).strata.level[0];
      const Stratum& stratum = strata[static_cast<std::size_t>(random.uniform() * static_cast<double>(strata.size()))];
      if (!measured_[stratum.pattern]) continue;
      const double odds = std::exp(point.x + stratum.n[i / draws % static_cast<std::size_t>(stratum.points)]);
      const bool gated = random.uniform() < point.gate;
      kept_.push_back(gated ? 0 : static_cast<double>(random.negative_binomial(point.r, odds)));
    }
    quantiles_from_kept();
  }
  void quantiles_from_kept() {
    if (kept_.empty()) return;
    for (std::size_t q = 0; q < 2; ++q) {
      const auto at =
          static_cast<std::ptrdiff_t>(std::lround((q == 0 ? 0.05 : 0.95) * static_cast<double>(kept_.size() - 1)));
      std::nth_element(kept_.begin(), kept_.begin() + at, kept_.end());
      quantile_[q] = kept_[static_cast<std::size_t>(at)];
    }
  }

  void summarise(GenePredictive& result) const;

  const Fit& fit_;
  const Source& source_;
  const PredictiveOptions& options_;
  std::int64_t gene_;
  const std::uint32_t* value_ = nullptr;
  const double* cells_ = nullptr;
  std::size_t entries_ = 0, single_ = 0;
  double total_ = 0;
  std::vector<bool> measured_;
  std::vector<std::uint32_t> histograms_;  // draws × (single + 1)
  std::vector<double> pooled_, kept_;
  double predicted_mean_ = 0, quantile_[2] = {0, 0};
};

/// Type-7 quantile of sorted values.
double sorted_quantile(const std::vector<double>& sorted, double probability) {
  const double at = probability * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

/// Median and bands of each bin over draws; `histograms` is draws × bins in cells.
void fill_bands(const std::vector<std::uint32_t>& histograms, std::size_t bins, double cells, GenePredictive& result) {
  const std::size_t draws = histograms.size() / bins;
  result.median.resize(bins);
  for (auto& level : result.band)
    for (auto& side : level) side.resize(bins);
  std::vector<double> column(draws);
  for (std::size_t k = 0; k < bins; ++k) {
    for (std::size_t d = 0; d < draws; ++d) column[d] = histograms[d * bins + k];
    std::sort(column.begin(), column.end());
    const double scale = 1 / std::max(cells, 1.0);
    result.median[k] = sorted_quantile(column, 0.5) * scale;
    for (std::size_t level = 0; level < 3; ++level)
      for (std::size_t side = 0; side < 2; ++side)
        result.band[level][side][k] = sorted_quantile(column, band_probability[level][side]) * scale;
  }
}

void GeneSimulation::summarise(GenePredictive& result) const {
  fill_bands(histograms_, single_ + 1, total_, result);
  double sum = 0;
  for (double mass : pooled_) sum += mass;
  result.predicted_mean = predicted_mean_;
  result.zero_share_predicted = sum > 0 ? pooled_[0] / sum : 0;
  result.q05 = quantile_[0];
  result.q95 = quantile_[1];
}

void check_request(const Fit& fit, const std::vector<std::int64_t>& genes, const PredictiveOptions& options) {
  if (options.draws < 1) throw Error(ErrorCode::BadInput, "The number of predictive draws must be at least 1.", {});
  if (fit.point_only && options.kind == PredictiveKind::Posterior)
    throw Error(ErrorCode::BadInput, "These are point estimates; they have no posterior to draw from.",
                "Ask for the predictive at the point (map), or give a fit.");
  if (fit.summary.n_cells == 0)
    throw Error(ErrorCode::BadInput, "The fit does not know its data.", "Give the data as well.");
  for (auto g : genes)
    if (g < 0 || g >= fit.summary.n_genes)
      throw Error(ErrorCode::BadInput, "There is no gene number " + std::to_string(g) + ".", {});
}

}  // namespace

double histogram_quantile(const std::uint32_t* value, const double* cells, std::size_t count, double total,
                          double probability) {
  if (total < 1) return 0;
  double zeros = total;
  for (std::size_t i = 0; i < count; ++i) zeros -= cells[i];
  const double at = probability * (total - 1), low = std::floor(at);
  const auto order_statistic = [&](double rank) {  // value of the rank-th cell, from 0
    double upto = zeros;
    if (rank < upto) return 0.0;
    for (std::size_t i = 0; i < count; ++i)
      if (rank < (upto += cells[i])) return static_cast<double>(value[i]);
    return count > 0 ? static_cast<double>(value[count - 1]) : 0.0;
  };
  const double first = order_statistic(low);
  return at > low ? first + (at - low) * (order_statistic(low + 1) - first) : first;
}

GenePredictive summarise_replicates(const std::vector<std::uint32_t>& observed,
                                    const std::vector<std::vector<std::uint32_t>>& replicates, int max_bin) {
  GenePredictive result;
  const double cells = static_cast<double>(observed.size());
  std::vector<double> data(observed.begin(), observed.end()), pooled;
  std::sort(data.begin(), data.end());
  const auto single = max_bin >= 0 ? static_cast<std::size_t>(max_bin) + 1
                                   : static_cast<std::size_t>(std::max(std::ceil(sorted_quantile(data, 0.99)), 10.0));
  const auto add = [single](const std::vector<std::uint32_t>& counts, auto* histogram) {
    for (auto count : counts) histogram[std::min<std::size_t>(count, single)] += 1;
  };
  result.observed.assign(single + 1, 0.0);
  add(observed, result.observed.data());
  for (double& share : result.observed) share /= cells;
  std::vector<std::uint32_t> histograms(replicates.size() * (single + 1), 0);
  for (std::size_t d = 0; d < replicates.size(); ++d) {
    add(replicates[d], histograms.data() + d * (single + 1));
    pooled.insert(pooled.end(), replicates[d].begin(), replicates[d].end());
  }
  fill_bands(histograms, single + 1, cells, result);
  std::sort(pooled.begin(), pooled.end());
  for (double value : data) result.observed_mean += value / cells;
  for (double value : pooled) result.predicted_mean += value / static_cast<double>(pooled.size());
  const auto zeros = std::upper_bound(pooled.begin(), pooled.end(), 0.0) - pooled.begin();
  result.zero_share_observed = result.observed[0];
  result.zero_share_predicted = static_cast<double>(zeros) / static_cast<double>(pooled.size());
  result.q05 = sorted_quantile(pooled, 0.05);
  result.q95 = sorted_quantile(pooled, 0.95);
  result.observed_q05 = sorted_quantile(data, 0.05);
  result.observed_q95 = sorted_quantile(data, 0.95);
  return result;
}

std::vector<GenePredictive> predictive(const Fit& fit, const std::vector<std::int64_t>& genes,
                                       const PredictiveOptions& options, const RunControl& control) {
  check_request(fit, genes, options);
  control.tell(0, "drawing parameters");
  const Source source(fit, options, control);
  std::vector<GenePredictive> result(genes.size());
  std::mutex telling;
  std::size_t done = 0;
  compute::parallel_for(
      static_cast<std::int64_t>(genes.size()), 4, options.threads,
      [&](std::int64_t, std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
          control.check();
          result[static_cast<std::size_t>(i)] =
              GeneSimulation(fit, source, options, genes[static_cast<std::size_t>(i)]).run();
        }
        const std::lock_guard lock(telling);
        done += static_cast<std::size_t>(last - first);
        control.tell(static_cast<double>(done) / static_cast<double>(genes.size()),
                     "replicated data of " + std::to_string(done) + " of " + std::to_string(genes.size()) + " genes");
      });
  return result;
}

std::vector<std::uint32_t> predictive_draws(const Fit& fit, const std::vector<std::int64_t>& genes,
                                            const PredictiveOptions& options, const RunControl& control) {
  check_request(fit, genes, options);
  const auto cells = static_cast<std::size_t>(fit.summary.n_cells);
  const double size = static_cast<double>(cells) * static_cast<double>(genes.size()) * options.draws;
  if (size > 1e8)
    throw Error(ErrorCode::OutOfMemory,
                "Full draws of so many cells and genes would be " + std::to_string(static_cast<long>(size / 1e6)) +
                    " million numbers.",
                "Ask for fewer genes or draws, or for bands.");
  const bool map = options.kind == PredictiveKind::Map;
  const auto point = map_estimate(fit.model, fit.result.posterior.sites,
                                  {.use_mean = true, .mean_everywhere = options.mean_point, .canonical = false});
  const PosteriorSampler sampler(fit.result.posterior, options.seed);
  const auto kind = model::find_parameterization(fit.model.parameterization).key;
  const auto sites = model::layout(fit.model);
  std::vector<std::uint32_t> result(static_cast<std::size_t>(size));
  compute::parallel_for(options.draws, 1, options.threads, [&](std::int64_t, std::int64_t d, std::int64_t) {
    control.check();
    const auto draw = sampler.draw(static_cast<std::uint64_t>(d));
    std::map<std::string, std::vector<double>> values;
    std::vector<double> n;
    for (const auto& site : sites) {
      values[site.name] = map ? point.at(site.name).values : draw.values(site.name);
      if (site.extent == model::Extent::Cell) n = log_capture(fit.model, site.name, values[site.name]);
    }
    const auto at = [&](const char* name, std::size_t i) {
      const auto found = values.find(name);
      return found == values.end() ? 0 : found->second[found->second.size() > 1 ? i : 0];
    };
    for (std::size_t k = 0; k < genes.size(); ++k) {
      const auto g = static_cast<std::size_t>(genes[k]);
      const GenePoint gene =
          gene_point(kind, values.count("p") ? at("p", g) : at("phi", g), at("r", g), at("mu", g), at("gate", g));
      Random random(options.seed, map ? Purpose::PredictiveMap : Purpose::PredictivePosterior,
                    static_cast<std::uint64_t>(g), static_cast<std::uint64_t>(d) | (std::uint64_t{1} << 31));
      for (std::size_t c = 0; c < cells; ++c) {
        const bool gated = gene.gate > 0 && random.uniform() < gene.gate;
        const double odds = std::exp(gene.x + (n.empty() ? 0 : n[c]));
        const std::uint64_t count = gated ? 0 : random.negative_binomial(gene.r, odds);
        result[(static_cast<std::size_t>(d) * cells + c) * genes.size() + k] =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(count, 0xffffffffu));
      }
    }
  });
  return result;
}

}  // namespace scriptorium::result
