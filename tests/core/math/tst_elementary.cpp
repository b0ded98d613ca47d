#include <QtTest>
#include <cmath>

#include "core/math/elementary.hpp"
#include "core/math/random.hpp"

using namespace scriptorium::math;

class TestElementary : public QObject {
  Q_OBJECT

  static void close(double got, double expected, double at) {
    QVERIFY2(
        std::fabs(got - expected) <= 1e-15 * std::fabs(expected),
        qPrintable(QString("at %1: %2 for %3").arg(at, 0, 'g', 17).arg(got, 0, 'g', 17).arg(expected, 0, 'g', 17)));
  }

 private slots:
  void agreeWithTheLibrary() {
    for (double x = -707.9; x < 708.9; x += 0.0731) close(same::exp(x), std::exp(x), x);
    for (double x = 1e-320; x < 1e307; x *= 1.37) close(same::log(x), std::log(x), x);
    for (double x = 0.3; x < 3; x += 0.00137) close(same::log(x), std::log(x), x);
    for (double x = -0.9999; x < 5; x += 0.00137) close(same::log1p(x), std::log1p(x), x);
    for (double x = 1e-300; x < 1; x *= 1.7) close(same::log1p(-x), std::log1p(-x), x);
    for (double x = -40; x < 40; x += 0.0137) {
      close(same::softplus(x), softplus(x), x);
      close(same::sigmoid(x), sigmoid(x), x);
    }
    for (double u = 0; u <= 1; u += 0.00137) {
      double sine = 0, cosine = 0;
      same::sin_cos_turn(u, sine, cosine);
      QVERIFY(std::fabs(sine - std::sin(2 * pi * u)) < 1e-15);
      QVERIFY(std::fabs(cosine - std::cos(2 * pi * u)) < 1e-15);
    }
  }
  void ends() {
    QCOMPARE(same::exp(0.0), 1.0);
    QCOMPARE(same::exp(-1e9), 0.0);
    QVERIFY(std::isinf(same::exp(1e9)));
    QVERIFY(std::isnan(same::exp(NAN)));
    QCOMPARE(same::log(1.0), 0.0);
    QVERIFY(std::isinf(same::log(0)) && same::log(0) < 0);
    QVERIFY(std::isinf(same::log(INFINITY)));
    QVERIFY(std::isnan(same::log(-1)) && std::isnan(same::log(NAN)));
  }
  /// The bits are part of the promise: a seed gives the same draws on every machine.
  void bitsOfDraws() {
    Random random(42, Purpose::Test, 1, 2);
    QCOMPARE(same::bits_of(random.normal()), std::int64_t{0x3FC074385070C9B3});
    QCOMPARE(same::bits_of(random.gamma(0.3)), std::int64_t{0x3F91D36F2D5862AE});
    QCOMPARE(same::bits_of(random.logit_beta(2, 3)), static_cast<std::int64_t>(0xC013BC0BE1F34075));
    QCOMPARE(random.poisson(35.5), std::uint64_t{38});
    QCOMPARE(random.binomial(1000, 0.8), std::uint64_t{806});
  }
};

QTEST_GUILESS_MAIN(TestElementary)
#include "tst_elementary.moc"
