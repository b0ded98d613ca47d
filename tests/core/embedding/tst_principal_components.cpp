#include <Eigen/Dense>
#include <QtTest>
#include <cmath>
#include <numeric>

#include "core/analysis/agreement.hpp"
#include "core/data/count_sink.hpp"
#include "core/embedding/k_means.hpp"
#include "core/embedding/principal_components.hpp"
#include "core/error.hpp"
#include "groups_of_cells.hpp"

using namespace scriptorium;
using namespace scriptorium::embedding;

namespace {

/// The matrix that the header describes, filled in.
Eigen::MatrixXd dense(const data::Dataset& data, const std::vector<std::int64_t>& genes, const PcaOptions& options) {
  const data::CountMatrix& counts = data.counts;
  Eigen::MatrixXd x = Eigen::MatrixXd::Zero(counts.n_cells, static_cast<Eigen::Index>(genes.size()));
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    double total = 0;
    for (std::int64_t g = 0; g < counts.n_genes; ++g) total += counts.at(i, g);
    for (Eigen::Index j = 0; j < x.cols(); ++j)
      x(i, j) = total > 0 ? std::log1p(counts.at(i, genes[static_cast<std::size_t>(j)]) / total * options.target) : 0;
  }
  x.rowwise() -= x.colwise().mean();
  if (!options.scale) return x;
  for (Eigen::Index j = 0; j < x.cols(); ++j) {
    const double sd = std::sqrt(x.col(j).squaredNorm() / static_cast<double>(x.rows() - 1));
    x.col(j) = (x.col(j) / sd).cwiseMax(-options.clip).cwiseMin(options.clip);
  }
  x.rowwise() -= x.colwise().mean();
  return x;
}

}  // namespace

class TestPrincipalComponents : public QObject {
  Q_OBJECT
 private slots:
  void asTheSingularValueDecomposition_data() {
    QTest::addColumn<int>("cells");
    QTest::addColumn<int>("genes");
    QTest::addColumn<int>("dims");
    QTest::addColumn<bool>("scale");
    QTest::addColumn<double>("clip");
    QTest::newRow("iterated") << 300 << 260 << 10 << true << 10.0;
    QTest::newRow("iterated, clipped") << 300 << 260 << 10 << true << 1.5;
    QTest::newRow("iterated, not scaled") << 250 << 300 << 8 << false << 10.0;
    QTest::newRow("fewer cells than there is room to iterate in") << 19 << 60 << 2 << true << 10.0;
    QTest::newRow("few genes") << 200 << 12 << 8 << true << 10.0;
    QTest::newRow("few cells") << 9 << 60 << 6 << true << 10.0;
    QTest::newRow("two genes") << 40 << 2 << 50 << true << 10.0;
    QTest::newRow("two cells") << 2 << 30 << 50 << false << 10.0;
  }
  void asTheSingularValueDecomposition() {
    QFETCH(int, cells);
    QFETCH(int, genes);
    QFETCH(int, dims);
    PcaOptions options;
    QFETCH(bool, scale);
    QFETCH(double, clip);
    options.dims = dims;
    options.scale = scale;
    options.clip = clip;
    const auto data = groups_of_cells::make(cells, genes, 3);
    const auto found = principal_components(data, options);
    QVERIFY(found.dims <= std::min({dims, cells - 1, genes}) && found.dims >= 1);
    const Eigen::MatrixXd x = dense(data, found.genes, options);
    const Eigen::BDCSVD<Eigen::MatrixXd, Eigen::ComputeThinU | Eigen::ComputeThinV> svd(x);
    QVERIFY(std::fabs(found.total_variance - x.squaredNorm() / (cells - 1)) < 1e-9 * found.total_variance);
    const double largest = svd.singularValues()[0];
    for (int j = 0; j < found.dims; ++j) {
      const double d = svd.singularValues()[j];
      QVERIFY2(std::fabs(std::sqrt(found.variance[j] * (cells - 1)) - d) < 1e-8 * largest,
               qPrintable(QString::number(j)));
      // Up to sign; a vector is known no better than its singular value is apart from the next.
      double gap = j > 0 ? svd.singularValues()[j - 1] - d : largest;
      if (j + 1 < svd.singularValues().size()) gap = std::min(gap, d - svd.singularValues()[j + 1]);
      if (gap < 1e-3 * largest) continue;
      const double sign = svd.matrixV()(0, j) * found.loadings[j] < 0 ? -1 : 1;
      for (Eigen::Index i = 0; i < cells; ++i)
        QVERIFY(std::fabs(found.scores[i * found.dims + j] - sign * d * svd.matrixU()(i, j)) < 1e-6 * largest);
    }
  }

  void fewKindsOfCellsHaveFewDirections() {
    // 400 cells of 5 kinds: the rank is 4, whatever is asked for.
    auto data = groups_of_cells::make(5, 300, 5);
    const data::CountMatrix kinds = data.counts;
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < 400; ++i) rows.push_back(i % 5);
    data.counts = kinds.select(rows, {});
    const auto found = principal_components(data, {.dims = 20, .min_cells = 1, .scale = false});
    QCOMPARE(found.dims, 4);
    QVERIFY(std::fabs(std::accumulate(found.variance.begin(), found.variance.end(), 0.0) - found.total_variance) <
            1e-8 * found.total_variance);
    for (std::int64_t i = 5; i < 400; ++i)
      for (int d = 0; d < 4; ++d) QVERIFY(std::fabs(found.scores[i * 4 + d] - found.scores[(i % 5) * 4 + d]) < 1e-6);
  }

  void theSameAtAnyNumberOfThreads() {
    const auto data = groups_of_cells::make(3000, 240, 4);  // several pieces
    PcaOptions options;
    options.dims = 6;
    options.threads = 1;
    const auto one = principal_components(data, options);
    options.threads = 3;
    const auto three = principal_components(data, options);
    QVERIFY(one.scores == three.scores);
    QVERIFY(one.loadings == three.loadings);
    KMeansOptions means;
    means.clusters = 4;
    means.threads = 1;
    const auto first = k_means(one.scores, one.dims, means);
    means.threads = 3;
    const auto again = k_means(one.scores, one.dims, means);
    QVERIFY(first.cluster == again.cluster && first.centre == again.centre);
    // Groups are simulated as c mod 4, and found.
    std::vector<std::int32_t> truth;
    for (std::int32_t c = 0; c < 3000; ++c) truth.push_back(c % 4);
    QVERIFY(analysis::adjusted_rand_index(analysis::contingency(truth, 4, first.cluster, 4)) > 0.99);
    QVERIFY(std::is_sorted(first.size.rbegin(), first.size.rend()));
  }

  void blocksOfGenesGiveTheSame() {
    const auto data = groups_of_cells::make(80, 40, 2);
    const data::CountMatrix turned = data.counts.transposed();
    const data::CountSource by_genes = [&turned](data::CountSink& sink) {
      std::vector<std::int64_t> scratch;
      data::CountBlock block = turned.block(0, turned.n_genes, scratch);
      block.major = data::Major::Gene;
      block.row_start = turned.row_start;
      block.minor = turned.gene;
      block.count = turned.count;
      sink.add(block);
    };
    PcaOptions options;
    options.dims = 5;
    QVERIFY(principal_components(80, 40, by_genes, {}, options).scores == principal_components(data, options).scores);
  }

  void genesThatSomeCellsDidNotMeasureAreLeftOut() {
    auto data = groups_of_cells::make(50, 20, 2);
    data.missing.genes = {{}, {3, 7}};
    data.missing.pattern_of_cell.assign(50, 0);
    data.missing.pattern_of_cell[4] = 1;
    const auto found = principal_components(data, {.dims = 4});
    QCOMPARE(found.genes.size(), std::size_t{18});
    QVERIFY(std::find(found.genes.begin(), found.genes.end(), 3) == found.genes.end());
  }

  void variableGenesAreChosen() {
    const auto found = principal_components(groups_of_cells::make(200, 50, 5), {.dims = 3, .highly_variable = 20});
    QCOMPARE(found.genes.size(), std::size_t{20});
  }

  void badInput() {
    QVERIFY_THROWS_EXCEPTION(Error, principal_components(groups_of_cells::make(1, 20, 1), {}));
    QVERIFY_THROWS_EXCEPTION(Error, principal_components(data::Dataset{}, {}));
    auto same = groups_of_cells::make(6, 5, 1);  // every cell becomes the first
    same.counts.gene.resize(static_cast<std::size_t>(same.counts.row_start[1]));
    same.counts.count.resize(same.counts.gene.size());
    const auto row = same.counts;
    for (int i = 1; i < 6; ++i) {
      same.counts.gene.insert(same.counts.gene.end(), row.gene.begin(), row.gene.end());
      same.counts.count.insert(same.counts.count.end(), row.count.begin(), row.count.end());
      same.counts.row_start[static_cast<std::size_t>(i) + 1] = static_cast<std::int64_t>(same.counts.gene.size());
    }
    QVERIFY_THROWS_EXCEPTION(Error, principal_components(same, {.scale = false}));
    QVERIFY_THROWS_EXCEPTION(Error, k_means(std::vector<double>{1, 2}, 1, {.clusters = 3}));
    std::stop_source stopped;
    stopped.request_stop();
    QVERIFY_THROWS_EXCEPTION(Cancelled,
                             principal_components(groups_of_cells::make(30, 20, 2), {}, {stopped.get_token(), {}}));
  }

  void fewDistinctPointsLeaveClustersEmpty() {
    const auto found = k_means(std::vector<double>{1, 1, 1, 5, 5}, 1, {.clusters = 3});
    QCOMPARE(found.size, (std::vector<std::int64_t>{3, 2, 0}));
    QCOMPARE(found.cluster, (std::vector<std::int32_t>{0, 0, 0, 1, 1}));
    QCOMPARE(found.within, 0.0);
    QVERIFY(std::isnan(found.centre[2]));
  }
};

QTEST_GUILESS_MAIN(TestPrincipalComponents)
#include "tst_principal_components.moc"
