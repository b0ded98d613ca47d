#include <QTemporaryDir>
#include <QtTest>
#include <fstream>

#include "core/data/identity.hpp"
#include "core/data/packed_dataset.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"

using namespace scriptorium;
using namespace scriptorium::data;

namespace {

/// 60 cells × 40 genes; among the counts the largest there is.
CountMatrix some_counts() {
  CountMatrix m;
  m.n_cells = 60;
  m.n_genes = 40;
  math::Random random(11, math::Purpose::Test);
  for (int c = 0; c < 60; ++c) {
    for (std::uint32_t g = 0; g < 40; ++g) {
      auto u = c == 4 ? 0 : random.negative_binomial(0.3, g == 5 ? 5000 : 1 + g % 3);
      if (c == 7 && g == 39) u = 4294967295U;
      if (u == 0) continue;
      m.gene.push_back(g);
      m.count.push_back(static_cast<Count>(u));
    }
    m.row_start.push_back(m.nnz());
  }
  return m;
}

Table table(const std::string& stem, std::int64_t n) {
  Table out;
  for (std::int64_t i = 0; i < n; ++i) out.names.push_back(stem + std::to_string(i));
  return out;
}

void same(const CountMatrix& a, const CountMatrix& b) {
  QCOMPARE(a.n_cells, b.n_cells);
  QCOMPARE(a.n_genes, b.n_genes);
  QCOMPARE(a.row_start, b.row_start);
  QCOMPARE(a.gene, b.gene);
  QCOMPARE(a.count, b.count);
}

void same(const Dataset& a, const Dataset& b) {
  same(a.counts, b.counts);
  QCOMPARE(a.cells.names, b.cells.names);
  QCOMPARE(a.genes.names, b.genes.names);
  QCOMPARE(a.missing.genes, b.missing.genes);
  QCOMPARE(a.missing.pattern_of_cell, b.missing.pattern_of_cell);
  QCOMPARE(data_identity(a), data_identity(b));
}

}  // namespace

class TestPackedCounts : public QObject {
  Q_OBJECT
  QTemporaryDir dir_;
  std::string path_;

 private slots:
  void initTestCase() {
    // Cells 20 … 45 did not measure the genes 3 and 6.
    const CountMatrix m = some_counts();
    std::ofstream out(path_ = dir_.filePath("counts.csv").toStdString());
    for (int g = 0; g < 40; ++g) out << ",g" << g;
    for (std::int64_t c = 0; c < 60; ++c) {
      out << "\nc" << c;
      for (std::int64_t g = 0; g < 40; ++g) {
        if (c >= 20 && c <= 45 && (g == 3 || g == 6))
          out << ",NA";
        else
          out << "," << m.at(c, g) % 100;
      }
    }
    out << "\n";
  }

  void handsOnWhatCameInMemoryOrOnDisk() {
    const CountMatrix m = some_counts();
    for (const std::uint64_t memory : {std::uint64_t{1} << 20, std::uint64_t{0}, std::uint64_t{700}})
      for (const bool by_gene : {false, true}) {
        PackedCounts packed({.memory = memory, .folder = dir_.path().toStdString()});
        const CountMatrix rows = by_gene ? m.transposed() : m;
        packed.begin(table("c", 60), table("g", 40));
        std::vector<std::int64_t> scratch;
        for (const auto& [first, last] : {std::pair{30, 33}, {0, 17}, {33, 40}, {17, 30}}) {
          CountBlock block = rows.block(first, last, scratch);
          block.major = by_gene ? Major::Gene : Major::Cell;
          packed.add(block);
        }
        if (!by_gene) packed.add(rows.block(40, 60, scratch));
        QCOMPARE(packed.nnz(), m.nnz());
        QCOMPARE(packed.max_count(), 4294967295U);
        QVERIFY(packed.memory_bytes() <= memory);
        QCOMPARE(packed.file_bytes() == 0, memory == std::uint64_t{1} << 20);
        for (const int threads : {1, 4}) {
          MatrixSink sink;
          sink.begin(table("c", 60), table("g", 40));
          packed.send(sink, threads, {});
          same(sink.finish(), m);
        }
      }
  }

  void aSecondBeginTakesBackWhatCame() {
    PackedCounts packed({.memory = 10, .folder = dir_.path().toStdString()});
    std::vector<std::int64_t> scratch;
    const CountMatrix m = some_counts();
    for (int i = 0; i < 2; ++i) {
      packed.begin(table("c", 60), table("g", 40));
      packed.add(m.block(0, 60, scratch));
    }
    QCOMPARE(packed.nnz(), m.nnz());
    MatrixSink sink;
    sink.begin(table("c", 60), table("g", 40));
    packed.send(sink, 1, {});
    same(sink.finish(), m);
  }

  void refusesRowsThatComeTwiceAndFoldersThatAreNone() {
    PackedCounts packed;
    std::vector<std::int64_t> scratch;
    const CountMatrix m = some_counts();
    packed.begin(table("c", 60), table("g", 40));
    packed.add(m.block(0, 20, scratch));
    packed.add(m.block(19, 60, scratch));
    MatrixSink sink;
    QVERIFY_EXCEPTION_THROWN(packed.send(sink, 1, {}), Error);
    PackedCounts nowhere({.memory = 0, .folder = dir_.filePath("none").toStdString()});
    nowhere.begin(table("c", 60), table("g", 40));
    QVERIFY_EXCEPTION_THROWN(nowhere.add(m.block(0, 20, scratch)), Error);
  }

  void filtersGiveWhatTheyGiveInMemory_data() {
    QTest::addColumn<Filter>("filter");
    QTest::newRow("none") << Filter{};
    QTest::newRow("counts") << Filter{.min_counts_per_cell = 120, .min_genes_per_cell = 8};
    QTest::newRow("genes") << Filter{.min_cells_per_gene = 12, .min_counts_per_gene = 30};
    QTest::newRow("variable") << Filter{.min_counts_per_cell = 60, .highly_variable = 9};
    QTest::newRow("condition") << Filter{.cells = "n_counts > 100 and n_genes >= 9"};
    QTest::newRow("list") << Filter{.min_genes_per_cell = 5, .genes = {"g3", "g6", "g11"}};
  }
  void filtersGiveWhatTheyGiveInMemory() {
    QFETCH(Filter, filter);
    for (const MissingRule rule : {MissingRule::LeaveOut, MissingRule::Zero, MissingRule::FullGenes}) {
      if (rule == MissingRule::FullGenes && !filter.genes.empty()) continue;  // these genes are gone then
      const OpenOptions options{.orientation = "cells", .missing = rule};
      Dataset whole = open(path_, options, {});
      if (!filter.empty()) {
        const Kept kept = apply(filter, whole);
        whole = whole.select(kept.cells, kept.genes);
      }
      const PackedDataset packed(path_, options, filter, {.memory = 100, .folder = dir_.path().toStdString()}, {});
      QVERIFY(packed.packed().file_bytes() > 0);
      same(packed.load({}), whole);
      QCOMPARE(packed.tables().notes, whole.notes);
    }
  }
};

QTEST_GUILESS_MAIN(TestPackedCounts)
#include "tst_packed_counts.moc"
