#include <QCheckBox>
#include <QClipboard>
#include <QFile>
#include <QProcess>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTabWidget>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/data/open.hpp"
#include "core/data/writers/writers.hpp"
#include "tests/core/perturbation/simulated_screen.hpp"
#include "tests/gui/window_driver.hpp"
#include "ui/shell/resources.hpp"
#include "ui/shell/selection_panel.hpp"
#include "ui/tables/table_panel.hpp"
#include "ui/workspaces/perturbation/genes_panel.hpp"

using namespace scriptorium;
using namespace scriptorium::ui;

namespace {

constexpr std::size_t kWithout = 12;  ///< cells whose target is missing

/// Four targets, two with an effect, one of these with a space in its name; twelve cells without a target, a category
/// that no cell has, and a gene with the name of a target.
simulated_screen::Screen screen() {
  simulated_screen::Options options;
  options.cells = 700;
  options.genes = 90;
  options.responders = 0.6;
  options.effect = 1.4;
  simulated_screen::Screen made = simulated_screen::make(options);
  for (data::Column& column : made.data.cells.columns) {
    auto values = std::get<std::vector<std::string>>(column.values);
    if (column.name != "target") continue;
    data::Categorical labels;
    labels.categories = {"NT", "T0 beta", "T1", "T2", "T3", "never seen"};
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] == "T0") values[i] = "T0 beta";
      const auto at = std::find(labels.categories.begin(), labels.categories.end(), values[i]);
      labels.codes.push_back(i < kWithout ? -1 : static_cast<std::int32_t>(at - labels.categories.begin()));
    }
    column.values = std::move(labels);
  }
  made.data.genes.names[3] = "T1";
  return made;
}

}  // namespace

class TestPerturbationPage : public QObject {
  Q_OBJECT
 private slots:
  void initTestCase() {
    initResources();
    made_ = screen();
  }
  void init() {
    folder_ = std::make_unique<QTemporaryDir>();
    path_ = folder_->filePath("the screen.h5ad");
    data::write_h5ad(made_.data, nlohmann::json::object(), path_.toStdString(), {});
    window_ = std::make_unique<MainWindow>(Places{folder_->path(), folder_->filePath("settings.ini")});
    driver_ = std::make_unique<WindowDriver>(*window_);
    window_->show();
    QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
    window_->openPath(path_);
    QVERIFY(driver().waitForData());
    driver().page("perturbation");
    settle();
  }
  void cleanup() {
    window_.reset();
    folder_.reset();
  }

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
    QVERIFY(driver().choose("screenGenesView", "Z matrix of all targets"));
    settle();
    QVERIFY2(!figures->figure().empty(), qPrintable(figures->message()));
    QVERIFY(figures->figure().panels[0].y.categories.contains("T1"));

    // Sets: the genes that go down with T1, and others.
    const auto kept = table->model().sharedTable();
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
    // T0 and T1 move the same genes.
    simulated_screen::Options options;
    options.cells = 900;
    options.genes = 90;
    options.responders = 0.9;
    options.effect = 1.4;
    options.same_genes = true;
    const QString path = folder_->filePath("programs.h5ad");
    data::write_h5ad(simulated_screen::make(options).data, nlohmann::json::object(), path.toStdString(), {});
    window_->openPath(path);
    QVERIFY(driver().waitForData());
    driver().page("perturbation");
    settle();
    run();
    choose("T1");
    driver().find<QTabWidget>("perturbationTabs")->setCurrentIndex(6);
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

  void noProgramsAreSaidInWords() {
    // Nothing answers: no gene is beyond the thresholds.
    simulated_screen::Options options;
    options.cells = 300;
    options.genes = 60;
    options.effect = 0;
    const QString path = folder_->filePath("nothing.h5ad");
    data::write_h5ad(simulated_screen::make(options).data, nlohmann::json::object(), path.toStdString(), {});
    window_->openPath(path);
    QVERIFY(driver().waitForData());
    driver().page("perturbation");
    settle();
    run();
    driver().find<QTabWidget>("perturbationTabs")->setCurrentIndex(6);
    QVERIFY(driver().click("screenGenesRun"));
    settle();
    for (const QString view : {"programs", "clusters of targets", "Z matrix of all targets"}) {
      QVERIFY(driver().choose("screenGenesView", view));
      settle();
      const QString words = figure("screenGenesFigure")->message();
      QVERIFY2(words.contains("No gene of any target") && words.contains("--z-p"), qPrintable(view + ": " + words));
    }
    QVERIFY2(driver().error().isEmpty(), qPrintable(driver().error()));
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

 private:
  /// Runs the command in the folder: its scores are those of the page.
  void repeats(QString command) {
    command.replace("scriptorium-cli", SCRIPTORIUM_CLI);
    QProcess shell;
    shell.setWorkingDirectory(folder_->path());
    shell.start("sh", {"-c", command});
    QVERIFY(shell.waitForFinished(120'000));
    QVERIFY2(shell.exitCode() == 0, shell.readAllStandardError());
    const data::Dataset made = data::open(folder_->filePath("the screen_screen.h5ad").toStdString(), {}, {});
    const data::Column* column = made.cells.find("mixscale_score");
    const auto& scores = state().now()->scores.score;
    QVERIFY(column);
    QCOMPARE(column->size(), scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i)
      QVERIFY(column->number(i) == scores[i] || (std::isnan(column->number(i)) && std::isnan(scores[i])));
  }
  void settle() {
    QVERIFY(driver().waitForWork());
    QVERIFY(driver().waitForFigures());
  }
  void run() {
    QVERIFY2(driver().click("screenRun"), qPrintable(driver().text("screenSays")));
    settle();
    QVERIFY2(state().now() && state().error().empty(), qPrintable(state().error().text()));
  }
  void choose(const QString& target) {
    QVERIFY(driver().choose("perturbationTarget", target));
    settle();
  }
  static TableColumn column(const TableData& table, const QString& name) {
    return *std::find_if(table.columns.begin(), table.columns.end(), [&](const auto& one) { return one.name == name; });
  }
  charts::FigureView* figure(const QString& name) { return driver().find<charts::FigureView>(name); }
  static void drag(QWidget& widget, QPointF from, QPointF to) {
    QTest::mousePress(&widget, Qt::LeftButton, Qt::NoModifier, from.toPoint());
    QMouseEvent move(QEvent::MouseMove, to, widget.mapToGlobal(to), Qt::NoButton, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&widget, &move);
    QTest::mouseRelease(&widget, Qt::LeftButton, Qt::NoModifier, to.toPoint());
  }
  WindowDriver& driver() { return *driver_; }
  Session& session() { return window_->session(); }
  ScreeningState& state() { return session().screening; }

  simulated_screen::Screen made_;
  std::unique_ptr<QTemporaryDir> folder_;
  QString path_;
  std::unique_ptr<MainWindow> window_;
  std::unique_ptr<WindowDriver> driver_;
};

QTEST_MAIN(TestPerturbationPage)
#include "tst_perturbation_page.moc"
