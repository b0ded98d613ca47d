#include <QTest>
#include <filesystem>

#include "core/data/identity.hpp"
#include "core/data/open.hpp"
#include "core/error.hpp"
#include "opening.hpp"
#include "small_files.hpp"

using namespace scriptorium;
using opening::says;
using opening::verify;
using small_files::put;

namespace {

const std::string data_folder = SCRIPTORIUM_TEST_DATA "/data/rds/";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool noted(const data::Dataset& d, const std::string& part) {
  return std::any_of(d.notes.begin(), d.notes.end(), [&](const std::string& note) { return has(note, part); });
}

data::Dataset open(const std::string& name, const data::OpenOptions& options = {}) {
  return data::open(data_folder + name, options, {});
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string unpacked(const std::string& path) {
  std::string out(1 << 20, '\0');
  gzFile in = gzopen(path.c_str(), "rb");
  out.resize(static_cast<std::size_t>(gzread(in, out.data(), static_cast<unsigned>(out.size()))));
  gzclose(in);
  return out;
}

}  // namespace

class TestRds : public QObject {
  Q_OBJECT
  QTemporaryDir folder_;
  std::string file(const char* name) const { return folder_.filePath(name).toStdString(); }

  std::string says_of(const std::string& bytes) const {
    put(file("x.rds"), bytes);
    return says(file("x.rds"));
  }
 private slots:
  void theSameCountsAreTheSameDataInEveryObject() {
    const std::string id = data::data_identity(open("counts.tsv"));
    for (const char* name : {"dgCMatrix.rds", "matrix.rds", "cells_in_rows.rds", "version2_plain.rds", "sce.rds",
                             "seurat4.rds", "seurat5.rds"}) {
      const data::Dataset d = open(name);
      QVERIFY2(data::data_identity(d) == id, name);
      QCOMPARE(d.cells.size(), 20U);
      QVERIFY(noted(d, "is read whole, which takes at least 1 MB of memory"));
      const data::Dataset here = open(name, {.isolated = false});
      QCOMPARE(here.notes, d.notes);
    }
  }

  void namesTheFormat() {
    QCOMPARE(open("matrix.rds").format, std::string("rds-matrix"));
    QCOMPARE(open("sce.rds").format, std::string("rds-sce"));
    QCOMPARE(open("seurat5.rds").format, std::string("rds-seurat"));
    QCOMPARE(open("seurat5.rds").layer, std::string("RNA/counts"));
    QCOMPARE(open("sce.rds").layer, std::string("counts"));
  }

  void turnsABareMatrix() {
    QVERIFY(noted(open("cells_in_rows.rds"), "cells in rows"));
    const data::Dataset d = open("cells_in_rows.rds", {.orientation = "genes"});
    QCOMPARE(d.cells.size(), 30U);
    QVERIFY(has(d.cells.names.front(), "ENSG"));
  }

  void tablesOfCellsAndGenes() {
    const data::Dataset seurat = open("seurat4.rds");
    const auto type = [](const data::Dataset& d, const char* name) { return d.cells.find(name)->type(); };
    QCOMPARE(type(seurat, "batch"), std::string("label"));
    QCOMPARE(seurat.cells.find("batch")->text(1), std::string("b2"));
    QCOMPARE(type(seurat, "n"), std::string("integer"));
    QCOMPARE(seurat.cells.find("score")->number(3), 1.0);
    QVERIFY(seurat.cells.find("kept")->is_missing(2) && !seurat.cells.find("kept")->is_missing(3));
    QCOMPARE(seurat.cells.find("label")->text(19), std::string("l20"));
    QVERIFY(noted(seurat, "`nested` of meta.data is left out"));
    QCOMPARE(seurat.genes.find("variable")->text(0), std::string("True"));
    QCOMPARE(seurat.embeddings.front().name, std::string("umap"));
    const data::Dataset sce = open("sce.rds");
    QCOMPARE(type(sce, "batch"), std::string("label"));
    QCOMPARE(sce.genes.find("chromosome")->text(1), std::string("2"));
    QCOMPARE(sce.embeddings.front().name, std::string("PCA"));
    QCOMPARE(sce.embeddings.front().coordinates, seurat.embeddings.front().coordinates);
    QCOMPARE(open("seurat5.rds").genes.find("variable")->text(0), std::string("True"));
  }

  void layersAndAssays() {
    const data::Dataset d = open("seurat4.rds");
    QVERIFY(noted(d, "The assay RNA is taken of ADT and RNA"));
    QCOMPARE(d.layers.size(), 2U);
    QVERIFY(!d.layers[1].is_counts && has(d.layers[1].why_not, "fraction"));
    QCOMPARE(open("seurat4.rds", {.modality = "ADT"}).genes.size(), 4U);
    QCOMPARE(open("seurat4.rds", {.layer = "ADT/counts"}).genes.size(), 4U);
    verify(says(data_folder + "seurat4.rds", {.modality = "SCT"}), {"no assay SCT", "ADT or RNA"});
    verify(says(data_folder + "seurat4.rds", {.layer = "data"}), {"`RNA/data` of seurat4.rds holds", "`RNA/counts`"});
    verify(says(data_folder + "sce.rds", {.layer = "logcounts"}), {"`logcounts`", "`counts`"});
    verify(says(data_folder + "sce.rds", {.layer = "tpm"}), {"no layer `tpm`", "`counts`"});
    verify(says(data_folder + "seurat5_split.rds"), {"split over several layers: counts.a and counts.b", "JoinLayers"});
    const data::Dataset looked = data::peek(data_folder + "sce.rds", {}, {});
    QCOMPARE(looked.layer, std::string("counts"));
    QCOMPARE(looked.counts.nnz(), 0);
  }

  void whatHoldsNoCounts() {
    verify(says(data_folder + "other.rds"), {"other.rds holds an object of R's class `list`", "dgCMatrix"});
    const std::string matrix = unpacked(data_folder + "dgCMatrix.rds");
    const std::string class_name = "dgCMatrix";
    const std::size_t at = matrix.rfind(class_name);
    QVERIFY(at != std::string::npos);
    verify(says_of(std::string(matrix).replace(at, class_name.size(), "dgRMatrix")), {"class `dgRMatrix`"});
    verify(says_of("RDX3\nX\n" + matrix.substr(2)), {"workspace of R", "saveRDS"});
    verify(says_of("A\n3\n262658\n"), {"form that is not read here"});
    verify(says_of(std::string("X\n\0\0\0\7\0\4\2\2\0\3\5\0", 14)), {"version 7"});
    verify(says_of(std::string("X\n\0\0", 4)), {"no R object, or cut short"});
    verify(says_of("Not R at all"), {"x.rds is no R object"});
    put(file("tiny.rds"), std::string("X\n\0\0\0\3\0\4\2\2\0\3\5\0", 14), true);
    verify(says(file("tiny.rds")), {"tiny.rds is damaged: it is cut short"});
    verify(says_of("\xFD\x37zXZ and so on, packed"), {"compressed with xz", "saveRDS"});
    verify(says_of(std::string("X\n\0\0\0\3\0\4", 8)), {"no R object, or cut short"});
  }

  void everyTruncationIsAMessage() {
    for (const char* name : {"sce.rds", "seurat5.rds"}) {
      const std::string packed = contents(data_folder + name), plain = unpacked(data_folder + name);
      for (std::size_t length = 20; length < packed.size(); length += packed.size() / 11)
        verify(says_of(packed.substr(0, length)), {"x.rds"});
      for (std::size_t length = 20; length < plain.size() - 1; length += plain.size() / 31)
        verify(says_of(plain.substr(0, length)), {"x.rds is damaged: it is cut short"});
    }
  }

  /// Every length of the file is blown up in turn: none is believed.
  void lengthsThatTheFileCannotHold() {
    const std::string whole = unpacked(data_folder + "version2_plain.rds");
    int refused = 0;
    for (std::size_t at = 14; at + 8 < 400; at += 4) {
      std::string broken = whole;
      broken[at] = '\x7F';
      put(file("x.rds"), broken);
      try {
        data::open(file("x.rds"), {.isolated = false}, {});
      } catch (const Error& error) {
        ++refused;
        QVERIFY2(has(error.what(), "x.rds"), error.what());
      }
    }
    QVERIFY(refused > 10);
  }

  /// A vector alone in its file, of 2³¹ − 1 values, and of more as R writes it: -1 and the length in two parts.
  void vectorsOfAbsurdLength() {
    const std::string start("X\n\0\0\0\2\0\4\2\2\0\2\3\0\0\0\0", 17);
    for (const char type : {'\x0A', '\x0D', '\x0E', '\x0F', '\x10', '\x13', '\x18'})
      for (const std::string& length :
           {std::string("\x7F\xFF\xFF\xFF", 4), std::string("\xFF\xFF\xFF\xFF\0\0\0\1\0\0\0\0", 12),
            std::string("\xFF\xFF\xFF\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12)})
        for (const bool gzipped : {false, true}) {
          put(file("x.rds"), start + type + length + std::string(64, '\0'), gzipped);
          verify(says(file("x.rds"), {.isolated = false}), {"x.rds is damaged"});
        }
  }

  void valuesThatAreNoCounts() {
    std::string whole = unpacked(data_folder + "version2_plain.rds");
    const std::string one("\x3F\xF0\0\0\0\0\0\0", 8), half("\x3F\xE0\0\0\0\0\0\0", 8);
    const std::size_t at = whole.find(one);
    QVERIFY(at != std::string::npos);
    verify(says_of(whole.replace(at, 8, half)), {"of x.rds holds 0.5 at cell ", "gene ENSG", "fraction"});
  }

  void indicesOutOfRange() {
    std::string whole = unpacked(data_folder + "version2_plain.rds");
    const std::size_t slot = whole.find(std::string("\0\0\0\1i", 5));
    QVERIFY(slot != std::string::npos);
    whole[slot + 5 + 8 + 3] = 77;  // behind the name: type, length, the first index
    verify(says_of(whole), {"row index out of range: there are 30 rows"});
  }

  void saysHowMuchMemoryItNeeds() {
    put(file("huge.rds"), unpacked(data_folder + "version2_plain.rds"));
    std::filesystem::resize_file(file("huge.rds"), std::uintmax_t{1} << 43);  // sparse: takes no room on the disk
    verify(says(file("huge.rds"), {.isolated = false}),
           {"huge.rds is read whole", "8796.0 GB of memory; this machine has"});
  }

  void tellsProgressAndStops() {
    std::vector<std::string> told;
    RunControl control;
    control.report = [&](const Progress& p) { told.push_back(p.message); };
    data::open(data_folder + "sce.rds", {}, control);
    QVERIFY(!told.empty() && has(told.front(), "memory"));
    std::stop_source stop;
    control.stop = stop.get_token();
    control.report = [&](const Progress&) { stop.request_stop(); };
    QVERIFY_EXCEPTION_THROWN(data::open(data_folder + "sce.rds", {}, control), Cancelled);
    QVERIFY_EXCEPTION_THROWN(data::open(data_folder + "sce.rds", {.isolated = false}, control), Cancelled);
  }
};

QTEST_APPLESS_MAIN(TestRds)
#include "tst_rds.moc"
