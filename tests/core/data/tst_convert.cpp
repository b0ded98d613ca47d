#include <QFileInfo>
#include <QTemporaryDir>
#include <QtTest>
#include <filesystem>
#include <fstream>

#include "core/data/identity.hpp"
#include "core/data/measured_sets.hpp"
#include "core/data/writers/writers.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"

using namespace scriptorium;
using namespace scriptorium::data;
namespace fs = std::filesystem;

class TestConvert : public QObject {
  Q_OBJECT
  QTemporaryDir dir_;

  std::string at(const std::string& name) const { return dir_.path().toStdString() + "/" + name; }
  static std::string of_tests(const std::string& name) { return std::string(SCRIPTORIUM_TEST_DATA "/data/") + name; }
  /// Packs a file and writes it in another format.
  static std::vector<std::string> write(const std::string& from, const std::string& to, const Filter& filter = {},
                                        MissingRule rule = MissingRule::LeaveOut) {
    const PackedDataset data(from, {.layer = layer_of(from), .orientation = "cells", .missing = rule}, filter, {}, {});
    return convert(data, to, {});
  }
  static Dataset read(const std::string& path) {
    return data::open(path, {.layer = layer_of(path), .orientation = "cells"}, {});
  }
  /// Where the counts are in a test file that has several matrices of counts beside an X that is none.
  static std::string layer_of(const std::string& path) {
    return path.find("anndataR") == std::string::npos ? "" : "layers/counts";
  }

  /// 40 cells × 6 genes as text; with `missing`, the cells 10 … 35 did not measure the genes g1 and g4.
  std::string table(const std::string& name, bool missing) const {
    std::ofstream out(at(name));
    math::Random random(9, math::Purpose::Test);
    for (int g = 0; g < 6; ++g) out << ",g" << g;
    for (int c = 0; c < 40; ++c) {
      out << "\nc" << c;
      for (int g = 0; g < 6; ++g) {
        const auto u = random.negative_binomial(0.5, 3);
        if (missing && c >= 10 && c <= 35 && (g == 1 || g == 4))
          out << ",NA";
        else
          out << "," << u;
      }
    }
    out << "\n";
    return at(name);
  }

  static void same_column(const Column& a, const Column& b) {
    QCOMPARE(a.name, b.name);
    QCOMPARE(a.type(), b.type());
    QCOMPARE(a.size(), b.size());
    for (std::size_t row = 0; row < a.size(); ++row) {
      QCOMPARE(a.is_missing(row), b.is_missing(row));
      QCOMPARE(a.text(row), b.text(row));
    }
  }

 private slots:
  void everyFormatHoldsTheSameCounts_data() {
    QTest::addColumn<QString>("file");
    for (const char* file : {"10x_v3/filtered_feature_bc_matrix.h5", "10x_v2/filtered_gene_bc_matrices_h5.h5",
                             "text/test_small.csv", "loom/retina.loom", "h5ad/anndata_v0.7.0.h5ad"})
      QTest::newRow(file) << file;
  }
  void everyFormatHoldsTheSameCounts() {
    QFETCH(QString, file);
    const std::string source = of_tests(file.toStdString());
    const std::string identity = data_identity(read(source));
    const std::string stem = QFileInfo(file).completeBaseName().toStdString();
    std::string from = source;
    for (const char* ending : {"a.h5ad", "b.h5", "c.mtx", "d.h5ad"}) {  // each from the one before
      const std::string to = at(stem + "-" + ending);
      write(from, to);
      QCOMPARE(data_identity(read(to)), identity);
      from = to;
    }
  }

  void tablesAndEmbeddingsOfH5adComeBack() {
    for (const char* file : {"h5ad/anndataR_layers_nullable.h5ad", "h5ad/anndata_v0.7.0.h5ad"}) {
      const Dataset before = read(of_tests(file));
      write(of_tests(file), at("tables.h5ad"));
      const Dataset after = read(at("tables.h5ad"));
      QCOMPARE(data_identity(after), data_identity(before));
      for (const auto& [a, b] : {std::pair{&before.cells, &after.cells}, {&before.genes, &after.genes}}) {
        QCOMPARE(a->columns.size(), b->columns.size());
        for (std::size_t i = 0; i < a->columns.size(); ++i) same_column(a->columns[i], b->columns[i]);
      }
      QCOMPARE(before.embeddings.size(), after.embeddings.size());
      for (std::size_t i = 0; i < before.embeddings.size(); ++i) {
        QCOMPARE(before.embeddings[i].name, after.embeddings[i].name);
        QCOMPARE(before.embeddings[i].coordinates, after.embeddings[i].coordinates);
      }
    }
  }

  void whatWasNotMeasuredComesBack() {
    const std::string source = table("missing.csv", true);
    const Dataset before = read(source);
    QCOMPARE(before.missing.entries(), 52);
    const auto notes = write(source, at("missing.h5ad"));
    QVERIFY(!notes.empty());
    const Dataset after = read(at("missing.h5ad"));
    QCOMPARE(after.layer,
             std::string("layers/counts_where_measured"));  // nobody takes X's gaps for zeros: there is no X
    QCOMPARE(after.layers.size(), 1U);
    QCOMPARE(after.missing.genes, before.missing.genes);
    QCOMPARE(after.missing.pattern_of_cell, before.missing.pattern_of_cell);
    QCOMPARE(data_identity(after), data_identity(before));
    // Patterns of fewer cells than a mark of its own would need, and a second generation.
    write(at("missing.h5ad"), at("few.h5ad"),
          {.cells = "measured_set == 'set_1' or n_counts > 12", .genes = {"g0", "g1"}});
    write(at("few.h5ad"), at("again.h5ad"));
    const Dataset few = read(at("few.h5ad")), again = read(at("again.h5ad"));
    QVERIFY(few.missing.entries() > 0);
    QCOMPARE(data_identity(again), data_identity(few));
    QCOMPARE(again.cells.columns.size(), few.cells.columns.size());
  }

  void otherFormatsRefuseWhatTheyCannotTell() {
    const std::string source = table("missing.csv", true);
    for (const char* name : {"refused.h5", "refused"}) {
      try {
        write(source, at(name));
        QFAIL("missing entries became zeros");
      } catch (const Error& error) {
        QVERIFY(std::string(error.what()).find("52 entries") != std::string::npos);
        QVERIFY(error.remedy().find("full-genes") != std::string::npos);
      }
      QVERIFY(!fs::exists(at(name)));
    }
    write(source, at("zeros.h5"), {}, MissingRule::Zero);
    QCOMPARE(read(at("zeros.h5")).genes.size(), 6U);
    write(source, at("full"), {}, MissingRule::FullGenes);
    QCOMPARE(read(at("full")).genes.size(), 4U);
  }

  void genesFirstIsTurnedRoundInParts() {
    // A gene-major source: its counts come by gene, so h5ad gets columns, and 10x is made in several passes.
    write(table("plain.csv", false), at("plain.h5ad"));
    const Dataset whole = read(at("plain.h5ad"));
    std::ofstream out(at("turned.csv"));
    for (const auto& name : whole.cells.names) out << "," << name;
    for (std::int64_t g = 0; g < whole.counts.n_genes; ++g) {
      out << "\n" << whole.genes.names[g];
      for (std::int64_t c = 0; c < whole.counts.n_cells; ++c) out << "," << whole.counts.at(c, g);
    }
    out << "\n";
    out.close();
    const PackedDataset data(at("turned.csv"), {.orientation = "genes"}, {}, {}, {});
    QCOMPARE(data.major(), Major::Gene);
    for (const std::int64_t entries : {1, 50, 1 << 20}) {
      MatrixSink sink;
      data.send_by_cell(sink, {}, entries);
      const CountMatrix turned = sink.finish();
      QCOMPARE(turned.row_start, whole.counts.row_start);
      QCOMPARE(turned.gene, whole.counts.gene);
      QCOMPARE(turned.count, whole.counts.count);
    }
    for (const char* name : {"turned.h5ad", "turned.h5"}) {
      convert(data, at(name), {});
      QCOMPARE(data_identity(read(at(name))), data_identity(whole));
    }
    QCOMPARE(read(at("turned.h5ad")).layers[0].encoding, std::string("csc"));
  }

  void setsThatDoNotBelongTogetherAreRefused() {
    const Missing missing{{{}, {1}}, {0, 1, 1}};
    const Column sets = measured_sets::of_cells(missing, 3);
    Table genes = measured_sets::of_genes(missing, {"x", "y"});
    const Missing back = measured_sets::read(sets, genes);
    QCOMPARE(back.genes, missing.genes);
    QCOMPARE(back.pattern_of_cell, missing.pattern_of_cell);
    genes.columns[1].values = std::vector<double>{1, 0};
    QVERIFY_EXCEPTION_THROWN(measured_sets::read(sets, genes), Error);
    genes.columns.pop_back();
    QVERIFY_EXCEPTION_THROWN(measured_sets::read(sets, genes), Error);
  }

  void theFormatIsInTheName() {
    QCOMPARE(output_format("a/b.h5ad"), OutputFormat::H5ad);
    QCOMPARE(output_format("b.h5"), OutputFormat::TenxH5);
    for (const char* folder : {"b", "b/", "b.mtx", "a.d/b"}) QCOMPARE(output_format(folder), OutputFormat::MtxFolder);
    QVERIFY_EXCEPTION_THROWN(output_format("b.loom"), Error);
  }

  void nothingIsLeftOfWhatFails() {
    const std::string source = table("plain.csv", false);
    QVERIFY_EXCEPTION_THROWN(write(source, at("no folder/x.h5ad")), Error);
    fs::create_directory(at("full folder"));
    std::ofstream(at("full folder/file")) << "kept";
    QVERIFY_EXCEPTION_THROWN(write(source, at("full folder")), Error);
    QVERIFY(fs::exists(at("full folder/file")));
    std::stop_source stop;
    RunControl control;
    const PackedDataset data(source, {}, {}, {}, {});
    stop.request_stop();
    control.stop = stop.get_token();
    for (const char* name : {"stopped.h5ad", "stopped.h5", "stopped"}) {
      std::ofstream(at("stopped.h5")) << "old";
      QVERIFY_EXCEPTION_THROWN(convert(data, at(name), control), Cancelled);
    }
    QCOMPARE(fs::file_size(at("stopped.h5")), 3U);
    for (const auto& entry : fs::directory_iterator(dir_.path().toStdString()))
      QVERIFY2(entry.path().string().find(".part-") == std::string::npos, entry.path().c_str());
  }
};

QTEST_GUILESS_MAIN(TestConvert)
#include "tst_convert.moc"
