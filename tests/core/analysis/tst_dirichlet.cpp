#include <QtTest>
#include <boost/math/special_functions/digamma.hpp>
#include <numeric>

#include "core/analysis/dirichlet.hpp"
#include "core/math/random.hpp"

using namespace scriptorium;
using namespace scriptorium::analysis;

class TestDirichlet : public QObject {
  Q_OBJECT

  static ShareMoments drawn(const std::vector<double>& concentration, int draws, std::uint64_t seed = 7) {
    ShareMoments moments(concentration.size());
    for (int d = 0; d < draws; ++d) {
      math::Random random(seed, math::Purpose::Test, static_cast<std::uint64_t>(d));
      std::vector<double> x;
      for (const double a : concentration) x.push_back(random.gamma(a));
      const double sum = std::accumulate(x.begin(), x.end(), 0.0);
      for (double& share : x) share /= sum;
      moments.add(x);
    }
    return moments;
  }
  /// What is left of the likelihood's slope, relative to the mean logs: ψ(α_k) − ψ(Σα) = mean ln x_k at the optimum.
  static double slope(const std::vector<double>& concentration, const std::vector<double>& mean_logs) {
    const double all = std::accumulate(concentration.begin(), concentration.end(), 0.0);
    double worst = 0;
    for (std::size_t k = 0; k < concentration.size(); ++k)
      worst =
          std::max(worst, std::fabs(boost::math::digamma(concentration[k]) - boost::math::digamma(all) - mean_logs[k]) /
                              std::max(1.0, std::fabs(mean_logs[k])));
    return worst;
  }
  static std::vector<double> over_draws(const std::vector<double>& sums, double draws) {
    std::vector<double> out = sums;
    for (double& x : out) x /= draws;
    return out;
  }

 private slots:
  void findsTheOptimum_data() {
    QTest::addColumn<double>("scale");
    for (const double scale : {0.02, 0.3, 1.0, 40.0, 3000.0}) QTest::addRow("%g", scale) << scale;
  }
  void findsTheOptimum() {
    QFETCH(double, scale);
    const std::vector<double> truth{2 * scale, 0.5 * scale, 1 * scale};
    const auto moments = drawn(truth, 4000);
    const auto fit = fit_dirichlet(moments);
    QVERIFY(!fit.capped);
    const double left = slope(fit.concentration, over_draws(moments.logs, moments.draws));
    QVERIFY2(left < 1e-7, qPrintable(QString::number(left)));
    if (scale > 0.1)  // below, the floor of the logs cuts what is drawn
      for (std::size_t k = 0; k < truth.size(); ++k) QVERIFY(std::fabs(fit.concentration[k] / truth[k] - 1) < 0.1);
  }
  void scribesFixedPointNearsItsOwn() {
    const auto moments = drawn({2, 0.5, 1}, 2000);
    const auto fit = fit_dirichlet_as_scribe(moments);
    QVERIFY(slope(fit.concentration, over_draws(moments.scribe_logs, moments.draws)) < 1e-5);
  }
  void equalDrawsAreCapped() {
    ShareMoments moments(3);
    const std::vector<double> x{0.2, 0.3, 0.5};
    for (int d = 0; d < 10; ++d) moments.add(x);
    const auto fit = fit_dirichlet(moments);
    QVERIFY(fit.capped);
    const double all = std::accumulate(fit.concentration.begin(), fit.concentration.end(), 0.0);
    for (std::size_t k = 0; k < 3; ++k) QVERIFY(std::fabs(fit.concentration[k] / all - x[k]) < 1e-9);
  }
  void certainCellsStayFinite() {
    ShareMoments moments(2);
    for (int d = 0; d < 10; ++d) moments.add(std::vector<double>{1, 0});
    for (const auto& fit : {fit_dirichlet(moments), fit_dirichlet_as_scribe(moments)})
      for (const double a : fit.concentration) QVERIFY(std::isfinite(a) && a > 0);
  }
  void inverseOfDigamma() {
    for (const double x : {0.01, 0.3, 1.0, 7.0, 500.0}) {
      const double back = inverse_digamma(boost::math::digamma(x));
      QVERIFY2(std::fabs(back / x - 1) < 1e-9, qPrintable(QString("%1 for %2").arg(back).arg(x)));
    }
  }
};

QTEST_APPLESS_MAIN(TestDirichlet)
#include "tst_dirichlet.moc"
