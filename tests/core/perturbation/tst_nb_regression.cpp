#include <QtTest>
#include <cmath>
#include <vector>

#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/math/special.hpp"
#include "core/perturbation/nb_regression.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

/// Cells with an intercept, a weight that is 0 for half of them, and a logarithm of their total.
struct Sample {
  std::vector<std::vector<double>> columns;
  std::vector<double> counts;  ///< padded
};

Sample sample(std::size_t n, const std::vector<double>& b, double a, std::uint64_t seed) {
  Sample s;
  s.columns.assign(3, std::vector<double>(n));
  math::Random random(seed, math::Purpose::Test);
  for (std::size_t i = 0; i < n; ++i) {
    s.columns[0][i] = 1;
    s.columns[1][i] = i % 2 == 0 ? 0 : 3 * random.uniform();
    s.columns[2][i] = 3 + 0.3 * random.normal();
    const double mean = std::exp(b[0] + b[1] * s.columns[1][i] + b[2] * s.columns[2][i]);
    s.counts.push_back(static_cast<double>(a > 0 ? random.negative_binomial(1 / a, a * mean) : random.poisson(mean)));
  }
  s.counts.resize((n + 3) / 4 * 4);
  return s;
}

/// Written out: Σ ln NB with all that holds b or a.
double log_likelihood(const Sample& s, const std::vector<double>& b, double a) {
  double sum = 0;
  for (std::size_t i = 0; i < s.columns[0].size(); ++i) {
    double eta = 0;
    for (std::size_t j = 0; j < b.size(); ++j) eta += b[j] * s.columns[j][i];
    const double mu = std::exp(eta), y = s.counts[i], r = 1 / a;
    sum += std::lgamma(y + r) - std::lgamma(r) + r * std::log(r) + y * eta - (y + r) * std::log(r + mu);
  }
  return sum;
}

double log_determinant(const std::vector<std::vector<double>>& columns, const std::vector<double>& means, double a) {
  double m[3][3] = {};
  for (std::size_t i = 0; i < columns[0].size(); ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k) m[j][k] += columns[j][i] * columns[k][i] * means[i] / (1 + a * means[i]);
  return std::log(m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
                  m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
                  m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]));
}

}  // namespace

class TestNbRegression : public QObject {
  Q_OBJECT
 private slots:
  void slopeIsZeroAtTheOptimum_data() {
    QTest::addColumn<double>("a");
    QTest::addColumn<double>("level");
    for (const double a : {0.0, 1e-4, 0.3, 5.0})
      for (const double level : {-9.0, -6.0, 2.0, 9.0}) QTest::addRow("a %g level %g", a, level) << a << level;
  }
  void slopeIsZeroAtTheOptimum() {
    QFETCH(double, a);
    QFETCH(double, level);
    const auto s = sample(403, {level, 0.4, 1.7}, a, 3);
    const NbDesign design(s.columns);
    const auto fit = fit_nb(design, s.counts, a);
    if (fit.state == NbFit::State::Empty) {
      for (const double y : s.counts) QCOMPARE(y, 0.0);
      return;
    }
    QVERIFY(fit.state == NbFit::State::Fitted);
    const auto error = standard_errors(design, fit.mean, a);
    for (std::size_t j = 0; j < 3; ++j) {
      double slope = 0;
      for (std::size_t i = 0; i < 403; ++i)
        slope += s.columns[j][i] * (s.counts[i] - fit.mean[i]) / (1 + a * fit.mean[i]);
      QVERIFY2(std::fabs(slope) * error[j] < 1e-7, qPrintable(QString::number(slope * error[j])));
    }
    QVERIFY(fit.iterations < 30);
  }

  void coefficientsAreThoseOfTheData() {
    const auto s = sample(20000, {-6, 0.5, 2}, 0.4, 5);
    const NbDesign design(s.columns);
    const auto own = fit_nb_with_dispersion(design, s.counts);
    const auto error = standard_errors(design, own.fit.mean, own.dispersion);
    const double truth[3] = {-6, 0.5, 2};
    for (std::size_t j = 0; j < 3; ++j) QVERIFY(std::fabs(own.fit.coefficient[j] - truth[j]) < 4 * error[j]);
    QVERIFY(std::fabs(own.dispersion - 0.4) < 0.04);
  }

  void errorsAreThoseOfANumericHessian() {
    // The expected information is the mean of the observed one: with y = μ they are the same.
    auto s = sample(60, {-1, 0.3, 1}, 0.5, 7);
    const NbDesign design(s.columns);
    const std::vector<double> b{-0.8, 0.25, 0.9};
    std::vector<double> means(60);
    for (std::size_t i = 0; i < 60; ++i)
      s.counts[i] = means[i] = std::exp(b[0] + b[1] * s.columns[1][i] + b[2] * s.columns[2][i]);
    const double a = 0.5, h = 1e-3;
    double hessian[3][3];
    const auto at = [&](std::size_t j, double x, std::size_t k, double y) {
      auto moved = b;
      moved[j] += x;
      moved[k] += y;
      return log_likelihood(s, moved, a);
    };
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k)
        hessian[j][k] = -(at(j, h, k, h) - at(j, h, k, -h) - at(j, -h, k, h) + at(j, -h, k, -h)) / (4 * h * h);
    const auto& m = hessian;
    const double det = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
                       m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
                       m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
    const double inverse[3] = {(m[1][1] * m[2][2] - m[1][2] * m[2][1]) / det,
                               (m[0][0] * m[2][2] - m[0][2] * m[2][0]) / det,
                               (m[0][0] * m[1][1] - m[0][1] * m[1][0]) / det};
    const auto error = standard_errors(design, means, a);
    for (std::size_t j = 0; j < 3; ++j)
      QVERIFY2(std::fabs(error[j] / std::sqrt(inverse[j]) - 1) < 2e-3, qPrintable(QString::number(error[j])));
  }

  void dispersionSlopeIsThatOfTheWrittenOutLikelihood_data() {
    QTest::addColumn<double>("level");
    for (const double level : {-6.0, 0.0, 5.0}) QTest::addRow("level %g", level) << level;
  }
  void dispersionSlopeIsThatOfTheWrittenOutLikelihood() {
    QFETCH(double, level);
    const auto s = sample(150, {level, 0.4, 1.2}, 0.6, 11);
    const NbDesign design(s.columns);
    const auto fit = fit_nb(design, s.counts, 0.5);
    const auto adjusted = [&](double log_a) {
      const double a = std::exp(log_a);
      return log_likelihood(s, fit.coefficient, a) - 0.5 * log_determinant(s.columns, fit.mean, a);
    };
    for (const double a : {0.01, 0.3, 4.0, 100.0}) {
      const double h = 1e-4, wanted = (adjusted(std::log(a) + h) - adjusted(std::log(a) - h)) / (2 * h);
      const double found = cox_reid_slope(design, s.counts, fit.mean, a);
      QVERIFY2(std::fabs(found - wanted) < 1e-4 * (1 + std::fabs(wanted)),
               qPrintable(QString("%1 %2").arg(found).arg(wanted)));
    }
    const double best = cox_reid_dispersion(design, s.counts, fit.mean, 1);
    if (best > 0) QVERIFY(std::fabs(cox_reid_slope(design, s.counts, fit.mean, best)) < 1e-5);
    // The search begins elsewhere and ends there too.
    QVERIFY(std::fabs(cox_reid_dispersion(design, s.counts, fit.mean, 1e-3) - best) <= 1e-7 * best);
    QVERIFY(std::fabs(cox_reid_dispersion(design, s.counts, fit.mean, 1e3) - best) <= 1e-7 * best);
  }

  void countsOfLessSpreadThanPoissonHaveNoDispersion() {
    auto s = sample(100, {0, 0, 0}, 0, 1);
    for (std::size_t i = 0; i < 100; ++i) s.counts[i] = i % 2 ? 5 : 6;
    const NbDesign design(s.columns);
    const auto own = fit_nb_with_dispersion(design, s.counts);
    QCOMPARE(own.dispersion, 0.0);
    QVERIFY(own.fit.state == NbFit::State::Fitted);
  }

  void edges() {
    const auto s = sample(200, {-2, 0.4, 1}, 0.3, 13);
    const NbDesign design(s.columns);
    // No counts.
    const auto empty = fit_nb_with_dispersion(design, std::vector<double>(200));
    QVERIFY(empty.fit.state == NbFit::State::Empty && std::isnan(empty.fit.coefficient[1]));
    // Counts only in cells of weight 0: the weight's coefficient runs off.
    auto separated = s.counts;
    for (std::size_t i = 0; i < 200; ++i)
      if (s.columns[1][i] > 0) separated[i] = 0;
    const auto away = fit_nb(design, separated, 0.3);
    QVERIFY(away.state == NbFit::State::Separated);
    QVERIFY(away.coefficient[1] < -5 && std::isfinite(away.coefficient[0]));
    // A single count.
    std::vector<double> single(200);
    single[7] = 1;
    const auto one = fit_nb(design, single, 0.0);
    QVERIFY(one.state != NbFit::State::Stopped && std::isfinite(one.coefficient[0]));
    // Counts near the largest that there are.
    auto huge = s.counts;
    for (std::size_t i = 0; i < 200; ++i) huge[i] = 4e9 - 1e7 * s.columns[1][i];
    const auto high = fit_nb_with_dispersion(design, huge);
    QVERIFY(high.fit.state == NbFit::State::Fitted);
    QVERIFY(std::fabs(high.fit.mean[0] / 4e9 - 1) < 0.01);
    // One cell of 1e9 among zeros.
    std::vector<double> spike(200);
    spike[3] = 1e9;
    const auto spiked = fit_nb_with_dispersion(design, spike);
    QVERIFY(std::isfinite(spiked.dispersion) && std::isfinite(spiked.fit.coefficient[0]));
    // A column that others determine has no estimate; the others are as without it.
    auto columns = s.columns;
    columns.insert(columns.begin() + 1, std::vector<double>(200, 2.0));
    columns.push_back(std::vector<double>(200, 0.0));
    const NbDesign aliased(columns);
    QCOMPARE(aliased.kept().size(), std::size_t{3});
    const auto with = fit_nb(aliased, s.counts, 0.3), without = fit_nb(design, s.counts, 0.3);
    QVERIFY(std::isnan(with.coefficient[1]) && std::isnan(with.coefficient[4]));
    QCOMPARE(with.coefficient[2], without.coefficient[1]);
    QVERIFY_THROWS_EXCEPTION(Error, NbDesign({}));
    QVERIFY_THROWS_EXCEPTION(Error, NbDesign({{1, 2}, {1}}));
    QVERIFY_THROWS_EXCEPTION(Error, NbDesign({{1, NAN}}));
  }

  void tailsOfTheNormal() {
    // Each against the other, and against values of R's pchisq(z^2, 1, lower = FALSE, log = TRUE).
    for (double z = 1e-8; z < 1e6; z *= 1.37) {
      const double back = z_of_log_p(log_two_sided_p(z));
      QVERIFY2(std::fabs(back / z - 1) < (z < 1e-3 ? 1e-7 : 1e-12), qPrintable(QString::number(z)));
    }
    QVERIFY(std::fabs(log_two_sided_p(1.959963984540054) - std::log(0.05)) < 1e-14);
    QVERIFY(std::fabs(z_of_p(0.05) - 1.959963984540054) < 1e-14);
    QVERIFY(std::fabs(z_of_p(1e-300) - 37.0657) < 1e-3);
    QVERIFY(std::isfinite(z_of_log_p(-1e300)));
    QCOMPARE(z_of_p(1), 0.0);
    QVERIFY(std::isinf(z_of_p(0)) && std::isnan(z_of_p(NAN)));
    // Left and right of the seam.
    QVERIFY(std::fabs(log_two_sided_p(37 + 1e-9) - log_two_sided_p(37 - 1e-9)) < 1e-6);
  }
};

QTEST_APPLESS_MAIN(TestNbRegression)
#include "tst_nb_regression.moc"
