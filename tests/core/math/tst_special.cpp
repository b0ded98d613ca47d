#include <QtTest>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/polygamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>

#include "core/math/distributions.hpp"

using namespace scriptorium::math;

/// Against Boost.Math, and sums against their terms.
class TestSpecial : public QObject {
  Q_OBJECT

  static void close(double value, double expected, double relative) {
    QVERIFY2(std::fabs(value - expected) <= relative * std::max(0.1, std::fabs(expected)),
             qPrintable(QString("%1 is not %2").arg(value, 0, 'g', 17).arg(expected, 0, 'g', 17)));
  }

 private slots:
  void gammaFamily() {
    for (double x = 1e-8; x < 1e9; x *= 1.9) {
      close(log_gamma(x), boost::math::lgamma(x), 5e-14);
      close(digamma(x), boost::math::digamma(x), 2e-14);
      close(trigamma(x), boost::math::trigamma(x), 2e-14);
      close(tetragamma(x), boost::math::polygamma(2, x), 2e-14);
    }
  }
  void differencesAreSums() {
    for (const double r : {1e-7, 0.03, 0.9, 4.5, 37.0, 1e4, 1e8})
      for (const int u : {0, 1, 2, 11, 12, 13, 40, 3000}) {
        double l = 0, d = 0, t = 0;
        for (int j = 0; j < u; ++j) {
          l += std::log(r + j);
          d += 1 / (r + j);
          t += 1 / ((r + j) * (r + j));
        }
        close(log_rising(r, static_cast<std::uint64_t>(u)), l, 2e-14);
        close(digamma_rising(r, static_cast<std::uint64_t>(u)) / std::max(d, 1e-300), d > 0 ? 1 : 0, 2e-14);
        close(trigamma_falling(r, static_cast<std::uint64_t>(u)) / std::max(t, 1e-300), t > 0 ? 1 : 0, 2e-14);
      }
  }
  void logBeta() {
    for (const double a : {0.02, 0.7, 3.0, 50.0, 1e5})
      for (const double b : {0.3, 8.0, 2000.0})
        close(log_beta(a, b), std::log(boost::math::beta(a, b)), a * b > 1e4 ? 1.0 : 2e-13);
    // Where B(a, b) itself underflows: through lnΓ in long double.
    close(
        log_beta(1e5, 2000.0),
        static_cast<double>(boost::math::lgamma(1e5L) + boost::math::lgamma(2000.0L) - boost::math::lgamma(102000.0L)),
        1e-13);
  }
  void logisticAndTails() {
    for (double x = -40; x < 40; x += 0.37) {
      close(softplus(x), static_cast<double>(std::log1p(std::exp(static_cast<long double>(x)))), 1e-14);
      close(sigmoid(x) + sigmoid(-x), 1, 1e-15);
    }
    for (const double y : {1e-6, 0.3, 2.0, 30.0}) close(softplus(inverse_softplus(y)), y, 1e-10);
    close(log_normal_cdf(-12.0), -75.41067300156809, 1e-9);  // scipy.stats.norm.logcdf(-12)
    close(log_normal_cdf(1.3), std::log(0.5 * std::erfc(-1.3 / std::sqrt(2.0))), 1e-14);
  }
  void softmaxSumsToOneWhereverItsArgumentsLie() {
    for (const double shift : {-3000.0, 0.0, 3000.0}) {
      std::vector<double> x{shift, shift + std::log(3.0), -INFINITY};
      close(log_sum_exp(x.data(), x.size()), shift + std::log(4.0), 1e-14);
      close(softmax(x.data(), x.size()), shift + std::log(4.0), 1e-14);
      close(x[0], 0.25, 1e-12);
      close(x[1], 0.75, 1e-12);
      QCOMPARE(x[2], 0.0);
    }
  }
  void negativeBinomialSumsToOne() {
    for (const double r : {0.05, 1.0, 20.0})
      for (const double p : {0.1, 0.7}) {
        double sum = 0, mean = 0;
        for (std::uint64_t x = 0; x < 4000; ++x) {
          const double mass = std::exp(nb_log_pmf(x, r, std::log(p), std::log1p(-p)));
          sum += mass;
          mean += mass * static_cast<double>(x);
        }
        close(sum, 1, 1e-12);
        close(mean, r * p / (1 - p), 1e-11);
      }
  }
  void inflatedZeroSurvivesTinyGates() {
    close(log_inflated_zero(1e-300, -5000), -690.7755278982137, 1e-12);
    close(log_inflated_zero(0.2, std::log(0.5)), std::log(0.2 + 0.8 * 0.5), 1e-14);
  }
};

QTEST_GUILESS_MAIN(TestSpecial)
#include "tst_special.moc"
