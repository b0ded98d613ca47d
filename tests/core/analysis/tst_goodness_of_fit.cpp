#include <QtTest>
#include <set>

#include "../result/small_model.hpp"
#include "core/analysis/goodness_of_fit.hpp"
#include "core/error.hpp"

using namespace scriptorium;
using namespace scriptorium::analysis;

namespace {
std::string overall(double nonconverged, double model, double guide, double off) {
  return overall_verdict({{"nonconverged", nonconverged}, {"model", model}, {"guide", guide}, {"tight_off", off}}, {});
}
}  // namespace

class TestGoodnessOfFit : public QObject {
  Q_OBJECT
 private slots:
  void verdictsFollowTheTable() {
    const BandScore tight{1, 1, 0, false}, off{1, 1, 0.6, false}, wide{3, 1, 0, true};
    QCOMPARE(gene_verdict(tight, tight, {}), std::string("fine"));
    QCOMPARE(gene_verdict(off, tight, {}), std::string("tight_off"));
    QCOMPARE(gene_verdict(tight, wide, {}), std::string("guide"));
    QCOMPARE(gene_verdict(wide, wide, {}), std::string("model"));
    QCOMPARE(gene_verdict(wide, tight, {}), std::string("nonconverged"));
    QCOMPARE(overall(0.05, 0, 0, 0), std::string("nonconverged"));
    QCOMPARE(overall(0.05, 0.2, 0, 0), std::string("model"));
    QCOMPARE(overall(0, 0.2, 0.2, 0), std::string("model"));
    QCOMPARE(overall(0, 0.2, 0.3, 0), std::string("guide"));
    QCOMPARE(overall(0, 0, 0.1, 0.2), std::string("tight_off"));
    QCOMPARE(overall(0.04, 0.19, 0.19, 0.19), std::string("fine"));
    for (const char* verdict : {"fine", "tight_off", "guide", "model", "nonconverged"})
      QVERIFY(!explain(verdict, {}).remedy.empty());
    QVERIFY_EXCEPTION_THROWN(explain("odd", {}), Error);
  }

  void remediesSuitTheModel() {
    model::Model plain;
    plain.likelihood = "nbdm";
    QVERIFY(explain("tight_off", plain).remedy.find("nbvcp") != std::string::npos);
    model::Model richest;
    richest.likelihood = "zinbvcp";
    richest.parameterization = "mean_disp";
    const std::string last = explain("tight_off", richest).remedy;
    QVERIFY(last.find("zero inflation") == std::string::npos && last.find("mean_disp") == std::string::npos);
  }

  void nothingIsFineThatHasNotConverged() {
    result::Fit fit;
    fit.result.convergence.verdict = "Not converged: 500 iterations were allowed.";
    fit.result.convergence.advice = "Allow more iterations, or resume.";
    Diagnosis diagnosis;
    diagnosis.verdict = "fine";
    diagnosis.genes.resize(3);
    for (auto& gene : diagnosis.genes) gene.verdict = "fine";
    QCOMPARE(explain(diagnosis, fit).title, std::string("Not converged"));
    QVERIFY(explain(diagnosis, fit).remedy.find("more iterations") != std::string::npos);
    fit.result.convergence.converged = true;
    QCOMPARE(explain(diagnosis, fit).remedy, std::string("Nothing to do."));
    diagnosis.genes[1].verdict = "tight_off";
    QVERIFY(explain(diagnosis, fit).remedy.find("1 of 3") != std::string::npos);
  }

  void bandScoreByHand() {
    // 100 cells, two bins and the overflow: shares 0.9, 0.1, 0; the band is 0.1 wide in both bins.
    result::GenePredictive gene;
    gene.observed = {0.9, 0.1, 0};
    gene.band[0][0] = {0.85, 0.11, 0};
    gene.band[0][1] = {0.95, 0.21, 0};
    gene.q05 = 0, gene.q95 = 3, gene.observed_q05 = 0, gene.observed_q95 = 1;
    double noise = 0;
    for (double n : {90.0, 10.0, 0.0}) {
      const double f = (n + 0.5) / 101.5;
      noise += 2 * 1.959963984540054 * std::sqrt(f * (1 - f) / 100);
    }
    const auto score = score_band(gene, 100, {});
    QVERIFY(std::fabs(score.ratio - 0.2 / noise) < 1e-12);
    QCOMPARE(score.spread, 2.0);
    QCOMPARE(score.failure, 0.5);  // of the two bins with data one lies outside
    QVERIFY(score.wide);
    QVERIFY(!score_band(gene, 100, {.wide_ratio = 99, .wide_spread = 2.5}).wide);
    gene.band[0][0][1] = 0.1 + 5e-10;  // a tie at the edge counts as inside
    QCOMPARE(score_band(gene, 100, {}).failure, 0.0);
  }

  void truthIsFineAndALooseGuideIsNot() {
    auto s = small_model::make("nbvcp", "canonical");
    DiagnoseOptions options;
    for (std::int64_t g = 0; g < small_model::genes; ++g) options.genes.push_back(g);
    const auto good = diagnose(s.fit, options, {});
    QCOMPARE(good.verdict, std::string("fine"));
    QCOMPARE(good.genes.size(), options.genes.size());
    for (double& scale : s.fit.result.posterior.sites[1].arg2) scale = 0.8;  // r far too uncertain
    const auto loose = diagnose(s.fit, options, {});
    QCOMPARE(loose.verdict, std::string("guide"));
    double sum = 0;
    for (const auto& share : loose.shares) sum += share.second;
    QVERIFY(std::fabs(sum - 1) < 1e-9);
    s = small_model::make("nbvcp", "canonical");
    for (double& loc : s.fit.result.posterior.sites[1].arg1) loc += std::log(3.0);  // three times the mean
    QVERIFY(diagnose(s.fit, options, {}).shares.at("fine") < 0.5);
  }

  void defaultGenesAreDistinctAndRepeat() {
    const auto s = small_model::make("nbdm", "canonical");
    const auto genes = default_genes(s.fit.summary, 1);
    QCOMPARE(std::set<std::int64_t>(genes.begin(), genes.end()).size(), genes.size());
    QVERIFY(genes == default_genes(s.fit.summary, 1));
    QVERIFY(panel_genes({}, 5, 5).empty());
    QVERIFY(panel_genes(s.fit.summary, 0, 5).empty());
  }
};

QTEST_APPLESS_MAIN(TestGoodnessOfFit)
#include "tst_goodness_of_fit.moc"
