#include <QApplication>
#include <QClipboard>
#include <QDir>
#include <QFile>
#include <QSpinBox>
#include <QTabWidget>
#include <algorithm>
#include <cmath>

#include "tests/gui/screen_window.hpp"
#include "ui/workspaces/perturbation/genes_panel.hpp"

using namespace scriptorium;
using namespace scriptorium::ui;

/// The Genes tab of the Perturbation page.
class TestScreenGenes : public QObject, private ScreenWindow {
  Q_OBJECT
 private slots:
  void init() { open(); }
  void cleanup() { close(); }

  void genesOfAllTargets() {
    run();
    choose("T1");
    driver().find<QTabWidget>("perturbationTabs")->setCurrentIndex(6);
    auto* figures = figure("screenGenesFigure");
    QVERIFY(figures->message().contains("Test genes"));
    QVERIFY(driver().click("screenGenesRun"));
    QVERIFY(driver().click("screenGenesCancel"));
    QVERIFY(driver().find<QWidget>("screenGenesRun")->isVisible());
    QVERIFY(driver().click("screenGenesRun"));
    settle();
    QVERIFY2(!figures->figure().empty(), qPrintable(figures->message()));
    auto* table = driver().find<TablePanel>("screenGenesTable");
    const std::size_t tested = table->model().table()->rows();
    QVERIFY(tested > 40);
    const charts::Mark& points = figures->figure().panels[0].marks[0];
    QCOMPARE(points.x.size(), tested);
    QVERIFY(std::count(points.values.begin(), points.values.end(), 0.0) < static_cast<int>(tested));
    // A gene chosen in the table is strong on the volcano.
    table->view().selectRow(2);
    QVERIFY(driver().wait([&] { return session().selection.selected(Axis::Genes).size() == 1; }));
    settle();
    const auto& strong = figures->figure().panels[0].marks[0].emphasis;
    QVERIFY(strong);
    QCOMPARE(std::count(strong->begin(), strong->end(), 1), std::ptrdiff_t{1});
    QCOMPARE((*strong)[2], std::uint8_t{1});
    const auto kept = table->model().sharedTable();
    QVERIFY(driver().choose("screenGenesView", "Z matrix of all targets"));
    settle();
    QVERIFY2(!figures->figure().empty(), qPrintable(figures->message()));
    QVERIFY(figures->figure().panels[0].y.categories.contains("T1"));

    // Sets: the genes that go down with T1, and others.
    QVERIFY(driver().choose("screenGenesView", "gene sets"));
    QVERIFY(figures->message().contains("GMT"));
    const QString sets = folder_->filePath("sets.gmt");
    QFile file(sets);
    QVERIFY(file.open(QIODevice::WriteOnly));
    QStringList down, others;
    const TableData& de = *kept;
    const TableColumn genes = column(de, "gene"), change = column(de, "log2fc"), p = column(de, "p_adj_weight");
    for (std::size_t r = 0; r < tested; ++r)
      (p.numbers[r] <= 0.05 && change.numbers[r] < -0.25 ? down : others) << genes.texts[r];
    QVERIFY(down.size() >= 5);
    file.write(("down\t-\t" + down.join('\t') + "\nothers\t-\t" + others.join('\t') + '\n').toUtf8());
    file.close();
    window_->findChild<GenesPanel*>()->readSets(sets);
    settle();
    QVERIFY2(!figures->figure().empty(), qPrintable(figures->message()));
    const TableData& result = *table->model().table();
    const TableColumn set = column(result, "set"), direction = column(result, "direction"),
                      adjusted = column(result, "p_adj");
    bool found = false;
    for (std::size_t r = 0; r < result.rows(); ++r)
      if (set.texts[r] == "down" && direction.texts[r] == "down") found = adjusted.numbers[r] < 1e-4;
    QVERIFY(found);
    // By rank: the list itself is the set that is in its order.
    QVERIFY(driver().choose("screenGenesView", "gene sets by rank"));
    settle();
    QVERIFY2(!figures->figure().empty(), qPrintable(figures->message()));
    const TableData& ranked = *table->model().table();
    const TableColumn by = column(ranked, "set"), way = column(ranked, "direction"), rbo = column(ranked, "rbo");
    for (std::size_t r = 0; r < ranked.rows(); ++r)
      if (way.texts[r] == "down") QVERIFY((by.texts[r] == "down") == (rbo.numbers[r] > 0.9));
    window_->findChild<GenesPanel*>()->readSets(folder_->filePath("none.gmt"));
    settle();
    QVERIFY2(driver().error().contains("none.gmt"), qPrintable(driver().error()));
  }

  void programsAndClustersOfTargets() {
    openTargetsAlike();
    auto* figures = figure("screenGenesFigure");
    auto* table = driver().find<TablePanel>("screenGenesTable");
    QVERIFY(driver().choose("screenGenesView", "programs"));
    QVERIFY(figures->message().contains("Test genes"));  // first things first
    QVERIFY(driver().click("screenGenesRun"));
    settle();
    QVERIFY2(!figures->figure().empty(), qPrintable(figures->message()));
    const charts::Panel& panel = figures->figure().panels[0];
    QVERIFY2(panel.title.contains("cluster 1") && panel.title.contains("T0") && panel.title.contains("T1"),
             qPrintable(panel.title));
    const charts::Mark& genes = panel.marks.back();
    QCOMPARE(genes.values.size(), static_cast<std::size_t>(panel.y.categories.size()));
    for (std::size_t i = 0; i < genes.x.size(); ++i) QCOMPARE(genes.values[i], genes.x[i] > 0 ? 1.0 : 0.0);
    const TableData& rows = *table->model().table();
    QCOMPARE(rows.columns[0].name, QString("gene"));
    QVERIFY(rows.rows() >= genes.x.size() && rows.rows() > 8);
    table->view().selectRow(0);
    QVERIFY(driver().wait([&] { return session().selection.selected(Axis::Genes).size() == 1; }));
    QCOMPARE(QString("gene%1").arg(session().selection.selected(Axis::Genes)[0]), rows.columns[0].texts[0]);

    QVERIFY(driver().choose("screenGenesView", "clusters of targets"));
    settle();
    QVERIFY2(!figures->figure().empty(), qPrintable(figures->message()));
    QVERIFY(figures->figure().panels[0].y.categories.contains("T1"));
    const TableData& targets = *table->model().table();
    for (std::size_t r = 0; r < 2; ++r) QCOMPARE(targets.columns[1].texts[r], QString("cluster 1"));
    QCOMPARE(targets.columns[2].texts[0], targets.columns[0].texts[1]);
    QVERIFY(targets.columns[3].numbers[0] > 0.6);

    // Stopped, it says so and begins again.
    QVERIFY(driver().choose("screenGenesView", "programs"));
    QVERIFY(driver().click("screenGenesRun"));
    QVERIFY(driver().click("screenGenesCancel"));
    QVERIFY2(figures->message().contains("Find programs"), qPrintable(figures->message()));
    QVERIFY(driver().click("screenGenesRun"));
    settle();
    QVERIFY(!figures->figure().empty());
    int offered = 0;
    for (const auto& item : session().exports.figures())
      if (item.key == "screen_programs" || item.key == "screen_clusters") offered += item.figure().empty() ? 0 : 1;
    for (const auto& item : session().exports.tables())
      if (item.key == "screen_programs_table" || item.key == "screen_clusters_table") offered += item.table() ? 1 : 0;
    QCOMPARE(offered, 4);
  }

  void settingsDecideWhatIsFound() {
    openTargetsAlike();
    QVERIFY(driver().click("screenGenesSettings"));
    auto* figures = figure("screenGenesFigure");
    auto* table = driver().find<TablePanel>("screenGenesTable");
    const auto rows = [&] { return table->model().table()->rows(); };
    const auto set = [&](const QString& name, double value) {
      driver().find<QDoubleSpinBox>(name)->setValue(value);
      settle();
    };
    QVERIFY(driver().find<QWidget>("genesDeMinPct")->isVisible());
    QVERIFY(!driver().find<QWidget>("genesZP")->isVisible());
    QVERIFY(driver().click("screenGenesRun"));
    settle();
    QVERIFY(!driver().text("screenGenesSays").contains("no scores"));

    // The matrix is made anew from the tests that there are.
    QVERIFY(driver().choose("screenGenesView", "Z matrix of all targets"));
    settle();
    QVERIFY(driver().find<QWidget>("genesZP")->isVisible());
    QVERIFY(!driver().find<QWidget>("genesDeMinPct")->isVisible());
    QCOMPARE(driver().find<QDoubleSpinBox>("genesZP")->value(), perturbation::genome_wide_p);
    const std::size_t strict = rows();
    QCOMPARE(table->model().table()->columns[0].name, QString("gene"));
    set("genesZP", 0.9);
    set("genesZLog2fc", 0);
    QVERIFY(rows() > strict);
    driver().find<QSpinBox>("genesZMost")->setValue(3);
    settle();
    const auto targets = table->model().table()->columns.size() - 1;
    QVERIFY(rows() <= 3 * targets && rows() >= 3);
    set("genesZP", 0);
    QVERIFY2(figures->message().contains("p ≤ 0 "), qPrintable(figures->message()));
    set("genesZP", perturbation::genome_wide_p);
    set("genesZLog2fc", 0.2);
    driver().find<QSpinBox>("genesZMost")->setValue(50);
    settle();
    QCOMPARE(rows(), strict);

    // Clusters: none where targets would have to be the same.
    QVERIFY(driver().choose("screenGenesView", "clusters of targets"));
    settle();
    QCOMPARE(table->model().table()->columns[1].texts[0], QString("cluster 1"));
    set("genesHeight", 0);
    QVERIFY(table->model().table()->columns[1].texts[0].isEmpty());
    QVERIFY(driver().choose("screenGenesView", "programs"));
    settle();
    QVERIFY2(driver().text("screenGenesSays").contains("all targets together"),
             qPrintable(driver().text("screenGenesSays")));

    // What the tests depend on waits to be asked.
    QVERIFY(driver().choose("screenGenesView", "volcano"));
    settle();
    choose("T3");  // without an effect: no markers, which would be tested in any case
    QVERIFY2(driver().text("screenGenesSays").contains("no scores"), qPrintable(driver().text("screenGenesSays")));
    const std::size_t tested = rows();
    set("genesDeLogfc", 0.1);
    QVERIFY(driver().text("screenGenesSays").contains("test again"));
    QCOMPARE(rows(), tested);
    QVERIFY(driver().click("screenGenesRun"));
    settle();
    QVERIFY(!driver().text("screenGenesSays").contains("test again"));
    QVERIFY2(rows() < tested && rows() > 0, qPrintable(QString("%1 of %2").arg(rows()).arg(tested)));
    QVERIFY(driver().click("genesDeUnweighted"));
    QVERIFY(driver().click("screenGenesRun"));
    settle();
    QVERIFY2(driver().text("screenGenesSays").contains("as the settings have it"),
             qPrintable(driver().text("screenGenesSays")));
  }

  void settingsChangedWhileGenesAreTestedAreSaid() {
    run();
    choose("T1");
    driver().find<QTabWidget>("perturbationTabs")->setCurrentIndex(6);
    QVERIFY(driver().click("screenGenesSettings"));
    const auto test_and_set = [&](double threshold) {
      QVERIFY(driver().click("screenGenesRun"));
      driver().find<QDoubleSpinBox>("genesDeLogfc")->setValue(threshold);
      settle();
    };
    for (const double threshold : {0.1, 0.2}) {  // the first time, and over what was tested before
      test_and_set(threshold);
      QVERIFY2(driver().text("screenGenesSays").contains("test again"), qPrintable(driver().text("screenGenesSays")));
      QVERIFY(figure("screenGenesFigure")->isStale());
    }
    // What was tested is of the settings that are back.
    driver().find<QDoubleSpinBox>("genesDeLogfc")->setValue(0.1);
    QVERIFY(!driver().text("screenGenesSays").contains("test again"));
    QVERIFY(!figure("screenGenesFigure")->isStale());
  }

  void testsGoOnBehindTheTargetsThatAreFinished() {
    run();
    choose("T1");
    driver().find<QTabWidget>("perturbationTabs")->setCurrentIndex(6);
    const auto now = state().now();
    const auto of = state().dataOfResult();
    const std::string folder = session().folder().toStdString() + "/screening.genes";
    const auto target = now->screen.target_code("T1");
    const perturbation::DeOptions options;
    perturbation::DeOptions others;
    others.min_pct = 0.3;
    // A table that no test would give shows where it comes from.
    perturbation::WeightedDe marked = perturbation::weighted_de_of(*now, of->dataset->counts, {{target}}, options)[0];
    marked.log2fc[0] = 42;
    const auto keep = [&](const perturbation::DeOptions& with) {
      const auto print = perturbation::fingerprint(*of->dataset, now->options, with);
      perturbation::DeState(folder, print, true).keep(target, marked);
    };
    const auto first_change = [&] {
      QDir kept(QString::fromStdString(folder));
      if (!kept.exists() || !driver().click("screenGenesRun")) return std::nan("");
      settle();
      if (kept.exists() || !driver().error().isEmpty()) return std::nan("");  // nothing is left of it
      return column(*driver().find<TablePanel>("screenGenesTable")->model().table(), "log2fc").numbers[0];
    };
    keep(options);
    QCOMPARE(first_change(), 42.0);
    keep(others);
    QVERIFY(std::fabs(first_change()) < 10);
    keep(options);
    QFile file(QString::fromStdString(folder + '/' + std::to_string(target) + ".target"));
    QVERIFY(file.resize(file.size() - 100));
    QVERIFY(std::fabs(first_change()) < 10);
  }

  /// Every view's command line writes what the view's table holds.
  void viewsAsCommands() {
    openTargetsAlike();
    QVERIFY(driver().click("screenGenesRun"));
    settle();
    auto* table = driver().find<TablePanel>("screenGenesTable");
    const QString sets = folder_->filePath("the sets.gmt");
    QFile file(sets);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("low\t-\tgene1\tgene2\tgene3\tgene4\tgene5\tgene6\nhigh\t-\tgene70\tgene71\tgene72\n");
    file.close();
    window_->findChild<GenesPanel*>()->readSets(sets);
    settle();
    driver().find<QDoubleSpinBox>("genesListP")->setValue(0.2);
    driver().find<QDoubleSpinBox>("genesZLog2fc")->setValue(0.1);
    driver().find<QSpinBox>("genesPermutations")->setValue(60);
    settle();
    const std::tuple<const char*, const char*, const char*> views[] = {
        {"volcano", "simulated_genes.tsv", "beta_weight"},
        {"Z matrix of all targets", "simulated_Z.tsv", "T1"},
        {"programs", "simulated_programs.tsv", "score"},
        {"gene sets", "simulated_sets.tsv", "odds_ratio"},
        {"gene sets by rank", "simulated_ranks.tsv", "rbo"}};
    for (const auto& [view, path, name] : views) {
      QVERIFY(driver().choose("screenGenesView", view));
      settle();
      QVERIFY(driver().click("screenGenesCopyCommand"));
      runCommand(QApplication::clipboard()->text());
      QFile written(folder_->filePath(path));
      QVERIFY2(written.open(QIODevice::ReadOnly), path);
      const QStringList lines = QString::fromUtf8(written.readAll()).split('\n', Qt::SkipEmptyParts);
      const auto heads = lines[0].split('\t');
      const auto at = heads.indexOf(name), target = heads.indexOf("target");
      QVERIFY2(at >= 0, qPrintable(lines[0]));
      std::vector<double> values;
      for (const QString& line : lines.mid(1))
        if (target < 0 || line.split('\t')[target] == "T1") values.push_back(line.split('\t')[at].toDouble());
      std::vector<double> shown = column(*table->model().table(), name).numbers;
      std::sort(values.begin(), values.end());
      std::sort(shown.begin(), shown.end());
      QVERIFY2(!shown.empty() && values == shown, view);
    }
  }

  void noProgramsAreSaidInWords() {
    // Nothing answers: no gene is beyond the thresholds.
    simulated_screen::Options options;
    options.cells = 300;
    options.genes = 60;
    options.effect = 0;
    openSimulated(options);
    run();
    driver().find<QTabWidget>("perturbationTabs")->setCurrentIndex(6);
    QVERIFY(driver().click("screenGenesRun"));
    settle();
    for (const QString view : {"programs", "clusters of targets", "Z matrix of all targets"}) {
      QVERIFY(driver().choose("screenGenesView", view));
      settle();
      const QString words = figure("screenGenesFigure")->message();
      QVERIFY2(words.contains("No gene of any target") && words.contains("Settings"), qPrintable(view + ": " + words));
    }
    QVERIFY2(driver().error().isEmpty(), qPrintable(driver().error()));
  }

 private:
  /// A screen in which T0 and T1 move the same genes, run, on the tab of genes.
  void openTargetsAlike() {
    simulated_screen::Options options;
    options.cells = 900;
    options.genes = 90;
    options.responders = 0.9;
    options.effect = 1.4;
    options.same_genes = true;
    openSimulated(options);
    run();
    choose("T1");
    driver().find<QTabWidget>("perturbationTabs")->setCurrentIndex(6);
  }
};

QTEST_MAIN(TestScreenGenes)
#include "tst_screen_genes.moc"
