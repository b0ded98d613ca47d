#include <QTest>

#include "core/data/open.hpp"
#include "core/error.hpp"
#include "opening.hpp"
#include "small_files.hpp"

using namespace scriptorium;
using opening::verify;
using small_files::H5;

namespace {

const std::string small = SCRIPTORIUM_TEST_DATA "/data/h5mu/small.h5mu";

bool noted(const data::Dataset& d, const std::string& part) {
  return std::any_of(d.notes.begin(), d.notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

std::uint64_t total(const data::Dataset& d) {
  std::uint64_t sum = 0;
  for (const data::Count count : d.counts.count) sum += count;
  return sum;
}

}  // namespace

class TestH5mu : public QObject {
  Q_OBJECT
  QTemporaryDir folder_;
  std::string path() const { return folder_.filePath("x.h5mu").toStdString(); }

  /// A file with modalities of these names, each two cells × two features.
  void write(const std::vector<std::string>& names, double first = 1) const {
    H5 h5(path());
    h5.table("obs", {"a", "b"}).table("var", {"x", "y"}).group("mod");
    for (const std::string& name : names)
      h5.group("mod/" + name)
          .table("mod/" + name + "/obs", {"a", "b"})
          .table("mod/" + name + "/var", {"x", "y"})
          .numbers("mod/" + name + "/X", {first, 0, 0, 2}, {2, 2});
  }
  std::string says(const data::OpenOptions& options = {}) const { return opening::says(path(), options); }
 private slots:
  void takesGeneExpression() {
    const data::Dataset d = data::open(small, {}, {});
    QCOMPARE(d.format, std::string("h5mu"));
    QCOMPARE(d.layer, std::string("mod/rna/X"));
    QCOMPARE(d.cells.size(), 12U);
    QCOMPARE(d.genes.names.front(), std::string("gene0"));
    QCOMPARE(total(d), 65U);
    QVERIFY(noted(d, "The modality rna is taken of prot and rna"));
    QCOMPARE(d.cells.find("total")->type(), std::string("integer"));
    QCOMPARE(d.cells.find("score")->number(0), 11.0);  // by name: the common table has the cells the other way round
  }

  void takesAnotherOneWhenAsked() {
    for (const data::OpenOptions& options : {data::OpenOptions{.modality = "prot"}, {.layer = "mod/prot/X"}}) {
      const data::Dataset d = data::open(small, options, {});
      QCOMPARE(d.genes.names, (std::vector<std::string>{"CD3", "CD4"}));
      QCOMPARE(d.cells.size(), 10U);
      QCOMPARE(total(d), 386U);
    }
    QCOMPARE(total(data::open(small, {.layer = "X", .modality = "prot"}, {})), 386U);
    QCOMPARE(total(data::open(small, {.layer = "X"}, {})), 65U);
  }

  void aLookShowsEveryModality() {
    const auto paths = [](const data::Dataset& d) {
      std::vector<std::string> out;
      for (const auto& layer : d.layers) out.push_back(layer.path);
      return out;
    };
    QCOMPARE(paths(data::peek(small, {}, {})), (std::vector<std::string>{"mod/rna/X", "mod/prot/X"}));
    QCOMPARE(paths(data::peek(small, {.modality = "prot"}, {})), (std::vector<std::string>{"mod/prot/X"}));
    write({"atac", "prot"});  // which one is asked when it is opened, not when it is looked at
    QCOMPARE(paths(data::peek(path(), {}, {})), (std::vector<std::string>{"mod/atac/X", "mod/prot/X"}));
  }

  void asksWhereNothingTells() {
    write({"atac", "prot"});
    verify(says(), {"x.h5mu holds 2 modalities: atac and prot", "--modality"});
    QCOMPARE(says({.modality = "atac"}), std::string("no error"));
    verify(says({.modality = "rna"}), {"no modality rna", "atac or prot"});
    write({"gex", "rna"});
    verify(says(), {"gex and rna"});
    write({"Gene Expression", "prot"});
    QCOMPARE(data::open(path(), {}, {}).layer, std::string("mod/Gene Expression/X"));
    write({"anything"});
    QCOMPARE(data::open(path(), {}, {}).layer, std::string("mod/anything/X"));
  }

  void refusesWhatIsNoCounts() {
    write({"rna"}, 0.5);
    verify(says(), {"`mod/rna/X` of x.h5mu holds 0.5 at cell a, gene x"});
    verify(says({.layer = "counts"}), {"no layer `counts`", "`mod/rna/X`"});
  }
};

QTEST_APPLESS_MAIN(TestH5mu)
#include "tst_h5mu.moc"
