#include <QDir>
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>
#include <csignal>
#include <nlohmann/json.hpp>

#include "../core/perturbation/simulated_screen.hpp"
#include "core/data/open.hpp"
#include "core/data/writers/writers.hpp"

// The subcommands of perturb, with the words of their contract.
class TestCliPerturb : public QObject {
  Q_OBJECT
  QTemporaryDir dir_;
  QString out_, error_;
  std::vector<std::string> cells_;

  QString at(const QString& name) const { return dir_.filePath(name); }
  int run(const QStringList& words) {
    QProcess process;
    process.start(SCRIPTORIUM_CLI, words);
    if (!process.waitForFinished(300'000) || process.exitStatus() != QProcess::NormalExit) return -1;
    out_ = QString::fromUtf8(process.readAllStandardOutput());
    error_ = QString::fromUtf8(process.readAllStandardError());
    return process.exitCode();
  }
  /// `perturb STEP DATA` with the columns of the simulated screen.
  int step(const QString& name, const QStringList& more) {
    return run(QStringList{"perturb", name, at("screen.h5ad"), "--target", "target", "--control", "NT", "--guide",
                           "guide", "--threads", "2"} +
               more);
  }
  QList<QStringList> table(const QString& name) const {
    QFile file(at(name));
    QList<QStringList> rows;
    if (file.open(QIODevice::ReadOnly))
      for (const QString& line : QString::fromUtf8(file.readAll()).split('\n', Qt::SkipEmptyParts))
        rows << line.split('\t');
    return rows;
  }
  QByteArray bytes(const QString& name) const {
    QFile file(at(name));
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
  }

 private slots:
  void initTestCase() {
    const auto simulated = simulated_screen::make({.cells = 500, .genes = 110, .effect_genes = 30, .counts = 3000});
    cells_ = simulated.data.cells.names;
    scriptorium::data::write_h5ad(simulated.data, nlohmann::json::object(), at("screen.h5ad").toStdString(), {});
  }

  void everyStepWritesItsTable() {
    QVERIFY2(step("markers", {"--out", at("m.tsv")}) == 0, qPrintable(error_));
    QCOMPARE(table("m.tsv").first(),
             QStringList({"target", "gene", "z", "p", "p_adj", "log2fc", "pct_target", "pct_control", "selected"}));
    QCOMPARE(table("m.tsv").size(), 1 + 4 * 110);
    QCOMPARE(step("markers", {"--method", "mixscape", "--split", "rep", "--out", at("m2.tsv")}), 0);
    QCOMPARE(table("m2.tsv").size(), 1 + 2 * 4 * 110);
    QCOMPARE(table("m2.tsv").first()[1], QString("split"));
    QCOMPARE(step("score", {"--out", at("s.tsv"), "--projections", at("p.tsv"), "--targets", at("t.tsv")}), 0);
    QCOMPARE(table("s.tsv").first(), QStringList({"cell", "target", "guide", "mixscale_score"}));
    QCOMPARE(table("s.tsv").size(), 501);
    QCOMPARE(table("t.tsv").size(), 5);
    QCOMPARE(table("p.tsv").first(), QStringList({"target", "split", "cell", "is_target", "pvec", "score"}));
    QCOMPARE(step("call", {"--split", "rep", "--rule", "r", "--out", at("c.tsv")}), 0);
    QCOMPARE(table("c.tsv").first(), QStringList({"cell", "target", "guide", "split", "mixscape_class",
                                                  "mixscape_class_global", "mixscape_class_p_ko", "pvec"}));
    QCOMPARE(step("lda", {"--n-comps", "4", "--out", at("l.tsv")}), 0);
    QCOMPARE(table("l.tsv").first().mid(0, 3), QStringList({"cell", "target", "lda_1"}));
    QCOMPARE(step("signature", {"--out", at("x.tsv"), "--cells", "target == \"T0\""}), 1);  // no controls are left
    QVERIFY(error_.contains("NT"));
    QCOMPARE(step("signature", {"--mode", "split_by", "--split", "rep", "--out", at("x.tsv")}), 0);
    QCOMPARE(table("x.tsv").size(), 501);
    QCOMPARE(step("signature", {"--out", at("x.h5ad")}), 0);
    scriptorium::data::OpenOptions options;
    const auto back = scriptorium::data::open(at("x.h5ad").toStdString(), options, {});
    QVERIFY(
        std::any_of(back.layers.begin(), back.layers.end(), [](const auto& l) { return l.path == "layers/X_pert"; }));
  }

  void allIsTheStepsTogether() {
    QVERIFY2(step("all", {"--out", at("all.h5ad"), "--tables", at("tables")}) == 0, qPrintable(error_));
    QVERIFY(out_.contains("of 4 targets have an effect"));
    QVERIFY(!QFile::exists(at("all.h5ad.state")));
    QCOMPARE(step("all", {"--out", at("again.h5ad"), "--tables", at("tables")}), 1);
    QVERIFY(error_.contains("exists already") && !QFile::exists(at("again.h5ad")));
    QCOMPARE(step("score", {"--out", at("s1.tsv")}), 0);
    QCOMPARE(bytes("tables/scores.tsv"), bytes("s1.tsv"));
    QCOMPARE(step("call", {"--out", at("c1.tsv")}), 0);
    QCOMPARE(bytes("tables/calls.tsv"), bytes("c1.tsv"));
    for (const char* name : {"markers", "projections", "lda", "targets", "guides"})
      QVERIFY(!bytes(QString("tables/") + name + ".tsv").isEmpty());
    const auto back = scriptorium::data::open(at("all.h5ad").toStdString(), {}, {});
    QVERIFY(back.cells.find("mixscape_class_p_ko") != nullptr);
  }

  void listsOfMarkers() {
    QFile file(at("lists.json"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(R"({"T0": ["gene1", "gene2", "gene3", "gene4", "gene5", "nothing"]})");
    file.close();
    QCOMPARE(step("score", {"--de-genes", at("lists.json"), "--out", at("s2.tsv")}), 0);
    QVERIFY(error_.contains("nothing") && error_.contains("T1 is not scored"));
    QFile wrong(at("wrong.tsv"));
    QVERIFY(wrong.open(QIODevice::WriteOnly));
    wrong.write("a\tb\n1\t2\n");
    wrong.close();
    QCOMPARE(step("score", {"--de-genes", at("wrong.tsv"), "--out", at("s3.tsv")}), 1);
    QVERIFY(error_.contains("target and gene") && !QFile::exists(at("s3.tsv")));
  }

  void wrongWordsAndWrongData() {
    QCOMPARE(run({"perturb"}), 2);
    QCOMPARE(run({"perturb", "score", at("screen.h5ad"), "--out", "-"}), 2);
    QCOMPARE(step("score", {"--method", "mixscape", "--out", "-"}), 2);
    QCOMPARE(step("score", {"--mode", "split_by", "--out", "-"}), 2);
    QCOMPARE(step("score", {"--test", "anova", "--out", "-"}), 2);
    QCOMPARE(step("all", {"--out", at("x.tsv")}), 2);
    QCOMPARE(step("all", {"--out", at("screen.h5ad")}), 1);
    QVERIFY(error_.contains("is an input"));
    QCOMPARE(run({"perturb", "score", at("screen.h5ad"), "--target", "target", "--control", "control", "--out", "-"}),
             1);
    QVERIFY(error_.contains("\"target\"") && error_.contains("T0"));
  }

  void aStoppedRunGoesOn() {
    QProcess process;
    process.start(SCRIPTORIUM_CLI, {"perturb", "all", at("screen.h5ad"), "--target", "target", "--control", "NT",
                                    "--out", at("stopped.h5ad"), "--progress", "json", "--threads", "1"});
    QVERIFY(process.waitForStarted());
    // Once a step is kept; where all of them were faster than this, there is nothing left to stop.
    while (!QFile::exists(at("stopped.h5ad.state")) && !process.waitForFinished(1)) {
    }
    if (process.state() == QProcess::Running) ::kill(static_cast<pid_t>(process.processId()), SIGINT);
    QVERIFY(process.waitForFinished(60'000));
    const QStringList again{"perturb", "all",   at("screen.h5ad"),  "--target",  "target", "--control",
                            "NT",      "--out", at("stopped.h5ad"), "--threads", "2",      "--resume"};
    if (process.exitCode() != 0) {
      QVERIFY(!QFile::exists(at("stopped.h5ad")));
      QCOMPARE(run(again), 0);
      QVERIFY2(out_.contains("signature") && out_.contains("resumed"), qPrintable(out_));
    }
  }
};

QTEST_GUILESS_MAIN(TestCliPerturb)
#include "tst_cli_perturb.moc"
