#include <Eigen/Dense>
#include <QtTest>
#include <cmath>

#include "core/embedding/leading_eigenvectors.hpp"
#include "core/math/random.hpp"

using namespace scriptorium;
using namespace scriptorium::embedding;

class TestLeadingEigenvectors : public QObject {
  Q_OBJECT
  static Eigen::MatrixXd noise(Eigen::Index rows, Eigen::Index cols) {
    math::Random random(7, math::Purpose::Test);
    Eigen::MatrixXd out(rows, cols);
    for (double& one : out.reshaped()) one = random.normal();
    return out;
  }
  /// A symmetric matrix of these eigenvalues.
  static Eigen::MatrixXd matrix_of(const Eigen::VectorXd& values) {
    const Eigen::Index n = values.size();
    const Eigen::MatrixXd q = Eigen::HouseholderQR<Eigen::MatrixXd>(noise(n, n)).householderQ();
    return q * values.asDiagonal() * q.transpose();
  }
  static LeadingEigenvectors search(const Eigen::MatrixXd& of, const LeadingEigenvectors::Options& options) {
    LeadingEigenvectors search(of.rows(), options);
    while (!search.done()) search.take(of * search.block());
    return search;
  }

 private slots:
  void asTheWholeDecomposition_data() {
    QTest::addColumn<QString>("spectrum");
    QTest::addColumn<int>("wanted");
    QTest::addColumn<int>("width");
    for (const char* spectrum : {"falling", "flat", "one large", "a few alike", "low rank", "nothing"})
      for (const auto& [wanted, width] : {std::pair{1, 1}, {7, 2}, {10, 8}, {20, 16}})
        QTest::addRow("%s, %d in blocks of %d", spectrum, wanted, width) << spectrum << wanted << width;
  }
  void asTheWholeDecomposition() {
    QFETCH(QString, spectrum);
    QFETCH(int, wanted);
    QFETCH(int, width);
    const Eigen::Index n = 300;
    Eigen::VectorXd values = Eigen::VectorXd::Zero(n);
    for (Eigen::Index i = 0; i < n; ++i)
      values[i] = spectrum == "falling"       ? std::pow(0.9, i)
                  : spectrum == "flat"        ? 1 - 0.3 * static_cast<double>(i) / n
                  : spectrum == "one large"   ? (i == 0 ? 1e6 : 1.0 / (1 + static_cast<double>(i)))
                  : spectrum == "a few alike" ? 1.0 / (1 + static_cast<double>(i / 4))
                  : spectrum == "low rank"    ? (i < 5 ? 5.0 - static_cast<double>(i) : 0)
                                              : 0;
    const Eigen::MatrixXd of = matrix_of(values);
    const auto found = search(of, {.wanted = wanted, .width = width});
    QVERIFY(found.converged());
    QCOMPARE(found.vectors().cols(), Eigen::Index{wanted});
    const double largest = std::max(values[0], 1e-300);
    for (int j = 0; j < wanted; ++j)
      QVERIFY2(std::fabs(found.values()[j] - values[j]) < 1e-11 * largest, qPrintable(QString::number(j)));
    const Eigen::MatrixXd& v = found.vectors();
    QVERIFY((v.transpose() * v - Eigen::MatrixXd::Identity(wanted, wanted)).norm() < 1e-12);
    QVERIFY((of * v - v * found.values().asDiagonal()).norm() < 1e-11 * largest);
  }

  void theStartDoesNotDecide() {
    Eigen::VectorXd values(400);
    for (Eigen::Index i = 0; i < 400; ++i) values[i] = 1 / std::sqrt(1.0 + static_cast<double>(i));
    const Eigen::MatrixXd of = matrix_of(values);
    const Eigen::MatrixXd one = search(of, {.wanted = 6, .seed = 1}).vectors(),
                          two = search(of, {.wanted = 6, .width = 3, .seed = 2}).vectors();
    QVERIFY(((one.transpose() * two).cwiseAbs() - Eigen::MatrixXd::Identity(6, 6)).norm() < 1e-10);
  }

  void givesUpAfterItsRestarts() {
    const auto found =
        search(matrix_of(Eigen::VectorXd::LinSpaced(300, 1, 2)), {.wanted = 10, .width = 1, .restarts = 1});
    QVERIFY(found.done() && !found.converged());
  }
};

QTEST_MAIN(TestLeadingEigenvectors)
#include "tst_leading_eigenvectors.moc"
