#include <QTest>

#include "core/data/count_sink.hpp"
#include "core/data/formats/count_builder.hpp"
#include "core/data/formats/missing_builder.hpp"
#include "core/data/identity.hpp"
#include "core/error.hpp"

using namespace scriptorium;
using namespace scriptorium::data;

namespace {
// 0 5 0 1
// 0 0 0 0
// 7 0 2 0
CountMatrix example() {
  return {3, 4, {0, 2, 2, 4}, {1, 3, 0, 2}, {5, 1, 7, 2}};
}
Table table(const std::string& stem, int n) {
  Table out;
  for (int i = 0; i < n; ++i) out.names.push_back(stem + std::to_string(i));
  return out;
}
/// The rows [first, last) of a matrix, as cells or (of its transpose) as genes.
void send(CountSink& sink, const CountMatrix& rows, Major major, std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> scratch;
  CountBlock block = rows.block(first, last, scratch);
  block.major = major;
  sink.add(block);
}
void same(const CountMatrix& a, const CountMatrix& b) {
  QCOMPARE(a.n_cells, b.n_cells);
  QCOMPARE(a.n_genes, b.n_genes);
  QCOMPARE(a.row_start, b.row_start);
  QCOMPARE(a.gene, b.gene);
  QCOMPARE(a.count, b.count);
}
}  // namespace

class TestCountSink : public QObject {
  Q_OBJECT
  const Table cells_ = table("c", 3), genes_ = table("g", 4);

 private slots:
  void blocksInAnyOrderMakeTheSameMatrix() {
    for (const auto& order : {std::vector<int>{0, 1, 2}, {2, 0, 1}, {1, 2, 0}}) {
      MatrixSink sink;
      sink.begin(cells_, genes_);
      for (const int cell : order) send(sink, example(), Major::Cell, cell, cell + 1);
      same(sink.finish(), example());
      sink.begin(cells_, genes_);
      for (const int gene : order) send(sink, example().transposed(), Major::Gene, gene, gene + 1);
      send(sink, example().transposed(), Major::Gene, 3, 4);
      same(sink.finish(), example());
    }
  }

  void rowsThatNeverComeAreEmpty() {
    MatrixSink sink;
    sink.begin(cells_, genes_);
    send(sink, example(), Major::Cell, 2, 3);
    const CountMatrix m = sink.finish();
    QCOMPARE(m.row_start, (std::vector<std::int64_t>{0, 0, 0, 2}));
  }

  void aSecondBeginTakesBackWhatCame() {
    MatrixSink sink;
    IdentitySink identity, again;
    for (CountSink* s : {static_cast<CountSink*>(&sink), static_cast<CountSink*>(&identity)}) {
      s->begin(cells_, genes_);
      send(*s, example(), Major::Cell, 0, 1);
      s->begin(cells_, genes_);
      send(*s, example(), Major::Cell, 0, 3);
    }
    again.begin(cells_, genes_);
    send(again, example().transposed(), Major::Gene, 0, 4);
    same(sink.finish(), example());
    QCOMPARE(identity.finish({}), again.finish({}));  // by cells or by genes: the same counts
    Missing missing{{{}, {2}}, {0, 1, 0}};
    QVERIFY(identity.finish(missing) != identity.finish({}));
  }

  void refusesRowsAndIndicesThatDoNotBelong() {
    MatrixSink sink;
    sink.begin(cells_, table("g", 3));
    QVERIFY_EXCEPTION_THROWN(send(sink, example(), Major::Cell, 0, 1), Error);
    sink.begin(table("c", 2), genes_);
    QVERIFY_EXCEPTION_THROWN(send(sink, example(), Major::Cell, 1, 3), Error);
    sink.begin(cells_, genes_);
    send(sink, example(), Major::Cell, 0, 2);
    QVERIFY_EXCEPTION_THROWN(send(sink, example(), Major::Cell, 1, 2), Error);
  }

  void aSelectionIsRenumbered() {
    using Indices = std::vector<std::int64_t>;
    for (const Indices& cells : {Indices{}, {0, 2}, {1, 2}})
      for (const Indices& genes : {Indices{}, {1, 2}, {0, 3}})
        for (const bool by_cell : {true, false}) {
          MatrixSink sink;
          Selection selection(sink, cells, genes);
          selection.begin(cells_, genes_);
          if (by_cell) {
            send(selection, example(), Major::Cell, 2, 3);
            send(selection, example(), Major::Cell, 0, 2);
          } else {
            send(selection, example().transposed(), Major::Gene, 0, 4);
          }
          same(sink.finish(), example().select(cells, genes));
        }
  }

  void rowsAreSortedAndEntriesStoredTwiceAddedUp() {
    MatrixSink sink;
    sink.begin(cells_, genes_);
    CountBuilder builder(&sink, Major::Cell);
    for (const auto& [gene, count] : {std::pair{3U, 1U}, {1U, 2U}, {1U, 3U}, {2U, 0U}}) builder.add(gene, count);
    builder.end_row();
    builder.end_row();
    for (const auto& [gene, count] : {std::pair{0U, 7U}, {2U, 2U}}) builder.add(gene, count);
    builder.end_row();
    QCOMPARE(builder.finish(), 1);
    same(sink.finish(), example());
    CountBuilder wide(nullptr, Major::Gene, 5);
    wide.add(8, 4294967295U);
    wide.add(8, 1);
    QVERIFY_EXCEPTION_THROWN(wide.end_row(), Error);
  }

  void marksOfManyCellsAreMissingAndOfFewAreFaults() {
    const std::vector<std::uint32_t> a{1, 4}, b{0};
    for (const bool by_gene : {false, true}) {
      MissingBuilder builder(50);
      for (std::int64_t cell = 30; cell-- > 0;) {
        const auto& genes = cell < 12 || cell >= 25 ? a : b;
        if (cell >= 12 && cell < 25 && !by_gene) continue;
        if (!by_gene) builder.add_cell(cell, genes);
      }
      if (by_gene) {
        std::vector<std::uint32_t> cells;
        for (std::uint32_t cell = 0; cell < 30; ++cell)
          if (cell < 12 || cell >= 25) cells.push_back(cell);
        builder.add_gene(4, cells);
        builder.add_gene(1, cells);
      }
      MissingBuilder::Stray stray;
      const auto missing = builder.finish(stray);
      QVERIFY(missing);
      QCOMPARE(missing->genes, (std::vector<std::vector<std::uint32_t>>{{}, a}));
      QCOMPARE(missing->entries(), 34);
      QCOMPARE(missing->n_cells(), 17);
      QCOMPARE(missing->pattern(26), 1U);
      QCOMPARE(missing->pattern(20), 0U);
      const std::vector<std::int64_t> genes{4, 2}, cells{20, 26};
      const Missing less = missing->select(cells, genes, 5);
      QCOMPARE(less.genes, (std::vector<std::vector<std::uint32_t>>{{}, {0}}));
      QCOMPARE(less.pattern_of_cell, (std::vector<std::uint32_t>{0, 1}));
      QVERIFY(missing->select({}, std::vector<std::int64_t>{0, 2}, 5).none());
    }
    MissingBuilder few(50);
    few.add_cell(7, b);
    MissingBuilder::Stray stray;
    QVERIFY(!few.finish(stray));
    QCOMPARE(stray.cell, 7);
    QCOMPARE(stray.gene, 0U);
    MissingBuilder none(50);
    QVERIFY(none.finish(stray)->none());
  }
};

QTEST_APPLESS_MAIN(TestCountSink)
#include "tst_count_sink.moc"
