#include <QTest>
#include <algorithm>

#include "core/compute/parallel.hpp"
#include "core/data/formats/cell_report.hpp"
#include "core/data/formats/row_entries.hpp"
#include "core/data/open.hpp"
#include "core/error.hpp"
#include "small_zarr.hpp"

using namespace scriptorium;
using namespace small_zarr;

namespace {

bool any_has(const std::vector<std::string>& notes, const std::string& part) {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

/// Counts as a sink hears of them: cell after cell.
std::vector<std::string> notes_of(const std::vector<std::vector<data::Count>>& cells, data::Major major) {
  data::MatrixSink matrix;
  data::CellReport report(matrix);
  data::Table names, genes;
  const std::size_t n_genes = cells.front().size();
  for (std::size_t i = 0; i < cells.size(); ++i) names.names.push_back("c" + std::to_string(i));
  for (std::size_t i = 0; i < n_genes; ++i) genes.names.push_back("g" + std::to_string(i));
  report.begin(names, genes);
  data::CountBuilder builder(&report, major);
  const bool by_cell = major == data::Major::Cell;
  for (std::size_t row = 0; row < (by_cell ? cells.size() : n_genes); ++row) {
    for (std::size_t i = 0; i < (by_cell ? n_genes : cells.size()); ++i)
      builder.add(static_cast<std::uint32_t>(i), by_cell ? cells[row][i] : cells[i][row]);
    builder.end_row();
  }
  builder.finish();
  return report.notes(names.names);
}

}  // namespace

class TestBareArray : public QObject {
  Q_OBJECT
  QTemporaryDir folder_;
  int made_ = 0;

  /// A group with the array X of 4 × 2, and tables beside it.
  data::Dataset with_tables(const std::vector<std::pair<std::string, std::string>>& tables, bool open_array = false) {
    const fs::path group = folder_.filePath(QString("%1.zarr").arg(++made_)).toStdString();
    put_file(group / ".zgroup", R"({"zarr_format": 2})");
    put_file(group / "X/.zarray", zarray("4, 2", "4, 2"));
    put_file(group / "X/0.0", bytes_of<std::int32_t>({1, 0, 0, 2, 3, 0, 0, 4}));
    for (const auto& [name, text] : tables) put_file(group / name, text);
    return data::open((open_array ? group / "X" : group).string(), {}, {});
  }

 private slots:
  void namesAreGeneratedWithANote() {
    const data::Dataset d = with_tables({});
    QCOMPARE(d.layer, std::string("X"));
    QCOMPARE(d.cells.names, (std::vector<std::string>{"cell 1", "cell 2", "cell 3", "cell 4"}));
    QCOMPARE(d.genes.names, (std::vector<std::string>{"gene 1", "gene 2"}));
    QVERIFY(any_has(d.notes, "names no cells: numbered"));
    QCOMPARE(d.counts.at(3, 1), 4U);
    QCOMPARE(with_tables({}, true).layer, std::string("X"));
  }

  void tablesBesideNameCellsAndGenes() {
    const std::string obs =
        ",n,score,batch,label,good\na,1,0.5,2024,x,True\nb,2,,2024,\"y, z\",False\nc,3,1,2025,x,True\n"
        "d,4,2,2025,\"y, z\",True\n";
    for (const bool open_array : {false, true}) {
      const data::Dataset d = with_tables({{"all.obs.csv", obs}, {"genes.tsv", "g1\tfirst\ng2\tsecond\n"}}, open_array);
      QCOMPARE(d.cells.names, (std::vector<std::string>{"a", "b", "c", "d"}));
      QCOMPARE(d.genes.names, (std::vector<std::string>{"g1", "g2"}));
      QCOMPARE(d.cells.find("n")->type(), std::string("integer"));
      QCOMPARE(d.cells.find("score")->type(), std::string("number"));
      QVERIFY(d.cells.find("score")->is_missing(1));
      QCOMPARE(d.cells.find("label")->type(), std::string("label"));
      QCOMPARE(d.cells.find("label")->text(3), std::string("y, z"));
      QCOMPARE(d.cells.find("good")->type(), std::string("boolean"));
      QCOMPARE(d.genes.find("column 2")->text(1), std::string("second"));
      QVERIFY(any_has(d.notes, "The names of the cells are those of all.obs.csv"));
    }
  }

  void headersWithoutAColumnForNamesAreRead() {
    const data::Dataset d = with_tables({{"cells.txt", "n\tm\na\t1\t5\nb\t2\t6\nc\t3\t7\nd\t4\t8\n"}});
    QCOMPARE(d.cells.names.front(), std::string("a"));
    QCOMPARE(d.cells.find("m")->text(3), std::string("8"));
  }

  void tablesThatDoNotFitAreNoted() {
    const data::Dataset d =
        with_tables({{"obs.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"},
                     {"barcodes.tsv", "a\nb\nc\nd\ne\nf\n"},
                     {"var.csv", "a,b\nc,d,e,f\n"},
                     {"other.csv", "a\nb\nc\nd\n"}});
    QVERIFY(any_has(d.notes, "obs.csv is a Git-LFS pointer"));
    QVERIFY(any_has(d.notes, "barcodes.tsv has 6 lines for 4 cells: not used"));
    QVERIFY(any_has(d.notes, "var.csv has 4 columns on line 2"));
    QCOMPARE(d.cells.names.front(), std::string("cell 1"));
    QCOMPARE(d.genes.names.front(), std::string("gene 1"));
  }

  void tablesTellGenesInRows() {
    const data::Dataset d = with_tables({{"features.tsv", "g1\ng2\ng3\ng4\n"}, {"barcodes.tsv", "a\nb\n"}});
    QCOMPARE(d.counts.n_cells, 2);
    QCOMPARE(d.counts.n_genes, 4);
    QCOMPARE(d.counts.at(0, 2), 3U);
    QCOMPARE(d.counts.at(1, 3), 4U);
    QVERIFY(any_has(d.notes, "genes in rows"));
  }

  void cellsThatComeTwiceAreReported() {
    std::vector<std::vector<data::Count>> cells;
    for (data::Count i = 0; i < 60; ++i) cells.push_back({i % 7, i + 1, i * i % 5});
    QVERIFY(notes_of(cells, data::Major::Cell).empty());
    cells[50] = cells[3];
    const std::string one = "1 cell has the same counts as another, gene by gene (first: c50)";
    QVERIFY(any_has(notes_of(cells, data::Major::Cell), one));
    QVERIFY(any_has(notes_of(cells, data::Major::Gene), one));
    cells[25] = {0, 0, 0};  // empty cells are alike, and no finding of their own
    for (std::size_t i = 0; i < 20; ++i) cells.push_back(cells[20 + i]);
    for (const auto major : {data::Major::Cell, data::Major::Gene})
      QVERIFY(any_has(notes_of(cells, major),
                      "20 cells in a row, c60 to c79, have the same counts gene by gene as c20 to "
                      "c39: they seem to be in the file twice. Elsewhere 1 cell has"));
  }

  void readCountsAmongMoleculesAreReported() {
    std::vector<std::vector<data::Count>> cells;
    for (data::Count i = 0; i < 100; ++i) cells.push_back({i + 1, 1000});
    QVERIFY(!any_has(notes_of(cells, data::Major::Cell), "read counts"));
    for (data::Count i = 0; i < 16; ++i) cells.push_back({i + 1, 600'000});
    QVERIFY(any_has(notes_of(cells, data::Major::Cell), "16 cells have totals above 52,"));
  }

  void rowsAreTakenApart() {
    data::RowEntries entries;
    std::vector<std::int64_t> row(50, 0);
    row[0] = 1;
    row[17] = 4294967295;
    row[33] = std::numeric_limits<std::int64_t>::min();
    row[49] = 2;
    QVERIFY(!entries.take(std::span<const std::int64_t>(row), 100));
    QCOMPARE((std::vector(entries.minor().begin(), entries.minor().end())),
             (std::vector<std::uint32_t>{100, 117, 149}));
    QCOMPARE((std::vector(entries.count().begin(), entries.count().end())),
             (std::vector<data::Count>{1, 4294967295, 2}));
    QCOMPARE((std::vector(entries.missing().begin(), entries.missing().end())), (std::vector<std::uint32_t>{133}));
    for (const std::int64_t bad :
         {std::int64_t{-1}, std::int64_t{4294967296}, std::numeric_limits<std::int64_t>::max()}) {
      row[40] = bad;
      QCOMPARE(entries.take(std::span<const std::int64_t>(row), 0), std::optional<std::size_t>(40));
    }
    std::vector<float> numbers{0, -0.0F, 3, NAN, 2.5F};
    entries.clear();
    QCOMPARE(entries.take(std::span<const float>(numbers), 0), std::optional<std::size_t>(4));
    QCOMPARE(entries.count().size(), 1U);
    QCOMPARE(entries.missing().size(), 1U);
    const std::vector<std::int32_t> lowest{std::numeric_limits<std::int32_t>::min()};  // a mark in 64 bits only
    QCOMPARE(entries.take(std::span<const std::int32_t>(lowest), 0), std::optional<std::size_t>(0));
  }

  void loopsInOrderEndWithTheFirstException() {
    std::atomic<std::int64_t> sum = 0;
    compute::for_each_in_order(1000, 3, [&](std::int64_t i) { sum += i; });
    QCOMPARE(sum.load(), 499'500);
    std::vector<std::int64_t> order;
    compute::for_each_in_order(5, 1, [&](std::int64_t i) { order.push_back(i); });
    QCOMPARE(order, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
    std::atomic<std::int64_t> begun = 0;
    QVERIFY_EXCEPTION_THROWN(compute::for_each_in_order(1'000'000, 2,
                                                        [&](std::int64_t i) {
                                                          ++begun;
                                                          if (i == 10) throw Cancelled{};
                                                        }),
                             Cancelled);
    QVERIFY(begun < 1'000'000);
    compute::for_each_in_order(0, 2, [&](std::int64_t) { QFAIL("nothing to do"); });
  }
};

QTEST_APPLESS_MAIN(TestBareArray)
#include "tst_bare_array.moc"
