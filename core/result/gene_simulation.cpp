#include "core/result/gene_simulation.hpp"

#include <algorithm>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/result/count_bands.hpp"

namespace scriptorium::result {
namespace {

using math::Purpose;
using math::Random;

constexpr double most_bins = 20'000;     // counts above share the last bin: a histogram of a million bins says no more
constexpr double allowed_excess = 0.01;  // of a bin's variance, when strata are merged

/// Bins with a count of their own.
std::size_t single_bins(const summary::CountSummary& s, std::size_t g, const PredictiveOptions& options) {
  if (options.max_bin >= 0) return static_cast<std::size_t>(options.max_bin) + 1;
  const double q99 =
      histogram_quantile(s.value.data() + s.gene_start[g], s.cells.data() + s.gene_start[g],
                         static_cast<std::size_t>(s.gene_start[g + 1] - s.gene_start[g]), s.gene_measured[g], 0.99);
  return static_cast<std::size_t>(std::clamp(std::ceil(q99), 10.0, most_bins));
}

/// One gene: what is to be drawn of it, and its results from what was drawn.
class GeneSimulation {
 public:
  GeneSimulation(const Fit& fit, const PredictiveSource& source, const PredictiveOptions& options, std::int64_t gene)
      : source_(source), options_(options), gene_(gene) {
    const auto g = static_cast<std::size_t>(gene);
    const auto& s = fit.summary;
    value_ = s.value.data() + s.gene_start[g];
    cells_ = s.cells.data() + s.gene_start[g];
    entries_ = static_cast<std::size_t>(s.gene_start[g + 1] - s.gene_start[g]);
    total_ = s.gene_measured[g];
    for (const auto& pattern : s.patterns)
      measured_.push_back(!std::binary_search(pattern.missing_genes.begin(), pattern.missing_genes.end(),
                                              static_cast<std::uint32_t>(g)));
    single_ = single_bins(s, g, options);
    plan_.gene = gene;
    plan_.single = static_cast<std::int64_t>(single_);
    for (const auto& stratum : source.shared(0).strata.level[0])
      if (measured_[stratum.pattern]) plan_.cells += stratum.cells;
  }

  /// Decides how the gene is drawn; parameters of its draws. `captured`: see GeneSimulator.
  void prepare(const std::vector<double>& captured) {
    const auto g = static_cast<std::size_t>(gene_);
    const std::size_t components = source_.components();
    for (std::size_t d = 0; d < source_.sources(); ++d)
      for (std::size_t k = 0; k < components; ++k) points.push_back(source_.gene(g, d, k));
    // One binomial a bin and stratum, or one draw a cell: whichever is less work.
    if (static_cast<double>(single_) * 24 > total_) {
      plan_.level = -1;
      plan_.stride = static_cast<std::uint64_t>(std::max(1.0, total_ * options_.draws / 200'000));
    } else {
      plan_.level = choose_level(points.data(), source_.shared(0).strata);
    }
    const auto level = static_cast<std::size_t>(std::max(plan_.level, 0));
    double mean = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const std::size_t d = i / components, component = i % components;
      double odds = 0;
      for (std::size_t k = 0; k < measured_.size(); ++k)
        if (measured_[k])
          odds += captured[((d * Strata::levels + level) * components + component) * measured_.size() + k];
      mean += (1 - points[i].gate) * points[i].r * std::exp(points[i].x) * odds;
    }
    predicted_mean_ = mean / (static_cast<double>(source_.sources()) * std::max(total_, 1.0));
    if (!source_.fixed() || plan_.level < 0) return;
    // The same masses in every draw.
    pooled_.assign(single_ + 1, 0.0);
    for (const auto& stratum : source_.shared(0).strata.level[level]) {
      std::vector<double> pmf(single_, 0.0);
      if (measured_[stratum.pattern]) {
        masses(points[0], stratum, pmf);
        add_pooled(pmf, static_cast<double>(stratum.cells));
      }
      known.insert(known.end(), pmf.begin(), pmf.end());
    }
  }
  std::size_t histogram_size() const { return static_cast<std::size_t>(options_.draws) * (single_ + 1); }
  std::size_t kept_size() const {
    const auto drawn = static_cast<std::uint64_t>(options_.draws) * plan_.cells;
    return plan_.level < 0 ? static_cast<std::size_t>((drawn + plan_.stride - 1) / plan_.stride) : 0;
  }
  const compute::SimulatedGene& plan() const { return plan_; }
  bool measures(std::size_t pattern) const { return measured_[pattern]; }

  /// Results from its histograms (draws × bins), masses pooled over draws (bins; where drawn so) and kept counts.
  GenePredictive finish(const std::uint32_t* histograms, const double* pooled, const double* kept) {
    GenePredictive result;
    result.gene = gene_;
    observe(result);
    const std::vector<std::uint32_t> counts(histograms, histograms + histogram_size());
    if (plan_.level < 0) {
      pooled_.assign(single_ + 1, 0.0);
      for (std::size_t i = 0; i < counts.size(); ++i) pooled_[i % (single_ + 1)] += counts[i];
      kept_.assign(kept, kept + kept_size());
      quantiles_from_kept();
    } else {
      if (!source_.fixed()) pooled_.assign(pooled, pooled + single_ + 1);
      quantiles_from_pmf();
    }
    fill_bands(counts, single_ + 1, total_, result);
    double sum = 0;
    for (const double part : pooled_) sum += part;
    result.predicted_mean = predicted_mean_;
    result.zero_share_predicted = sum > 0 ? pooled_[0] / sum : 0;
    result.q05 = quantile_[0];
    result.q95 = quantile_[1];
    return result;
  }

  std::vector<GenePoint> points;  ///< one a source and component
  std::vector<double> known;      ///< masses where fixed, by strata: strata of the level × single

 private:
  static void masses(const GenePoint& point, const Stratum& stratum, std::vector<double>& pmf) {
    math::CountMasses next(point, stratum);
    for (double& value : pmf) value = next.next();
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
  int choose_level(const GenePoint* points_of, const Strata& strata) const {
    const auto& fine = strata.level[0];
    std::vector<std::vector<double>> pmf(fine.size(), std::vector<double>(single_));
    std::vector<double> mean(single_, 0.0);
    double cells = 0;
    for (std::size_t i = 0; i < fine.size(); ++i) {
      if (!measured_[fine[i].pattern]) continue;
      masses(points_of[fine[i].component], fine[i], pmf[i]);
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

  void add_pooled(const std::vector<double>& pmf, double weight) {
    double rest = 1;
    for (std::size_t k = 0; k < single_; ++k) {
      pooled_[k] += weight * pmf[k];
      rest -= pmf[k];
    }
    pooled_[single_] += weight * std::max(rest, 0.0);
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
      const auto& strata = source_.shared(d).strata.level[0];
      upto.clear();
      for (const auto& stratum : strata)
        upto.push_back((upto.empty() ? 0 : upto.back()) +
                       (measured_[stratum.pattern] ? static_cast<double>(stratum.cells) : 0));
      const auto at = std::upper_bound(upto.begin(), upto.end(), random.uniform() * upto.back());
      if (at == upto.end()) continue;  // no cell measured the gene
      const Stratum& stratum = strata[static_cast<std::size_t>(at - upto.begin())];
      const GenePoint point = source_.gene(g, d, stratum.component);
      const double odds = math::same::exp(point.x + stratum.n[i / draws % static_cast<std::size_t>(stratum.points)]);
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

  const PredictiveSource& source_;
  const PredictiveOptions& options_;
  std::int64_t gene_;
  const std::uint32_t* value_ = nullptr;
  const double* cells_ = nullptr;
  std::size_t entries_ = 0, single_ = 0;
  double total_ = 0;
  std::vector<bool> measured_;
  compute::SimulatedGene plan_;
  std::vector<double> pooled_, kept_;
  double predicted_mean_ = 0, quantile_[2] = {0, 0};
};

}  // namespace

GeneSimulator::GeneSimulator(const Fit& fit, const PredictiveSource& source, const PredictiveOptions& options,
                             const compute::Backend& backend)
    : fit_(fit), source_(source), options_(options), backend_(backend) {
  static_assert(compute::Simulation::levels == Strata::levels);
  const std::size_t patterns = fit.summary.patterns.size();
  const std::size_t components = source.components();
  captured_.assign(source.sources() * Strata::levels * components * patterns, 0.0);
  for (std::size_t d = 0; d < source.sources(); ++d)
    for (std::size_t level = 0; level < Strata::levels; ++level) {
      for (const auto& stratum : source.shared(d).strata.level[level]) {
        stratum_.push_back(stratum);
        double share = 0;
        for (int k = 0; k < stratum.points; ++k) share += stratum.weight[k] * std::exp(stratum.n[k]);
        captured_[((d * Strata::levels + level) * components + stratum.component) * patterns + stratum.pattern] +=
            share * static_cast<double>(stratum.cells);
      }
      stratum_start_.push_back(static_cast<std::int64_t>(stratum_.size()));
    }
}

std::vector<GenePredictive> GeneSimulator::run(std::span<const std::int64_t> genes, const RunControl& control) const {
  // A GPU wants much at once; the CPU little, for its progress to be told.
  const std::size_t most_genes = backend_.is_gpu() ? 4096 : 64;
  const double most_numbers = backend_.is_gpu() ? 5e7 : 5e6;
  std::vector<GeneSimulation> some;
  for (double numbers = 0; some.size() < std::min(genes.size(), most_genes);) {
    const auto gene = genes[some.size()];
    numbers +=
        options_.draws * static_cast<double>(single_bins(fit_.summary, static_cast<std::size_t>(gene), options_) + 1);
    if (!some.empty() && numbers > most_numbers) break;
    some.emplace_back(fit_, source_, options_, gene);
  }
  const auto each = [&](const auto& body) {
    compute::parallel_for(static_cast<std::int64_t>(some.size()), 1, options_.threads,
                          [&](std::int64_t i, std::int64_t, std::int64_t) {
                            control.check();
                            body(static_cast<std::size_t>(i), some[static_cast<std::size_t>(i)]);
                          });
  };
  each([&](std::size_t, GeneSimulation& gene) { gene.prepare(captured_); });

  std::vector<compute::SimulatedGene> plan;
  std::vector<GenePoint> point;
  std::vector<std::uint8_t> measured;
  std::vector<double> mass;
  std::vector<std::size_t> pooled_at;
  std::size_t histograms = 0, kepts = 0, bins = 0;
  for (auto& gene : some) {
    auto& to = plan.emplace_back(gene.plan());
    to.histogram_at = static_cast<std::int64_t>(histograms);
    to.kept_at = static_cast<std::int64_t>(kepts);
    to.mass_at = static_cast<std::int64_t>(mass.size());
    pooled_at.push_back(bins);
    histograms += gene.histogram_size();
    kepts += gene.kept_size();
    bins += static_cast<std::size_t>(to.single) + 1;
    point.insert(point.end(), gene.points.begin(), gene.points.end());
    mass.insert(mass.end(), gene.known.begin(), gene.known.end());
    for (std::size_t k = 0; k < fit_.summary.patterns.size(); ++k) measured.push_back(gene.measures(k));
  }
  std::vector<std::uint32_t> histogram(histograms, 0);
  std::vector<double> kept(kepts), pooled(bins);
  compute::Simulation job;
  job.seed = options_.seed;
  job.purpose = options_.kind == PredictiveKind::Map ? Purpose::PredictiveMap : Purpose::PredictivePosterior;
  job.n_genes = static_cast<std::int64_t>(some.size());
  job.draws = options_.draws;
  job.patterns = static_cast<std::int64_t>(fit_.summary.patterns.size());
  job.components = static_cast<std::int64_t>(source_.components());
  job.fixed = source_.fixed();
  job.gene = plan.data();
  job.point = point.data();
  job.measured = measured.data();
  job.stratum_start = stratum_start_.data();
  job.stratum = stratum_.data();
  job.mass = mass.data();
  job.histogram = histogram.data();
  job.kept = kept.data();
  backend_.simulate(job, pooled.data(), control);

  std::vector<GenePredictive> result(some.size());
  each([&](std::size_t i, GeneSimulation& gene) {
    result[i] = gene.finish(histogram.data() + plan[i].histogram_at, pooled.data() + pooled_at[i],
                            kept.data() + plan[i].kept_at);
  });
  return result;
}

}  // namespace scriptorium::result
