#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

#include "core/data/identity.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/storage/sealed_file.hpp"
#include "core/summary/digest.hpp"
#include "core/summary/summary_file.hpp"

using namespace scriptorium;
using summary::NamedSummary;
using Indices = std::vector<std::int64_t>;

namespace {

/// 90 cells × 12 genes with an empty cell, a silent gene and two patterns of what was not measured.
data::Dataset example() {
  data::Dataset d;
  d.path = "example";
  math::Random random(5, math::Purpose::Test);
  d.counts.n_cells = 90;
  d.counts.n_genes = 12;
  const std::vector<std::vector<std::uint32_t>> lacking{{}, {2, 9}, {0}};
  d.missing.genes = lacking;
  for (int c = 0; c < 90; ++c) {
    d.cells.names.push_back("c" + std::to_string(c));
    const std::uint32_t pattern = c < 20 ? 0 : c < 50 ? 1 : c < 70 ? 0 : 2;
    d.missing.pattern_of_cell.push_back(pattern);
    for (std::uint32_t g = 0; g < 12; ++g) {
      const auto& of = lacking[pattern];
      if (c == 3 || g == 7 || std::find(of.begin(), of.end(), g) != of.end()) continue;
      const auto u = random.negative_binomial(0.4, g == 4 ? 300 : 2);
      if (u == 0) continue;
      d.counts.gene.push_back(g);
      d.counts.count.push_back(static_cast<data::Count>(u));
    }
    d.counts.row_start.push_back(d.counts.nnz());
  }
  for (int g = 0; g < 12; ++g) d.genes.names.push_back("g" + std::to_string(g));
  return d;
}

NamedSummary named(const data::Dataset& d) {
  const auto digest = summary::digest(d, 1, {});
  return {digest.summary,
          d.genes.names,
          d.cells.names,
          digest.data_id,
          {{d.path, "X", "leave-out", "", d.counts.n_cells, false}}};
}

Indices range(std::int64_t first, std::int64_t last) {
  Indices out;
  for (auto i = first; i < last; ++i) out.push_back(i);
  return out;
}

void same(const NamedSummary& a, const NamedSummary& b) {
  const auto &x = a.summary, &y = b.summary;
  QCOMPARE(x.n_cells, y.n_cells);
  QCOMPARE(x.n_genes, y.n_genes);
  QCOMPARE(x.gene_start, y.gene_start);
  QCOMPARE(x.value, y.value);
  QCOMPARE(x.cells, y.cells);
  QCOMPARE(x.gene_total, y.gene_total);
  QCOMPARE(x.gene_nonzero, y.gene_nonzero);
  QCOMPARE(x.gene_measured, y.gene_measured);
  QCOMPARE(x.patterns.size(), y.patterns.size());
  for (std::size_t p = 0; p < x.patterns.size(); ++p)
    QCOMPARE(x.patterns[p].missing_genes, y.patterns[p].missing_genes);
  QCOMPARE(x.classes.size(), y.classes.size());
  for (std::size_t k = 0; k < x.classes.size(); ++k) {
    QCOMPARE(x.classes[k].pattern, y.classes[k].pattern);
    QCOMPARE(x.classes[k].total, y.classes[k].total);
    QCOMPARE(x.classes[k].cells, y.classes[k].cells);
  }
  QCOMPARE(x.class_of_cell, y.class_of_cell);
  QCOMPARE(x.sum_log_factorial, y.sum_log_factorial);
  QCOMPARE(a.genes, b.genes);
  QCOMPARE(a.cells, b.cells);
  QCOMPARE(a.data_id, b.data_id);
}

std::string message(const std::vector<NamedSummary>& parts) {
  try {
    summary::merge(parts, {});
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

class TestSummaryFile : public QObject {
  Q_OBJECT
  QTemporaryDir dir_;
  std::string at(const char* name) const { return dir_.filePath(name).toStdString(); }

 private slots:
  void mergedShardsAreTheWhole() {
    const data::Dataset whole = example();
    for (const std::vector<std::int64_t>& cuts :
         {std::vector<std::int64_t>{0, 90}, {0, 30, 90}, {0, 1, 21, 60, 89, 90}}) {
      std::vector<NamedSummary> parts;
      for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
        parts.push_back(named(whole.select(range(cuts[i], cuts[i + 1]), {})));
      const NamedSummary merged = summary::merge(parts, {});
      same(merged, named(whole));
      QCOMPARE(merged.sources.size(), parts.size());
    }
  }

  void genesInAnotherOrderAreBroughtTogether() {
    const data::Dataset whole = example();
    Indices order = range(0, 12);
    std::reverse(order.begin(), order.end());
    same(summary::merge({named(whole.select(range(0, 40), {})), named(whole.select(range(40, 90), order))}, {}),
         named(whole));
  }

  void genesThatAShardLacksWereNotMeasured() {
    // The second half of the cells comes without the genes 3 and 8: the whole with these not measured there.
    data::Dataset whole = example();
    Indices kept = range(0, 12);
    std::erase_if(kept, [](std::int64_t g) { return g == 3 || g == 8; });
    const auto first = named(whole.select(range(0, 50), {})), second = named(whole.select(range(50, 90), kept));
    data::Dataset expected;
    expected.cells = whole.cells;
    expected.genes = whole.genes;
    expected.counts.n_cells = 90;
    expected.counts.n_genes = 12;
    for (std::int64_t c = 0; c < 90; ++c) {
      for (auto k = whole.counts.row_start[c]; k < whole.counts.row_start[c + 1]; ++k) {
        const auto g = whole.counts.gene[k];
        if (c >= 50 && (g == 3 || g == 8)) continue;
        expected.counts.gene.push_back(g);
        expected.counts.count.push_back(whole.counts.count[k]);
      }
      expected.counts.row_start.push_back(expected.counts.nnz());
      expected.missing.pattern_of_cell.push_back(c < 20 ? 0 : c < 50 ? 1 : c < 70 ? 2 : 3);
    }
    expected.missing.genes = {{}, {2, 9}, {3, 8}, {0, 3, 8}};
    same(summary::merge({first, second}, {}), named(expected));
  }

  void refusesCellsThatComeTwiceAndGenesLeftOutByChoice() {
    const data::Dataset whole = example();
    const auto a = named(whole.select(range(0, 50), {}));
    QVERIFY(message({a, named(whole.select(range(49, 90), {}))}).find("The cell c49 is in") == 0);
    auto fewer = named(whole.select(range(50, 90), range(0, 5)));
    QCOMPARE(message({a, fewer}), std::string("no error"));
    fewer.sources[0].genes_chosen = true;
    QVERIFY(message({a, fewer}).find("different genes") != std::string::npos);
    QVERIFY(message({}).find("nothing to merge") != std::string::npos);
    auto strange = a;
    strange.data_id = "no identity";
    QVERIFY(message({strange}).find("not the identity") != std::string::npos);
  }

  void roundTrip() {
    NamedSummary saved = named(example());
    saved.sources[0].filter = "--cells 'a == \"b\"'";
    saved.sources[0].genes_chosen = true;
    summary::save_summary(saved, at("s"));
    QVERIFY(summary::is_summary_file(at("s")));
    const NamedSummary loaded = summary::load_summary(at("s"));
    same(loaded, saved);
    QVERIFY(loaded.sources == saved.sources);
    QVERIFY(!summary::is_summary_file(at("none")));
  }

  void damageIsFound() {
    summary::save_summary(named(example()), at("d"));
    QFile file(dir_.filePath("d"));
    QVERIFY(file.open(QIODevice::ReadWrite));
    const QByteArray whole = file.readAll();
    for (const qint64 byte : {700, 3000}) {
      QByteArray damaged = whole;
      damaged[byte] = static_cast<char>(damaged[byte] ^ 1);
      file.seek(0);
      file.write(damaged);
      file.flush();
      QVERIFY_EXCEPTION_THROWN(summary::load_summary(at("d")), Error);
    }
  }

  void anotherKindOfFileIsCalledByItsName() {
    summary::save_summary(named(example()), at("k"));
    try {
      storage::read_sealed(at("k"), {"fit", 1, "written by `fit`"});
      QFAIL("a summary passed for a fit");
    } catch (const Error& error) {
      QVERIFY(std::string(error.what()).find("is a summary, not a fit") != std::string::npos);
    }
  }
};

QTEST_GUILESS_MAIN(TestSummaryFile)
#include "tst_summary_file.moc"
