#include <QTest>

#include "core/error.hpp"
#include "facts.hpp"
#include "opening.hpp"
#include "small_files.hpp"

using namespace scriptorium;
using opening::verify;
using small_files::H5;

namespace {

const std::string data_folder = SCRIPTORIUM_TEST_DATA "/data/";

}  // namespace

class TestLoom : public QObject {
  Q_OBJECT
  QTemporaryDir folder_;
  std::string path() const { return folder_.filePath("x.loom").toStdString(); }

  /// Three genes × two cells without names; `add` writes what else the file has.
  template <class Add>
  void write(const std::vector<double>& values, const Add& add) const {
    H5 h5(path());
    h5.group("row_attrs").group("col_attrs").group("layers").numbers("matrix", values, {3, 2}, H5T_IEEE_F64LE);
    add(h5);
  }
  template <class Add>
  data::Dataset open(const std::vector<double>& values, const Add& add, const data::OpenOptions& options = {}) const {
    write(values, add);
    return data::open(path(), options, {});
  }
  template <class Add>
  std::string says(const std::vector<double>& values, const Add& add, const data::OpenOptions& options = {}) const {
    write(values, add);
    return opening::says(path(), options);
  }
  static bool noted(const data::Dataset& d, const std::string& part) {
    return std::any_of(d.notes.begin(), d.notes.end(),
                       [&](const std::string& note) { return note.find(part) != std::string::npos; });
  }

 private slots:
  void facts_data() { facts::add_rows({".loom"}); }
  void facts() { facts::compare(); }

  void realFiles() {
    const data::Dataset retina = data::open(data_folder + "loom/retina.loom", {}, {});
    QCOMPARE(retina.format, std::string("loom"));
    QCOMPARE(retina.cells.names.back(), std::string("cell 25"));
    QVERIFY(noted(retina, "names no cells"));
    QCOMPARE(retina.cells.find("ClusterID")->type(), std::string("integer"));
    const data::Dataset scope = data::open(data_folder + "loom/SCopeLoomR_example.loom", {}, {});
    QCOMPARE(scope.layers.front().dtype, std::string("float64"));
    QCOMPARE(scope.cells.find("nUMI")->type(), std::string("number"));
    QCOMPARE(scope.embeddings.size(), 1U);
    QCOMPARE(scope.embeddings.front().coordinates.size(), 200U);
    QVERIFY(noted(scope, "RegulonsAUC"));
  }

  void genesAreTheRows() {
    const data::Dataset d = open({1, 0, 2, 3, 0, 4}, [](H5& h5) {
      h5.texts("row_attrs/Accession", {"E1", "E2", "E3"}).texts("row_attrs/Gene", {"x", "y", "x"});
      h5.texts("col_attrs/obs_names", {"a", "b"}).numbers("col_attrs/X_pca", {1, 2, 3, 4, 5, 6}, {2, 3});
      h5.group("attrs").texts("attrs/LOOM_SPEC_VERSION", {"3.0.0"});
    });
    QCOMPARE(d.genes.names, (std::vector<std::string>{"x", "y", "x-1"}));
    QCOMPARE(d.genes.find("Accession")->text(2), std::string("E3"));
    QCOMPARE(d.cells.names, (std::vector<std::string>{"a", "b"}));
    QCOMPARE(d.counts.at(0, 1), 2U);
    QCOMPARE(d.counts.at(1, 2), 4U);
    QCOMPARE(d.embeddings.front().dims, 3);
    QCOMPARE(d.embeddings.front().coordinates[3], 4.0F);
  }

  void attributesOfTheRootWillDo() {
    const auto at_root = [](H5& h5) {
      h5.text_attribute("/", "LOOM_SPEC_VERSION", "2.0.1").texts("col_attrs/CellID", {"a", "b"});
    };
    QCOMPARE(open({1, 0, 2, 3, 0, 4}, at_root).cells.names.front(), std::string("a"));
  }

  void layers() {
    const auto spliced = [](H5& h5) { h5.numbers("layers/spliced", {1, 0, 0, 3, 0, 5}, {3, 2}); };
    const std::vector<double> logged{0.5, 0, 0, 0, 0, 0}, counts{7, 0, 0, 0, 0, 0};
    const data::Dataset other = open(logged, spliced);
    QCOMPARE(other.layer, std::string("layers/spliced"));
    QVERIFY(noted(other, "0.5 at cell cell 1, gene gene 1"));
    QCOMPARE(open(counts, spliced).counts.at(0, 0), 7U);
    QCOMPARE(open(counts, spliced, {.layer = "spliced"}).counts.at(1, 2), 5U);
    QCOMPARE(open(counts, spliced, {.layer = "matrix"}).counts.at(0, 0), 7U);
    verify(says(logged, [](H5&) {}), {"`matrix` of x.loom holds 0.5", "fraction"});
    verify(says(counts, spliced, {.layer = "ambiguous"}), {"no layer `ambiguous`", "`layers/spliced`"});
  }

  void whatWasNotMeasured() {
    const double nan = std::nan("");
    const data::Dataset d = open({1, 2, nan, nan, 0, 4}, [](H5&) {});
    QCOMPARE(d.missing.genes[d.missing.pattern(1)], (std::vector<std::uint32_t>{1}));
    verify(says({1, 2, nan, 3, 0, 4}, [](H5&) {}), {"cell 1", "gene 2", "not a number"});
  }

  void whatDoesNotFit() {
    const auto nothing = [](H5&) {};
    verify(says({1, 2, 3, 4, 5, 6},
                [](H5& h5) {
                  h5.numbers("layers/bad", {1, 2}, {1, 2});
                },
                {.layer = "bad"}),
           {"`layers/bad`", "2 × 1", "2 cells and 3 genes"});
    const data::Dataset d = open({1, 2, 3, 4, 5, 6}, [](H5& h5) {
      h5.texts("row_attrs/Gene", {"x", "y"}).texts("col_attrs/other", {"a", "b", "c"});
    });
    QVERIFY(noted(d, "names no genes") && noted(d, "`row_attrs/Gene` has not one value a gene"));
    QVERIFY(d.cells.columns.empty());
    { H5(path()).group("row_attrs").group("col_attrs").numbers("matrix", {}, {0, 2}); }
    try {
      data::open(path(), {}, {});
      QFAIL("an empty matrix was opened");
    } catch (const Error& error) {
      verify(error.what(), {"no genes × cells"});
    }
    QCOMPARE(says({1, 2, 3, 4, 5, 6}, nothing), std::string("no error"));
  }

  void sizesThatTheFileCannotHold() {
    {
      H5 h5(path());
      h5.group("row_attrs").group("col_attrs");
      const hid_t file = H5Fopen(path().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
      const hsize_t shape[2] = {1ULL << 40, 1ULL << 20}, chunk[2] = {64, 64};
      const hid_t space = H5Screate_simple(2, shape, nullptr), created = H5Pcreate(H5P_DATASET_CREATE);
      H5Pset_chunk(created, 2, chunk);
      H5Dclose(H5Dcreate2(file, "matrix", H5T_STD_U32LE, space, H5P_DEFAULT, created, H5P_DEFAULT));
      H5Sclose(space), H5Pclose(created), H5Fclose(file);
    }
    try {
      data::peek(path(), {}, {});
      QFAIL("absurd sizes were believed");
    } catch (const Error& error) {
      verify(error.what(), {"`matrix` of x.loom", "more values than a file of"});
    }
  }
};

QTEST_APPLESS_MAIN(TestLoom)
#include "tst_loom.moc"
