#include <QCheckBox>
#include <QFile>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTabWidget>
#include <QToolButton>
#include <algorithm>
#include <cmath>

#include "core/data/open.hpp"
#include "tests/gui/screen_window.hpp"
#include "ui/shell/selection_panel.hpp"

using namespace scriptorium;
using namespace scriptorium::ui;

class TestPerturbationPage : public QObject, private ScreenWindow {
  Q_OBJECT
 private slots:
  void init() { open(); }
  void cleanup() { close(); }

  void columnsAreGuessedAndCheckedInWords() {
    const auto& columns = state().options().columns;
    QCOMPARE(columns.target, std::string("target"));
    QCOMPARE(columns.control, std::string("NT"));
    QCOMPARE(columns.guide, std::string("guide"));
    const QString says = driver().text("screenSays");
    QVERIFY2(says.contains("4 targets") && says.contains("control cells") && says.contains("one group"),
             qPrintable(says));
    QVERIFY2(says.contains("12 cells have no target"), qPrintable(says));
    auto* control = driver().find<QComboBox>("screenControl");
    QCOMPARE(control->count(), 5);  // without the category that no cell has
    QVERIFY(control->currentText().startsWith("NT (") && control->currentText().endsWith(" cells)"));
    QVERIFY(driver().choose("screenSplit", "rep"));
    settle();
    QVERIFY2(driver().text("screenSays").contains("2 groups"), qPrintable(driver().text("screenSays")));
    session().undo.undo();
    settle();
    QVERIFY(driver().text("screenSays").contains("one group"));
    QCOMPARE(driver().find<QComboBox>("screenSplit")->currentText(), QString("none"));
  }

  void whatIsWrongIsSaid() {
    // A label that no cell has, as a restored session may bring it.
    auto options = state().options();
    options.columns.control = "Control";
    state().setOptions(options, "wrong");
    settle();
    QVERIFY2(driver().text("screenSays").contains("target") && driver().text("screenSays").contains("Control"),
             qPrintable(driver().text("screenSays")));
    QVERIFY(!driver().find<QWidget>("screenRun")->isEnabled());
    session().undo.undo();
    settle();
    QVERIFY(driver().find<QWidget>("screenRun")->isEnabled());
    // A column without a control label: one is asked for, and any label may be chosen.
    QVERIFY(driver().choose("screenTarget", "rep"));
    settle();
    QVERIFY2(driver().text("screenSays").contains("No label"), qPrintable(driver().text("screenSays")));
    QVERIFY(!driver().find<QWidget>("screenRun")->isEnabled());
    auto* control = driver().find<QComboBox>("screenControl");
    QVERIFY(driver().choose("screenControl", control->itemText(control->findData("r0"))));
    settle();
    QVERIFY2(driver().text("screenSays").contains("1 target<") || driver().text("screenSays").contains("1 target,"),
             qPrintable(driver().text("screenSays")));
  }

  void verdictsFiguresAndTargets() {
    run();
    const auto& now = *state().now();
    QCOMPARE(now.targets.size(), std::size_t{4});
    auto* table = driver().find<TablePanel>("targetTable");
    QCOMPARE(table->model().rowCount(), 4);
    const TableData& shown = *table->model().table();
    QCOMPARE(shown.columns[0].name, QString("target"));
    QCOMPARE(shown.columns[1].name, QString("verdict"));
    for (std::size_t row = 0; row < 4; ++row) {
      const QString target = shown.columns[0].texts[row], verdict = shown.columns[1].texts[row];
      const bool effect = target == "T0 beta" || target == "T1";
      QVERIFY2((verdict == "effect") == effect || verdict == "two guides disagree",
               qPrintable(target + ": " + verdict));
      QCOMPARE(row < 2, effect);  // strongest first
      QVERIFY(!shown.columns.back().texts[row].isEmpty());
    }
    QCOMPARE(driver().find<QComboBox>("perturbationTarget")->currentText(), shown.columns[0].texts[0]);

    // The target with a gene of its name, then one without an effect.
    choose("T1");
    QVERIFY2(driver().text("targetReason").contains("T1:"), qPrintable(driver().text("targetReason")));
    QCOMPARE(table->selectedRows().size(), std::size_t{1});
    auto* scores = figure("scoreFigure");
    QVERIFY(!scores->figure().empty());
    QVERIFY(std::any_of(scores->figure().panels[0].marks.begin(), scores->figure().panels[0].marks.end(),
                        [](const auto& mark) { return mark.name == "T1 KO"; }));
    QVERIFY(!figure("knockDownFigure")->figure().empty());
    QVERIFY(!figure("markerFigure")->figure().empty());
    QVERIFY(!figure("guideFigure")->figure().empty());
    auto* markers = driver().find<TablePanel>("markerTable");
    QCOMPARE(markers->model().rowCount(), 90);
    choose("T0 beta");
    QVERIFY(figure("knockDownFigure")->message().contains("not among the genes"));
    QVERIFY(!figure("scoreFigure")->figure().empty());
    // By the table, as a hand would.
    const int weak = table->model().positionOf(3);
    table->view().selectRow(weak);
    settle();
    QCOMPARE(driver().find<QComboBox>("perturbationTarget")->currentText(), shown.columns[0].texts[3]);
    for (const QString facets : {"guide by guide", "group by group", "all targets under each other"}) {
      choose("T1");
      QVERIFY(driver().choose("scoreFacets", facets));
      settle();
      QVERIFY2(!scores->figure().empty() && scores->message().isEmpty(), qPrintable(facets));
    }
    auto* tabs = driver().find<QTabWidget>("perturbationTabs");
    for (int i = 0; i < tabs->count(); ++i) {
      tabs->setCurrentIndex(i);
      settle();
    }
    QVERIFY2(driver().error().isEmpty(), qPrintable(driver().error()));
  }

  void cellsAreSelectedFromHere() {
    run();
    choose("T1");
    QVERIFY(driver().choose("perturbationSelect", "called perturbed"));
    settle();
    IndexSet expected;
    const auto& now = *state().now();
    for (const std::int64_t cell : now.screen.cells_of(now.screen.target_code("T1")))
      if (now.calls.state[static_cast<std::size_t>(cell)] == perturbation::CellState::Perturbed)
        expected.push_back(cell);
    QVERIFY(expected.size() > 10);
    QCOMPARE(session().selection.selected(Axis::Cells), expected);
    const auto& marks = figure("scoreFigure")->figure().panels[0].marks;
    std::size_t strong = 0;
    for (const auto& mark : marks)
      if (mark.emphasis)
        strong += static_cast<std::size_t>(std::count(mark.emphasis->begin(), mark.emphasis->end(), 1));
    QCOMPARE(strong, expected.size());

    // Brushed: the target's cells with scores between.
    auto* scores = figure("scoreFigure");
    QSignalSpy brushed(scores, &charts::FigureView::brushed);
    const QRectF range = charts::naturalRange(scores->figure().panels[0]);
    drag(*scores, scores->placeOf(0, {0.5, 0.5 * range.bottom()}),
         scores->placeOf(0, {range.right(), 0.5 * range.bottom()}));
    QCOMPARE(brushed.count(), 1);
    const double low = brushed[0][1].toDouble(), high = brushed[0][2].toDouble();
    IndexSet between;
    for (const auto& group : now.calls.groups) {
      if (group.target != now.screen.target_code("T1")) continue;
      for (std::size_t i = 0; i < group.n_target; ++i)
        if (group.projection[i] >= low && group.projection[i] <= high) between.push_back(group.cells[i]);
    }
    std::sort(between.begin(), between.end());
    QVERIFY(between.size() > 5);
    QCOMPARE(session().selection.selected(Axis::Cells), between);
    // Genes by the table of markers.
    driver().find<QTabWidget>("perturbationTabs")->setCurrentIndex(3);
    auto* markers = driver().find<TablePanel>("markerTable");
    markers->view().selectRow(0);
    QVERIFY(driver().wait([&] { return !session().selection.selected(Axis::Genes).empty(); }));
    const auto gene = session().selection.selected(Axis::Genes).front();
    QCOMPARE(markers->model().table()->columns[0].texts[static_cast<std::size_t>(
                 markers->selectedRows().empty() ? 0 : markers->selectedRows()[0])],
             QString::fromStdString(made_.data.genes.names[static_cast<std::size_t>(gene)]));
  }

  void scoresAreColumnsOfTheCells() {
    QVERIFY(driver().find<QComboBox>("mapColor")->findText("mixscale_score") < 0);
    run();
    driver().page("components");
    settle();
    auto* map = figure("cellMapFigure");
    QVERIFY(driver().choose("mapColor", "mixscale_score"));
    settle();
    const auto& score = map->figure().panels[0].marks[0].values;
    QCOMPARE(score.size(), made_.data.cells.size());
    for (std::size_t i = 0; i < score.size(); ++i) {
      const double there = state().now()->scores.score[i];
      QVERIFY(std::isnan(there) ? std::isnan(score[i]) : score[i] == there);
    }
    QVERIFY(std::isnan(score[0]));  // no target
    QVERIFY(driver().choose("mapColor", "mixscape_class_global"));
    settle();
    QVERIFY2(driver().text("mapSays").isEmpty(), qPrintable(driver().text("mapSays")));
    QVERIFY(map->figure().panels[0].marks[0].groups.contains("KO"));
    // In saved tables and copies too.
    const QString table = folder_->filePath("columns.csv"), copy = folder_->filePath("copy.h5ad");
    saveSets(session(), Axis::Cells, table);
    saveWithSets(session(), copy);
    QVERIFY(driver().wait([&] { return QFile::exists(table) && QFile::exists(copy); }));
    settle();
    QFile file(table);
    QVERIFY(file.open(QIODevice::ReadOnly));
    const QString header = QString::fromUtf8(file.readLine()).trimmed();
    QVERIFY2(header.startsWith("cell,mixscale_score,mixscape_class,mixscape_class_global"), qPrintable(header));
    const data::Dataset again = data::open(copy.toStdString(), {}, {});
    const data::Column* column = again.cells.find("mixscale_score");
    QVERIFY(column);
    QCOMPARE(column->number(100), state().now()->scores.score[100]);
  }

  void aFilteredScreenGoesByCellNames() {
    data::Filter filter;
    std::vector<std::string> kept;
    for (std::size_t i = 0; i < made_.data.cells.size(); i += 1)
      if (i % 5 != 0) kept.push_back(made_.data.cells.names[i]);
    filter.cell_names = kept;
    session().data.setFilter(filter);
    QVERIFY(driver().waitForData());
    settle();
    run();
    QCOMPARE(state().now()->screen.n_cells, static_cast<std::int64_t>(kept.size()));
    choose("T1");
    QVERIFY(driver().choose("perturbationSelect", "all of the target"));
    for (const std::int64_t row : session().selection.selected(Axis::Cells))
      QVERIFY(row % 5 != 0 && made_.data.cells.find("target")->text(static_cast<std::size_t>(row)) == "T1");
    const auto column = session().columns.find("screening/mixscale_score");
    QVERIFY(column);
    QCOMPARE(column->size(), made_.data.cells.size());
    QVERIFY(std::isnan(column->number(20)) && column->number(21) == state().now()->scores.score[16]);
    // Other cells: what is shown is marked.
    session().data.setFilter({});
    QVERIFY(driver().waitForData());
    settle();
    QVERIFY(state().isStale() && figure("scoreFigure")->isStale());
  }

  void settingsMakeItStaleAndUndoTakesThatBack() {
    run();
    QVERIFY(!figure("scoreFigure")->isStale());
    QVERIFY(driver().click("screenMethod"));
    driver().find<QSpinBox>("screenNeighbours")->setValue(12);
    QVERIFY(state().isStale());
    QVERIFY(figure("scoreFigure")->isStale());
    QVERIFY2(driver().text("screenRunSays").contains("earlier settings"), qPrintable(driver().text("screenRunSays")));
    session().undo.undo();
    QCOMPARE(driver().find<QSpinBox>("screenNeighbours")->value(), 20);
    QVERIFY(!figure("scoreFigure")->isStale());
    QVERIFY(driver().choose("screenRule", "as Seurat and Mixscale"));
    QCOMPARE(state().options().score.markers.test, perturbation::Test::LikelihoodRatio);
    settle();
    run();
    QCOMPARE(state().now()->options.score.rule, perturbation::Rule::R);
    QVERIFY(!state().isStale());
    // Fewest above most: nothing is scored, and the page says so.
    driver().find<QSpinBox>("screenMaxGenes")->setValue(3);
    run();
    choose("T1");
    QVERIFY(figure("knockDownFigure")->message().contains("no score"));
    QVERIFY(!figure("scoreFigure")->figure().empty());  // calls know no most
    QVERIFY2(figure("markerFigure")->message().contains("no marker genes"),
             qPrintable(figure("markerFigure")->message()));
  }

  void cancelAnswersAtOnce() {
    QVERIFY(driver().click("screenRun"));
    QVERIFY(state().running());
    QVERIFY(driver().click("screenCancel"));
    QVERIFY(!state().running());
    QVERIFY(!state().now());
    QVERIFY(driver().find<QWidget>("screenRun")->isVisible());
    run();  // goes on, or begins anew
    QVERIFY(state().now());
    // A result stays when the next run is cancelled.
    const auto before = state().now();
    QVERIFY(driver().click("screenRun"));
    QVERIFY(driver().click("screenCancel"));
    settle();
    QCOMPARE(state().now(), before);
  }

  void aSessionIsRestoredWithItsScreen() {
    QVERIFY(driver().choose("screenSplit", "rep"));
    settle();
    run();
    const QByteArray kept = state().toJson();
    const auto score = state().now()->scores.score;
    // Another window of the same folder.
    window_.reset();
    window_ = std::make_unique<MainWindow>(Places{folder_->path(), folder_->filePath("settings.ini")});
    driver_ = std::make_unique<WindowDriver>(*window_);
    window_->show();
    Recovery recovery;
    recovery.data.path = path_;
    recovery.screening = kept;
    session().restore(recovery);
    QVERIFY(driver().waitForData());
    QVERIFY(driver().wait([&] { return state().now() != nullptr; }));
    QCOMPARE(state().options().columns.split, std::string("rep"));
    QVERIFY(!state().isStale());
    for (std::size_t i = 0; i < score.size(); ++i)
      QVERIFY(state().now()->scores.score[i] == score[i] ||
              (std::isnan(score[i]) && std::isnan(state().now()->scores.score[i])));
    QVERIFY(std::any_of(state().now()->steps.begin(), state().now()->steps.end(),
                        [](const auto& step) { return step.resumed; }));
  }

  void everythingIsOfferedForExport() {
    run();
    choose("T1");
    auto* tabs = driver().find<QTabWidget>("perturbationTabs");
    tabs->setCurrentIndex(5);
    settle();
    for (const auto& item : session().exports.figures())
      for (const QString key : {"perturbation_score", "perturbation_probability", "knock_down", "marker_heat_map",
                                "guides_figure", "discriminant"})
        if (item.key == key) QVERIFY2(!item.figure().empty(), qPrintable(key));
    int tables = 0, files = 0;
    for (const auto& item : session().exports.tables())
      if (item.key == "targets" || item.key == "screen_cells" || item.key == "markers" || item.key == "guides") {
        QVERIFY2(item.table(), qPrintable(item.key));
        ++tables;
      }
    QCOMPARE(tables, 4);
    const QString path = folder_->filePath("screening.h5ad");
    for (const auto& item : session().exports.files())
      if (item.key == "screening") {
        item.file()(path, {});
        ++files;
      }
    QCOMPARE(files, 1);
    QVERIFY(data::open(path.toStdString(), {}, {}).cells.find("mixscape_class"));
  }

  void theTableOfTargetsNeedsNoScrolling() {
    window_->resize(1280, 800);
    run();
    auto* table = driver().find<TablePanel>("targetTable");
    const TableData& shown = *table->model().table();
    for (std::size_t c = 0; c < 5; ++c) {
      QVERIFY(
          QStringList({"target", "verdict", "cells", "share_perturbed", "mean_score"}).contains(shown.columns[c].name));
      const int column = static_cast<int>(c);
      const int end = table->view().columnViewportPosition(column) + table->view().columnWidth(column),
                room = table->view().viewport()->width();
      QVERIFY2(end <= room, qPrintable(shown.columns[c].name + QString(": %1 of %2 pixels").arg(end).arg(room)));
      QVERIFY(table->model()
                  .headerData(column, Qt::Horizontal, Qt::ToolTipRole)
                  .toString()
                  .contains(shown.columns[c].name));
    }
    QVERIFY(table->model().table()->toText('\t').contains("share_perturbed"));  // in files as ever
  }

  void otherDataDropTheResult() {
    run();
    window_->openPath(SCRIPTORIUM_TEST_DATA "/../resources/example/pbmc_example.h5ad");
    QVERIFY(driver().waitForData());
    driver().page("perturbation");
    settle();
    QVERIFY(!state().now());
    QVERIFY(!session().columns.find("screening/mixscale_score"));
    QVERIFY(!driver().find<QWidget>("screenRun")->isEnabled());
    QVERIFY2(driver().text("screenSays").contains("No column"), qPrintable(driver().text("screenSays")));
    session().data.closeData();
    QVERIFY(driver().text("perturbationWords").contains("needs a data set"));
  }

  void answersOfAResultThatIsGoneAreDropped() {
    run();
    // Asked, and answered only after the data were closed: their genes are known no more.
    QVERIFY(driver().choose("perturbationTarget", "T3"));
    QVERIFY(session().pool.busy("screening markers") && session().pool.busy("screening figures"));
    session().data.closeData();
    QVERIFY(!state().now() && state().geneRows().empty());
    QVERIFY(!session().pool.busy("screening markers") && !session().pool.busy("screening cells"));
    settle();
    for (const QString table : {"markerTable", "screenCellTable", "targetTable"})
      QVERIFY2(!driver().find<TablePanel>(table)->model().table(), qPrintable(table));
    QVERIFY(figure("scoreFigure")->figure().empty());
  }
};

QTEST_MAIN(TestPerturbationPage)
#include "tst_perturbation_page.moc"
