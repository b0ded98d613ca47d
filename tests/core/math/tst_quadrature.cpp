#include <QtTest>
#include <cmath>

#include "core/math/quadrature.hpp"

using namespace scriptorium::math;

class TestQuadrature : public QObject {
  Q_OBJECT

 private slots:
  void hermiteIntegratesPolynomialsExactly() {
    for (const int n : {1, 2, 3, 5, 12, 24, 64, 128}) {
      const auto rule = gauss_hermite(n);
      double factorial = 1;  // E x^2k = (2k−1)!!
      for (int k = 0; 2 * k <= std::min(2 * n - 1, 20); ++k) {
        double moment = 0;
        for (std::size_t i = 0; i < rule.node.size(); ++i) moment += rule.weight[i] * std::pow(rule.node[i], 2 * k);
        if (k > 0) factorial *= 2 * k - 1;
        QVERIFY2(std::fabs(moment / factorial - 1) < 1e-12, qPrintable(QString("n = %1, degree %2").arg(n).arg(2 * k)));
      }
    }
  }
  void betaMomentsOfFlatAndSharpBetas() {
    const double cases[][2] = {{1, 1}, {1, 9}, {0.3, 4}, {0.5, 0.5}, {5, 40}, {300, 700}, {1e5, 3e4}, {2e6, 1e5}};
    for (const auto& [a, b] : cases) {
      const int n = beta_nodes(a, b);
      std::vector<double> z(static_cast<std::size_t>(n)), w(z.size()), u(z.size()), v(z.size());
      beta_rule(n, a, b, z.data(), w.data(), u.data(), v.data());
      double log_p = 0, mean = 0;
      for (std::size_t i = 0; i < z.size(); ++i) {
        log_p += w[i] * log_sigmoid(z[i]);
        mean += w[i] * sigmoid(z[i]);
      }
      QVERIFY2(std::fabs(log_p - (digamma(a) - digamma(a + b))) < 2e-7 * std::max(1.0, std::fabs(log_p)),
               qPrintable(QString("E ln p of Beta(%1, %2): %3").arg(a).arg(b).arg(log_p)));
      QVERIFY(std::fabs(mean - a / (a + b)) < 2e-7);
      // E ∂² of the sufficient statistics: their covariances are trigammas, also where p is known to ten digits.
      double mu = 0, mv = 0, uu = 0;
      for (std::size_t i = 0; i < z.size(); ++i) mu += w[i] * u[i], mv += w[i] * v[i];
      for (std::size_t i = 0; i < z.size(); ++i) uu += w[i] * std::pow(a * (u[i] - mu) + b * (v[i] - mv), 2);
      const double exact = a * a * trigamma(a) + b * b * trigamma(b) - (a + b) * (a + b) * trigamma(a + b);
      QVERIFY2(std::fabs(uu - exact) < 1e-5 * exact,
               qPrintable(QString("Beta(%1, %2): %3 and %4").arg(a).arg(b).arg(uu).arg(exact)));
    }
  }
  void betaRuleAgreesWithAFineOne() {
    // E ln(1 − 0.6 p) of Beta(1, 1) in closed form: ∫ ln(1 − 0.6 x) dx.
    const double exact = -(0.4 * std::log(0.4) + 0.6) / 0.6;
    const int n = beta_nodes(1, 1);
    std::vector<double> z(static_cast<std::size_t>(n)), w(z.size()), u(z.size()), v(z.size());
    beta_rule(n, 1, 1, z.data(), w.data(), u.data(), v.data());
    double value = 0;
    for (std::size_t i = 0; i < z.size(); ++i) value += w[i] * std::log1p(-0.6 * sigmoid(z[i]));
    QVERIFY2(std::fabs(value - exact) < 1e-7, qPrintable(QString::number(value - exact)));
  }
};

QTEST_GUILESS_MAIN(TestQuadrature)
#include "tst_quadrature.moc"
