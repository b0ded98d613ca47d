#include <QFile>
#include <QTest>
#include <nlohmann/json.hpp>

#include "core/data/identity.hpp"
#include "core/data/inspect.hpp"
#include "core/error.hpp"
#include "small_files.hpp"

using namespace scriptorium;
using nlohmann::json;

namespace {

const std::string data_folder = SCRIPTORIUM_TEST_DATA "/data/";

data::Dataset open(const std::string& path, const data::OpenOptions& options = {}) {
  return data::open(path, options, {});
}

data::OpenOptions options_for(const json& fact) {
  const auto at = fact["counts_at"].get<std::string>();
  if (fact["path"].get<std::string>().find("multiple") != std::string::npos) return {.genome = at};
  return {.layer = at};
}

Error error_of(const std::string& path, const data::OpenOptions& options = {}) {
  try {
    open(path, options);
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::Io, "no error"};
}

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

class TestFormats : public QObject {
  Q_OBJECT
 private slots:
  void facts_data() {
    QTest::addColumn<QByteArray>("fact");
    QTest::addColumn<QString>("folder");
    const auto add = [](const std::string& folder) {
      QFile file(QString::fromStdString(folder + "facts.json"));
      if (!file.open(QIODevice::ReadOnly)) return;
      for (const json& fact : json::parse(file.readAll().toStdString())) {
        const auto path = fact["path"].get<std::string>();
        const bool ours = has(path, ".h5") || has(path, "_mtx") || has(path, "matri") || has(path, ".zarr");
        if (!ours) continue;
        QTest::addRow("%s %s", path.c_str(), fact["counts_at"].get<std::string>().c_str())
            << QByteArray::fromStdString(fact.dump()) << QString::fromStdString(folder);
      }
    };
    add(data_folder);
    if (qEnvironmentVariableIsSet("SCRIPTORIUM_LARGE_DATA")) add(qgetenv("SCRIPTORIUM_LARGE_DATA").toStdString() + "/");
  }
  /// Every file of tests/data, and of the folder in SCRIPTORIUM_LARGE_DATA where that is set, against its facts.json.
  void facts() {
    QFETCH(QByteArray, fact);
    QFETCH(QString, folder);
    const json expected = json::parse(fact.toStdString());
    const auto path = folder.toStdString() + expected["path"].get<std::string>();
    const json found = data::inspect_json(open(path, options_for(expected)));
    for (const auto& [key, value] : expected.items()) {
      if (key == "path" || key == "sha256") continue;
      QVERIFY2(found.contains(key), key.c_str());
      QVERIFY2(found[key] == value, (key + ": " + found[key].dump() + " instead of " + value.dump()).c_str());
    }
  }

  void theSameCountsAreTheSameDataInEveryFormat() {
    const auto id = [](const char* path, const data::OpenOptions& options = {}) {
      return data::data_identity(open(data_folder + path, options));
    };
    const std::string v3 = id("10x_v3/filtered_feature_bc_matrix.h5"),
                      v2 = id("10x_v2/filtered_gene_bc_matrices_h5.h5");
    QCOMPARE(id("10x_v3/filtered_feature_bc_matrix"), v3);
    QCOMPARE(id("10x_v2/filtered_gene_bc_matrices/hg19_chr21"), v2);
    QCOMPARE(id("10x_v2/multiple_genomes.h5", {.genome = "hg19_chr21"}), v2);
    QVERIFY(id("10x_v2/multiple_genomes.h5", {.genome = "another_genome"}) != v2);
    const char* const layers = "h5ad/anndataR_layers_nullable.h5ad";
    QCOMPARE(id(layers, {.layer = "csc_counts"}), id(layers, {.layer = "layers/counts"}));
    QCOMPARE(id(layers, {.layer = "dense_counts"}), id(layers, {.layer = "counts"}));
  }

  void namesTheFormat() {
    QCOMPARE(open(data_folder + "10x_v3/filtered_feature_bc_matrix.h5").format, std::string("10x-h5-v3"));
    QCOMPARE(open(data_folder + "10x_v2/filtered_gene_bc_matrices_h5.h5").format, std::string("10x-h5-v2"));
    QCOMPARE(open(data_folder + "10x_v3/filtered_feature_bc_matrix").format, std::string("mtx"));
    QCOMPARE(open(data_folder + "10x_v3/filtered_feature_bc_matrix/matrix.mtx.gz").format, std::string("mtx"));
    QCOMPARE(open(data_folder + "h5ad/anndata_v0.7.0.h5ad").format, std::string("h5ad"));
  }

  void keepsTheOtherGeneNames() {
    const data::Dataset d = open(data_folder + "10x_v3/filtered_feature_bc_matrix.h5");
    QVERIFY(d.genes.find("symbol") != nullptr);
    QCOMPARE(d.genes.find("symbol")->text(0), std::string("CH507-9B2.2"));
    QCOMPARE(d.genes.find("feature_type")->text(0), std::string("Gene Expression"));
  }

  void readsTypedColumns() {
    const data::Dataset d = open(data_folder + "h5ad/anndataR_layers_nullable.h5ad", {.layer = "counts"});
    const auto type = [&](const char* name) { return d.cells.find(name)->type(); };
    QCOMPARE(type("Float"), std::string("number"));
    QCOMPARE(type("IntNA"), std::string("integer"));
    QCOMPARE(type("BoolNA"), std::string("boolean"));
    QCOMPARE(type("leiden"), std::string("label"));
    std::size_t missing = 0;
    for (std::size_t i = 0; i < d.cells.size(); ++i) missing += d.cells.find("IntNA")->is_missing(i) ? 1 : 0;
    QVERIFY(missing > 0 && missing < d.cells.size());
    QCOMPARE(d.embeddings.size(), 2U);
    QCOMPARE(d.embeddings[1].name, std::string("X_umap"));
    QCOMPARE(d.embeddings[1].coordinates.size(), d.cells.size() * 2);
  }

  void readsOldTables() {
    const data::Dataset old = open(data_folder + "h5ad/anndata_v0.7.0.h5ad");
    QCOMPARE(old.cells.find("obs_cat")->type(), std::string("label"));
    QVERIFY(std::get<data::Categorical>(old.cells.find("cat_ordered")->values).ordered);
    QVERIFY(!std::get<data::Categorical>(old.cells.find("obs_cat")->values).ordered);
    const data::Dataset compound = data::peek(data_folder + "h5ad/cellxgene_nan_X.h5ad", {}, {});
    QCOMPARE(compound.cells.find("louvain")->type(), std::string("label"));
    QCOMPARE(compound.embeddings.size(), 3U);
  }

  void asksWhichGenome() {
    const Error error = error_of(data_folder + "10x_v2/multiple_genomes.h5");
    QVERIFY(has(error.what(), "hg19_chr21") && has(error.what(), "another_genome"));
    QVERIFY(has(error_of(data_folder + "10x_v2/multiple_genomes.h5", {.genome = "mm10"}).what(), "mm10"));
  }

  void refusesWhatIsNoCounts() {
    const Error scaled = error_of(data_folder + "h5ad/cellxgene_nan_X.h5ad");
    QVERIFY2(has(scaled.what(), "-0.17146951 at cell AAACATACAACCAC-1, gene TNFRSF4"), scaled.what());
    const Error logged = error_of(data_folder + "h5ad/anndataR_layers_nullable.h5ad");
    QVERIFY2(has(logged.what(), "Cell000") && has(logged.what(), "fraction"), logged.what());
    QVERIFY2(has(logged.remedy(), "`layers/counts`"), logged.remedy().c_str());
    const Error layer = error_of(data_folder + "h5ad/anndataR_layers_nullable.h5ad", {.layer = "nothing"});
    QVERIFY(has(layer.what(), "`nothing`") && has(layer.remedy(), "`layers/csc_counts`"));
  }

  void looksWithoutCounts() {
    const data::Dataset d = data::peek(data_folder + "h5ad/anndataR_layers_nullable.h5ad", {}, {});
    QCOMPARE(d.layers.size(), 5U);
    QVERIFY(!d.layers[0].is_counts && d.layers[1].is_counts);
    QVERIFY(d.layer.empty());
    QCOMPARE(d.counts.nnz(), 0);
    QVERIFY(!data::inspect_json(d).contains("nnz"));
  }

  void takesTheOnlyLayerThatIsCounts() {
    QTemporaryDir folder;
    const std::string path = folder.filePath("a.h5ad").toStdString();
    small_files::H5(path)
        .table("obs", {"a", "b"})
        .table("var", {"x", "y", "z"})
        .group("layers")
        .numbers("X", {0.5, 0, 0, 1, 2, 0}, {2, 3})
        .numbers("layers/umis", {1, 0, 0, 3, 2, 0}, {2, 3});
    const data::Dataset d = open(path);
    QCOMPARE(d.layer, std::string("layers/umis"));
    QCOMPARE(d.counts.at(1, 0), 3U);
    QVERIFY(has(d.notes.front(), "0.5 at cell a, gene x"));
  }

  void readsTheSameInThisProcess() {
    for (const char* path :
         {"h5ad/anndata_v0.7.0.h5ad", "h5ad/pre0.7_compound_obs_csr.h5ad", "10x_v3/filtered_feature_bc_matrix.h5"}) {
      const json here = data::inspect_json(open(data_folder + path, {.isolated = false}));
      QCOMPARE(data::inspect_json(open(data_folder + path)).dump(), here.dump());
    }
  }

  void tellsProgressAndStops() {
    std::vector<Progress> told;
    RunControl control;
    control.report = [&](const Progress& p) { told.push_back(p); };
    data::open(data_folder + "10x_v3/filtered_feature_bc_matrix.h5", {}, control);
    QVERIFY(!told.empty());
    for (const Progress& p : told) QVERIFY(p.fraction <= 1);
    std::stop_source stop;
    stop.request_stop();
    control.stop = stop.get_token();
    for (const char* path : {"10x_v3/filtered_feature_bc_matrix.h5", "10x_v3/filtered_feature_bc_matrix"})
      QVERIFY_EXCEPTION_THROWN(data::open(data_folder + path, {}, control), Cancelled);
  }

  void stopsInTheMiddle() {
    std::stop_source stop;
    RunControl control;
    control.stop = stop.get_token();
    control.report = [&](const Progress&) { stop.request_stop(); };
    for (const char* path : {"10x_v3/filtered_feature_bc_matrix.h5", "10x_v3/filtered_feature_bc_matrix"})
      QVERIFY_EXCEPTION_THROWN(data::open(data_folder + path, {}, control), Cancelled);
  }
};

QTEST_APPLESS_MAIN(TestFormats)
#include "tst_formats.moc"
