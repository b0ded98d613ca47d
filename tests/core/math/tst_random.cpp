#include <QtTest>
#include <cmath>
#include <functional>

#include "core/math/random.hpp"

using namespace scriptorium::math;

class TestRandom : public QObject {
  Q_OBJECT

  /// Mean and variance of n draws against the truth, at six standard errors.
  static void moments(const std::function<double(Random&)>& draw, double mean, double variance, const char* what) {
    constexpr int n = 100000;
    Random random(7, Purpose::Test, 3, 5);
    double sum = 0, square = 0;
    for (int i = 0; i < n; ++i) {
      const double x = draw(random);
      sum += x;
      square += (x - mean) * (x - mean);
    }
    QVERIFY2(std::fabs(sum / n - mean) < 6 * std::sqrt(variance / n), what);
    QVERIFY2(std::fabs(square / n / variance - 1) < 0.15, what);
  }

 private slots:
  void knownAnswer() {
    // Philox4x32-10 of the zero counter and key (Random123's kat_vectors): 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
    Random random(0, Purpose::Test, 0, 0);
    QCOMPARE(random.next_u32(), 0x6627e8d5u);
    QCOMPARE(random.next_u32(), 0xe169c58du);
    QCOMPARE(random.next_u32(), 0xbc57ac4cu);
    QCOMPARE(random.next_u32(), 0x9b00dbd8u);
  }
  void streamsDifferByEveryPartOfTheirName() {
    const auto first = [](Random r) { return r.next_u32(); };
    const auto base = first(Random(1, Purpose::Test, 2, 3));
    QCOMPARE(first(Random(1, Purpose::Test, 2, 3)), base);
    QVERIFY(first(Random(2, Purpose::Test, 2, 3)) != base);
    QVERIFY(first(Random(1, Purpose::Svi, 2, 3)) != base);
    QVERIFY(first(Random(1, Purpose::Test, 3, 3)) != base);
    QVERIFY(first(Random(1, Purpose::Test, 2, 4)) != base);
  }
  void laws() {
    moments([](Random& r) { return r.uniform(); }, 0.5, 1.0 / 12, "uniform");
    moments([](Random& r) { return r.normal(); }, 0, 1, "normal");
    moments([](Random& r) { return r.gamma(0.4); }, 0.4, 0.4, "gamma 0.4");
    moments([](Random& r) { return r.gamma(9); }, 9, 9, "gamma 9");
    moments([](Random& r) { return sigmoid(r.logit_beta(2, 5)); }, 2.0 / 7, 10.0 / (49 * 8), "beta");
    moments([](Random& r) { return static_cast<double>(r.poisson(3.5)); }, 3.5, 3.5, "poisson 3.5");
    moments([](Random& r) { return static_cast<double>(r.poisson(200)); }, 200, 200, "poisson 200");
    moments([](Random& r) { return static_cast<double>(r.binomial(1000, 0.003)); }, 3, 3 * 0.997, "binomial rare");
    moments([](Random& r) { return static_cast<double>(r.binomial(500, 0.8)); }, 400, 80, "binomial frequent");
    moments([](Random& r) { return static_cast<double>(r.negative_binomial(2.5, 1.5)); }, 3.75, 3.75 * 2.5,
            "negative binomial");
  }
  void tinyShapesDoNotUnderflow() {
    Random random(1, Purpose::Test);
    for (int i = 0; i < 100; ++i) QVERIFY(std::isfinite(random.log_gamma_variate(1e-6)));
  }
};

QTEST_GUILESS_MAIN(TestRandom)
#include "tst_random.moc"
