#include <QtTest>
#include <cmath>
#include <numeric>

#include "core/embedding/embed.hpp"
#include "core/embedding/neighbours.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"
#include "groups_of_cells.hpp"

using namespace scriptorium;
using namespace scriptorium::embedding;

Q_DECLARE_METATYPE(scriptorium::embedding::Method)

namespace {

std::vector<double> random_points(std::size_t n, std::size_t dims) {
  std::vector<double> out(n * dims);
  math::Random random(3, math::Purpose::Test);
  for (double& x : out) x = random.normal();
  return out;
}

EmbedOptions small(Method method, int threads = 0) {
  EmbedOptions options;
  options.method = method;
  options.pca.dims = 6;
  options.pca.threads = threads;
  options.epochs = 200;
  options.iterations = 400;
  return options;
}

/// Share of cells whose nearest neighbour on the map is of their own group.
double kept_together(const Coordinates& map, std::size_t groups) {
  const Neighbours near = nearest_neighbours(map.values, map.dims, 1, 1);
  std::size_t same = 0;
  for (std::size_t i = 0; i < near.index.size(); ++i)
    same += i % groups == static_cast<std::size_t>(near.index[i]) % groups ? 1 : 0;
  return static_cast<double>(same) / static_cast<double>(near.index.size());
}

}  // namespace

class TestEmbed : public QObject {
  Q_OBJECT
 private slots:
  void neighboursAreThoseOfAllDistances() {
    const std::size_t n = 300, dims = 4;
    const auto points = random_points(n, dims);
    const Neighbours found = nearest_neighbours(points, dims, 7, 2);
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<std::pair<double, std::int32_t>> all;
      for (std::size_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::size_t d = 0; d < dims; ++d) sum += std::pow(points[i * dims + d] - points[j * dims + d], 2);
        if (j != i) all.emplace_back(std::sqrt(sum), static_cast<std::int32_t>(j));
      }
      std::sort(all.begin(), all.end());
      for (std::size_t j = 0; j < 7; ++j) {
        QCOMPARE(found.index[i * 7 + j], all[j].second);
        QVERIFY(std::fabs(found.distance[i * 7 + j] - all[j].first) < 1e-12);
      }
    }
  }

  void randomTreesFindNearlyAllNeighboursAndRepeat() {
    const auto points = random_points(2000, 5);
    const Neighbours exact = nearest_neighbours(points, 5, 10, 2);
    const Neighbours trees = nearest_neighbours(points, 5, 10, 2, {}, 100);
    const Neighbours again = nearest_neighbours(points, 5, 10, 1, {}, 100);
    QVERIFY(trees.index == again.index && trees.distance == again.distance);
    std::ptrdiff_t found = 0;
    for (std::size_t i = 0; i < 2000; ++i)
      for (std::size_t j = 0; j < 10; ++j)
        found += std::count(exact.index.begin() + static_cast<std::ptrdiff_t>(i * 10),
                            exact.index.begin() + static_cast<std::ptrdiff_t>(i * 10 + 10), trees.index[i * 10 + j]);
    QVERIFY2(found > 19000, qPrintable(QString::number(found)));
  }

  void groupsStayTogetherAndNumbersRepeat_data() {
    QTest::addColumn<Method>("method");
    QTest::newRow("UMAP") << Method::Umap;
    QTest::newRow("t-SNE") << Method::Tsne;
    QTest::newRow("PCA") << Method::Pca;
  }
  void groupsStayTogetherAndNumbersRepeat() {
    QFETCH(Method, method);
    const auto data = groups_of_cells::make(400, 80, 4);
    const Coordinates one = embed(data, small(method, 1)), three = embed(data, small(method, 3));
    QVERIFY(one.values == three.values);
    QCOMPARE(one.values.size(), static_cast<std::size_t>(400 * one.dims));
    for (const double x : one.values) QVERIFY(std::isfinite(x));
    const double kept = kept_together(one, 4);
    QVERIFY2(kept > 0.97, qPrintable(QString::number(kept)));
    EmbedOptions other = small(method);
    other.pca.seed = 1;
    if (method == Method::Umap) QVERIFY(embed(data, other).values != one.values);
  }

  void smallAndOddData_data() { groupsStayTogetherAndNumbersRepeat_data(); }
  void smallAndOddData() {
    QFETCH(Method, method);
    QVERIFY_THROWS_EXCEPTION(Error, embed(groups_of_cells::make(1, 20, 1), small(method)));
    if (method != Method::Pca) QVERIFY_THROWS_EXCEPTION(Error, embed(groups_of_cells::make(4, 20, 1), small(method)));
    for (const auto& [cells, genes] : {std::pair{5, 20}, std::pair{6, 2}, std::pair{40, 1}})
      for (const double x : embed(groups_of_cells::make(cells, genes, 2), small(method)).values)
        QVERIFY(std::isfinite(x));
    // Cells without counts, and cells that are all the same, lie somewhere.
    auto data = groups_of_cells::make(30, 20, 2);
    data.counts.n_cells += 20;
    data.counts.row_start.resize(51, data.counts.row_start.back());
    for (const double x : embed(data, small(method)).values) QVERIFY(std::isfinite(x));
  }

  void canBeStopped() {
    std::stop_source stop;
    int told = 0;
    const RunControl control{stop.get_token(), [&](const Progress& progress) {
                               if (progress.message.starts_with("UMAP") && ++told == 3) stop.request_stop();
                             }};
    QVERIFY_THROWS_EXCEPTION(Cancelled, embed(groups_of_cells::make(100, 30, 2), small(Method::Umap), control));
    QCOMPARE(told, 3);
  }

  void methodsHaveNames() {
    for (const Method method : {Method::Pca, Method::Umap, Method::Tsne})
      QCOMPARE(method_from_string(to_string(method)), method);
    QVERIFY_THROWS_EXCEPTION(Error, method_from_string("map"));
  }
};

QTEST_GUILESS_MAIN(TestEmbed)
#include "tst_embed.moc"
