#include <QTest>
#include <algorithm>
#include <limits>

#include "core/data/formats/zarr/store_tree.hpp"
#include "core/data/identity.hpp"
#include "core/data/open.hpp"
#include "core/error.hpp"
#include "opening.hpp"
#include "small_zarr.hpp"

using namespace scriptorium;
using opening::says;
using namespace small_zarr;

namespace {

const std::string stores = SCRIPTORIUM_TEST_DATA "/data/zarr/";
constexpr int n_cells = 23, n_genes = 17;

/// The matrix of tests/data/zarr/make_stores.py.
data::Count count_of(std::int64_t cell, std::int64_t gene) {
  return (7 * cell + 13 * gene) % 5 < 2 ? static_cast<data::Count>((cell * gene) % 50 + 1) : 0;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool any_has(const std::vector<std::string>& notes, const std::string& part) {
  return std::any_of(notes.begin(), notes.end(), [&](const std::string& note) { return has(note, part); });
}

/// Every count of `d` against the formula; `expected` changes what some are.
template <class Expected>
void compare(const data::Dataset& d, Expected expected) {
  QCOMPARE(d.counts.n_cells, n_cells);
  QCOMPARE(d.counts.n_genes, n_genes);
  for (std::int64_t cell = 0; cell < n_cells; ++cell)
    for (std::int64_t gene = 0; gene < n_genes; ++gene)
      QVERIFY2(d.counts.at(cell, gene) == expected(cell, gene),
               qPrintable(QString("%1, %2: %3").arg(cell).arg(gene).arg(d.counts.at(cell, gene))));
}

}  // namespace

class TestZarr : public QObject {
  Q_OBJECT
  QTemporaryDir folder_;
  std::string file(const std::string& name) const {
    return folder_.filePath(QString::fromStdString(name)).toStdString();
  }

 private slots:
  void everyCodecTypeAndLayout_data() {
    QTest::addColumn<QString>("store");
    QTest::addColumn<QString>("array");
    const std::initializer_list<const char*> special{
        "marks", "nans", "stray", "negative", "shards_with_gaps", "missing_zeros", "missing_threes", "missing_marks"};
    for (const char* store : {"bare_v2.zarr.zip", "bare_v3.zarr.zip"})
      for (const std::string& array : data::zarr::open_store(stores + store)->children("")) {
        if (array.front() == '.' || array == "zarr.json") continue;
        if (std::find(special.begin(), special.end(), array) != special.end()) continue;
        QTest::addRow("%s %s", store, array.c_str()) << store << QString::fromStdString(array);
      }
  }
  void everyCodecTypeAndLayout() {
    QFETCH(QString, store);
    QFETCH(QString, array);
    const data::OpenOptions options{.layer = array.toStdString()};
    const data::Dataset d = data::open(stores + store.toStdString(), options, {});
    compare(d, count_of);
    QCOMPARE(d.format, std::string("zarr"));
    QCOMPARE(d.layer, array.toStdString());
    QVERIFY(d.missing.none());
    // The same from a folder, opened as the array itself, where it is X.
    unpack(stores + store.toStdString(), array.toStdString(), file(array.toStdString() + ".zarr"));
    compare(data::open(file(array.toStdString() + ".zarr"), {}, {}), count_of);
  }

  void opensAtLeastAllThatAreCommitted() {
    QVERIFY(data::zarr::open_store(stores + "bare_v2.zarr.zip")->children("").size() > 40);
    QVERIFY(data::zarr::open_store(stores + "bare_v3.zarr.zip")->children("").size() > 20);
  }

  void largeChunksAreUnpackedInPieces() {
    for (const char* codec : {"blosc", "zstd", "gzip", "lz4"}) {
      const data::Dataset d = data::open(stores + "large_v2.zarr.zip", {.layer = codec}, {});
      QCOMPARE(d.counts.n_cells, 1200);
      QCOMPARE(d.counts.nnz(), 999);
      for (std::int64_t i = 1; i < 1000; ++i) QCOMPARE(d.counts.at(i, i), static_cast<data::Count>(i));
    }
  }

  void emptyChunksOfShardsAreZero() {
    compare(data::open(stores + "bare_v3.zarr.zip", {.layer = "shards_with_gaps"}, {}),
            [](std::int64_t cell, std::int64_t gene) { return cell < 12 && gene < 9 ? 0 : count_of(cell, gene); });
  }

  void missingChunksAreTheFillValue() {
    const auto read = [](const char* layer) { return data::open(stores + "bare_v2.zarr.zip", {.layer = layer}, {}); };
    QVERIFY(any_has(read("missing_zeros").notes, "4 of the 6 chunks of `missing_zeros` are not in the store"));
    compare(read("missing_zeros"),
            [](std::int64_t cell, std::int64_t gene) { return cell < 20 ? 0 : count_of(cell, gene); });
    compare(read("missing_threes"),
            [](std::int64_t cell, std::int64_t gene) { return cell < 20 ? 3 : count_of(cell, gene); });
    const data::Dataset marks = read("missing_marks");
    QCOMPARE(marks.missing.entries(), 20 * n_genes);
    QCOMPARE(marks.missing.n_cells(), 20);
    QCOMPARE(marks.counts.at(21, 1), count_of(21, 1));
    QVERIFY(data::peek(stores + "bare_v2.zarr.zip", {.layer = "missing_marks"}, {}).layers[0].is_counts);
  }

  void marksAreNotMeasuredAndNeverCounts() {
    for (const char* layer : {"marks", "nans"}) {
      const data::Dataset d = data::open(stores + "bare_v2.zarr.zip", {.layer = layer}, {});
      compare(d, [](std::int64_t cell, std::int64_t gene) {
        return cell < 20 && gene >= 3 && gene < 6 ? 0 : count_of(cell, gene);
      });
      QCOMPARE(d.missing.genes.size(), 2U);
      QCOMPARE(d.missing.genes[1], (std::vector<std::uint32_t>{3, 4, 5}));
      QCOMPARE(d.missing.pattern(19), 1U);
      QCOMPARE(d.missing.pattern(20), 0U);
      QVERIFY(any_has(d.notes, "60 entries of 20 cells and 3 genes were not measured"));
    }
  }

  void valuesThatAreNoCountsAreNamed() {
    const std::string store = stores + "bare_v2.zarr.zip";
    const std::string large = says(store, {.layer = "negative"});  // the first by its cell, of two in other chunks
    QVERIFY2(has(large, "`negative` of bare_v2.zarr.zip holds 1099511627776 at cell cell 12, gene gene 3"),
             large.c_str());
    const std::string stray = says(store, {.layer = "stray"});
    QVERIFY2(has(stray, "-9223372036854775808 at cell cell 5, gene gene 3, which is negative"), stray.c_str());
    const data::Dataset d = data::peek(store, {.layer = "negative"}, {});
    QVERIFY(!d.layers[0].is_counts && d.layer.empty());
  }

  void asksWhichMatrix() {
    const std::string found = says(stores + "bare_v3.zarr.zip");
    QVERIFY2(has(found, "several matrices") && has(found, "`big_endian`") && has(found, "--layer"), found.c_str());
    QVERIFY(has(says(stores + "bare_v3.zarr.zip", {.layer = "nothing"}), "no layer `nothing`"));
    QVERIFY(has(says(stores + "texts_v2.zarr.zip"), "`wide_big`"));
  }

  void readsAnndataOfBothVersions() {
    for (const char* store : {"anndata_v2.zarr.zip", "anndata_v3.zarr.zip"}) {
      const data::Dataset d = data::open(stores + store, {}, {});
      compare(d, count_of);
      QCOMPARE(d.layer, std::string("X"));
      QCOMPARE(d.cells.names.back(), std::string("cell_22"));
      QCOMPARE(d.genes.names.front(), std::string("gene_0"));
      const auto& labels = std::get<data::Categorical>(d.cells.find("cluster")->values);
      QCOMPARE(labels.categories, (std::vector<std::string>{"b", "a"}));
      QVERIFY(labels.ordered);
      QCOMPARE(d.cells.find("cluster")->text(3), std::string("b"));
      QCOMPARE(d.cells.find("score")->number(5), 1.25);
      QCOMPARE(d.cells.find("n")->type(), std::string("integer"));
      QCOMPARE(d.cells.find("is_odd")->type(), std::string("boolean"));
      QCOMPARE(d.cells.find("is_odd")->number(3), 1.0);
      QVERIFY(d.cells.find("maybe")->is_missing(2) && !d.cells.find("maybe")->is_missing(3));
      QCOMPARE(d.cells.find("note")->text(7), std::string("täxt 7"));
      QCOMPARE(d.embeddings.size(), 1U);
      QCOMPARE(d.embeddings[0].dims, 3);
      QCOMPARE(d.embeddings[0].coordinates[4], 4.0F);
      const std::string id = data::data_identity(d);
      for (const char* layer : {"csc", "layers/dense"})
        QCOMPARE(data::data_identity(data::open(stores + store, {.layer = layer}, {})), id);
      const data::Dataset raw = data::open(stores + store, {.layer = "raw"}, {});
      QCOMPARE(raw.genes.size(), n_genes + 3U);
      QCOMPARE(raw.counts.at(4, n_genes + 2), count_of(4, 2));
    }
  }

  void takesTheOnlyLayerThatIsCounts() {
    const data::Dataset d = data::open(stores + "layer_v2.zarr", {}, {});
    compare(d, count_of);
    QCOMPARE(d.layer, std::string("layers/csc"));
    QVERIFY(any_has(d.notes, "`X` holds 0.5 at cell cell_0, gene gene_0, which is a fraction"));
    const std::string x = says(stores + "layer_v2.zarr", {.layer = "X"});
    QVERIFY2(has(x, "Choose the layer `layers/csc`"), x.c_str());
  }

  void consolidatedDescriptionsAreEnough() {
    const std::string copy = file("consolidated.zarr");
    fs::copy(stores + "layer_v2.zarr", copy, fs::copy_options::recursive);
    std::vector<fs::path> own;
    for (const auto& entry : fs::recursive_directory_iterator(copy))
      if (entry.is_regular_file() && entry.path().filename().string().starts_with(".z") &&
          entry.path().filename() != ".zmetadata")
        own.push_back(entry.path());
    QVERIFY(own.size() > 20);
    for (const fs::path& path : own) fs::remove(path);
    compare(data::open(copy, {}, {}), count_of);
  }

  void readsTextsOfEveryKind() {
    const auto texts = [](const char* name, const char* array) {
      const auto store = data::zarr::open_store(stores + name);
      const RunControl control;
      return data::zarr::StoreTree(*store, control).array(array)->read_text();
    };
    std::vector<std::string> names;
    for (int i = 0; i < 5; ++i) names.push_back("gene " + std::to_string(i) + " é");
    QCOMPARE(texts("texts_v2.zarr.zip", "wide_little"), names);
    QCOMPARE(texts("texts_v2.zarr.zip", "wide_big"), names);
    QCOMPARE(texts("texts_v3.zarr.zip", "wide"), names);
    QCOMPARE(texts("texts_v3.zarr.zip", "any"), names);
    for (const char* store : {"texts_v2.zarr.zip", "texts_v3.zarr.zip"})
      QCOMPARE(texts(store, "bytes"), (std::vector<std::string>{"a", "bc", "def"}));
  }

  void zipsMayHoldTheirFolderAndRewrittenEntries() {
    const std::vector<small_zip::Entry> entries{small_zip::stored("a.zarr/.zarray", "{ what was written first"),
                                                small_zip::stored("a.zarr/0.0", bytes_of<std::int32_t>({9, 9})),
                                                small_zip::stored("a.zarr/.zarray", zarray("1, 2", "1, 2")),
                                                small_zip::stored("a.zarr/0.0", bytes_of<std::int32_t>({5, 7}))};
    put_file(file("inside.zip"), small_zip::zip_of(entries));
    const data::Dataset d = data::open(file("inside.zip"), {}, {});
    QCOMPARE(d.counts.count, (std::vector<data::Count>{5, 7}));
  }

  /// 1,500,000 values in 100 strips, so that several threads have some, and strips along columns.
  void largeArraysInStrips_data() {
    QTest::addColumn<bool>("by_gene");
    QTest::newRow("of cells") << false;
    QTest::newRow("of genes") << true;
  }
  void largeArraysInStrips() {
    QFETCH(bool, by_gene);
    const fs::path store = file(by_gene ? "strips_of_genes.zarr" : "strips_of_cells.zarr");
    const auto value = [](std::int64_t cell, std::int64_t gene) {
      return (cell * 31 + gene * 17) % 97 == 0 ? cell % 9 + 1 : 0;
    };
    // By genes: a row of chunks would hold 6 · 10⁹ values, a column of them 3 · 10⁶; only the last of those is there.
    const std::int64_t cells = by_gene ? 300'000 : 5'000, genes = by_gene ? 20'000 : 300;
    const std::int64_t height = by_gene ? cells : 50, width = by_gene ? 10 : 100;
    put_file(store / ".zarray", zarray(std::to_string(cells) + "," + std::to_string(genes),
                                       std::to_string(height) + "," + std::to_string(width)));
    std::vector<std::int32_t> chunk(static_cast<std::size_t>(height * width));
    for (std::int64_t r = 0; r < cells / height; ++r)
      for (std::int64_t c = by_gene ? genes / width - 1 : 0; c < genes / width; ++c) {
        for (std::int64_t i = 0; i < height * width; ++i)
          chunk[static_cast<std::size_t>(i)] =
              static_cast<std::int32_t>(value(r * height + i / width, c * width + i % width));
        put_file(store / (std::to_string(r) + "." + std::to_string(c)), bytes_of(chunk));
      }
    const data::Dataset d = data::open(store.string(), {}, {});
    QCOMPARE(d.counts.n_cells, cells);
    std::int64_t nonzero = 0;
    for (std::int64_t cell = 0; cell < cells; ++cell)
      for (std::int64_t gene = by_gene ? genes - width : 0; gene < genes; ++gene) {
        const std::int64_t expected = value(cell, gene);
        nonzero += expected > 0 ? 1 : 0;
        if (expected > 0) QCOMPARE(static_cast<std::int64_t>(d.counts.at(cell, gene)), expected);
      }
    QCOMPARE(d.counts.nnz(), nonzero);
    const data::Dataset looked_at = data::peek(store.string(), {}, {});
    QVERIFY(looked_at.layers[0].is_counts && looked_at.counts.nnz() == 0);
  }

  void tellsProgressAndStops() {
    std::vector<Progress> told;
    RunControl control;
    control.report = [&](const Progress& p) { told.push_back(p); };
    data::open(stores + "anndata_v3.zarr.zip", {}, control);
    QVERIFY(!told.empty());
    for (const Progress& p : told) QVERIFY(p.fraction <= 1);
    std::stop_source stop;
    control.stop = stop.get_token();
    control.report = [&](const Progress&) { stop.request_stop(); };
    for (const char* store : {"anndata_v3.zarr.zip", "layer_v2.zarr"})
      QVERIFY_EXCEPTION_THROWN(data::open(stores + store, {}, control), Cancelled);
  }
};

QTEST_APPLESS_MAIN(TestZarr)
#include "tst_zarr.moc"
