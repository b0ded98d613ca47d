#include <QJsonDocument>
#include <QJsonObject>
#include <QtTest>

#include "cli_program.hpp"

// Mixtures on the command line.
class TestCliMixture : public QObject, private CliProgram {
  Q_OBJECT
  QStringList column(const QString& file, const QString& name) const {
    QStringList out;
    const auto rows = lines(file);
    const auto at = rows[0].split('\t').indexOf(name);
    for (const auto& row : rows.mid(1)) out << row.split('\t').value(at);
    return out;
  }
  std::vector<double> numbers(const QString& file, const QString& name) const {
    std::vector<double> out;
    for (const auto& text : column(file, name)) out.push_back(text.toDouble());
    return out;
  }

 private slots:
  void initTestCase() { QVERIFY(putCells()); }

  void mixtures() {
    const QString fit = at("mix.fit");
    QVERIFY2(run({"fit", at("data"), "--model", "nbvcp", "--components", "2", "--restarts", "2", "--out", fit}) == 0,
             qPrintable(error_));
    QVERIFY(error_.contains("2 starts, losses"));
    QCOMPARE(run({"assign", fit, at("data"), "-n", "20", "--out", at("assign.tsv")}), 0);
    const auto rows = lines("assign.tsv");
    QCOMPARE(rows.size(), 121);
    QCOMPARE(rows[0], QString("cell\tassignment\tp_1\tp_2\tentropy\tconcentration_1\tconcentration_2"));
    const auto first = rows[1].split('\t');
    QVERIFY(std::abs(first[2].toDouble() + first[3].toDouble() - 1) < 1e-12);
    QCOMPARE(run({"assign", fit, at("data"), "--map", "--temperature", "3", "--out", at("map_assign.tsv")}), 0);
    QCOMPARE(lines("map_assign.tsv")[0], QString("cell\tassignment\tp_1\tp_2\tentropy"));
    QCOMPARE(run({"entropy", fit, at("data"), "--by", "cell", "--normalize", "--map", "--out", at("h.tsv")}), 0);
    for (const auto& line : lines("h.tsv").mid(1)) QVERIFY(line.split('\t')[1].toDouble() <= 1);
    QCOMPARE(run({"entropy", fit, at("data"), "--by", "gene", "--map", "--out", at("h.tsv")}), 0);
    QCOMPARE(lines("h.tsv").size(), 16);
    QCOMPARE(run({"entropy", fit, at("data"), "--by", "component-gene", "--normalize", "--genes", "4", "--out",
                  at("both.tsv")}),
             0);
    const auto both = lines("both.tsv");
    QCOMPARE(both.size(), 5);
    QCOMPARE(both[0], QString("gene\tseparation\tentropy_1\tentropy_2\tevidence_1\tevidence_2\tcount_1\tcount_2"));
    for (qsizetype i = 1; i < both.size(); ++i) {
      const auto fields = both[i].split('\t');
      QVERIFY(fields[2].toDouble() >= 0 && fields[2].toDouble() <= 1 && fields[3].toDouble() <= 1);
      if (i > 1) QVERIFY(fields[1].toDouble() <= both[i - 1].split('\t')[1].toDouble());
    }
    QCOMPARE(run({"map", fit, "--out", at("mix.tsv")}), 0);
    QCOMPARE(lines("mix.tsv").filter("mixing_weights").size(), 2);
    QCOMPARE(lines("mix.tsv").filter(QRegularExpression("^r\tGENE3\t\t2\t")).size(), 1);
    QCOMPARE(run({"component", fit, "2", "--out", at("second.fit")}), 0);
    QCOMPARE(run({"map", at("second.fit"), "--out", at("second.tsv")}), 0);
    QCOMPARE(run({"map", fit, "--component", "2", "--out", at("same.tsv")}), 0);
    QCOMPARE(lines("same.tsv"), lines("second.tsv"));
    QCOMPARE(run({"ppc", fit, at("data"), "-n", "20", "--genes", "all", "--out", at("bands.tsv")}), 0);
    QCOMPARE(run({"ppc", fit, at("data"), "--component", "1", "-n", "20", "--genes", "all", "--out", at("bands.tsv")}),
             0);
    QCOMPARE(run({"sample", fit, "-n", "5", "--out", at("mix.nc")}), 0);
    QCOMPARE(run({"loglik", at("data"), "--fit", fit, "--by", "gene", "--out", at("ours.tsv")}), 0);
    QCOMPARE(run({"loglik", at("data"), "--fit", fit, "--by", "gene", "--compat", "scribe", "--out", at("theirs.tsv")}),
             0);
    QVERIFY(lines("ours.tsv") != lines("theirs.tsv"));
    // A component is checked against its own cells.
    QCOMPARE(run({"ppc", fit, "--component", "1", "--genes", "all", "--out", at("x.tsv")}), 2);
    QVERIFY(error_.contains("--component needs DATA"));
    QCOMPARE(run({"component", fit, "1", at("data"), "--out", at("its.fit")}), 0);
    QCOMPARE(run({"ppc", at("its.fit"), at("data"), "-n", "20", "--genes", "all", "--out", at("its.tsv")}), 0);
    QCOMPARE(column("its.tsv", "observed"), column("bands.tsv", "observed"));
    // What cannot be is said, with what to do.
    QCOMPARE(run({"component", fit, "7", "--out", at("x.fit")}), 1);
    QVERIFY(error_.contains("There is no component \"7\""));
    QCOMPARE(run({"component", at("second.fit"), "1", "--out", at("x.fit")}), 1);
    QVERIFY(error_.contains("no mixture"));
    QCOMPARE(run({"assign", at("second.fit"), at("data"), "--map", "--out", "-"}), 1);
    QVERIFY(error_.contains("no mixture"));
    QCOMPARE(run({"fit", at("data"), "--components", "2", "--annotation", "kind", "--out", at("x.fit")}), 1);
    QVERIFY(error_.contains("no column \"kind\""));
    QCOMPARE(run({"fit", at("data"), "--components", "2", "--mixture-params", "p_capture", "--out", at("x.fit")}), 1);
    QVERIFY(error_.contains("captures belong to cells"));
    QCOMPARE(run({"fit", at("data"), "--components", "2", "--method", "structured", "--out", at("x.fit")}), 1);
    QVERIFY(error_.contains("one shared scalar"));
  }

  void whatComponentsSay() {
    const QString fit = at("mix.fit");
    QCOMPARE(run({"loglik", at("data"), "--fit", fit, "--split", "--out", at("split.tsv")}), 0);
    const auto all = numbers("split.tsv", "loglik"), one = numbers("split.tsv", "loglik_1"),
               two = numbers("split.tsv", "loglik_2");
    QCOMPARE(all.size(), 120u);
    for (std::size_t c = 0; c < all.size(); ++c)
      QVERIFY(std::abs(all[c] - std::log(std::exp(one[c]) + std::exp(two[c]))) < 1e-9);
    // Weights of 1 change nothing; a gene of weight 2 counts twice; added ones move all components alike.
    QByteArray ones = "gene\tweight\n", twice;
    for (int g = 0; g < 15; ++g) ones += "GENE" + QByteArray::number(g) + "\t1\n";
    put("ones.tsv", ones);
    put("twice.tsv", twice = QByteArray(ones).replace("GENE3\t1", "GENE3\t2"));
    const QStringList split{"loglik", at("data"), "--fit", fit, "--split", "--weights"};
    QCOMPARE(run(split + QStringList{at("ones.tsv"), "--out", at("w1.tsv")}), 0);
    QCOMPARE(lines("w1.tsv"), lines("split.tsv"));
    QCOMPARE(run(split + QStringList{at("twice.tsv"), "--out", at("w2.tsv")}), 0);
    put("alone.tsv", QByteArray(ones).replace("\t1\n", "\t0\n").replace("GENE3\t0", "GENE3\t1"));
    QCOMPARE(run(split + QStringList{at("alone.tsv"), "--out", at("w3.tsv")}), 0);
    QCOMPARE(run(split + QStringList{at("twice.tsv"), "--weight-type", "additive", "--out", at("w4.tsv")}), 0);
    QCOMPARE(run({"map", fit, "--out", at("mix.tsv")}), 0);
    const double weight = lines("mix.tsv").filter("mixing_weights\t\t\t1\t").value(0).section('\t', -1).toDouble();
    const auto doubled = numbers("w2.tsv", "loglik_1"), alone = numbers("w3.tsv", "loglik_1"),
               moved = numbers("w4.tsv", "loglik_1");
    for (std::size_t c = 0; c < one.size(); ++c) {
      QVERIFY(std::abs(doubled[c] - one[c] - (alone[c] - std::log(weight))) < 1e-9);
      QVERIFY(std::abs(moved[c] - one[c] - 16) < 1e-9);
    }
    put("few.tsv", "GENE1\t1\n");
    QCOMPARE(run(split + QStringList{at("few.tsv"), "--out", at("x.tsv")}), 1);
    QVERIFY(error_.contains("no weight for the gene"));
    QCOMPARE(run({"assign", fit, at("data"), "--map", "--weights", "separation:3", "--out", at("three.tsv")}), 0);
    QCOMPARE(run({"loglik", at("data"), "--fit", fit, "--by", "gene", "--weights", "separation", "--out", "-"}), 2);

    // Every draw, and their mean beside the shares of the concentrations.
    const QStringList assign{"assign", fit, at("data"), "-n", "20", "--out"};
    QCOMPARE(run(assign + QStringList{at("draws.tsv"), "--draws-out", at("draws.nc")}), 0);
    QVERIFY(QFileInfo(at("draws.nc")).size() > 20 * 120 * 2);
    QCOMPARE(run(assign + QStringList{at("shares.tsv"), "--compat", "scribe"}), 0);
    const auto p = numbers("shares.tsv", "p_1"), a = numbers("shares.tsv", "concentration_1"),
               b = numbers("shares.tsv", "concentration_2");
    for (std::size_t c = 0; c < p.size(); ++c) QVERIFY(std::abs(p[c] - a[c] / (a[c] + b[c])) < 1e-12);

    // Mixing weights of the cells, and a fit that has them.
    QCOMPARE(run({"mixing", fit, at("data"), "--out", at("mixing.tsv"), "--apply", at("mixed.fit")}), 0);
    const auto counts = numbers("mixing.tsv", "effective_count");
    QVERIFY(std::abs(counts[0] + counts[1] - 120) < 1e-9);
    QCOMPARE(run({"map", at("mixed.fit"), "--out", at("mixed.tsv")}), 0);
    QCOMPARE(lines("mixed.tsv").filter("mixing_weights").value(0).section('\t', -1),
             column("mixing.tsv", "weight").value(0));
    QCOMPARE(run({"component", fit, "--min-weight", "0.999999", "--out", at("largest.fit")}), 0);
    QCOMPARE(run({"component", fit, "--out", at("x.fit")}), 2);

    // Against labels: of themselves they are the same division.
    QCOMPARE(run({"export", fit, "--data", at("data"), "--to", at("labelled.h5ad")}), 0);
    QCOMPARE(run({"composition", fit, at("labelled.h5ad"), "--column", "assignment", "--map", "--out", at("c.tsv")}),
             0);
    QVERIFY2(out_.contains("adjusted Rand index 1.0000, normalised mutual information 1.0000"), qPrintable(out_));
    QCOMPARE(lines("c.tsv").value(0), QString("component\tlabel\tcells\tshare\texpected"));
    QCOMPARE(run({"composition", fit, at("labelled.h5ad"), "--column", "kind", "--out", "-"}), 1);
    QVERIFY(error_.contains("no column \"kind\""));
  }

  void wordsThatDoNotGoTogether() {
    const QStringList fit{"fit", at("data"), "--out", at("x.fit")};
    QCOMPARE(run(fit + QStringList{"--components", "1", "--annotation", "kind"}), 2);
    QCOMPARE(run(fit + QStringList{"--restarts", "3"}), 2);
    QCOMPARE(run(fit + QStringList{"--components", "2", "--annotation-confidence", "5"}), 2);
    // Names with commas are written in quotes, or as a list.
    QCOMPARE(run(fit + QStringList{"--annotation", "\"a, column\""}), 1);
    QVERIFY2(error_.contains("no column \"a, column\""), qPrintable(error_));
    put("list.json", "{\"annotation\": [\"a, c\"]}");
    QCOMPARE(run(fit + QStringList{"--config", at("list.json")}), 1);
    QVERIFY2(error_.contains("no column \"a, c\""), qPrintable(error_));
  }

  void stochasticMixtures() {
    const QString fit = at("svi_mix.fit");
    QStringList words{"fit",     at("data"), "--components", "2", "--method", "svi",
                      "--steps", "60",       "--restarts",   "2", "--out",    fit};
    QVERIFY2(run(words) == 0, qPrintable(error_));
    QVERIFY(error_.contains("2 starts, losses at the start"));
    QCOMPARE(run({"show", fit, "--json"}), 0);
    const auto shown = QJsonDocument::fromJson(out_.toUtf8()).object();
    QVERIFY(std::isfinite(shown["loss"]["final"].toDouble()));
    QCOMPARE(run({"assign", fit, at("data"), "-n", "20", "--out", at("svi_assign.tsv")}), 0);
    QCOMPARE(lines("svi_assign.tsv").size(), 121);
    QCOMPARE(run({"loss", fit, "--out", at("svi_loss.tsv")}), 0);
    QCOMPARE(lines("svi_loss.tsv").size(), 61);
    QCOMPARE(run({"map", fit, "--out", at("svi_map.tsv")}), 0);
    QCOMPARE(lines("svi_map.tsv").filter(QRegularExpression("^r\tGENE3\t\t2\t")).size(), 1);
    QCOMPARE(run({"component", fit, "2", "--out", at("svi_second.fit")}), 0);
    QCOMPARE(run({"sample", fit, "-n", "5", "--out", at("svi_mix.nc")}), 0);
    QCOMPARE(run({"diagnose", fit, at("data"), "--out", at("svi_diagnose.tsv")}), 0);
    // SCRIBE's loop, in batches; then sites that the components share.
    QVERIFY2(run(words + QStringList{"--svi-mode", "scribe", "--batch-size", "40"}) == 0, qPrintable(error_));
    QVERIFY2(run(words + QStringList{"--mixture-params", "r"}) == 0, qPrintable(error_));
  }

  void groupsOfCellsAreCheckedByThemselves() {
    const QString fit = at("mix.fit"), data = at("said.h5ad");
    QVERIFY2(run({"export", fit, "--data", at("data"), "--to", data}) == 0, qPrintable(error_));
    const QStringList ppc{"ppc", fit, data, "--genes", "all", "-n", "20", "--kind", "map", "--out"};
    QVERIFY2(run(ppc + QStringList{at("group.tsv"), "--group", "assignment=1"}) == 0, qPrintable(error_));
    // Observed are the shares of these cells: the same as of the component with its cells.
    QCOMPARE(run(ppc + QStringList{at("component.tsv"), "--component", "1"}), 0);
    QCOMPARE(column("group.tsv", "observed"), column("component.tsv", "observed"));
    QCOMPARE(
        run({"diagnose", fit, data, "--group", "assignment=1", "--genes", "all", "-n", "20", "--out", at("d.tsv")}), 0);
    QCOMPARE(lines("d.tsv").size(), 16);
    QCOMPARE(run({"ppc", fit, data, "--group", "nothing=B", "--out", "-"}), 1);
    QVERIFY(error_.contains("no column \"nothing\""));
    QCOMPARE(run({"ppc", fit, data, "--group", "assignment=9", "--out", "-"}), 1);
    QVERIFY(error_.contains("Its labels are"));
    QCOMPARE(run({"ppc", fit, data, "--group", "nothing", "--out", "-"}), 2);
    QCOMPARE(run({"ppc", fit, "--group", "assignment=1", "--out", "-"}), 2);
  }
};

QTEST_GUILESS_MAIN(TestCliMixture)
#include "tst_cli_mixture.moc"
