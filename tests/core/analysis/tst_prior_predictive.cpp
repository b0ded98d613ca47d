#include <QtTest>
#include <numeric>

#include "../result/small_model.hpp"
#include "core/analysis/prior_predictive.hpp"
#include "core/error.hpp"

using namespace scriptorium;
using namespace scriptorium::analysis;

class TestPriorPredictive : public QObject {
  Q_OBJECT
 private slots:
  void everyModelCanBeDrawn_data() {
    QTest::addColumn<QString>("likelihood");
    QTest::addColumn<QString>("parameterization");
    QTest::addColumn<bool>("organism");
    for (const auto& likelihood : model::likelihoods())
      for (const auto& parameterization : model::parameterizations())
        for (const bool organism : {false, true}) {
          if (organism && !likelihood.variable_capture) continue;
          const QString name = QString::fromStdString(likelihood.key + " " + parameterization.key);
          QTest::newRow(qPrintable(organism ? name + " human" : name))
              << QString::fromStdString(likelihood.key) << QString::fromStdString(parameterization.key) << organism;
        }
  }
  void everyModelCanBeDrawn() {
    QFETCH(QString, likelihood);
    QFETCH(QString, parameterization);
    QFETCH(bool, organism);
    const auto setting = small_model::make(likelihood.toStdString(), parameterization.toStdString(), organism);
    const auto check = prior_predictive(setting.fit.model, setting.fit.summary, {}, {});
    for (const PriorCheck* one : {&check.gene_mean, &check.zero_share, &check.cell_total}) {
      QCOMPARE(one->edges.size(), std::size_t{41});
      QVERIFY(std::is_sorted(one->edges.begin(), one->edges.end()));
      QVERIFY(std::fabs(std::accumulate(one->observed.begin(), one->observed.end(), 0.0) - 1) < 1e-12);
      for (std::size_t bin = 0; bin < 40; ++bin) {
        QVERIFY(one->band[0][0][bin] <= one->band[1][0][bin] && one->band[1][0][bin] <= one->median[bin]);
        QVERIFY(one->median[bin] <= one->band[1][1][bin] && one->band[1][1][bin] <= one->band[0][1][bin]);
        QVERIFY(one->band[0][1][bin] <= 1);
      }
      QVERIFY(one->implied_low <= one->implied_high);
    }
    QVERIFY(check.zero_share.implied_low >= 0 && check.zero_share.implied_high <= 1);
  }

  void narrowPriorsGiveTheirOwnValues() {
    // r = 2 and p = 1/2 all but exactly: the mean of a gene is 2, its share of zeros 1/4, a cell of 12 genes has 24.
    auto setting = small_model::make("nbdm", "canonical");
    setting.fit.model.priors["p"] = {model::Law::Beta, 1e8, 1e8};
    setting.fit.model.priors["r"] = {model::Law::LogNormal, std::log(2.0), 1e-4};
    const auto check = prior_predictive(setting.fit.model, setting.fit.summary, {}, {});
    QVERIFY(std::fabs(check.gene_mean.implied_low - 2) < 0.01 && std::fabs(check.gene_mean.implied_high - 2) < 0.01);
    QVERIFY(std::fabs(check.zero_share.implied_low - 0.25) < 0.001);
    QVERIFY(std::fabs(check.zero_share.implied_high - 0.25) < 0.001);
    QVERIFY(std::fabs(check.cell_total.implied_low - 2 * small_model::genes) < 0.1);
    QVERIFY(check.gene_mean.reached < 0.5);  // the data are not like that
  }

  void theDataAreCountedAsTheyAre() {
    const auto setting = small_model::make("nbvcp", "canonical");
    const auto& summary = setting.fit.summary;
    const auto check = prior_predictive(setting.fit.model, summary, {}, {});
    double many = 0;  // genes whose share of zeros is in the last bin
    for (std::size_t g = 0; g < static_cast<std::size_t>(summary.n_genes); ++g)
      many += 1 - summary.gene_nonzero[g] / summary.gene_measured[g] >= check.zero_share.edges[39] ? 1 : 0;
    QVERIFY(std::fabs(check.zero_share.observed[39] - many / static_cast<double>(summary.n_genes)) < 1e-12);
    QVERIFY(check.zero_share.reached > 0.9);
  }

  void withoutCapturesADrawHasOneTotalForAllItsCells() {
    const auto setting = small_model::make("nbdm", "canonical");
    const auto check = prior_predictive(setting.fit.model, setting.fit.summary, {}, {});
    QVERIFY(check.cell_total.implied_low < check.cell_total.observed_low);
    QVERIFY(check.cell_total.implied_high > check.cell_total.observed_high);
    QCOMPARE(check.cell_total.reached, 1.0);  // though most bins lie between two draws
  }

  void seedsRepeatAndThreadsDoNotMatter() {
    const auto setting = small_model::make("nbvcp", "mean_odds");
    PriorPredictiveOptions one, two, other;
    one.threads = 1;
    two.threads = 2;
    other.seed = 43;
    const auto a = prior_predictive(setting.fit.model, setting.fit.summary, one, {});
    const auto b = prior_predictive(setting.fit.model, setting.fit.summary, two, {});
    const auto c = prior_predictive(setting.fit.model, setting.fit.summary, other, {});
    QCOMPARE(a.gene_mean.median, b.gene_mean.median);
    QCOMPARE(a.cell_total.edges, b.cell_total.edges);
    QVERIFY(a.gene_mean.median != c.gene_mean.median);
  }

  void stopsWhenAsked() {
    const auto setting = small_model::make("nbvcp", "canonical");
    std::stop_source stop;
    stop.request_stop();
    RunControl control;
    control.stop = stop.get_token();
    QVERIFY_EXCEPTION_THROWN(prior_predictive(setting.fit.model, setting.fit.summary, {}, control), Cancelled);
    QVERIFY_EXCEPTION_THROWN(prior_predictive(setting.fit.model, {}, {}, {}), Error);
  }
};

QTEST_APPLESS_MAIN(TestPriorPredictive)
#include "tst_prior_predictive.moc"
