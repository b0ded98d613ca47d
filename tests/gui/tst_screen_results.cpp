#include <QApplication>
#include <QClipboard>
#include <QFile>
#include <QLineEdit>
#include <QTabWidget>
#include <algorithm>
#include <cmath>

#include "core/data/open.hpp"
#include "tests/gui/screen_window.hpp"

using namespace scriptorium;
using namespace scriptorium::ui;

/// What becomes of a result of the Perturbation page: columns of the cells, files, figures and their numbers.
class TestScreenResults : public QObject, private ScreenWindow {
  Q_OBJECT
 private slots:
  void init() { open(); }
  void cleanup() { close(); }

  void cellsOfOneNameKeepTheirOwnScores() {
    data::Dataset screen = made_.data;
    for (std::size_t i = 0; i + 1 < screen.cells.size(); i += 2) screen.cells.names[i + 1] = screen.cells.names[i];
    const QString path = folder_->filePath("twins.h5ad");
    data::write_h5ad(screen, nlohmann::json::object(), path.toStdString(), {});
    openScreen(path);
    data::Filter filter;
    filter.cells = "rep == \"r1\"";
    filter.min_cells_per_gene = 150;
    session().data.setFilter(filter);
    QVERIFY(driver().waitForData());
    settle();
    run();
    const auto& score = state().now()->scores.score;
    const auto column = session().columns.find("screening/mixscale_score");
    QVERIFY(column);
    QCOMPARE(column->size(), screen.cells.size());
    std::size_t kept = 0;
    for (std::size_t row = 0; row < screen.cells.size(); ++row) {
      const double shown = column->number(row);
      if (screen.cells.find("rep")->text(row) != "r1") {
        QVERIFY(std::isnan(shown));
        continue;
      }
      QVERIFY(shown == score[kept] || (std::isnan(shown) && std::isnan(score[kept])));
      ++kept;
    }
    QCOMPARE(kept, score.size());
    const auto& genes = state().now()->screen.genes;
    const auto& rows = state().geneRows();
    QVERIFY(genes.size() < screen.genes.size());
    QCOMPARE(rows.size(), genes.size());
    for (std::size_t g = 0; g < genes.size(); ++g)
      QCOMPARE(screen.genes.names[static_cast<std::size_t>(rows[g])], genes[g]);
  }

  void theProbabilityIsNamedAsInFiles() {
    auto options = state().options();
    options.call.perturbation_type = "KD";
    state().setOptions(options, "test");
    settle();
    run();
    QVERIFY(session().columns.find("screening/mixscape_class_p_kd"));
    QVERIFY(!session().columns.find("screening/mixscape_class_p_ko"));
  }

  void dataAreSavedWithTheSignature() {
    run();
    const QString plain = folder_->filePath("plain.h5ad"), with = folder_->filePath("with.h5ad");
    for (const auto& item : session().exports.files()) {
      if (item.key == "screening") item.file()(plain, {});
      if (item.key == "screening_signature") item.file()(with, {});
    }
    const auto layers = [](const QString& path) {
      std::vector<std::string> names;
      for (const auto& layer : data::peek(path.toStdString(), {}, {}).layers) names.push_back(layer.path);
      return names;
    };
    const auto has = [](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), "layers/X_pert") != names.end();
    };
    QVERIFY(!has(layers(plain)));
    QVERIFY(has(layers(with)));
    QVERIFY(data::open(with.toStdString(), {}, {}).cells.find("mixscale_score"));
  }

  void anyGeneIsDrawnByClass() {
    run();
    choose("T1");
    driver().find<QTabWidget>("perturbationTabs")->setCurrentIndex(1);
    auto* line = driver().find<QLineEdit>("callsGene");
    auto* shown = figure("posteriorFigure");
    const auto ask = [&](const QString& gene) {
      line->setText(gene);
      QTest::keyClick(line, Qt::Key_Return);
      settle();
    };
    QVERIFY(shown->figure().panels[0].x.title.contains("probability"));
    ask("gene5");
    QVERIFY2(!shown->figure().empty(), qPrintable(shown->message()));
    const charts::Panel& panel = shown->figure().panels[0];
    QVERIFY(panel.x.title.contains("gene5"));
    QCOMPARE(panel.y.categories.size(), 3);
    QVERIFY(panel.y.categories[0].startsWith("NT (") && panel.y.categories[2].startsWith("T1 KO ("));
    const auto& now = *state().now();
    const auto controls = now.screen.cells_of(now.screen.control);
    const charts::Mark& points = panel.marks[1];  // behind the first violin
    QCOMPARE(points.x.size(), controls.size());
    for (std::size_t i = 0; i < controls.size(); ++i)
      QCOMPARE(points.x[i], now.expression->at(controls[i], now.screen.gene_index("gene5")));
    ask("nothing");
    QVERIFY2(shown->message().contains("nothing"), qPrintable(shown->message()));
    ask("");
    QVERIFY(shown->figure().panels[0].x.title.contains("probability"));
  }

  void aDamagedStateIsBegunAnew() {
    run();
    const auto score = state().now()->scores.score;
    QFile kept(session().folder() + "/screening.state");
    QVERIFY(kept.resize(kept.size() - 100));
    run();
    const auto& again = state().now()->scores.score;
    for (std::size_t i = 0; i < score.size(); ++i)
      QVERIFY(again[i] == score[i] || (std::isnan(again[i]) && std::isnan(score[i])));
    for (const auto& step : state().now()->steps) QVERIFY(!step.resumed);
  }

  void theRunAsACommand() {
    QVERIFY(driver().choose("screenSplit", "rep"));
    settle();
    auto options = state().options();
    options.signature.neighbours = 12;
    options.score.markers.max_de_genes = options.call.markers.max_de_genes = 30;
    options.score.fine_mode = true;
    options.with_discriminant = false;
    state().setOptions(options, "test");
    data::Filter filter;
    filter.cells = "target != \"T3\"";
    session().data.setFilter(filter);
    QVERIFY(driver().waitForData());
    settle();
    run();
    QVERIFY(driver().click("screenCopyCommand"));
    QString command = QApplication::clipboard()->text();
    QVERIFY2(command.startsWith("scriptorium-cli perturb all ") &&
                 command.contains("--target target --control NT --guide guide --split rep --n-neighbors 12"),
             qPrintable(command));
    QVERIFY2(command.contains("--max-de-genes 30 --fine-mode --no-lda") && !command.contains("--n-dims"),
             qPrintable(command));
    repeats(command);
    // What `perturb` cannot leave out, `convert` does before.
    filter.min_cells_per_gene = 40;
    session().data.setFilter(filter);
    QVERIFY(driver().waitForData());
    settle();
    run();
    QVERIFY(driver().click("screenCopyCommand"));
    command = QApplication::clipboard()->text();
    QVERIFY2(command.startsWith("scriptorium-cli convert ") && command.contains(" && scriptorium-cli perturb all "),
             qPrintable(command));
    repeats(command);
  }

 private:
  /// Runs the command in the folder: its scores are those of the page.
  void repeats(const QString& command) {
    runCommand(command);
    const data::Dataset made = data::open(folder_->filePath("the screen_screen.h5ad").toStdString(), {}, {});
    const data::Column* column = made.cells.find("mixscale_score");
    const auto& scores = state().now()->scores.score;
    QVERIFY(column);
    QCOMPARE(column->size(), scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i)
      QVERIFY(column->number(i) == scores[i] || (std::isnan(column->number(i)) && std::isnan(scores[i])));
  }
};

QTEST_MAIN(TestScreenResults)
#include "tst_screen_results.moc"
