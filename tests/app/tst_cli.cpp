#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QtTest>

#include <csignal>

#include "cli_program.hpp"

// The program itself, with the words of its contract.
class TestCli : public QObject, private CliProgram {
  Q_OBJECT
  std::pair<double, QString> lossAndData(const char* fit) {
    run({"show", at(fit), "--json"});
    const auto shown = QJsonDocument::fromJson(out_.toUtf8()).object();
    return {shown["loss"]["final"].toDouble(), shown["data"]["id"].toString()};
  }

 private slots:
  void initTestCase() {
    QVERIFY(putCells());
    QVERIFY2(run({"fit", at("data"), "--model", "nbvcp", "--out", at("a.fit")}) == 0, qPrintable(error_));
    QVERIFY(out_.contains("120 cells x 15 genes"));
  }

  void embedWritesCoordinates() {
    for (const QString method : {"pca", "umap", "tsne"}) {
      const QString out = at(method + ".tsv");
      QCOMPARE(run({"embed", at("data"), "--method", method, "--dims", "4", "--threads", "1", "--out", out}), 0);
      const QStringList rows = lines(method + ".tsv");
      QCOMPARE(rows.size(), 121);
      QCOMPARE(rows[0].split('\t').mid(0, 3), QStringList({"cell", method + "_1", method + "_2"}));
      QCOMPARE(rows[0].count('\t'), method == "pca" ? 4 : 2);
      QVERIFY(rows[1].startsWith("cell0-1\t"));
      QCOMPARE(run({"embed", at("data"), "--method", method, "--dims", "4", "--threads", "3", "--out", "-"}), 0);
      QCOMPARE(out_.split('\n', Qt::SkipEmptyParts), rows);  // the same bits
    }
    QCOMPARE(run({"embed", at("data"), "--method", "pca", "--genes", "GENE3,GENE9", "--out", at("two.csv")}), 0);
    QCOMPARE(lines("two.csv").first(), QString("cell,pca_1,pca_2"));
    QCOMPARE(run({"embed", at("data"), "--method", "map", "--out", at("x.tsv")}), 2);
    QCOMPARE(run({"embed", at("data"), "--min-counts-per-cell", "100000", "--out", at("x.tsv")}), 1);
    QVERIFY(!QFile::exists(at("x.tsv")));
  }

  void summariesAreFitAsTheirData() {
    // Two halves of the cells, summarised apart, are fitted to the same numbers as the whole.
    QCOMPARE(run({"convert", at("data"), "--out", at("whole.h5ad")}), 0);
    QCOMPARE(run({"summarise", at("data"), "--out", at("whole.s")}), 0);
    QVERIFY(out_.startsWith("120 cells x 15 genes of 1 file:"));
    QCOMPARE(run({"fit", at("whole.s"), "--model", "nbvcp", "--out", at("s.fit")}), 0);
    for (const char* fit : {"a.fit", "s.fit"}) QCOMPARE(run({"map", at(fit), "--out", at(QString(fit) + ".tsv")}), 0);
    QCOMPARE(lines("s.fit.tsv"), lines("a.fit.tsv"));
    QCOMPARE(run({"diagnose", at("s.fit"), at("data"), "--out", at("s.tsv")}), 0);

    QCOMPARE(run({"summarise", at("data"), "--cells", "n_counts < 40", "--out", at("low.s")}), 0);
    QCOMPARE(run({"summarise", at("whole.h5ad"), "--cells", "n_counts >= 40", "--out", at("high.s")}), 0);
    QCOMPARE(run({"fit", at("low.s"), at("high.s"), "--model", "nbdm", "--out", at("two.fit")}), 0);
    QCOMPARE(run({"fit", at("data"), "--model", "nbdm", "--out", at("one.fit")}), 0);
    QCOMPARE(lossAndData("two.fit"), lossAndData("one.fit"));

    QCOMPARE(run({"summarise", at("data"), at("low.s"), "--out", at("twice.s")}), 1);
    QVERIFY(error_.contains("The cell cell") && error_.contains("--suffix"));
    QCOMPARE(run({"summarise", at("data"), at("whole.h5ad"), "--suffix", "--out", at("twice.s")}), 0);
    QVERIFY(out_.startsWith("240 cells x 15 genes of 2 files:"));
    for (const char* command : {"show", "inspect"}) {
      QCOMPARE(run({command, at("twice.s"), "--json"}), 0);
      const auto shown = QJsonDocument::fromJson(out_.toUtf8()).object();
      QCOMPARE(shown["n_cells"].toInt(), 240);
      QCOMPARE(shown["last_cell"].toString(), QString("cell119-1-2"));
      QCOMPARE(shown["sources"].toArray().size(), 2);
    }
  }

  void summariesAreNotTakenForOtherFiles() {
    QCOMPARE(run({"summarise", at("data"), "--out", at("n.s")}), 0);
    QCOMPARE(run({"fit", at("n.s"), "--model", "zinbvcp", "--out", at("n.fit")}), 1);
    QVERIFY(error_.contains("visits the counts again") && error_.contains("nbvcp"));
    QCOMPARE(run({"map", at("n.s"), "--out", "-"}), 1);
    QVERIFY(error_.contains("is a summary, not a fit"));
    QCOMPARE(run({"convert", at("n.s"), "--out", at("n.h5ad")}), 1);
    QVERIFY(error_.contains("is a summary of this program, not data"));
    for (const char* model : {"nbvcp", "zinbvcp"}) {
      QCOMPARE(run({"fit", at("a.fit"), "--model", model, "--out", at("n.fit")}), 1);
      QVERIFY(error_.contains("is a fit of this program, not data"));
    }
    QCOMPARE(run({"fit", at("n.s"), "--cells", "n_counts > 2", "--out", at("n.fit")}), 2);
    QCOMPARE(run({"summarise", at("data"), at("n.s"), "--genes", "hvg:5", "--out", at("x.s")}), 2);
    QCOMPARE(run({"summarise", at("data"), "--out", at("data")}), 1);
  }

  void memoryIsHeldToItsLimit() {
    for (const char* limit : {"1G", "2000 MiB"})
      QCOMPARE(run({"fit", at("data"), "--min-cells-per-gene", "2", "--memory", limit, "--out", at("m.fit")}), 0);
    for (const char* model : {"nbvcp", "zinbvcp"}) {
      QFile::remove(at("m2.fit"));
      QCOMPARE(run({"fit", at("data"), "--model", model, "--memory", "1M", "--out", at("m2.fit")}), 1);
      QVERIFY(error_.contains("--memory allows 1 MiB") && !QFile::exists(at("m2.fit")));
    }
    QCOMPARE(run({"fit", at("data"), "--memory", "much", "--out", at("m2.fit")}), 1);
    QVERIFY(error_.contains("is no amount of memory"));
  }

  void conversionsKeepTheCounts() {
    const auto identity = [&](const QString& path) {
      run({"inspect", path, "--json"});
      return QJsonDocument::fromJson(out_.toUtf8()).object()["data_id"].toString();
    };
    const QString id = identity(at("data"));
    QString from = at("data");
    for (const char* name : {"c.h5ad", "c.h5", "c.mtx"}) {
      QCOMPARE(run({"convert", from, "--out", at(name)}), 0);
      QVERIFY(out_.startsWith("120 cells x 15 genes written to "));
      QCOMPARE(identity(from = at(name)), id);
    }
    QCOMPARE(run({"convert", at("data"), "--out", at("c.mtx")}), 1);
    QVERIFY(error_.contains("exists already"));
    QCOMPARE(run({"convert", at("data"), "--out", at("c.loom")}), 1);
  }

  void wrongWordsAreStatusTwo() {
    QCOMPARE(run({}), 2);
    QCOMPARE(run({"fit"}), 2);
    QVERIFY(error_.contains("fit needs DATA"));
    QCOMPARE(run({"regress", at("data")}), 2);
    QVERIFY(error_.contains("not built yet: regress"));
    QCOMPARE(run({"map", at("a.fit"), "--out", "-", "--point", "median"}), 2);
    QCOMPARE(run({"--help"}), 0);
    QVERIFY(out_.contains("diagnose") && !out_.contains("regress"));
  }

  void inputsAreNeverWrittenOver() {
    const auto bytes = [&](const QString& name) {
      QFile file(at(name));
      return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    };
    const QByteArray before = bytes("a.fit");
    for (const QStringList& words : {QStringList{"subset", at("a.fit"), "--genes", "GENE1", "--out", at("a.fit")},
                                     {"map", at("a.fit"), "--out", at("a.fit")},
                                     {"fit", at("a.fit"), "--out", at("a.fit")}}) {
      QVERIFY(run(words) != 0);
      QCOMPARE(bytes("a.fit"), before);
    }
    QVERIFY(QFile::link(at("a.fit"), at("draws.nc")));
    QCOMPARE(run({"sample", at("a.fit"), "-n", "3", "--out", at("draws.nc")}), 1);
    QVERIFY(error_.contains("is an input of this command"));
    QCOMPARE(bytes("a.fit"), before);
  }

  void wordsOutOfRangeAreRefused() {
    for (const QStringList& words :
         {QStringList{"--seed", "-1"}, {"--min-counts-per-cell", "-5"}, {"--steps", "5"}, {"--max-iterations", "0"}}) {
      QCOMPARE(run(QStringList{"fit", at("data"), "--out", at("x.fit")} + words), 2);
      QVERIFY(!QFile::exists(at("x.fit")));
    }
    for (const QStringList& words : {QStringList{"--model", "nbx", "nbdm, zinb, nbvcp or zinbvcp"},
                                     QStringList{"--method", "laplace", "not built yet: laplace"},
                                     QStringList{"--tolerance", "little", "not a number above 0"}}) {
      QCOMPARE(run({"fit", at("data"), "--out", at("x.fit"), words[0], words[1]}), 2);
      QVERIFY2(error_.contains(words[2]), qPrintable(error_));
    }
    QCOMPARE(run({"nosuch"}), 2);
    QVERIFY2(error_.contains("no command \"nosuch\""), qPrintable(error_));
    QCOMPARE(run({"fit", at("data"), "--model", "NBDM", "--parameterization", "Linked", "--out", at("x.fit")}), 0);
    QVERIFY(QFile::remove(at("x.fit")));
    QCOMPARE(run({"map", at("a.fit"), "--out", at("map.xlsx")}), 2);
    QVERIFY(error_.contains(".tsv, .csv or .json"));
    QCOMPARE(run({"sample", at("a.fit"), "--out", at("draws.tsv")}), 2);
    QCOMPARE(run({"map", at("a.fit"), "--genes", at("no-such-list.txt"), "--out", "-"}), 1);
    QVERIFY(error_.contains("no file"));
    QCOMPARE(run({"fit", at("data"), "--prior", "r=LogNormal:loc=0,scale=2", "--out", at("y.fit")}), 0);
  }

  void whatAFitSaysStandsBesideTheData() {
    QCOMPARE(run({"export", at("a.fit"), "--to", at("said.h5ad")}), 2);
    QVERIFY2(error_.contains("--data"), qPrintable(error_));
    QCOMPARE(run({"export", at("a.fit"), "--data", at("data"), "--to", at("said.h5ad")}), 0);
    const auto facts = [this](const QString& path) {
      run({"inspect", at(path), "--json"});
      return QJsonDocument::fromJson(out_.toUtf8()).object();
    };
    const auto before = facts("data"), after = facts("said.h5ad");
    QCOMPARE(after["data_id"], before["data_id"]);
    const auto columns = [&](const char* table) {
      QStringList names;
      for (const auto& column : after[table].toArray()) names << column.toObject()["name"].toString();
      return names;
    };
    for (const char* name : {"n_counts", "p_capture", "p_capture_sd", "loglik"})
      QVERIFY2(columns("obs").contains(name), name);
    for (const char* name : {"r_map", "r_sd", "mu_map", "loglik", "verdict"})
      QVERIFY2(columns("var").contains(name), name);
    // Written again over itself the columns are replaced, and the fit still knows its data.
    QCOMPARE(run({"export", at("a.fit"), "--data", at("said.h5ad"), "--to", at("again.h5ad")}), 0);
    QVERIFY2(error_.contains("had already were replaced: p_capture"), qPrintable(error_));
    QCOMPARE(facts("again.h5ad")["obs"], after["obs"]);
    QCOMPARE(facts("again.h5ad")["var"], after["var"]);
  }

  void whatHasNotConvergedIsNotCalledFine() {
    QCOMPARE(run({"fit", at("data"), "--max-iterations", "1", "--out", at("early.fit")}), 0);
    QVERIFY(out_.contains("not converged"));
    QCOMPARE(run({"diagnose", at("early.fit"), "--out", at("early.tsv")}), 0);
    QVERIFY(error_.contains("Not converged"));
    QVERIFY(lines("early.tsv").first().endsWith("verdict\treason"));
    // Its checkpoint is kept, and leads to where the whole fit ends.
    QCOMPARE(run({"fit", at("data"), "--resume", "--out", at("early.fit")}), 0);
    QVERIFY(!error_.contains("begins anew") && !QFile::exists(at("early.fit.checkpoint")));
    QCOMPARE(run({"fit", at("data"), "--resume", "--out", at("whole.fit")}), 0);
    QVERIFY(error_.contains("begins anew"));
    QCOMPARE(lossAndData("early.fit"), lossAndData("whole.fit"));
    QVERIFY(lossAndData("whole.fit").first > 0);
  }

  void failuresAreStatusOneWithOneLine_data() {
    QTest::addColumn<QStringList>("words");
    QTest::addColumn<QString>("part");
    QTest::newRow("no file") << QStringList{"inspect", at("nothing.h5ad")} << "nothing.h5ad";
    QTest::newRow("not a fit") << QStringList{"show", at("data/barcodes.tsv")} << "not a fit";
    QTest::newRow("prior") << QStringList{"fit", at("data"), "--prior", "p=-1,2", "--out", at("x.fit")} << "alpha = -1";
    QTest::newRow("gene") << QStringList{"map", at("a.fit"), "--genes", "GENE33", "--out", "-"} << "GENE3";
    QTest::newRow("place") << QStringList{"fit", at("data"), "--out", at("no/x.fit")} << "no/x.fit";
    QTest::newRow("full disk") << QStringList{"map", at("a.fit"), "--out", "/dev/full"} << "/dev/full";
  }
  void failuresAreStatusOneWithOneLine() {
    QFETCH(QStringList, words);
    QFETCH(QString, part);
    QCOMPARE(run(words), 1);
    QVERIFY2(error_.contains(part), qPrintable(error_));
    QCOMPARE(error_.count('\n'), 1);
    QVERIFY(!QFile::exists(at("x.fit")));
  }

  /// A device that is not there is no failure: the CPU does the work, and that is said.
  void missingDevicesAreTold() {
    const QString far = "cuda:977";
    QCOMPARE(run({"fit", at("data"), "--method", "svi", "--batch-size", "30", "--steps", "20", "--device", far, "--out",
                  at("svi.fit")}),
             0);
    QVERIFY2(error_.contains("note: The CPU is used and not cuda:977"), qPrintable(error_));
    QCOMPARE(run({"show", at("svi.fit"), "--json"}), 0);
    QVERIFY(QJsonDocument::fromJson(out_.toUtf8()).object()["device"].toString().startsWith("cpu, "));
    QCOMPARE(run({"fit", at("data"), "--device", far, "--out", at("exact.fit")}), 0);
    QVERIFY2(error_.contains("Nothing in this fit is done on a GPU"), qPrintable(error_));
    for (const QStringList& words : {QStringList{"loglik", at("data"), "--fit", at("a.fit")},
                                     QStringList{"ppc", at("a.fit"), at("data"), "-n", "5"},
                                     QStringList{"diagnose", at("a.fit"), at("data"), "-n", "5"}}) {
      QCOMPARE(run(words + QStringList{"--device", far, "--out", at("there.tsv")}), 0);
      QVERIFY2(error_.contains("not cuda:977"), qPrintable(error_));
      QCOMPARE(run(words + QStringList{"--device", "cpu", "--out", at("here.tsv")}), 0);
      QVERIFY(!error_.contains("cuda"));
      QCOMPARE(lines("there.tsv"), lines("here.tsv"));
      QCOMPARE(run(words + QStringList{"--device", "gpu", "--out", at("here.tsv")}), 2);
    }
  }

  void inspectAndModelsAreJson() {
    QCOMPARE(run({"inspect", at("data"), "--json"}), 0);
    const auto facts = QJsonDocument::fromJson(out_.toUtf8()).object();
    QCOMPARE(facts["n_cells"].toInt(), 120);
    QCOMPARE(facts["n_genes"].toInt(), 15);
    QCOMPARE(run({"models", "--json"}), 0);
    QCOMPARE(QJsonDocument::fromJson(out_.toUtf8()).object()["models"].toArray().size(), 4);
    QCOMPARE(run({"devices", "--json"}), 0);
    QVERIFY(QJsonDocument::fromJson(out_.toUtf8()).object()["cpu"].toObject()["threads"].toInt() >= 1);
  }

  void everyTableHasItsColumns() {
    const QString fit = at("a.fit"), data = at("data");
    const auto header = [&](const QStringList& words) { return run(words) == 0 ? lines("t.tsv").value(0) : error_; };
    const QString out = at("t.tsv");
    QCOMPARE(header({"loss", fit, "--out", out}), "iteration\ttime\tloss\tdecrement");
    QCOMPARE(header({"map", fit, "--out", out}), "parameter\tgene\tcell\tcomponent\tvalue");
    QCOMPARE(header({"distributions", fit, "--out", out}),
             "parameter\tgene\tcell\tcomponent\tfamily\targ1\targ2\tmean\tsd\tq025\tq975");
    QCOMPARE(header({"ppc", fit, data, "--kind", "map", "-n", "20", "--genes", "GENE3,GENE4", "--out", out}),
             "gene\tcount\tlower\tmedian\tupper\tobserved\tand_above");
    QCOMPARE(header({"diagnose", fit, data, "--genes", "all", "-n", "30", "--out", out}),
             "gene\tmean_count\tmap_R\tmap_D\tmap_failure\tpost_R\tpost_D\tpost_failure\tverdict\treason");
    QCOMPARE(lines("t.tsv").size(), 16);
    QCOMPARE(header({"loglik", data, "--fit", fit, "--by", "cell", "--out", out}), "cell\tloglik");
    QCOMPARE(lines("t.tsv").size(), 121);
    QCOMPARE(header({"density", data, "--params", fit, "--gradient", "--out", out}), "site\tlog_prob");
    QCOMPARE(lines("t.gradient.tsv").value(0), "site\tindex\tgradient");
    QCOMPARE(run({"loglik", data, "--fit", fit, "--by", "gene", "--out", at("t.json")}), 0);
    QFile json(at("t.json"));
    QVERIFY(json.open(QIODevice::ReadOnly));
    QCOMPARE(QJsonDocument::fromJson(json.readAll()).object()["loglik"].toArray().size(), 15);
  }

  void subsetsAndExports() {
    QCOMPARE(run({"subset", at("a.fit"), "--genes", "GENE7,GENE2", "--out", at("s.fit")}), 0);
    QCOMPARE(run({"show", at("s.fit"), "--json"}), 0);
    QCOMPARE(QJsonDocument::fromJson(out_.toUtf8()).object()["n_genes"].toInt(), 2);
    QCOMPARE(run({"sample", at("a.fit"), "-n", "7", "--out", at("p.nc")}), 0);
    QVERIFY(QFile::exists(at("p.nc")));
    QCOMPARE(run({"export", at("a.fit"), "--data", at("data"), "--to", at("tables")}), 0);
    for (const char* name : {"map.tsv", "distributions.tsv", "loss.tsv", "diagnose.tsv", "loglik_cell.tsv", "fit.json"})
      QVERIFY2(QFile::exists(at("tables/") + name), name);
  }

  void parametersStandInForAFit() {
    QJsonArray r;
    for (int g = 0; g < 15; ++g) r.append(0.5 + 0.3 * g);
    const QJsonObject params{{"p", 0.5}, {"dispersion", r}};
    put("P.json", QJsonDocument(QJsonObject{{"model", "nbdm"},
                                            {"parameterization", "canonical"},
                                            {"n_components", QJsonValue()},
                                            {"params", params}})
                      .toJson());
    QCOMPARE(run({"loglik", at("data"), "--params", at("P.json"), "--by", "gene", "--out", "-"}), 0);
    QVERIFY(out_.startsWith("gene\tloglik\n") && out_.count('\n') == 16);
    QCOMPARE(run({"density", at("data"), "--params", at("P.json"), "--out", "-"}), 0);
    QVERIFY(out_.contains("log_joint"));
    QCOMPARE(run({"ppc", at("P.json"), at("data"), "--kind", "map", "-n", "10", "--genes", "GENE3", "--out", "-"}), 0);
    QCOMPARE(run({"ppc", at("P.json"), at("data"), "--kind", "posterior", "--out", "-"}), 1);
    QVERIFY(error_.contains("no posterior"));
    QCOMPARE(run({"sample", at("P.json"), "--out", at("y.nc")}), 1);
    put("bad.json", "{\"model\": \"nbdm\", ");
    QCOMPARE(run({"show", at("bad.json")}), 1);
    put("mixed.json", R"({"model": "nbdm", "n_components": 3, "params": {"p": 0.5, "r": [[1, 2], [3, 4]]}})");
    QCOMPARE(run({"show", at("mixed.json")}), 1);
    QVERIFY(error_.contains("2 rows where there are 3 components"));
  }

  void aConfigurationIsFlagsAndFlagsWin() {
    put("c.json", R"({"model": "zinb", "parameterization": "mean_odds", "seed": 7, "prior": ["gate=2,3"]})");
    QVERIFY2(run({"fit", at("data"), "--config", at("c.json"), "--model", "nbdm", "--out", at("c.fit")}) == 1,
             "gate is no parameter of nbdm");
    QVERIFY2(run({"fit", at("data"), "--config", at("c.json"), "--seed", "9", "--out", at("c.fit")}) == 0,
             qPrintable(error_));
    QCOMPARE(run({"show", at("c.fit"), "--json"}), 0);
    const auto shown = QJsonDocument::fromJson(out_.toUtf8()).object();
    QCOMPARE(shown["model"].toObject()["likelihood"].toString(), "zinb");
    QCOMPARE(shown["model"].toObject()["priors"].toObject()["gate"].toObject()["alpha"].toDouble(), 2.0);
    QCOMPARE(shown["options"].toObject()["seed"].toInt(), 9);
    put("whole.json",
        out_.toUtf8().isEmpty()
            ? QByteArray()
            : QJsonDocument(QJsonObject{{"model", shown["model"]}, {"options", shown["options"]}}).toJson());
    QCOMPARE(run({"fit", at("data"), "--config", at("whole.json"), "--out", at("w.fit")}), 0);
    put("odd.json", R"({"modell": "zinb"})");
    QCOMPARE(run({"fit", at("data"), "--config", at("odd.json"), "--out", at("w.fit")}), 2);
  }

  void interruptKeepsACheckpointAndResumeGoesOn() {
    const QStringList words{"fit",          at("data"), "--method", "svi",       "--steps",    "6000",
                            "--batch-size", "0",        "--out",    at("i.fit"), "--progress", "json"};
    QProcess process;
    process.start(SCRIPTORIUM_CLI, words);
    QVERIFY(process.waitForStarted());
    QByteArray seen;
    while (!seen.contains("iteration") && process.state() == QProcess::Running) {
      process.waitForReadyRead(1000);
      seen += process.readAllStandardError();
    }
    QVERIFY2(process.state() == QProcess::Running, seen.constData());  // no process has number 0, a signal to all
    ::kill(static_cast<pid_t>(process.processId()), SIGINT);
    QVERIFY(process.waitForFinished(30'000));
    QCOMPARE(process.exitCode(), 1);
    QVERIFY(process.readAllStandardError().contains("--resume"));
    QVERIFY(QFile::exists(at("i.fit.checkpoint")) && !QFile::exists(at("i.fit")));
    QVERIFY2(run(words + QStringList{"--resume"}) == 0, qPrintable(error_));
    QVERIFY(QFile::exists(at("i.fit")) && !QFile::exists(at("i.fit.checkpoint")));
    // The same numbers as without the stop.
    QStringList whole = words;
    whole[whole.indexOf(at("i.fit"))] = at("u.fit");
    QCOMPARE(run(whole), 0);
    QCOMPARE(run({"map", at("i.fit"), "--out", "-"}), 0);
    const QString resumed = out_;
    QCOMPARE(run({"map", at("u.fit"), "--out", "-"}), 0);
    QVERIFY(resumed == out_);
  }
};

QTEST_GUILESS_MAIN(TestCli)
#include "tst_cli.moc"
