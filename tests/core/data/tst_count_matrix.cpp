#include <QTest>
#include <algorithm>

#include "core/data/count_matrix.hpp"

using scriptorium::data::CountMatrix;

namespace {
// 0 5 0 1
// 0 0 0 0
// 7 0 2 0
CountMatrix example() {
  return {3, 4, {0, 2, 2, 4}, {1, 3, 0, 2}, {5, 1, 7, 2}};
}
}  // namespace

class TestCountMatrix : public QObject {
  Q_OBJECT
 private slots:
  void readsSingleEntries() {
    const CountMatrix m = example();
    QCOMPARE(m.nnz(), 4);
    QCOMPARE(m.at(0, 1), 5U);
    QCOMPARE(m.at(0, 2), 0U);
    QCOMPARE(m.at(1, 0), 0U);
    QCOMPARE(m.at(2, 2), 2U);
  }

  void selectsInTheOrderWanted() {
    const std::vector<std::int64_t> cells{2, 0}, genes{2, 1, 0};
    const CountMatrix m = example().select(cells, genes);
    QCOMPARE(m.n_cells, 2);
    QCOMPARE(m.n_genes, 3);
    QCOMPARE(m.row_start, (std::vector<std::int64_t>{0, 2, 3}));
    QCOMPARE(m.gene, (std::vector<std::uint32_t>{0, 2, 1}));
    QCOMPARE(m.count, (std::vector<std::uint32_t>{2, 7, 5}));
    QCOMPARE(example().select({}, {}).count, example().count);
  }

  void transposesBackAndForth() {
    const CountMatrix t = example().transposed();
    QCOMPARE(t.n_cells, 4);
    QCOMPARE(t.at(1, 0), 5U);
    QCOMPARE(t.at(2, 2), 2U);
    QCOMPARE(t.transposed().row_start, example().row_start);
    QCOMPARE(t.transposed().gene, example().gene);
  }

  void transposesWithCellsInAnotherOrder() {
    const std::vector<std::uint32_t> order{2, 0, 1};
    const CountMatrix plain = example().transposed(), t = example().transposed(order);
    QCOMPARE(t.row_start, plain.row_start);
    for (std::int64_t gene = 0; gene < t.n_cells; ++gene) {
      QVERIFY(std::is_sorted(t.gene.begin() + t.row_start[static_cast<std::size_t>(gene)],
                             t.gene.begin() + t.row_start[static_cast<std::size_t>(gene) + 1]));
      for (std::int64_t place = 0; place < 3; ++place)
        QCOMPARE(t.at(gene, place), plain.at(gene, order[static_cast<std::size_t>(place)]));
    }
  }
};

QTEST_APPLESS_MAIN(TestCountMatrix)
#include "tst_count_matrix.moc"
