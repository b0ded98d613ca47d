#include <QtTest>
#include <numeric>

#include "../compute/fake_device.hpp"
#include "core/compute/device_backend.hpp"
#include "core/error.hpp"
#include "core/result/count_bands.hpp"
#include "core/result/predictive.hpp"
#include "small_model.hpp"

using namespace scriptorium;
using namespace scriptorium::result;

class TestPredictive : public QObject {
  Q_OBJECT
  static std::vector<std::int64_t> all() {
    std::vector<std::int64_t> genes(small_model::genes);
    std::iota(genes.begin(), genes.end(), 0);
    return genes;
  }
  static bool same(const GenePredictive& a, const GenePredictive& b) {
    return a.median == b.median && a.band == b.band && a.observed == b.observed && a.q05 == b.q05 && a.q95 == b.q95 &&
           a.predicted_mean == b.predicted_mean;
  }

 private slots:
  void agreesWithBruteForce_data() {
    QTest::addColumn<QString>("likelihood");
    QTest::addColumn<QString>("parameterization");
    QTest::addColumn<bool>("map");
    for (const auto& [likelihood, kind] : {std::pair{"nbdm", "canonical"},
                                           {"nbdm", "mean_disp"},
                                           {"zinb", "mean_odds"},
                                           {"nbvcp", "canonical"},
                                           {"nbvcp", "mean_odds"},
                                           {"zinbvcp", "mean_prob"},
                                           {"zinbvcp", "mean_disp"}})
      for (bool map : {true, false})
        QTest::addRow("%s %s %s", likelihood, kind, map ? "map" : "posterior") << likelihood << kind << map;
  }
  // Histograms by strata against one negative-binomial draw per cell, gene and replicate.
  void agreesWithBruteForce() {
    QFETCH(QString, likelihood);
    QFETCH(QString, parameterization);
    QFETCH(bool, map);
    const auto s = small_model::make(likelihood.toStdString(), parameterization.toStdString());
    PredictiveOptions options;
    options.kind = map ? PredictiveKind::Map : PredictiveKind::Posterior;
    options.draws = 800;
    const auto fast = predictive(s.fit, all(), options, {});
    const auto full = predictive_draws(s.fit, all(), options, {});
    const auto n = static_cast<std::size_t>(small_model::cells), genes = static_cast<std::size_t>(small_model::genes);
    const double draws = options.draws;
    for (std::size_t g = 0; g < genes; ++g) {
      std::vector<std::uint32_t> observed(n);
      for (std::size_t c = 0; c < n; ++c)
        observed[c] = s.counts.at(static_cast<std::int64_t>(c), static_cast<std::int64_t>(g));
      std::vector<std::vector<std::uint32_t>> replicates(static_cast<std::size_t>(options.draws),
                                                         std::vector<std::uint32_t>(n));
      for (std::size_t d = 0; d < replicates.size(); ++d)
        for (std::size_t c = 0; c < n; ++c) replicates[d][c] = full[(d * n + c) * genes + g];
      const auto slow = summarise_replicates(observed, replicates, fast[g].bins() - 2);
      QCOMPARE(fast[g].observed, slow.observed);
      QCOMPARE(fast[g].observed_q95, slow.observed_q95);
      QCOMPARE(fast[g].observed_mean, slow.observed_mean);
      for (std::size_t k = 0; k < fast[g].median.size(); ++k) {
        // Counts of 400 cells come in steps of 1/400. Five standard errors of the difference of two sample quantiles,
        // in sds of the share: at the median 1.25, at 2.5 % 2.7, each times √(2/draws).
        const double sd = (slow.band[0][1][k] - slow.band[0][0][k]) / 3.92, step = 1.01 / small_model::cells,
                     unit = 5 * std::sqrt(2 / draws) * sd;
        QVERIFY2(std::fabs(fast[g].median[k] - slow.median[k]) <= step + 1.25 * unit,
                 qPrintable(QString("gene %1 bin %2").arg(g).arg(k)));
        for (std::size_t level = 0; level < 3; ++level)
          for (std::size_t side = 0; side < 2; ++side)
            QVERIFY2(std::fabs(fast[g].band[level][side][k] - slow.band[level][side][k]) <= step + 2.7 * unit,
                     qPrintable(QString("gene %1 bin %2 level %3").arg(g).arg(k).arg(level)));
      }
      double variance = 0;
      for (const auto& replicate : replicates)
        for (auto u : replicate) variance += (u - slow.predicted_mean) * (u - slow.predicted_mean);
      variance /= draws * small_model::cells;
      // The replicates of one posterior draw share parameters: their means scatter by the posterior too.
      const double error =
          std::sqrt(variance / (draws * small_model::cells)) + (map ? 0 : 0.4 * slow.predicted_mean / std::sqrt(draws));
      QVERIFY2(
          std::fabs(fast[g].predicted_mean - slow.predicted_mean) <= 5 * error,
          qPrintable(QString("mean of gene %1: %2 %3").arg(g).arg(fast[g].predicted_mean).arg(slow.predicted_mean)));
      QVERIFY(std::fabs(fast[g].zero_share_predicted - slow.zero_share_predicted) <= 0.01);
      QVERIFY(std::fabs(fast[g].q95 - slow.q95) <= 1 + 0.03 * slow.q95);
      QVERIFY(std::fabs(fast[g].q05 - slow.q05) <= 1);
    }
  }

  void coupledPosteriorIsUsed() {
    auto s = small_model::make("nbdm", "canonical");
    auto& conditional = s.fit.result.posterior.conditional.emplace();
    conditional.scalar = "p";
    // r and p move against each other so that the mean of every gene stays: the bands must not be those of free draws.
    for (int k = 0; k < 9; ++k) {
      const double z = 0.405 + 0.5 * (k - 4) / 4.0;
      conditional.node.push_back(z);
      conditional.log_density.push_back(-0.5 * std::pow((z - 0.405) / 0.2, 2));
      auto site = s.fit.result.posterior.sites[1];
      for (std::size_t g = 0; g < site.arg1.size(); ++g) {
        site.arg1[g] = std::log(s.truth["r"].values[g]) - (z - 0.405);
        site.arg2[g] = 1e-3;
      }
      conditional.sites.push_back({site});
    }
    PredictiveOptions options;
    options.draws = 400;
    const auto coupled = predictive(s.fit, {11}, options, {});
    s.fit.result.posterior.conditional.reset();
    s.fit.result.posterior.sites[0].arg1 = {12};  // the same spread of p, free of r
    s.fit.result.posterior.sites[0].arg2 = {8};
    const auto free = predictive(s.fit, {11}, options, {});
    const auto width = [](const GenePredictive& gene) {
      double sum = 0;
      for (std::size_t k = 0; k < gene.median.size(); ++k) sum += gene.band[0][1][k] - gene.band[0][0][k];
      return sum;
    };
    QVERIFY(width(coupled[0]) < 0.8 * width(free[0]));
  }

  void theSameOnAnyThreadsAndBesideAnyGenes() {
    const auto s = small_model::make("nbvcp", "canonical");
    for (auto kind : {PredictiveKind::Map, PredictiveKind::Posterior}) {
      PredictiveOptions options;
      options.kind = kind;
      options.draws = 50;
      options.threads = 1;
      const auto one = predictive(s.fit, all(), options, {});
      options.threads = 3;
      const auto three = predictive(s.fit, all(), options, {});
      const auto alone = predictive(s.fit, {7}, options, {});
      for (std::size_t g = 0; g < one.size(); ++g) QVERIFY(same(one[g], three[g]));
      QVERIFY(same(one[7], alone[0]));
      options.seed = 43;
      QVERIFY(!same(predictive(s.fit, {7}, options, {})[0], alone[0]));
    }
  }

  /// A device draws the histograms that the CPU draws, by strata and cell by cell, with little memory too.
  void theSameOnADevice() {
    auto s = small_model::make("zinbvcp", "canonical");
    std::vector<std::int64_t> genes(small_model::genes);
    std::iota(genes.begin(), genes.end(), 0);
    for (const auto kind : {PredictiveKind::Map, PredictiveKind::Posterior})
      for (const int max_bin : {-1, 40}) {
        PredictiveOptions options;
        options.kind = kind;
        options.draws = 40;
        options.max_bin = max_bin;
        const auto expected = predictive(s.fit, genes, options, {});
        for (const std::uint64_t capacity : {std::uint64_t{1} << 30, std::uint64_t{300'000}}) {
          fake_device::state() = {};
          fake_device::state().capacity = capacity;
          const auto device = compute::device_backend(fake_device::api(), 0, "fake", 1);
          options.backend = device.get();
          const auto found = predictive(s.fit, genes, options, {});
          QVERIFY2(device->notes().empty(), device->notes().empty() ? "" : device->notes().front().c_str());
          QVERIFY(fake_device::state().launches > 0);
          for (std::size_t g = 0; g < genes.size(); ++g) {
            QCOMPARE(found[g].median, expected[g].median);
            QVERIFY(found[g].band == expected[g].band);
            QCOMPARE(found[g].q05, expected[g].q05);
            QCOMPARE(found[g].q95, expected[g].q95);
            QVERIFY(std::fabs(found[g].zero_share_predicted - expected[g].zero_share_predicted) < 1e-13);
          }
        }
      }
  }

  void manyBinsAreDrawnCellByCell() {
    auto s = small_model::make("nbdm", "canonical");
    s.fit.result.posterior.sites[1].arg1[11] = std::log(400.0);  // far above the data: everything is "and above"
    PredictiveOptions options;
    options.kind = PredictiveKind::Map;
    options.draws = 100;
    const auto strata = predictive(s.fit, {11}, options, {})[0];
    QVERIFY(strata.q05 > strata.bins());
    options.max_bin = 900;
    const auto cells = predictive(s.fit, {11}, options, {})[0];
    QVERIFY(std::fabs(strata.q95 - cells.q95) < 0.05 * cells.q95);
    QVERIFY(std::fabs(strata.q05 - cells.q05) < 0.05 * cells.q05);
    QVERIFY(std::fabs(strata.predicted_mean - 600) < 12);
    QVERIFY(std::fabs(cells.predicted_mean - strata.predicted_mean) < 1e-6 * strata.predicted_mean);
  }

  void unmeasuredCellsAreLeftOut() {
    auto s = small_model::make("nbvcp", "canonical");
    auto& summary = s.fit.summary;
    // Half of the cells did not measure gene 3.
    summary.patterns = {{}, {{3}}};
    const auto classes = summary.classes.size();
    for (std::size_t i = 0; i < classes; ++i) summary.classes.push_back({1, summary.classes[i].total, 0});
    for (std::size_t c = 0; c < summary.class_of_cell.size(); c += 2)
      summary.class_of_cell[c] += static_cast<std::uint32_t>(classes);
    summary.gene_measured[3] = small_model::cells / 2;
    PredictiveOptions options;
    options.draws = 60;
    const auto found = predictive(s.fit, {2, 3}, options, {});
    for (const auto& gene : found) {
      double sum = 0;
      for (double share : gene.median) sum += share;
      QVERIFY(std::fabs(sum - 1) < 0.1);
    }
  }

  void stopsAndRefuses() {
    const auto s = small_model::make("nbvcp", "canonical");
    std::stop_source stop;
    stop.request_stop();
    RunControl control;
    control.stop = stop.get_token();
    QVERIFY_EXCEPTION_THROWN(predictive(s.fit, all(), {}, control), Cancelled);
    QVERIFY_EXCEPTION_THROWN(predictive(s.fit, {99}, {}, {}), Error);
    PredictiveOptions options;
    options.draws = 100'000'000;
    QVERIFY_EXCEPTION_THROWN(predictive_draws(s.fit, all(), options, {}), Error);
    auto bare = s.fit;
    bare.point_only = true;
    QVERIFY_EXCEPTION_THROWN(predictive(bare, all(), {}, {}), Error);
  }

  void quantilesOfHistogramsAreType7() {
    const std::uint32_t value[] = {1, 4};
    const double cells[] = {2, 1};
    // 0 0 1 1 4
    QCOMPARE(histogram_quantile(value, cells, 2, 5, 0.5), 1.0);
    QCOMPARE(histogram_quantile(value, cells, 2, 5, 0.95), 1 + 0.8 * 3);
    QCOMPARE(histogram_quantile(value, cells, 2, 5, 0.3), 0.2);
    QCOMPARE(histogram_quantile(value, cells, 0, 0, 0.3), 0.0);
  }
};

QTEST_APPLESS_MAIN(TestPredictive)
#include "tst_predictive.moc"
