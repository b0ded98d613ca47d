#include <QTest>
#include <algorithm>
#include <random>

#include "core/data/identity.hpp"
#include "core/data/open.hpp"
#include "small_files.hpp"

using namespace scriptorium;
using small_files::H5;
using small_files::put;

namespace {

struct Entry {
  std::int64_t cell, gene;
  double count;
};

/// 40 cells × 25 genes, a fifth of the entries positive, written in any order.
std::vector<Entry> entries() {
  std::mt19937 random(5);
  std::vector<Entry> out;
  for (std::int64_t cell = 0; cell < 40; ++cell)
    for (std::int64_t gene = 0; gene < 25; ++gene)
      if (random() % 5 == 0) out.push_back({cell, gene, static_cast<double>(1 + random() % 90)});
  return out;
}

std::vector<std::string> names(const char* what, int n) {
  std::vector<std::string> out;
  for (int i = 0; i < n; ++i) out.push_back(what + std::to_string(i));
  return out;
}

struct Compressed {
  std::vector<double> data;
  std::vector<std::int64_t> indices, indptr;
};
Compressed compress(std::vector<Entry> all, bool by_gene, std::int64_t majors) {
  Compressed out{{}, {}, std::vector<std::int64_t>(majors + 1, 0)};
  std::stable_sort(all.begin(), all.end(),
                   [&](const Entry& a, const Entry& b) { return by_gene ? a.gene < b.gene : a.cell < b.cell; });
  for (const Entry& e : all) {
    out.data.push_back(e.count);
    out.indices.push_back(by_gene ? e.cell : e.gene);
    ++out.indptr[(by_gene ? e.gene : e.cell) + 1];
  }
  for (std::int64_t i = 0; i < majors; ++i) out.indptr[i + 1] += out.indptr[i];
  return out;
}

std::string id(const std::string& path) {
  return data::data_identity(data::open(path, {}, {}));
}

}  // namespace

class TestIdentity : public QObject {
  Q_OBJECT
 private slots:
  void everyFormatAndOrderGivesTheSame() {
    QTemporaryDir folder;
    const auto file = [&](const char* name) { return folder.filePath(name).toStdString(); };
    std::vector<Entry> all = entries();
    const auto cells = names("cell", 40), genes = names("gene", 25);
    std::shuffle(all.begin(), all.end(), std::mt19937(1));  // rows are then unsorted

    const Compressed rows = compress(all, false, 40), columns = compress(all, true, 25);
    H5(file("csr.h5ad"))
        .table("obs", cells)
        .table("var", genes)
        .sparse("X", "csr_matrix", rows.data, rows.indices, rows.indptr)
        .shape_attribute("X", 40, 25);
    H5(file("csc.h5ad"))
        .table("obs", cells)
        .table("var", genes)
        .sparse("X", "csc_matrix", columns.data, columns.indices, columns.indptr)
        .shape_attribute("X", 40, 25);
    std::vector<double> dense(40 * 25, 0);
    for (const Entry& e : all) dense[e.cell * 25 + e.gene] = e.count;
    H5(file("dense.h5ad")).table("obs", cells).table("var", genes).numbers("X", dense, {40, 25});

    QDir(folder.path()).mkdir("mtx");
    std::string matrix = "%%MatrixMarket matrix coordinate integer general\n25 40 " + std::to_string(all.size()) + "\n",
                features, barcodes;
    for (const Entry& e : all)
      matrix += std::to_string(e.gene + 1) + " " + std::to_string(e.cell + 1) + " " +
                std::to_string(static_cast<int>(e.count)) + "\n";
    for (const auto& gene : genes) features += gene + "\tsymbol\tGene Expression\n";
    for (const auto& cell : cells) barcodes += cell + "\n";
    put(file("mtx/matrix.mtx.gz"), matrix, true);
    put(file("mtx/features.tsv.gz"), features, true);
    put(file("mtx/barcodes.tsv"), barcodes);

    const std::string expected = id(file("csr.h5ad"));
    QCOMPARE(expected.size(), 32U);
    QCOMPARE(id(file("csc.h5ad")), expected);
    QCOMPARE(id(file("dense.h5ad")), expected);
    QCOMPARE(id(file("mtx")), expected);
  }

  void orderOfCellsAndGenesDoesNotMatterButNamesAndCountsDo() {
    data::Dataset d;
    d.counts = {2, 2, {0, 1, 3}, {0, 0, 1}, {4, 1, 2}};
    d.cells.names = {"a", "b"};
    d.genes.names = {"x", "y"};
    const std::string first = data::data_identity(d);
    const std::vector<std::int64_t> turned{1, 0};
    QCOMPARE(data::data_identity(d.select(turned, turned)), first);

    data::Dataset other = d;
    other.counts.count[0] = 5;
    QVERIFY(data::data_identity(other) != first);
    other = d;
    other.cells.names = {"a", "c"};
    QVERIFY(data::data_identity(other) != first);
    other = d;
    std::swap(other.genes.names[0], other.genes.names[1]);  // the same names, other counts beside them
    QVERIFY(data::data_identity(other) != first);
    other = d;
    other.counts.count = {1, 4, 2};
    QVERIFY(data::data_identity(other) != first);
    std::swap(d.cells.names, d.genes.names);
    QVERIFY(data::data_identity(d) != first);
  }
};

QTEST_APPLESS_MAIN(TestIdentity)
#include "tst_identity.moc"
