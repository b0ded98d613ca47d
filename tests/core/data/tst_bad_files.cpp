#include <QDir>
#include <QTest>
#include <functional>

#include "core/data/formats/names.hpp"
#include "core/data/identity.hpp"
#include "core/data/isolated.hpp"
#include "core/error.hpp"
#include "opening.hpp"
#include "small_files.hpp"

using namespace scriptorium;
using opening::says;
using opening::verify;
using small_files::H5;
using small_files::put;

namespace {

const std::string data_folder = SCRIPTORIUM_TEST_DATA "/data/";
const std::string banner = "%%MatrixMarket matrix coordinate integer general\n";

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// An h5ad of 2 cells × 3 genes whose X is written by `add`.
using Add = std::function<void(H5&)>;

}  // namespace

class TestBadFiles : public QObject {
  Q_OBJECT
  QTemporaryDir folder_;
  std::string file(const char* name) const { return folder_.filePath(name).toStdString(); }

  std::string says_of_x(const Add& add, const data::OpenOptions& options = {}) const {
    const std::string path = file("x.h5ad");
    {
      H5 h5(path);
      h5.table("obs", {"a", "b"}).table("var", {"x", "y", "z"});
      add(h5);
    }
    return says(path, options);
  }

  std::string says_of_mtx(const std::string& matrix, const std::string& features = "x\ny\nz\n",
                          const std::string& barcodes = "a\nb\n") const {
    QDir(folder_.path()).mkpath("mtx");
    put(file("mtx/matrix.mtx"), matrix);
    put(file("mtx/features.tsv"), features);
    put(file("mtx/barcodes.tsv"), barcodes);
    return says(file("mtx"));
  }

 private slots:
  void filesThatAreNotThere() {
    verify(says(file("missing.h5ad")), {"missing.h5ad does not exist"});
    verify(says(""), {"does not exist"});
    put(file("empty.h5ad"), "");
    verify(says(file("empty.h5ad")), {"empty.h5ad is empty"});
    QDir(folder_.path()).mkpath("nothing");
    verify(says(file("nothing")), {"nothing holds no matrix.mtx"});
    put(file("text.txt"), "It was a dark\nand stormy night\n");
    verify(says(file("text.txt")), {"text.txt is in no format", "h5ad"});
    verify(says("/dev/null"), {"neither a file nor a folder"});
  }

  void everyTruncationIsAMessage() {
    for (const char* name : {"h5ad/pre0.7_compound_obs_csr.h5ad", "10x_v2/filtered_gene_bc_matrices_h5.h5"}) {
      const std::string whole = contents(data_folder + name);
      QVERIFY(whole.size() > 1000);
      for (std::size_t length = 1; length < whole.size(); length += whole.size() / 23) {
        put(file("cut.h5"), whole.substr(0, length));
        const std::string found = says(file("cut.h5"));
        QVERIFY2(found.find("cut.h5") != std::string::npos, found.c_str());
      }
    }
  }

  void hdf5ThatIsNoDataset() {
    { H5(file("other.h5")).group("measurements").numbers("table", {1, 2}); }
    verify(says(file("other.h5")), {"other.h5", "`measurements` and `table`"});
    { H5 nothing(file("nothing.h5")); }
    verify(says(file("nothing.h5")), {"it holds nothing"});
    { H5(file("tables.h5ad")).table("obs", {"a"}).table("var", {"x"}); }
    verify(says(file("tables.h5ad")), {"no matrix"});
  }

  void valuesThatAreNoCounts() {
    const auto x = [&](std::vector<double> values) {
      return says_of_x([&](H5& h5) { h5.numbers("X", values, {2, 3}, H5T_IEEE_F64LE); });
    };
    const double nan = std::nan(""), infinity = HUGE_VAL;
    verify(x({0, 1, 2, 0, 0.25, 0.5}), {"`X` of x.h5ad holds 0.25 at cell b, gene y", "fraction"});
    verify(x({0, -1, 2, 0, 0, 0}), {"-1 at cell a, gene y", "negative"});
    verify(x({0, 1, 4294967296, 0, 0, 0}), {"4294967296 at cell a, gene z", "32 bits"});
    verify(x({0, 1, infinity, 0, 0, 0}), {"inf at cell a, gene z"});
    verify(x({0, 1, nan, 0, 0, 0}), {"NaN at cell a, gene z", "not a number"});
    QCOMPARE(x({0, 1, nan, 0, 0, nan}), std::string("no error"));  // a gene that no cell measured
    QCOMPARE(x({0, 1, 4294967295, 0, 0, 0}), std::string("no error"));
  }

  void sparseValuesThatAreNoCounts() {
    const auto x = [&](const char* encoding, std::vector<double> data, std::vector<std::int64_t> indices,
                       std::vector<std::int64_t> indptr) {
      return says_of_x([&](H5& h5) { h5.sparse("X", encoding, data, indices, indptr); });
    };
    verify(x("csr_matrix", {1, 2.5, 3}, {0, 2, 1}, {0, 2, 3}), {"2.5 at cell a, gene z"});
    verify(x("csc_matrix", {1, 2, 3.5}, {0, 1, 1}, {0, 1, 2, 3}), {"3.5 at cell b, gene z"});
    QCOMPARE(x("csr_matrix", {1, std::nan(""), std::nan("")}, {0, 2, 2}, {0, 2, 3}), std::string("no error"));
    verify(x("csr_matrix", {1, std::nan(""), 4}, {0, 2, 2}, {0, 2, 3}), {"NaN at cell a, gene z", "not a number"});
  }

  void marksOfIntegersAreMissingWhereAllCellsHaveThem() {
    const std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
    const auto x = [&](std::int64_t second) {
      return says_of_x([&](H5& h5) {
        h5.group("X")
            .text_attribute("X", "encoding-type", "csr_matrix")
            .integers("X/data", {lowest, second})
            .integers("X/indices", {1, 1})
            .integers("X/indptr", {0, 1, 2});
      });
    };
    QCOMPARE(x(lowest), std::string("no error"));
    verify(x(3), {"-9223372036854775808 at cell a, gene y", "negative"});
  }

  void missingEntriesAreTreatedAsAsked() {
    const std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
    const std::string path = file("lacking.h5ad");
    std::vector<std::string> cells;
    std::vector<std::int64_t> values, genes, starts{0};
    for (int c = 0; c < 40; ++c) {
      cells.push_back("c" + std::to_string(c));
      for (int g = 0; g < 3; ++g) {
        values.push_back(g == 1 && c < 20 ? lowest : g + c % 2);
        genes.push_back(g);
      }
      starts.push_back(static_cast<std::int64_t>(values.size()));
    }
    {
      H5 h5(path);
      h5.table("obs", cells)
          .table("var", {"x", "y", "z"})
          .group("X")
          .text_attribute("X", "encoding-type", "csr_matrix");
      h5.integers("X/data", values).integers("X/indices", genes).integers("X/indptr", starts);
    }
    using data::MissingRule;
    const auto open_as = [&](MissingRule rule) { return data::open(path, {.missing = rule}, {}); };
    const data::Dataset out = open_as(MissingRule::LeaveOut);
    QCOMPARE(out.missing.entries(), 20);
    QCOMPARE(out.missing.pattern(19), 1U);
    QCOMPARE(out.missing.pattern(20), 0U);
    QCOMPARE(out.counts.at(20, 1), 1U);
    QVERIFY(out.notes.back().find("20 entries of 20 cells and 1 genes were not measured") != std::string::npos);
    const data::Dataset zero = open_as(MissingRule::Zero), full = open_as(MissingRule::FullGenes);
    QVERIFY(zero.missing.none() && full.missing.none());
    QVERIFY(data::data_identity(zero) != data::data_identity(out));
    QCOMPARE(full.genes.names, (std::vector<std::string>{"x", "z"}));
  }

  void namesWhereCountsAre() {
    const Add two = [](H5& h5) {
      h5.numbers("X", {0.5, 0, 0, 0, 0, 0}, {2, 3})
          .group("layers")
          .numbers("layers/umis", {1, 0, 0, 0, 0, 0}, {2, 3})
          .group("raw")
          .table("raw/var", {"x", "y", "z", "w"})
          .sparse("raw/X", "csr_matrix", {1, 2}, {0, 3}, {0, 1, 2});
    };
    verify(says_of_x(two), {"0.5 at cell a", "`layers/umis` or `raw/X`"});
    QCOMPARE(says_of_x(two, {.layer = "umis"}), std::string("no error"));
    QCOMPARE(says_of_x(two, {.layer = "raw"}), std::string("no error"));
    verify(says_of_x(two, {.layer = "X"}), {"0.5 at cell a"});
  }

  void brokenSparseMatrices() {
    const auto x = [&](std::vector<double> data, std::vector<std::int64_t> indices, std::vector<std::int64_t> indptr) {
      return says_of_x([&](H5& h5) { h5.sparse("X", "csr_matrix", data, indices, indptr); });
    };
    verify(x({1, 2, 3}, {0, 3, 1}, {0, 2, 3}), {"gene index 3 out of range"});
    verify(x({1, 2, 3}, {0, -1, 1}, {0, 2, 3}), {"gene index -1 out of range"});
    verify(x({1, 2, 3}, {0, 2}, {0, 2, 3}), {"3 values but 2 indices"});
    verify(x({1, 2, 3}, {0, 2, 1}, {0, 4, 3}), {"indptr that falls"});
    verify(x({1, 2, 3}, {0, 2, 1}, {0, 2, 2}), {"indptr from 0 to 2 for 3"});
    verify(x({1, 2, 3}, {0, 2, 1}, {0, 2, 3, 3}), {"3 cells by its indptr but 2 names"});
    verify(says_of_x([](H5& h5) { h5.numbers("X", {1, 2, 3, 4}, {2, 2}); }), {"2 × 2", "3 genes"});
    verify(says_of_x([](H5& h5) {
             h5.sparse("X", "csr_matrix", {1}, {0}, {0, 1, 1}).shape_attribute("X", 2, 9);
           }),
           {"2 × 9"});
    verify(says_of_x([](H5& h5) { h5.texts("X", {"a", "b"}); }), {"`X`", "dimensions"});
  }

  void absurdSizesDoNotAskForMemory() {
    const std::string path = file("huge.h5ad");
    {
      H5(path).table("obs", {"a", "b"}).table("var", {"x", "y", "z"});
      const hid_t h5 = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
      const hsize_t shape[2] = {1ULL << 40, 1ULL << 20}, chunk[2] = {16, 16};
      const hid_t space = H5Screate_simple(2, shape, nullptr), created = H5Pcreate(H5P_DATASET_CREATE);
      H5Pset_chunk(created, 2, chunk);
      const hid_t data = H5Dcreate2(h5, "X", H5T_IEEE_F32LE, space, H5P_DEFAULT, created, H5P_DEFAULT);
      H5Dclose(data), H5Pclose(created), H5Sclose(space), H5Fclose(h5);
    }
    verify(says(path), {"`X`", "more values than a file of"});
    verify(says_of_mtx(banner + "3 2 1099511627776\n1 1 1\n"), {"cut short", "1 of 1,099,511,627,776 entries"});
    verify(says_of_mtx(banner + "3 9223372036854775807 9223372036854775807\n1 1 1\n"), {"barcodes.tsv names 2 cells"});
    verify(says_of_mtx(banner + "3 99999999999999999999 1\n1 1 1\n"), {"three sizes"});
    verify(says_of_mtx(banner + "3 99999999999999 1\n1 1 1\n"), {"barcodes.tsv names 2 cells"});
    put(file("matrix.mtx"), banner + "99999999999 3 1\n1 1 1\n");
    verify(says(file("matrix.mtx")), {"99,999,999,999", "no table"});
    std::vector<std::string> notes;
    QVERIFY_EXCEPTION_THROWN(data::generated_names(1'390'000'000, "cell", notes), Error);
  }

  void brokenMatrixMarket() {
    const std::string sizes = banner + "3 2 2\n";
    QCOMPARE(says_of_mtx(sizes + "1 1 5\n3 2 1\n"), std::string("no error"));
    verify(says_of_mtx(""), {"matrix.mtx is empty"});
    verify(says_of_mtx("hello\n"), {"does not begin"});
    verify(says_of_mtx("%%MatrixMarket matrix array real general\n3 2\n"), {"another kind"});
    verify(says_of_mtx("%%MatrixMarket matrix coordinate pattern general\n3 2 0\n"), {"another kind"});
    verify(says_of_mtx(banner), {"ends before"});
    verify(says_of_mtx(banner + "3 2\n"), {"line 2", "three sizes"});
    verify(says_of_mtx(banner + "3 -2 1\n"), {"three sizes"});
    verify(says_of_mtx(sizes + "1 1 5\n"), {"cut short", "1 of 2"});
    verify(says_of_mtx(sizes + "1 1 5\n3 2 1\n3 1 1\n"), {"line 5", "more entries than the 2"});
    verify(says_of_mtx(sizes + "1 1 5\n4 2 1\n"), {"line 4", "4, 2 lies outside 3 × 2"});
    verify(says_of_mtx(sizes + "1 1 5\n0 2 1\n"), {"0, 2 lies outside"});
    verify(says_of_mtx(sizes + "1 1 5\n3 2\n"), {"line 4", "a row, a column and a value"});
    verify(says_of_mtx(sizes + "1 1 5\n3 2 1 7\n"), {"a row, a column and a value"});
    verify(says_of_mtx(sizes + "1 1 5\n3 2 0.5\n"), {"0.5 at cell b, gene z", "fraction"});
    verify(says_of_mtx(sizes + "1 1 5\n3 2 -1\n"), {"-1 at cell b, gene z"});
    verify(says_of_mtx(sizes + "1 1 5\n3 2 4294967296\n"), {"32 bits"});
    verify(says_of_mtx(sizes + "1 1 5\n3 2 nan\n"), {"NaN at cell b, gene z"});
    verify(says_of_mtx(sizes + "1 1 5\n3 2 1\n", "x\ny\n"),
           {"3 genes × 2 cells", "features.tsv names 2 genes and barcodes.tsv names 2 cells"});
    verify(says_of_mtx(sizes + "1 1 5\n3 2 1\n", "x\ny\nz\n", "a\nb\nc\n"), {"barcodes.tsv names 3 cells"});
    verify(says_of_mtx(banner + "0 0 0\n", "", ""), {"holds no cells"});
    verify(says_of_mtx(sizes + std::string(3'000'000, '1')), {"more than 1 MiB"});
  }

  void damagedGzip() {
    QDir(folder_.path()).mkpath("gz");
    const std::string packed = contents(data_folder + "10x_v3/filtered_feature_bc_matrix/matrix.mtx.gz");
    for (const char* table : {"features.tsv.gz", "barcodes.tsv.gz"})
      put(file("gz/") + table, contents(data_folder + "10x_v3/filtered_feature_bc_matrix/" + table));
    put(file("gz/matrix.mtx.gz"), packed.substr(0, packed.size() / 2));
    verify(says(file("gz")), {"matrix.mtx.gz is cut short"});
    std::string flipped = packed;
    flipped[packed.size() / 2] = static_cast<char>(flipped[packed.size() / 2] ^ 0x55);
    put(file("gz/matrix.mtx.gz"), flipped);
    verify(says(file("gz")), {"matrix.mtx.gz"});
  }

  /// Two kilobytes that unpack to more names than two kilobytes can tell apart.
  void gzipThatUnpacksToTooMuch() {
    const std::string blank(2'000'000, '\n');
    QDir(folder_.path()).mkpath("bomb");
    put(file("bomb/matrix.mtx"), banner + "3 2 1\n1 1 5\n");
    put(file("bomb/barcodes.tsv.gz"), blank, true);
    verify(says(file("bomb")), {"barcodes.tsv.gz unpacks to more than 1,0", "lines"});
    put(file("bomb/barcodes.tsv.gz"), "a\nb\n", true);
    put(file("bomb/features.tsv.gz"), blank, true);
    verify(says(file("bomb")), {"features.tsv.gz unpacks to more than"});
    put(file("bomb/features.tsv.gz"), "x\ny\nz\n", true);
    QCOMPARE(says(file("bomb")), std::string("no error"));
    QDir(folder_.path()).remove("bomb/matrix.mtx");
    std::string entries = banner + "3 2 9000000\n";
    for (int i = 0; i < 1'500'000; ++i) entries += "1 1 1\n";
    put(file("bomb/matrix.mtx.gz"), entries, true);
    verify(says(file("bomb")), {"matrix.mtx.gz unpacks to more than", "lines"});
  }

  void repeatedAndMissingNames() {
    QCOMPARE(says_of_mtx(banner + "3 2 1\n1 1 5\n", "x\nx\nx-1\n", "a\n\n"), std::string("no error"));
    const data::Dataset d = data::open(file("mtx"), {}, {});
    QCOMPARE(d.genes.names, (std::vector<std::string>{"x", "x-2", "x-1"}));
    QCOMPARE(d.cells.names, (std::vector<std::string>{"a", "cell 2"}));
    QCOMPARE(d.notes.size(), 2U);
    QDir(folder_.path()).mkpath("bare");
    put(file("bare/matrix.mtx"), banner + "2 1 2\n1 1 3\n1 1 4\n");
    const data::Dataset bare = data::open(file("bare"), {}, {});
    QCOMPARE(bare.genes.names.back(), std::string("gene 2"));
    QCOMPARE(bare.counts.at(0, 0), 7U);  // entered twice: added up, with a note
    QCOMPARE(bare.notes.size(), 3U);
  }

  void textThatIsNoUtf8() {
    QCOMPARE(says_of_mtx(banner + "3 2 1\n1 1 5\n", "x\xff\ny\nz\xc3\xa4\n"), std::string("no error"));
    const data::Dataset d = data::open(file("mtx"), {}, {});
    QCOMPARE(d.genes.names, (std::vector<std::string>{"x\xef\xbf\xbd", "y", "z\xc3\xa4"}));
  }

  void smallAndZeroMatricesOpen() {
    QCOMPARE(says_of_mtx(banner + "1 2 2\n1 1 3\n1 2 4\n", "x\n"), std::string("no error"));
    QCOMPARE(says_of_mtx(banner + "3 1 1\n2 1 3\n", "x\ny\nz\n", "a\n"), std::string("no error"));
    QCOMPARE(says_of_x([](H5& h5) { h5.numbers("X", {0, 0, 0, 0, 0, 0}, {2, 3}); }), std::string("no error"));
    QCOMPARE(data::open(file("x.h5ad"), {}, {}).notes.back(), std::string("All counts are zero."));
    QCOMPARE(says_of_x([](H5& h5) { h5.sparse("X", "csr_matrix", {}, {}, {0, 0, 0}); }), std::string("no error"));
    { H5(file("none.h5ad")).table("obs", {}).table("var", {"x"}).numbers("X", {}, {0, 1}); }
    verify(says(file("none.h5ad")), {"holds no cells"});
  }

  void turnedMatrixIsReadWithANote() {
    QCOMPARE(says_of_mtx(banner + "2 3 1\n2 3 9\n"), std::string("no error"));
    const data::Dataset d = data::open(file("mtx"), {}, {});
    QCOMPARE(d.counts.at(1, 2), 9U);
    QCOMPARE(d.notes.size(), 1U);
  }

  void aChildThatDiesOrIsMissingIsAMessage() {
    const std::string good = data_folder + "h5ad/pre0.7_compound_obs_csr.h5ad";
    data::set_reader_program("/bin/false");
    verify(says(good), {"pre0.7_compound_obs_csr.h5ad is damaged: reading its structures failed"});
    data::set_reader_program("/bin/echo");  // answers, but not what is asked
    verify(says(good), {"is damaged"});
    data::set_reader_program(file("no-such-program"));
    verify(says(good), {"scriptorium-reader cannot be started"});
    data::set_reader_program({});
    QCOMPARE(says(good), std::string("no error"));
  }
};

QTEST_APPLESS_MAIN(TestBadFiles)
#include "tst_bad_files.moc"
