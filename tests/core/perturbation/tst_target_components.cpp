#include <Eigen/Dense>
#include <QtTest>
#include <cmath>

#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/perturbation/target_components.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

class TestTargetComponents : public QObject {
  Q_OBJECT
  static constexpr std::int64_t genes = 40;
  /// Cells whose first genes go together, more so in some; gene 7 is the same in all, gene 9 is in no cell.
  static Expression expression(std::int64_t cells) {
    math::Random random(3, math::Purpose::Test);
    std::vector<double> x(static_cast<std::size_t>(cells * genes), 0);
    for (std::int64_t i = 0; i < cells; ++i) {
      const double shared = random.uniform();
      for (std::int64_t g = 0; g < genes; ++g)
        if (random.uniform() < 0.6)
          x[i * genes + g] = random.uniform() + (g < 12 ? shared * (1 + static_cast<double>(i % 3)) : 0);
      x[i * genes + 7] = 1.5;
      x[i * genes + 9] = 0;
    }
    return Expression::of_dense(cells, genes, x);
  }
  static std::vector<std::int64_t> range(std::int64_t first, std::int64_t last) {
    std::vector<std::int64_t> out;
    for (auto i = first; i < last; ++i) out.push_back(i);
    return out;
  }

 private slots:
  void asSingularValuesOfScaledCells_data() {
    QTest::addColumn<int>("targets");
    QTest::addColumn<int>("components");
    QTest::newRow("one target") << 1 << 4;
    QTest::newRow("more than go together") << 19 << 5;
    QTest::newRow("more components than cells allow") << 2 << 60;
  }
  void asSingularValuesOfScaledCells() {
    QFETCH(int, targets);
    QFETCH(int, components);
    const auto controls = range(0, 24);
    std::vector<std::vector<std::int64_t>> own;
    for (int t = 0; t < targets; ++t) own.push_back(range(24 + 3 * t, 24 + 3 * t + 1 + t % 3));
    const Expression x = expression(24 + 3 * targets);
    const auto found = target_loadings(x, controls, own, components, 1, 1);
    for (const int threads : {2, 3, 5, 8})  // other targets go together
      QVERIFY2(found == target_loadings(x, controls, own, components, 1, threads),
               qPrintable(QString::number(threads)));
    QCOMPARE(found.size(), own.size());
    for (std::size_t t = 0; t < own.size(); ++t) {
      const auto n = static_cast<Eigen::Index>(24 + own[t].size());
      Eigen::MatrixXd dense(n, genes);
      for (Eigen::Index i = 0; i < n; ++i)
        for (std::int64_t g = 0; g < genes; ++g) dense(i, g) = x.at(i < 24 ? controls[i] : own[t][i - 24], g);
      dense.rowwise() -= dense.colwise().mean();
      for (std::int64_t g = 0; g < genes; ++g) {
        const double sd = std::sqrt(dense.col(g).squaredNorm() / static_cast<double>(n - 1));
        dense.col(g) *= sd > 1e-9 ? 1 / sd : 0;
      }
      const Eigen::BDCSVD<Eigen::MatrixXd, Eigen::ComputeThinV> svd(dense);
      Eigen::Index rank = 0;
      while (rank < svd.singularValues().size() && svd.singularValues()[rank] > 1e-6 * svd.singularValues()[0]) ++rank;
      QCOMPARE(found[t].cols(), std::min<Eigen::Index>(components, rank));
      // One space, whatever the signs; the last directions of all that there are included.
      const Eigen::MatrixXd both = found[t].transpose() * svd.matrixV().leftCols(found[t].cols());
      QVERIFY((both.transpose() * both - Eigen::MatrixXd::Identity(both.cols(), both.cols())).norm() < 1e-8);
      QVERIFY(found[t].row(7).norm() < 1e-10 && found[t].row(9).norm() < 1e-10);
    }
  }

  void stopsWhenAsked() {
    std::stop_source stop;
    stop.request_stop();
    QVERIFY_EXCEPTION_THROWN(
        target_loadings(expression(60), range(0, 30), {range(30, 60)}, 5, 1, 2, {stop.get_token(), {}}), Cancelled);
  }
};

QTEST_MAIN(TestTargetComponents)
#include "tst_target_components.moc"
