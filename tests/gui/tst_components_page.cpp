#include <hdf5.h>

#include <QCheckBox>
#include <QDoubleSpinBox>
#include <QFile>
#include <QLineEdit>
#include <QListWidget>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTabWidget>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>
#include <QTreeWidget>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/math/random.hpp"
#include "core/result/components.hpp"
#include "tests/gui/window_driver.hpp"
#include "ui/shell/resources.hpp"
#include "ui/shell/selection_panel.hpp"
#include "ui/tables/table_panel.hpp"
#include "ui/workspaces/run/command_text.hpp"

using namespace scriptorium::ui;

namespace {

const QString kExample = SCRIPTORIUM_TEST_DATA "/../resources/example/pbmc_example.h5ad";
constexpr std::size_t kCells = 600, kComponents = 3, kWithoutPlace = 3;

void addToObsm(const QString& file, const char* name, const std::vector<float>& values, hsize_t dims) {
  const hid_t h5 = H5Fopen(file.toUtf8().constData(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t group = H5Lexists(h5, "obsm", H5P_DEFAULT) > 0
                          ? H5Gopen2(h5, "obsm", H5P_DEFAULT)
                          : H5Gcreate2(h5, "obsm", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t shape[2] = {values.size() / dims, dims};
  const hid_t space = H5Screate_simple(2, shape, nullptr);
  const hid_t set = H5Dcreate2(group, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Dclose(set), H5Sclose(space), H5Gclose(group), H5Fclose(h5);
}

/// A column of whole numbers in the cell table.
void addToObs(const QString& file, const char* name, const std::vector<std::int64_t>& values) {
  const hid_t h5 = H5Fopen(file.toUtf8().constData(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hsize_t shape = values.size();
  const hid_t space = H5Screate_simple(1, &shape, nullptr);
  const hid_t set = H5Dcreate2(h5, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  if (H5Aexists_by_name(h5, "obs", "column-order", H5P_DEFAULT) > 0)  // it does not name the new one
    H5Adelete_by_name(h5, "obs", "column-order", H5P_DEFAULT);
  H5Dclose(set), H5Sclose(space), H5Fclose(h5);
}

/// Probabilities of three components, sure and unsure ones.
std::vector<float> probabilities() {
  std::vector<float> out;
  for (std::size_t i = 0; i < kCells; ++i) {
    scriptorium::math::Random random(4, scriptorium::math::Purpose::Test, i);
    const double most = 1.0 / kComponents + (1 - 1.0 / kComponents) * std::sqrt(random.uniform());
    for (std::size_t k = 0; k < kComponents; ++k)
      out.push_back(static_cast<float>(k == i % kComponents ? most : (1 - most) / (kComponents - 1)));
  }
  return out;
}

/// The cells whose entropy over log K lies in a range.
IndexSet cellsBetween(double low, double high) {
  const std::vector<float> p = probabilities();
  IndexSet out;
  for (std::size_t i = 0; i < kCells; ++i) {
    double entropy = 0;
    for (std::size_t k = 0; k < kComponents; ++k) {
      const double one = p[i * kComponents + k];
      if (one > 0) entropy -= one * std::log(one);
    }
    const double share = entropy / std::log(static_cast<double>(kComponents));
    if (share >= low && share <= high) out.push_back(static_cast<std::int64_t>(i));
  }
  return out;
}

}  // namespace

class TestComponentsPage : public QObject {
  Q_OBJECT
 private slots:
  void initTestCase() { initResources(); }
  void init() {
    folder_ = std::make_unique<QTemporaryDir>();
    data_ = folder_->filePath("with_components.h5ad");
    QVERIFY(QFile::copy(kExample, data_));
    QFile::setPermissions(data_, QFile::ReadOwner | QFile::WriteOwner);
    std::vector<float> umap;
    for (std::size_t i = 0; i < kCells; ++i) {
      scriptorium::math::Random random(6, scriptorium::math::Purpose::Test, i);
      for (int d = 0; d < 2; ++d) umap.push_back(i < kWithoutPlace ? NAN : static_cast<float>(random.normal()));
    }
    addToObsm(data_, "X_umap", umap, 2);
    addToObsm(data_, "X_assignment", probabilities(), kComponents);
    window_ = std::make_unique<MainWindow>(Places{folder_->path(), folder_->filePath("settings.ini")});
    driver_ = std::make_unique<WindowDriver>(*window_);
    window_->show();
    QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
  }
  void cleanup() {
    window_.reset();
    folder_.reset();
  }

  void brushedEntropySelectsTheSameCellsEverywhere() {
    QVERIFY(open(data_));
    auto* entropy = driver().find<scriptorium::charts::FigureView>("entropyFigure");
    QVERIFY(entropy->isVisible() && !entropy->figure().empty());
    QSignalSpy brushed(entropy, &scriptorium::charts::FigureView::brushed);
    drag(*entropy, entropy->placeOf(0, {0.4, 0.5}), entropy->placeOf(0, {0.8, 0.7}));
    QCOMPARE(brushed.count(), 1);
    const double low = brushed[0][1].toDouble(), high = brushed[0][2].toDouble();
    QVERIFY(std::fabs(low - 0.4) < 0.02 && std::fabs(high - 0.8) < 0.02);
    const IndexSet expected = cellsBetween(low, high);
    QVERIFY(expected.size() > 20 && expected.size() < kCells - 20);
    QCOMPARE(session().selection.selected(Axis::Cells), expected);

    // The map, the tables here and on the Data page, the histogram, the panel at the right.
    settle();
    auto* map = driver().find<scriptorium::charts::FigureView>("cellMapFigure");
    const auto& mark = map->figure().panels[0].marks[0];
    QVERIFY(mark.emphasis);
    for (const QString name : {"assignmentTable", "cellTable"}) {
      auto* table = driver().find<TablePanel>(name);
      QCOMPARE(table->model().rowCount(), static_cast<int>(kCells));
      for (std::size_t i = 0; i < kCells; ++i) {
        const bool in = std::binary_search(expected.begin(), expected.end(), static_cast<std::int64_t>(i));
        QCOMPARE(table->model().isMarked(static_cast<int>(i)), in);
        QCOMPARE((*mark.emphasis)[i] != 0, in);
      }
    }
    const auto& bars = entropy->figure().panels[0].marks[1];
    QCOMPARE(std::accumulate(bars.y.begin(), bars.y.end(), 0.0), static_cast<double>(expected.size()));
    QVERIFY(driver().text("selected_cells").contains(QString::number(expected.size())));

    // Named, and in the saved file.
    QVERIFY(driver().click("selectionName_cells"));
    auto* name = driver().find<QLineEdit>("selectionNameLine_cells");
    QTest::keyClicks(name, "unsure");
    QTest::keyClick(name, Qt::Key_Return);
    auto* tree = driver().find<QTreeWidget>("projectTree");
    QCOMPARE(tree->findItems("unsure", Qt::MatchExactly | Qt::MatchRecursive).size(), 1);
    const QString path = folder_->filePath("sets.csv");
    saveSets(session(), Axis::Cells, path);
    QVERIFY(driver().wait([&] { return QFile::exists(path); }));
    QFile file(path);
    QVERIFY(file.open(QIODevice::ReadOnly));
    const QStringList lines = QString::fromUtf8(file.readAll()).split('\n', Qt::SkipEmptyParts);
    QCOMPARE(lines[0], QString("cell,unsure,selected"));
    IndexSet saved;
    for (qsizetype i = 1; i < lines.size(); ++i)
      if (lines[i].endsWith("True,True")) saved.push_back(i - 1);
    QCOMPARE(saved, expected);

    // Clear, and back by undo; by the tree after another selection.
    QVERIFY(driver().click("selectionClear_cells"));
    QVERIFY(session().selection.selected(Axis::Cells).empty());
    session().undo.undo();
    QCOMPARE(session().selection.selected(Axis::Cells), expected);
    QVERIFY(driver().click("selectionInvert_cells"));
    QCOMPARE(session().selection.selected(Axis::Cells).size(), kCells - expected.size());
    auto* item = tree->findItems("unsure", Qt::MatchExactly | Qt::MatchRecursive).first();
    QTest::mouseClick(tree->viewport(), Qt::LeftButton, {}, tree->visualItemRect(item).center());
    QCOMPARE(session().selection.selected(Axis::Cells), expected);
  }

  void boxAndLassoOnTheMap() {
    QVERIFY(open(data_));
    auto* map = driver().find<scriptorium::charts::FigureView>("cellMapFigure");
    QCOMPARE(map->figure().panels[0].note, QString("3 cells have no place"));
    QVERIFY(driver().click("mapBox"));
    drag(*map, map->placeOf(0, {-9, 9}) + QPointF(0, 0), map->placeOf(0, {9, -9}));  // outside of the plot: nothing
    const QRectF plot = plotOf(*map);
    drag(*map, plot.topLeft() + QPointF(1, 1), plot.bottomRight() - QPointF(1, 1));
    QVERIFY(driver().waitForWork());
    QCOMPARE(session().selection.selected(Axis::Cells).size(), kCells - kWithoutPlace);
    QVERIFY(session().selection.selected(Axis::Cells).front() >= static_cast<std::int64_t>(kWithoutPlace));
    // The lasso with Alt takes the left half out.
    settle();
    QVERIFY(driver().click("mapLasso"));
    const auto mark = map->figure().panels[0].marks[0];
    const QPointF middle = map->placeOf(0, {0, 0});
    path(*map,
         {plot.topLeft() + QPointF(1, 1),
          {middle.x(), plot.top() + 1},
          {middle.x(), plot.bottom() - 1},
          plot.bottomLeft() + QPointF(1, -1)},
         Qt::AltModifier);
    QVERIFY(driver().waitForWork());
    std::size_t right = 0;
    for (const double x : mark.x) right += x > 0 ? 1 : 0;
    const auto left_over = session().selection.selected(Axis::Cells).size();
    QVERIFY2(std::abs(static_cast<int>(left_over) - static_cast<int>(right)) < 8,
             qPrintable(QString::number(left_over)));
  }

  void everyColour() {
    QVERIFY(open(data_));
    auto* by = driver().find<QComboBox>("mapColor");
    auto* map = driver().find<scriptorium::charts::FigureView>("cellMapFigure");
    QCOMPARE(by->currentText(), QString("assignment"));
    for (int i = 0; i < by->count(); ++i) {
      const QString text = by->itemText(i);
      QVERIFY(driver().choose("mapColor", text));
      if (text == "a gene") {
        QVERIFY(driver().text("mapSays").isEmpty());
        auto* gene = driver().find<QLineEdit>("mapGene");
        QVERIFY(gene->isVisible());
        gene->setText("no such gene");
        QTest::keyClick(gene, Qt::Key_Return);
        QVERIFY(driver().waitForWork());
        QVERIFY(driver().text("mapSays").contains("no such gene"));
        gene->setText(QString::fromStdString(session().data.opened()->dataset->genes.names[5]).toLower());
        QTest::keyClick(gene, Qt::Key_Return);
      }
      QVERIFY(driver().waitForWork());
      if (driver().text("mapSays").isEmpty())
        QCOMPARE(map->figure().panels[0].marks[0].values.size(), kCells);
      else
        QVERIFY2(driver().text("mapSays").contains("different values"), qPrintable(driver().text("mapSays")));
    }
  }

  void componentsAreNamedMergedAndKept() {
    QVERIFY(open(data_));
    auto* table = driver().find<TablePanel>("componentTable");
    table->selectRow(1);
    auto* name = driver().find<QLineEdit>("componentName");
    QVERIFY(name->isEnabled() && !driver().find<QWidget>("componentMerge")->isEnabled());
    name->setText("second");
    QTest::keyClick(name, Qt::Key_Return);
    QCOMPARE(session().assignments.now()->names[1], QString("second"));
    QVERIFY(driver().waitForWork());
    table->selectRow(1);
    QVERIFY(driver().click("componentSet"));
    QCOMPARE(session().selection.sets().size(), std::size_t{1});
    QCOMPARE(session().selection.selected(Axis::Cells).size(), kCells / kComponents);
    table->view().selectAll();
    QVERIFY(driver().click("componentMerge"));
    QCOMPARE(session().assignments.now()->components, 1);
    settle();
    // All are one: nothing is unsure, and a brush over 0 finds every cell.
    auto* entropy = driver().find<scriptorium::charts::FigureView>("entropyFigure");
    QCOMPARE(entropy->figure().panels[0].marks[0].y[0], static_cast<double>(kCells));
    drag(*entropy, entropy->placeOf(0, {0.01, 0.5}), entropy->placeOf(0, {0.3, 0.7}));
    QCOMPARE(session().selection.selected(Axis::Cells).size(), kCells);
    session().undo.undo();  // the selection
    session().undo.undo();
    QCOMPARE(session().assignments.now()->components, 3);
    QVERIFY(driver().waitForWork());
    // Composition and means have something to show.
    auto* tabs = driver().find<QTabWidget>("componentTabs");
    tabs->setCurrentIndex(1);
    settle();
    QVERIFY2(driver().text("agreementLabel").contains("Adjusted Rand"), qPrintable(driver().text("agreementLabel")));
    tabs->setCurrentIndex(2);
    settle();
    QCOMPARE(driver().find<scriptorium::charts::FigureView>("componentMeansFigure")->figure().panels[0].marks.size(),
             std::size_t{3});
    tabs->setCurrentIndex(0);
    table->selectRow(0);
    QVERIFY(driver().click("componentDiagnose"));
    QVERIFY(driver().waitForData());
    QCOMPARE(session().data.prepared()->dataset->counts.n_cells, static_cast<std::int64_t>(kCells / kComponents));
    QCOMPARE(window_->currentPage()->key(), QString("model"));
  }

  void mapsThatCannotBeMade() {
    addToObsm(data_, "X_tsne", std::vector<float>(2 * kCells, NAN), 2);
    QVERIFY(open(data_));
    auto* map = driver().find<scriptorium::charts::FigureView>("cellMapFigure");
    QVERIFY(driver().choose("mapChoice", "X_tsne (file)"));
    QVERIFY(map->message().contains("not numbers"));
    // One cell, then two genes.
    scriptorium::data::Filter filter;
    filter.cell_names = session().selection.names(Axis::Cells, {0});
    session().data.setFilter(filter);
    QVERIFY(driver().waitForData());
    QVERIFY(driver().choose("mapChoice", "UMAP"));
    QVERIFY(driver().click("mapCompute"));
    QVERIFY(driver().waitForWork());
    QVERIFY2(map->message().contains("at least 5 cells"), qPrintable(map->message()));
    filter = {};
    filter.genes = session().selection.names(Axis::Genes, {0, 1});
    session().data.setFilter(filter);
    QVERIFY(driver().waitForData());
    QVERIFY(driver().choose("mapChoice", "PCA"));
    QVERIFY(driver().click("mapCompute"));
    QVERIFY(driver().waitForWork());
    QVERIFY2(map->message().isEmpty() && !map->figure().empty(), qPrintable(map->message()));
  }

  void withoutComponentsTheMapIsEnough() {
    QVERIFY(open(kExample));
    QVERIFY(driver().text("componentsNeed").contains("two components or more"));
    auto* map = driver().find<scriptorium::charts::FigureView>("cellMapFigure");
    QVERIFY(!map->figure().empty());  // laid out when the page was looked at
    QCOMPARE(map->figure().panels[0].x.title, QString("UMAP 1"));
  }

  /// From the Model page to the cells of a component in Diagnose, and the same again over draws.
  void aFittedMixtureShowsWhoBelongsWhere() {
    QVERIFY(fitMixture());
    const auto* entry = session().fits.current();
    QVERIFY2(entry && entry->fit->model.components == 3, qPrintable(driver().error()));
    QCOMPARE(entry->name, QString("nbvcp K=3"));
    driver().page("components");
    settle();
    const auto now = session().assignments.now();
    QVERIFY(now && now->fit == entry->fit);
    QCOMPARE(now->components, 3);
    QCOMPARE(now->cells.size(), kCells);
    QCOMPARE(std::accumulate(now->size.begin(), now->size.end(), std::int64_t{0}), static_cast<std::int64_t>(kCells));
    QVERIFY(std::is_sorted(now->size.rbegin(), now->size.rend()));  // by weight

    driver().find<TablePanel>("componentTable")->view().selectRow(1);
    QVERIFY(driver().click("componentDiagnose"));
    QVERIFY(driver().waitForWork());
    QTRY_COMPARE_WITH_TIMEOUT(window_->currentPage()->key(), QString("diagnose"), 60'000);
    const auto& part = *session().fits.current()->fit;
    QCOMPARE(part.model.components, std::int64_t{1});
    QCOMPARE(static_cast<std::int64_t>(part.cells.size()), now->size[1]);
    QCOMPARE(part.summary.n_cells, now->size[1]);

    driver().page("components");
    QVERIFY(driver().choose("assignmentSource", "nbvcp K=3 (fit, 100 draws)"));
    settle();
    const auto over_draws = session().assignments.now();
    QVERIFY(over_draws->source.contains("100 draws"));
    int moved = 0;
    for (std::size_t cell = 0; cell < kCells; ++cell) moved += over_draws->assigned[cell] != now->assigned[cell];
    QVERIFY(moved < static_cast<int>(kCells) / 50);
    // As the command line has them, to the last bit.
    const auto& data = *session().data.prepared()->dataset;
    const auto found = scriptorium::analysis::assign_cells(*now->fit, data.counts, {}, {});
    const auto table = driver().find<TablePanel>("assignmentTable")->model().sharedTable();
    const auto column = [&](const QString& name) {
      return std::find_if(table->columns.begin(), table->columns.end(), [&](const auto& c) { return c.name == name; });
    };
    QCOMPARE(column("entropy")->numbers, found.entropy);
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      QCOMPARE(column("p_2")->numbers[cell], found.probability[cell * kComponents + 1]);
      QCOMPARE(column("concentration_3")->numbers[cell], found.concentration[cell * kComponents + 2]);
    }
    // Warmer is less sure, and cold again is what it was.
    QVERIFY(driver().choose("assignmentSource", "nbvcp K=3 (fit)"));
    settle();
    QCOMPARE(session().assignments.now()->probability, now->probability);
    auto* temperature = driver().find<QDoubleSpinBox>("assignmentTemperature");
    QVERIFY(temperature->isEnabled());
    temperature->setValue(3);
    settle();
    const auto warm = session().assignments.now();
    QVERIFY(std::accumulate(warm->entropy.begin(), warm->entropy.end(), 0.0) >
            1.1 * std::accumulate(now->entropy.begin(), now->entropy.end(), 0.0));
    temperature->setValue(1);
    settle();
    QCOMPARE(session().assignments.now(), now);
    QVERIFY2(driver().error().isEmpty(), qPrintable(driver().error()));
  }

  /// Two fits of one name, and what was made of the components of one of them.
  void editsStayWithTheirFit() {
    QVERIFY(fitMixture());
    const int first = session().fits.current()->id;
    const QString path = session().fits.current()->path;
    QVERIFY(QFile::exists(path));
    session().model.setOptions(
        [&] {
          auto options = session().model.options();
          options.seed = 7;
          return options;
        }(),
        "seed");
    driver().page("model");
    QVERIFY(driver().click("runButton") && driver().waitForQueue());
    const int second = session().fits.current()->id;
    QVERIFY(second != first);
    session().fits.rename(second, session().fits.find(first)->name);
    driver().page("components");
    settle();
    auto* source = driver().find<QComboBox>("assignmentSource");
    const auto choose = [&](int fit) {
      source->setCurrentIndex(source->findData(QString("fit:%1:0").arg(fit)));
      emit source->activated(source->currentIndex());
      settle();
    };
    choose(first);
    QCOMPARE(source->currentData().toString(), QString("fit:%1:0").arg(first));
    const auto whole = session().assignments.now();
    session().assignments.merge({0, 2});
    settle();
    choose(second);
    QCOMPARE(session().assignments.now()->components, 3);
    QVERIFY(session().assignments.now()->fit == session().fits.find(second)->fit);
    choose(first);
    QCOMPARE(session().assignments.now()->components, 2);  // what was made is still there
    choose(second);
    session().undo.undo();  // of what is not looked at
    choose(first);
    QCOMPARE(session().assignments.now()->components, 3);
    QCOMPARE(session().assignments.now()->probability, whole->probability);

    // A name goes into the fit, also where other pages ask, and back with undo; a colour stays here.
    auto* table = driver().find<TablePanel>("componentTable");
    table->selectRow(0);
    auto* name = driver().find<QLineEdit>("componentName");
    name->setText("monocytes");
    QTest::keyClick(name, Qt::Key_Return);
    session().assignments.recolor(0, 0xff123456);
    settle();
    QCOMPARE(scriptorium::result::component_name(*session().fits.find(first)->fit, 0), std::string("monocytes"));
    QVERIFY(session().fits.find(second)->fit->component_names.empty());
    QCOMPARE(scriptorium::result::component_name(scriptorium::result::load_fit(path.toStdString()), 0),
             std::string("monocytes"));
    session().fits.setCurrent(first);
    driver().page("diagnose");
    settle();
    QVERIFY(driver().find<QComboBox>("diagnoseCells")->findText("component monocytes") > 0 ||
            driver().find<QComboBox>("diagnoseCells")->findText("monocytes") > 0);
    session().undo.undo();
    session().undo.undo();
    settle();
    QVERIFY(!session().fits.find(first)->fit->component_names.empty());
    QCOMPARE(scriptorium::result::component_name(*session().fits.find(first)->fit, 0), std::string("1"));
    session().undo.redo();
    session().undo.redo();
    settle();

    // Another session, ended cleanly before: the same fit from its file has name and colour.
    const QString copy = folder_->filePath("copy.fit.h5");
    session().fits.save(first, copy);
    settle();
    session().closeCleanly();
    restart();
    window_->openPath(kExample);
    QVERIFY(driver().waitForData());
    session().fits.load(copy);
    settle();
    driver().page("components");
    settle();
    QVERIFY(session().assignments.now());
    QCOMPARE(session().assignments.now()->names[0], QString("monocytes"));
    QCOMPARE(session().assignments.now()->colors[0], QRgb{0xff123456});
    QVERIFY2(driver().error().isEmpty(), qPrintable(driver().error()));
  }

  /// A computed map is kept for the next time; of other cells it is never shown as if it were of these.
  void mapsAreKeptAndGrowOld() {
    QVERIFY(open(kExample));
    auto* map = driver().find<scriptorium::charts::FigureView>("cellMapFigure");
    QVERIFY(!map->figure().empty() && !map->isStale());
    const auto x = map->figure().panels[0].marks[0].x;
    restart();
    QVERIFY(QFile::exists(folder_->filePath("maps")));
    window_->openPath(kExample);
    QVERIFY(driver().waitForData());
    driver().page("components");
    QVERIFY(!session().pool.busy("map"));  // nothing is computed anew
    settle();
    map = driver().find<scriptorium::charts::FigureView>("cellMapFigure");
    QCOMPARE(map->figure().panels[0].marks[0].x, x);
    QVERIFY(!map->isStale());

    IndexSet some;
    for (std::int64_t i = 0; i < 300; ++i) some.push_back(i);
    scriptorium::data::Filter filter;
    filter.cell_names = session().selection.names(Axis::Cells, some);
    session().data.setFilter(filter);
    QVERIFY(driver().waitForData());
    settle();
    QVERIFY(map->isStale());
    QVERIFY2(map->figure().panels[0].name.contains("before"), qPrintable(map->figure().panels[0].name));
    QVERIFY(driver().text("mapSays").contains("Compute"));
    QCOMPARE(map->figure().panels[0].marks[0].x, x);
    QVERIFY(driver().click("mapCompute"));
    settle();
    QVERIFY(!map->isStale());
    QVERIFY(map->figure().panels[0].marks[0].x != x);
    QCOMPARE(map->figure().panels[0].note, QString("300 cells have no place"));
    session().undo.undo();  // the filter: the map of all is known
    QVERIFY(driver().waitForData());
    settle();
    QVERIFY(!map->isStale());
    QCOMPARE(map->figure().panels[0].marks[0].x, x);
  }

  void wordsSayWhyAFitCannotBeAsked() {
    QVERIFY(fitMixture());
    const auto fit = session().fits.current()->fit;
    scriptorium::data::Filter filter;
    filter.cell_names = session().selection.names(Axis::Cells, {0, 1, 2, 3, 4, 5});
    session().data.setFilter(filter);
    QVERIFY(driver().waitForData());
    const JobError other = dataMissing(session().data, *fit, "it");
    QVERIFY2(other.message.contains("other cells or genes") && other.remedy.contains("all cells and genes"),
             qPrintable(other.text()));
    session().data.closeData();
    QVERIFY(dataMissing(session().data, *fit, "it").message.contains("not open"));
  }

  /// Each gene by itself, cell by cell; the same order of cells as in the bars above it.
  void theEntropyMapAsksEachGene() {
    QVERIFY(open(data_));
    auto* tabs = driver().find<QTabWidget>("componentTabs");
    auto* view = driver().find<scriptorium::charts::FigureView>("entropyMapFigure");
    tabs->setCurrentWidget(view->parentWidget());
    settle();
    QVERIFY2(view->message().contains("without a model"), qPrintable(view->message()));  // a table of probabilities

    QVERIFY(fitMixture());
    driver().page("components");
    tabs->setCurrentWidget(view->parentWidget());
    settle();
    const auto now = session().assignments.now();
    QVERIFY(now && now->fit);
    QVERIFY2(view->figure().panels.size() == 2, qPrintable(view->message()));
    const auto panel = view->figure().panels[1];
    QCOMPARE(panel.marks[0].image_columns, static_cast<int>(kCells));  // one column a cell
    QCOMPARE(panel.y.categories.size(), qsizetype{500});
    QCOMPARE(panel.marks.size(), kComponents);  // the image, and where two components end
    QVERIFY(std::all_of(panel.marks[0].values.begin(), panel.marks[0].values.end(),
                        [](double value) { return value >= 0 && value <= 1 + 1e-9; }));
    QVERIFY(driver().text("entropySays").contains("a column is one cell"));

    // Zoom: bars and map stay on the same cells.
    const QRectF before = view->shownRange(1);
    drag(*view, view->placeOf(1, {100.5, 450}), view->placeOf(1, {150.5, 480}));
    QVERIFY(driver().waitForFigures());
    const QRectF after = view->shownRange(1);
    QVERIFY(after.width() < 55 && after.height() < 40 && before.contains(after));
    QCOMPARE(view->shownRange(0).left(), after.left());
    QCOMPARE(view->shownRange(0).width(), after.width());
    QCOMPARE(view->shownRange(0).height(), 1.0);

    // A click on a cell, a box of genes; the selection shows as a strip over the bars.
    QVERIFY(driver().click("entropyCells"));
    const QPoint place = view->placeOf(1, {120.5, 465}).toPoint();
    QTest::mouseClick(view, Qt::LeftButton, {}, place);
    const IndexSet picked = session().selection.selected(Axis::Cells);
    QCOMPARE(picked.size(), std::size_t{1});
    QCOMPARE(now->assigned[static_cast<std::size_t>(picked[0])], 0);  // the first cells are of the first component
    QVERIFY(driver().waitForFigures());
    QCOMPARE(view->figure().panels[0].marks.size(), std::size_t{2});
    QVERIFY(driver().click("entropyPickGenes"));
    drag(*view, view->placeOf(1, {110, 470.6}), view->placeOf(1, {130, 473.4}));
    const IndexSet genes = session().selection.selected(Axis::Genes);
    QCOMPARE(genes.size(), std::size_t{3});  // 471, 472, 473
    for (const std::string& name : session().selection.names(Axis::Genes, genes)) {
      const auto at = panel.y.categories.indexOf(QString::fromStdString(name));
      QVERIFY(at >= 471 && at <= 473);
    }
    QVERIFY(driver().click("entropyZoom"));
    view->fit();
    QVERIFY(driver().waitForFigures());
    QCOMPARE(view->shownRange(1), before);

    // Evidence has both signs; fewer genes are a smaller map, of the same order.
    const QStringList names = panel.y.categories;
    QVERIFY(driver().choose("entropyMeasure", "evidence"));
    const auto& evidence = view->figure().panels[1];
    QVERIFY(evidence.bar && evidence.bar->ramp == scriptorium::charts::Ramp::TwoSided &&
            evidence.bar->low == -evidence.bar->high);
    QVERIFY(
        std::any_of(evidence.marks[0].values.begin(), evidence.marks[0].values.end(), [](double v) { return v < 0; }));
    driver().find<QSpinBox>("entropyGenes")->setValue(20);
    settle();
    QCOMPARE(view->figure().panels[1].y.categories, names.last(20));  // the strongest are at the top
    // Another name is only drawn anew.
    session().assignments.rename(0, "first");
    QVERIFY(!session().pool.busy("entropy map"));
    QCOMPARE(view->figure().panels[0].marks[0].groups[0], QString("first"));
    session().assignments.merge({0, 1});
    settle();
    QVERIFY(view->message().contains("without a model"));
    QVERIFY2(driver().error().isEmpty(), qPrintable(driver().error()));
  }

  /// Diagnose looks at all cells, at those of a component, or at those of a label.
  void diagnoseLooksAtSomeOfTheCells() {
    std::vector<std::int64_t> lane;
    for (std::size_t i = 0; i < kCells; ++i) lane.push_back(i % 7 == 0 ? 2 : 1);
    addToObs(data_, "obs/lane", lane);
    QVERIFY(open(data_));
    QVERIFY(fitMixture());
    const auto whole = session().fits.current()->fit;
    driver().page("diagnose");
    settle();
    QVERIFY2(driver().text("overallVerdict").contains("in 600 cells"), qPrintable(driver().text("overallVerdict")));
    auto* cells = driver().find<QComboBox>("diagnoseCells");
    QVERIFY(cells->isEnabled() && cells->findText("component 2") > 0);
    auto* figure = driver().find<scriptorium::charts::FigureView>("predictiveFigure");
    QVERIFY(driver().choose("diagnoseCells", "component 2"));
    settle();
    QVERIFY(!driver().text("overallVerdict").contains("in 600 cells"));
    QVERIFY(figure->message().isEmpty() && !figure->figure().empty() && !figure->isStale());
    const QString label = "lane = 2";
    QVERIFY(driver().choose("diagnoseCells", label));
    settle();
    const auto with = std::count(lane.begin(), lane.end(), 2);
    QVERIFY2(driver().text("overallVerdict").contains(QString("in %1 cells").arg(with)),
             qPrintable(driver().text("overallVerdict")));
    QVERIFY(driver().choose("diagnoseCells", "all cells"));
    settle();
    QVERIFY(driver().text("overallVerdict").contains("in 600 cells"));
    QCOMPARE(session().fits.current()->fit, whole);
    QVERIFY2(driver().error().isEmpty(), qPrintable(driver().error()));
  }

  void labelsInformTheComponents() {
    window_->openPath(kExample);
    QVERIFY(driver().waitForData());
    driver().page("model");
    driver().find<QSpinBox>("components")->setValue(2);
    auto* columns = driver().find<QListWidget>("annotation");
    QVERIFY(columns->count() > 0);
    const QString column = columns->item(0)->text();
    mark(*columns, column);
    QCOMPARE(session().model.annotation().columns, std::vector<std::string>{column.toStdString()});
    QVERIFY(driver().waitForWork());
    QVERIFY2(!driver().text("mixtureSays").isEmpty(), qPrintable(column));
    session().undo.undo();
    QVERIFY(session().model.annotation().columns.empty());
    QCOMPARE(columns->item(0)->checkState(), Qt::Unchecked);
  }

  /// Everything that `fit` can be told of a mixture, by the form, and the same words in the command.
  void theFormSaysAllThatTheCommandCan() {
    std::vector<std::int64_t> lane, batch;
    for (std::size_t i = 0; i < kCells; ++i) {
      lane.push_back(i % 7 == 0 ? 2 : 1);
      batch.push_back(i % 2 == 0 ? 5 : 6);
    }
    addToObs(data_, "obs/lane", lane);
    addToObs(data_, "obs/batch", batch);
    window_->openPath(data_);
    QVERIFY(driver().waitForData());
    IndexSet half;
    for (std::int64_t i = 0; i < 300; ++i) half.push_back(i);
    session().selection.select(Axis::Cells, half, Combine::Replace, "half");
    session().selection.nameSelection(Axis::Cells, "half");
    session().selection.clear(Axis::Cells);
    driver().page("model");
    driver().find<QSpinBox>("components")->setValue(2);
    auto* columns = driver().find<QListWidget>("annotation");
    mark(*columns, "lane");
    mark(*columns, "batch");
    QVERIFY(driver().waitForWork());
    QCOMPARE(session().model.annotation().columns, (std::vector<std::string>{"lane", "batch"}));
    QCOMPARE(session().model.model().components, std::int64_t{4});  // as many as labels
    auto* order = driver().find<QListWidget>("annotationOrder");
    QCOMPARE(order->count(), 4);
    QCOMPARE(order->item(0)->text(), QString("1__5"));
    order->setCurrentRow(3);
    QVERIFY(driver().click("annotationUp"));
    QVERIFY(driver().waitForWork());
    QCOMPARE(session().model.annotation().order, (std::vector<std::string>{"1__5", "1__6", "2__6", "2__5"}));
    QVERIFY2(driver().text("mixtureSays").contains("1__5, 1__6, 2__6, 2__5"), qPrintable(driver().text("mixtureSays")));

    auto* weights = driver().find<QLineEdit>("mixingPrior");
    weights->setText("1, 2");
    QTest::keyClick(weights, Qt::Key_Return);
    QVERIFY2(driver().text("mixingPriorSays").contains("2 concentrations"),
             qPrintable(driver().text("mixingPriorSays")));
    QVERIFY(session().model.model().mixing_prior.empty());
    weights->setText("1, 2, 3, 0.5");
    QTest::keyClick(weights, Qt::Key_Return);
    QCOMPARE(session().model.model().mixing_prior, (std::vector<double>{1, 2, 3, 0.5}));
    auto* p = driver().find<QCheckBox>("mixtureParam_p");
    QVERIFY(p && p->isChecked());
    p->setChecked(false);
    QCOMPARE(session().model.model().mixture_params, std::vector<std::string>{"r"});
    driver().find<QCheckBox>("mixtureParam_r")->setChecked(false);  // in something they must differ
    QCOMPARE(session().model.model().mixture_params, std::vector<std::string>{"r"});
    QVERIFY(driver().find<QCheckBox>("mixtureParam_r")->isChecked());
    QString words = commandFor(session().request());
    for (const QString part : {"--components 4", "--mixture-params r", "--prior mixing=1,2,3,0.5",
                               "--annotation lane,batch", "--annotation-order 1__5,1__6,2__6,2__5"})
      QVERIFY2(words.contains(part), qPrintable(words));

    // A number of components by hand, and what was made in the window.
    auto* components = driver().find<QSpinBox>("components");
    components->setValue(6);
    QVERIFY(driver().waitForWork());
    QCOMPARE(session().model.annotation().components, std::int64_t{6});
    QVERIFY(!driver().find<QCheckBox>("annotationAsLabels")->isChecked());
    QVERIFY(driver().text("mixtureSays").contains("unlabelled 6"));
    mark(*columns, "lane");
    mark(*columns, "batch");
    mark(*columns, "set half");
    QVERIFY(driver().waitForWork());
    QCOMPARE(session().model.model().components, std::int64_t{2});
    QCOMPARE(session().model.annotation().columns, std::vector<std::string>{"half"});
    words = commandFor(session().request());
    QVERIFY2(!words.contains("--components") && words.contains("made in the window: half"), qPrintable(words));
    const StoredRequest again = requestFromJson(requestToJson(session().request()));
    auto request = session().request();
    const auto found = request.annotate();
    QCOMPARE(found.names, (std::vector<std::string>{"False", "True"}));
    QCOMPARE(std::count(found.label.begin(), found.label.end(), 1), std::ptrdiff_t{300});
    request.labels = again.request.labels;
    QCOMPARE(request.annotate().label, found.label);
    QVERIFY(driver().click("runButton") && driver().waitForQueue());
    QCOMPARE(session().fits.current()->fit->component_names, (std::vector<std::string>{"False", "True"}));
    QCOMPARE(session().fits.current()->fit->model.mixture_params, std::vector<std::string>{"r"});
    QVERIFY2(driver().error().isEmpty(), qPrintable(driver().error()));
  }

 private:
  static void mark(QListWidget& list, const QString& text) {
    for (int i = 0; i < list.count(); ++i)
      if (list.item(i)->text() == text)
        return list.item(i)->setCheckState(list.item(i)->checkState() == Qt::Checked ? Qt::Unchecked : Qt::Checked);
    QFAIL(qPrintable("no line " + text));
  }
  /// The same folder, another window.
  void restart() {
    window_.reset();
    window_ = std::make_unique<MainWindow>(Places{folder_->path(), folder_->filePath("settings.ini")});
    driver_ = std::make_unique<WindowDriver>(*window_);
    window_->show();
    QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
  }
  /// Three components of the open data, or of the example.
  bool fitMixture() {
    if (!session().data.prepared()) window_->openPath(kExample);
    if (!driver().waitForData()) return false;
    driver().page("model");
    driver().find<QSpinBox>("components")->setValue(3);
    driver().find<QSpinBox>("restarts")->setValue(1);
    return driver().text("formulaLabel").contains("one of 3 components") && session().model.model().components == 3 &&
           driver().click("runButton") && driver().waitForQueue() && session().fits.current();
  }
  bool open(const QString& path) {
    window_->openPath(path);
    if (!driver().waitForData()) return false;
    driver().page("components");
    settle();
    return true;
  }
  void settle() {
    QVERIFY(driver().waitForWork());
    QVERIFY(driver().waitForFigures());
  }
  static QRectF plotOf(const scriptorium::charts::FigureView& view) {
    const QRectF range = scriptorium::charts::naturalRange(view.figure().panels[0]);
    return QRectF(view.placeOf(0, range.bottomLeft()), view.placeOf(0, range.topRight())).normalized();
  }
  static void drag(QWidget& widget, QPointF from, QPointF to) { path(widget, {from, to}, Qt::NoModifier); }
  static void path(QWidget& widget, const std::vector<QPointF>& points, Qt::KeyboardModifiers keys) {
    QTest::mousePress(&widget, Qt::LeftButton, keys, points.front().toPoint());
    for (const QPointF& point : points) {
      QMouseEvent move(QEvent::MouseMove, point, widget.mapToGlobal(point), Qt::NoButton, Qt::LeftButton, keys);
      QApplication::sendEvent(&widget, &move);
    }
    QTest::mouseRelease(&widget, Qt::LeftButton, keys, points.back().toPoint());
  }
  WindowDriver& driver() { return *driver_; }
  Session& session() { return window_->session(); }

  std::unique_ptr<QTemporaryDir> folder_;
  QString data_;
  std::unique_ptr<MainWindow> window_;
  std::unique_ptr<WindowDriver> driver_;
};

QTEST_MAIN(TestComponentsPage)
#include "tst_components_page.moc"
