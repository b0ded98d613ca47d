#include <QDir>
#include <QFile>
#include <QProcess>
#include <QtTest>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>

#include "../core/perturbation/simulated_screen.hpp"
#include "cli_program.hpp"
#include "core/data/open.hpp"
#include "core/data/writers/writers.hpp"

// The subcommands of perturb, with the words of their contract.
class TestCliPerturb : public QObject, private CliProgram {
  Q_OBJECT
  std::vector<std::string> cells_;

  /// `perturb STEP DATA` with the columns of the simulated screen.
  int step(const QString& name, const QStringList& more) {
    return run(QStringList{"perturb", name, at("screen.h5ad"), "--target", "target", "--control", "NT", "--guide",
                           "guide", "--threads", "2"} +
               more);
  }
  QList<QStringList> table(const QString& name) const {
    QList<QStringList> rows;
    for (const QString& line : lines(name)) rows << line.split('\t');
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

  void genesProgramsAndSets() {
    QVERIFY2(step("de", {"--out", at("de.tsv"), "--z", at("Z.tsv"), "--z-p", "0.05"}) == 0, qPrintable(error_));
    const auto de = table("de.tsv"), z = table("Z.tsv");
    QCOMPARE(de.first(), QStringList({"target", "gene", "log2fc", "beta_weight", "se_weight", "p_weight",
                                      "p_adj_weight", "dispersion", "DE_method", "separated"}));
    QVERIFY(!QFile::exists(at("de.tsv.state")));
    QSet<QString> targets;
    for (const auto& row : de.mid(1)) targets << row[0];
    QCOMPARE(targets, QSet<QString>({"T0", "T1", "T2", "T3"}));
    QVERIFY(z.first().contains("T0") && z.first().contains("T1") && z.size() > 20);
    // A table each, the same rows; and some targets only.
    QCOMPARE(step("de", {"--out", at("each")}), 0);
    const auto alone = table("each/T1.tsv");
    QCOMPARE(alone.first(), de.first().mid(1));
    QList<QStringList> rows;
    for (const auto& row : de.mid(1))
      if (row[0] == "T1") rows << row.mid(1);
    QCOMPARE(alone.mid(1), rows);
    QCOMPARE(step("de", {"--out", at("one.tsv"), "--targets", "T1", "--unweighted", "--full"}), 0);
    QVERIFY(table("one.tsv").first().contains("beta_Intercept"));
    for (const auto& row : table("one.tsv").mid(1)) QVERIFY(row[0] == "T1" && row[8] == "standard");
    QCOMPARE(step("de", {"--out", at("one.tsv"), "--targets", "T9"}), 1);
    QVERIFY(error_.contains("T9") && error_.contains("T0"));
    QCOMPARE(step("de", {"--out", "-", "--resume"}), 2);

    // Two targets that move the same genes are a program.
    const auto together =
        simulated_screen::make({.cells = 900, .genes = 90, .effect = 1.4, .responders = 0.9, .same_genes = true});
    scriptorium::data::write_h5ad(together.data, nlohmann::json::object(), at("together.h5ad").toStdString(), {});
    QCOMPARE(run({"perturb", "de", at("together.h5ad"), "--target", "target", "--control", "NT", "--out", at("t.tsv"),
                  "--z", at("Zt.tsv")}),
             0);
    QVERIFY2(
        run({"perturb", "programs", at("Zt.tsv"), "--out", at("programs.tsv"), "--members", at("members.tsv")}) == 0,
        qPrintable(error_));
    QCOMPARE(table("programs.tsv").first(),
             QStringList({"program", "component", "share_of_variance", "direction", "gene", "score"}));
    QVERIFY2(table("programs.tsv").size() > 8, qPrintable(error_));
    for (const auto& row : table("programs.tsv").mid(1))
      QVERIFY(row[0] == "cluster 1" && (row[3] == "up") == (row[5].toDouble() > 0));
    QCOMPARE(
        table("members.tsv"),
        QList<QStringList>({{"program", "group", "target"}, {"cluster 1", "Zt", "T0"}, {"cluster 1", "Zt", "T1"}}));
    QCOMPARE(run({"perturb", "programs", at("Zt.tsv"), "--whole", "--out", at("programs.tsv")}), 0);
    QCOMPARE(table("programs.tsv")[1][0], QString("all"));
    QCOMPARE(run({"perturb", "programs", at("Z.tsv"), at("Z.tsv"), "--whole", "--out", "-"}), 2);

    // Sets: the genes that go down with T1, and others.
    QStringList down, others;
    for (const auto& row : rows) (row[5].toDouble() <= 0.05 && row[1].toDouble() < -0.25 ? down : others) << row[0];
    QVERIFY(down.size() >= 5);
    QFile sets(at("sets.gmt"));
    QVERIFY(sets.open(QIODevice::WriteOnly));
    sets.write(("down\t-\t" + down.join('\t') + "\nothers\t-\t" + others.join('\t') + '\n').toUtf8());
    sets.close();
    for (const QString method : {"fisher", "rbo"}) {
      QVERIFY2(run({"perturb", "sets", "--sets", at("sets.gmt"), "--de", at("de.tsv"), "--method", method, "--out",
                    at("sets.tsv")}) == 0,
               qPrintable(error_));
      const auto found = table("sets.tsv");
      QCOMPARE(found.first().mid(0, 5), QStringList({"target", "group", "direction", "set", "overlap"}));
      const auto p_adj = found.first().indexOf("p_adj");
      int seen = 0;
      for (const auto& row : found.mid(1)) {
        if (row[0] != "T1" || row[2] != "down") continue;
        ++seen;
        QVERIFY((row[3] == "down") == (row[p_adj].toDouble() < 1e-3));
        QCOMPARE(row[4].toInt(), row[3] == "down" ? static_cast<int>(down.size()) : 0);
      }
      QCOMPARE(seen, 2);
    }
    // Genes by name instead of a table.
    QCOMPARE(run({"perturb", "sets", "--sets", at("sets.gmt"), "--list", down.join(','), "--background",
                  (down + others).join(','), "--out", at("list.tsv")}),
             0);
    QCOMPARE(table("list.tsv")[1].mid(0, 4), QStringList({"", "", "", "down"}));
    QCOMPARE(run({"perturb", "sets", "--sets", at("sets.gmt"), "--list", down.join(','), "--out", "-"}), 2);
    QCOMPARE(run({"perturb", "sets", "--sets", at("sets.gmt"), "--out", "-"}), 2);
    QCOMPARE(run({"perturb", "sets", "--sets", at("sets.gmt"), "--de", at("Z.tsv"), "--out", "-"}), 1);
    QVERIFY2(error_.contains("p_adj_weight"), qPrintable(error_));
  }

  /// Targets and groups whose names no file can have, or the same one, keep tables of their own; a target that is in
  /// one group only stands in the columns of that group.
  void tablesOfOddNames() {
    auto simulated = simulated_screen::make({.cells = 500, .genes = 60, .targets = 3, .controls = 0.4, .counts = 2000});
    std::vector<std::string>* target = nullptr;
    std::vector<std::string>* rep = nullptr;
    for (auto& column : simulated.data.cells.columns) {
      if (column.name == "target") target = &std::get<std::vector<std::string>>(column.values);
      if (column.name == "rep") rep = &std::get<std::vector<std::string>>(column.values);
    }
    for (std::size_t i = 0; i < target->size(); ++i) {
      (*rep)[i] = (*rep)[i] == "r0" || (*target)[i] == "T2" ? "x/y" : "x_y";
      (*target)[i] = (*target)[i] == "T0" ? "A/B" : (*target)[i] == "T1" ? "A_B" : (*target)[i];
    }
    scriptorium::data::write_h5ad(simulated.data, nlohmann::json::object(), at("odd.h5ad").toStdString(), {});
    const auto de = [&](const QStringList& more) {
      return run(QStringList{"perturb", "de", at("odd.h5ad"), "--target", "target", "--control", "NT", "--split", "rep",
                             "--threads", "2"} +
                 more);
    };
    QVERIFY2(de({"--out", at("odd.tsv"), "--z", at("Zo.tsv"), "--z-p", "0.9", "--full"}) == 0, qPrintable(error_));
    QVERIFY(QFile::exists(at("Zo_x_y.tsv")) && QFile::exists(at("Zo_x_y_2.tsv")));
    const auto all = table("odd.tsv");
    for (const char* name : {"log2fc", "p_adj_weight", "beta_Intercept"}) QVERIFY(!all.first().contains(name));
    const auto of = all.first().indexOf("beta_weight_x/y"), other = all.first().indexOf("beta_weight_x_y"),
               base = all.first().indexOf("beta_x/y");
    QVERIFY(of > 0 && other > 0 && base > 0);
    QMap<QString, int> rows;
    for (const auto& row : all.mid(1)) {
      ++rows[row[0]];
      QVERIFY(!row[of].isEmpty() && row[of] != "nan" && row[base] != "nan");
      if (row[0] == "T2") QVERIFY2(row[other].isEmpty() || row[other] == "nan", qPrintable(row[other]));
    }
    QCOMPARE(rows.size(), 3);
    QVERIFY2(de({"--out", at("deep/odd")}) == 0, qPrintable(error_));
    QVERIFY2(error_.contains("The table of A/B is \"A_B_2.tsv\""), qPrintable(error_));
    QCOMPARE(QDir(at("deep/odd")).entryList(QDir::Files), QStringList({"A_B.tsv", "A_B_2.tsv", "T2.tsv"}));
    QCOMPARE(table("deep/odd/A_B_2.tsv").size() - 1, rows["A/B"]);
    QVERIFY(bytes("deep/odd/A_B_2.tsv") != bytes("deep/odd/A_B.tsv"));
    QVERIFY(table("deep/odd/T2.tsv").first().contains("log2fc_x/y"));
    QCOMPARE(de({"--out", at("deep/odd")}), 1);
    QVERIFY2(error_.contains("exists already") && error_.contains("--out"), qPrintable(error_));
  }

  /// Steps read the layer that --layer names, and refuse one that holds no counts.
  void layersOfCountsAndOfOtherValues() {
    auto simulated = simulated_screen::make({.cells = 500, .genes = 110, .effect_genes = 30, .counts = 3000});
    const auto values = [&](auto of) {
      const auto& counts = simulated.data.counts;
      std::vector<double> all(static_cast<std::size_t>(counts.n_cells * counts.n_genes), of(0.0));
      for (std::int64_t i = 0; i < counts.n_cells; ++i)
        for (auto k = counts.row_start[static_cast<std::size_t>(i)];
             k < counts.row_start[static_cast<std::size_t>(i) + 1]; ++k)
          all[static_cast<std::size_t>(i * counts.n_genes + counts.gene[static_cast<std::size_t>(k)])] =
              of(static_cast<double>(counts.count[static_cast<std::size_t>(k)]));
      return all;
    };
    const auto layer = [&](const char* name, const std::vector<double>& all) {
      return scriptorium::data::StreamedLayer{name, true, [&all](std::int64_t first, std::int64_t last) {
                                                return std::vector<double>(all.begin() + first * 110,
                                                                           all.begin() + last * 110);
                                              }};
    };
    const auto raw = values([](double c) { return c; }), logged = values([](double c) { return std::log1p(c); }),
               centred = values([](double c) { return c - 1; }),
               broken = values([](double c) { return c == 0 ? std::nan("") : c; });
    // Other counts in X: what a step gives for the layer cannot come from there.
    for (auto& count : simulated.data.counts.count) count = 1;
    scriptorium::data::write_h5ad(
        simulated.data, nlohmann::json::object(),
        {layer("raw", raw), layer("logged", logged), layer("centred", centred), layer("broken", broken)},
        at("layers.h5ad").toStdString(), {});
    const auto with = [&](const QString& name, const QString& of, const QString& out) {
      return run({"perturb", name, at("layers.h5ad"), "--target", "target", "--control", "NT", "--guide", "guide",
                  "--threads", "2", "--layer", of, "--out", at(out)});
    };
    const std::vector<std::pair<QString, QString>> steps{{"signature", ".tsv"}, {"markers", ".tsv"}, {"score", ".tsv"},
                                                         {"call", ".tsv"},      {"lda", ".tsv"},     {"de", ".tsv"},
                                                         {"all", ".h5ad"}};
    for (const auto& [name, kind] : steps) {
      QVERIFY2(with(name, "layers/raw", "layer" + kind) == 0, qPrintable(name + ": " + error_));
      if (kind == ".tsv") {
        QCOMPARE(step(name, {"--out", at("x" + kind)}), 0);
        QVERIFY2(bytes("layer" + kind) == bytes("x" + kind), qPrintable(name));
      }
      QFile::remove(at("layer" + kind));
      for (const auto& [layer_name, why] :
           {std::pair{"logged", "fraction"}, {"centred", "negative"}, {"broken", "NaN"}}) {
        QCOMPARE(with(name, QString("layers/") + layer_name, "layer" + kind), 1);
        QVERIFY2(error_.contains(why), qPrintable(name + ": " + error_));
        QVERIFY2(error_.contains("layers/raw"), qPrintable(name + ": " + error_));  // what to do
        QVERIFY(!QFile::exists(at("layer" + kind)));
      }
    }
    QCOMPARE(with("score", "layers/none", "layer.tsv"), 1);
    QVERIFY2(error_.contains("layers/raw"), qPrintable(error_));
  }

  /// A signature that is kept in a layer gives what the one made here does, for some of the cells too.
  void signatureAndMarkersOfLayers() {
    QCOMPARE(step("signature", {"--float64", "--out", at("kept.h5ad")}), 0);
    const auto kept = [&](const QString& name, const QStringList& more) {
      return run(QStringList{"perturb", name, at("kept.h5ad"), "--target", "target", "--control", "NT", "--guide",
                             "guide", "--threads", "2", "--out", at("kept.tsv")} +
                 more);
    };
    for (const QString name : {"score", "call", "lda"}) {
      QVERIFY2(kept(name, {"--signature-layer", "X_pert"}) == 0, qPrintable(error_));
      QCOMPARE(step(name, {"--out", at("made.tsv")}), 0);
      QVERIFY2(bytes("kept.tsv") == bytes("made.tsv"), qPrintable(name));
    }
    const QStringList some{"--cells", "target != \"T1\""};
    QVERIFY2(kept("score", some + QStringList{"--signature-layer", "layers/X_pert"}) == 0, qPrintable(error_));
    const auto scores = table("kept.tsv");
    QCOMPARE(step("score", {"--out", at("made.tsv")}), 0);
    QList<QStringList> of_all;
    for (const auto& row : table("made.tsv"))
      if (row[1] != "T1") of_all << row;
    QCOMPARE(scores, of_all);
    QFile::remove(at("kept.tsv"));
    QCOMPARE(step("score", {"--signature-layer", "X_pert", "--out", at("kept.tsv")}), 1);
    QVERIFY2(error_.contains("Run the signature first") && error_.contains("`X`"), qPrintable(error_));
    QVERIFY(!QFile::exists(at("kept.tsv")));
    // The signature has values below 0, which no marker is tested on; counts can be.
    QCOMPARE(kept("score", {"--de-layer", "X_pert"}), 1);
    QVERIFY2(error_.contains("log-normalised"), qPrintable(error_));
    QVERIFY2(kept("score", {"--de-layer", "X"}) == 0, qPrintable(error_));
    QVERIFY(bytes("kept.tsv") != bytes("made.tsv"));
    QCOMPARE(kept("score", {"--de-layer", "none"}), 1);
    QVERIFY2(error_.contains("--de-layer") && error_.contains("`layers/X_pert`"), qPrintable(error_));
  }

  void aStoppedDeGoesOn() {
    const QStringList words{"perturb",   "de", at("screen.h5ad"), "--target", "target",
                            "--control", "NT", "--z-p",           "0.05"};
    QCOMPARE(run(words + QStringList{"--out", at("whole.tsv"), "--z", at("Zw.tsv")}), 0);
    QCOMPARE(run(words + QStringList{"--out", at("whole")}), 0);
    for (const QString name : {"part", "part.tsv"}) {
      const QStringList out{"--out", at(name), "--z", at("Zp.tsv")};
      QProcess process;
      process.start(SCRIPTORIUM_CLI, words + out + QStringList{"--threads", "1"});
      QVERIFY(process.waitForStarted());
      while (QDir(at(name + ".state")).entryList({"*.target"}).isEmpty() && !process.waitForFinished(1)) {
      }
      if (process.state() == QProcess::Running) ::kill(static_cast<pid_t>(process.processId()), SIGINT);
      QVERIFY(process.waitForFinished(60'000));
      if (process.exitCode() != 0) {
        QVERIFY(!QFile::exists(at(name)));
        QVERIFY(!QDir(at(name + ".state")).entryList({"*.target"}).isEmpty());
        QVERIFY2(run(words + out + QStringList{"--resume", "--threads", "2"}) == 0, qPrintable(error_));
      }
      QCOMPARE(bytes("Zp.tsv"), bytes("Zw.tsv"));
      QVERIFY(!QFile::exists(at(name + ".state")));
    }
    QCOMPARE(bytes("part.tsv"), bytes("whole.tsv"));
    const QStringList tables = QDir(at("whole")).entryList(QDir::Files);
    QCOMPARE(QDir(at("part")).entryList(QDir::Files), tables);
    for (const QString& one : tables) QCOMPARE(bytes("part/" + one), bytes("whole/" + one));
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
