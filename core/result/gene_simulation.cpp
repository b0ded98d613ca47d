#include "core/result/gene_simulation.hpp"

#include <algorithm>
#include <cmath>

#include "core/math/random.hpp"
#include "core/result/count_bands.hpp"

namespace scriptorium::result {
namespace {

using math::Purpose;
using math::Random;

constexpr double most_bins = 20'000;     // counts above share the last bin: a histogram of a million bins says no more
constexpr double allowed_excess = 0.01;  // of a bin's variance, when strata are merged

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
  GeneSimulation(const Fit& fit, const PredictiveSource& source, const PredictiveOptions& options, std::int64_t gene)
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
                                   : static_cast<std::size_t>(std::clamp(std::ceil(q99), 10.0, most_bins));
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
    std::vector<double> upto;  // measured cells up to and with each stratum
    for (std::size_t i = 0; i < 40'000; ++i) {
      const std::size_t d = i % draws;
      const GenePoint point = source_.gene(g, d);
      const auto& strata = source_.shared(d).strata.level[0];
      upto.clear();
      for (const auto& stratum : strata)
        upto.push_back((upto.empty() ? 0 : upto.back()) +
                       (measured_[stratum.pattern] ? static_cast<double>(stratum.cells) : 0));
      const auto at = std::upper_bound(upto.begin(), upto.end(), random.uniform() * upto.back());
      if (at == upto.end()) continue;  // no cell measured the gene
      const Stratum& stratum = strata[static_cast<std::size_t>(at - upto.begin())];
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
  const PredictiveSource& source_;
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

void GeneSimulation::summarise(GenePredictive& result) const {
  fill_bands(histograms_, single_ + 1, total_, result);
  double sum = 0;
  for (double mass : pooled_) sum += mass;
  result.predicted_mean = predicted_mean_;
  result.zero_share_predicted = sum > 0 ? pooled_[0] / sum : 0;
  result.q05 = quantile_[0];
  result.q95 = quantile_[1];
}

}  // namespace

GenePredictive simulate_gene(const Fit& fit, const PredictiveSource& source, const PredictiveOptions& options,
                             std::int64_t gene) {
  return GeneSimulation(fit, source, options, gene).run();
}

}  // namespace scriptorium::result
