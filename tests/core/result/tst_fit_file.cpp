#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

#include "core/error.hpp"
#include "core/result/fit_file.hpp"

using namespace scriptorium;
using namespace scriptorium::result;

namespace {

Fit small_fit(bool structured) {
  Fit fit;
  fit.model.likelihood = "nbvcp";
  fit.model.priors["p"] = {model::Law::Beta, 2, 3};
  fit.model.positive_transforms["r"] = model::Transform::Exp;
  fit.options.method = structured ? inference::Method::Structured : inference::Method::Svi;
  fit.options.seed = 18446744073709551615ULL;
  fit.options.svi.stopping.min_delta_percent = 0.25;
  fit.genes = {"A", "gène", "C"};
  fit.cells = {"c1", "c2"};
  fit.name = "a \"name\"";
  fit.data_id = "00ff";
  fit.result.loss = 123.456789012345678;
  fit.result.convergence = {true, false, "Done.", "", {"note"}};
  fit.result.trace = {{0, 0.5, 200.25, -1}, {1, 1.5, 123.456789012345678, 1e-5}};
  fit.result.posterior.sites = {
      {"p", model::Extent::Scalar, model::Law::Beta, model::Transform::Sigmoid, {2.5}, {3.5}},
      {"r", model::Extent::Gene, model::Law::LogNormal, model::Transform::Exp, {0.1, 0.2, 0.3}, {1, 2, 3}},
      {"p_capture", model::Extent::Cell, model::Law::Beta, model::Transform::Sigmoid, {1, 2}, {3, 4}}};
  if (structured) {
    auto& conditional = fit.result.posterior.conditional.emplace();
    conditional.scalar = "p";
    conditional.node = {-1, 0, 1};
    conditional.log_density = {-2, -0.5, -2};
    for (int k = 0; k < 3; ++k) {
      auto sites = std::vector(fit.result.posterior.sites.begin() + 1, fit.result.posterior.sites.end());
      sites[0].arg1[0] += k;
      conditional.sites.push_back(sites);
    }
  }
  auto& s = fit.summary;
  s.n_cells = 2;
  s.n_genes = 3;
  s.gene_start = {0, 1, 1, 2};
  s.value = {4, 9};
  s.cells = {2, 1};
  s.gene_total = {8, 0, 9};
  s.gene_nonzero = {2, 0, 1};
  s.gene_measured = {2, 2, 1};
  s.patterns = {{}, {{2}}};
  s.classes = {{0, 13, 1}, {1, 4, 1}};
  s.class_of_cell = {0, 1};
  s.sum_log_factorial = 19.25;
  return fit;
}

QByteArray bytes_of(const QString& path) {
  QFile file(path);
  return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

}  // namespace

class TestFitFile : public QObject {
  Q_OBJECT
  QTemporaryDir dir_;
  std::string path(const char* name) const { return dir_.filePath(name).toStdString(); }

 private slots:
  void comesBackAsItWas_data() {
    QTest::addColumn<bool>("structured");
    QTest::newRow("mean field") << false;
    QTest::newRow("structured") << true;
  }
  void comesBackAsItWas() {
    QFETCH(bool, structured);
    const Fit fit = small_fit(structured);
    save_fit(fit, path("a.fit"));
    const Fit back = load_fit(path("a.fit"));
    QVERIFY(back.model == fit.model);
    QCOMPARE(back.options.seed, fit.options.seed);
    QVERIFY(back.options.method == fit.options.method);
    QCOMPARE(back.options.svi.stopping.min_delta_percent, 0.25);
    QVERIFY(back.genes == fit.genes && back.cells == fit.cells);
    QVERIFY(back.name == fit.name && back.data_id == fit.data_id);
    QCOMPARE(back.result.loss, fit.result.loss);
    QVERIFY(back.result.convergence.notes == fit.result.convergence.notes);
    QCOMPARE(back.result.trace.size(), fit.result.trace.size());
    QCOMPARE(back.result.trace[1].loss, fit.result.trace[1].loss);
    QCOMPARE(back.result.posterior.sites.size(), fit.result.posterior.sites.size());
    for (std::size_t s = 0; s < fit.result.posterior.sites.size(); ++s) {
      const auto &one = fit.result.posterior.sites[s], &other = back.result.posterior.sites[s];
      QVERIFY(one.name == other.name && one.arg1 == other.arg1 && one.arg2 == other.arg2);
      QVERIFY(one.law == other.law && one.extent == other.extent && one.transform == other.transform);
    }
    QCOMPARE(back.result.posterior.conditional.has_value(), structured);
    if (structured) {
      QVERIFY(back.result.posterior.conditional->node == fit.result.posterior.conditional->node);
      QVERIFY(back.result.posterior.conditional->sites[2][0].arg1 ==
              fit.result.posterior.conditional->sites[2][0].arg1);
      QVERIFY(back.result.posterior.conditional->sites[1][1].arg2 ==
              fit.result.posterior.conditional->sites[1][1].arg2);
    }
    QVERIFY(back.summary.value == fit.summary.value && back.summary.cells == fit.summary.cells);
    QVERIFY(back.summary.class_of_cell == fit.summary.class_of_cell);
    QCOMPARE(back.summary.patterns[1].missing_genes, fit.summary.patterns[1].missing_genes);
    QCOMPARE(back.summary.classes[1].total, fit.summary.classes[1].total);
  }

  void everyDamagedByteIsFound() {
    save_fit(small_fit(true), path("b.fit"));
    const QByteArray whole = bytes_of(dir_.filePath("b.fit"));
    const auto expect_error = [&](const QByteArray& bytes) {
      QFile file(dir_.filePath("damaged.fit"));
      if (!file.open(QIODevice::WriteOnly)) return false;
      file.write(bytes);
      file.close();
      try {
        load_fit(path("damaged.fit"));
      } catch (const Error& error) {
        return QString(error.what()).contains("damaged.fit");
      }
      return false;
    };
    for (qsizetype at = 512; at < whole.size(); at += 97) {
      QByteArray damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x5a);
      QVERIFY2(expect_error(damaged), qPrintable(QString::number(at)));
    }
    for (qsizetype length :
         {qsizetype{0}, qsizetype{20}, qsizetype{511}, qsizetype{512}, whole.size() / 2, whole.size() - 1})
      QVERIFY(expect_error(whole.left(length)));
    QVERIFY(expect_error("not a fit at all"));
    QByteArray newer = whole;
    newer.replace(0, 18, "scriptorium fit 9\n");
    QVERIFY(expect_error(newer));
  }

  void aPlaceThatCannotBeWrittenKeepsTheOldFile() {
    const Fit fit = small_fit(false);
    QVERIFY_EXCEPTION_THROWN(save_fit(fit, path("no/such/folder/x.fit")), Error);
    try {
      save_fit(fit, "/dev/full");
      QFAIL("a full device must be an error");
    } catch (const Error& error) {
      QVERIFY(error.code() == ErrorCode::Io);
      QVERIFY(QString(error.what()).contains("/dev/full"));
    }
    QCOMPARE(QDir(dir_.path()).entryList({"*.part*"}).size(), 0);
  }

  void checkpointsComeBack() {
    inference::Checkpoint checkpoint{"svi", "abc", {{"m", {1, 2, 3}}, {"empty", {}}}, {{7, 1, 2, 3}}};
    save_checkpoint(checkpoint, path("c.ckpt"));
    const auto back = load_checkpoint(path("c.ckpt"));
    QCOMPARE(back.kind, checkpoint.kind);
    QCOMPARE(back.fingerprint, checkpoint.fingerprint);
    QVERIFY(back.arrays == checkpoint.arrays);
    QCOMPARE(back.trace.at(0).iteration, 7);
    QVERIFY_EXCEPTION_THROWN(load_fit(path("c.ckpt")), Error);
  }
};

QTEST_APPLESS_MAIN(TestFitFile)
#include "tst_fit_file.moc"
