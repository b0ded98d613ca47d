#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QLineEdit>
#include <QListWidget>
#include <QSet>
#include <QSpinBox>
#include <QTabWidget>
#include <QTemporaryDir>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "core/model/model.hpp"
#include "tests/gui/window_driver.hpp"
#include "ui/shell/resources.hpp"
#include "ui/workspaces/perturbation/genes_panel.hpp"

namespace {

using namespace scriptorium::ui;

/// The tour: one window, one data set, one picture per page.
class Tour {
 public:
  Tour(MainWindow& window, QString out) : window_(window), driver_(window), out_(std::move(out)) {}

  bool ok() const { return ok_; }
  WindowDriver& driver() { return driver_; }

  void fail(const QString& what) {
    std::fprintf(stderr, "tour: %s\n", qPrintable(what));
    ok_ = false;
  }

  /// A corner of the entropy map, close enough for single cells and names of genes.
  void zoomIntoEntropies(QTabWidget* tabs) {
    auto* view = driver_.find<scriptorium::charts::FigureView>("entropyMapFigure");
    if (view->figure().panels.size() < 2) return;
    tabs->setCurrentWidget(view->parentWidget());
    driver_.waitForFigures();
    const QRectF all = view->shownRange(1);
    const double x = std::floor(all.width() / 3), y = all.bottom();
    const QPoint from = view->placeOf(1, {x, y}).toPoint() + QPoint(0, 2),
                 to = view->placeOf(1, {x + all.width() / 12, y - all.height() / 20}).toPoint();
    QTest::mousePress(view, Qt::LeftButton, {}, from);
    QTest::mouseMove(view, to);
    QTest::mouseRelease(view, Qt::LeftButton, {}, to);
    QTest::qWait(200);  // a zoom settles before it is looked into
    driver_.waitForWork();
    picture("components_entropy_zoom");
    driver_.choose("entropyMeasure", "evidence");
    picture("components_evidence_zoom");
    view->fit();
    QTest::qWait(200);
    driver_.waitForWork();
    picture("components_evidence");
    driver_.choose("entropyMeasure", "entropy");
  }

  /// Takes the picture of a page; a page of one colour, or an error on it, ends in exit status 1.
  void picture(const QString& name) {
    QTest::qWait(0);
    driver_.waitForFigures();
    const QPixmap shot = window_.grab();
    const QString path = QDir(out_).filePath(QString("%1_%2.png").arg(++number_, 2, 10, QChar('0')).arg(name));
    if (!shot.save(path)) fail("cannot write " + path);
    if (isBlank(window_.currentPage()->grab().toImage())) fail(name + " is blank");
    if (const QString error = driver_.error(); !error.isEmpty()) fail(name + " shows an error: " + error);
    std::printf("%s\n", qPrintable(path));
  }

 private:
  /// Fewer than 1 pixel in 500 differs from the most common colour.
  static bool isBlank(const QImage& image) {
    QHash<QRgb, int> colours;
    int seen = 0;
    for (int y = 0; y < image.height(); y += 2)
      for (int x = 0; x < image.width(); x += 2, ++seen) ++colours[image.pixel(x, y)];
    int most = 0;
    for (const int count : std::as_const(colours)) most = std::max(most, count);
    return seen == 0 || seen - most < seen / 500;
  }

  MainWindow& window_;
  WindowDriver driver_;
  QString out_;
  int number_ = 0;
  bool ok_ = true;
};

struct Wanted {
  QString data, out, model, assignments;
  int components = 1;
  QString screen;  ///< column of targets and control label, with a comma between
  QString sets;    ///< GMT file for its genes; empty: none
  int genes = 0;   ///< the most variable ones; 0: all
};

/// The screen that was asked for: columns checked, running, every tab, scores on the map.
void walkScreen(Tour& tour, MainWindow& window, const QString& columns, const QString& sets) {
  WindowDriver& driver = tour.driver();
  ScreeningState& screening = window.session().screening;
  driver.page("perturbation");
  driver.waitForWork();
  auto options = screening.options();
  options.columns.target = columns.section(',', 0, 0).toStdString();
  options.columns.control = columns.section(',', 1).toStdString();
  screening.setOptions(options, "tour");
  driver.waitForWork();
  tour.picture("perturbation_columns");
  driver.click("screenMethod");
  tour.picture("perturbation_method");
  driver.click("screenMethod");
  if (!driver.click("screenRun")) return tour.fail("the screen cannot be run: " + driver.text("screenSays"));
  driver.wait([&] { return !screening.running() || screening.progress().fraction > 0.2; });
  tour.picture("perturbation_running");
  driver.waitForWork();
  if (!screening.now()) return tour.fail("the screen was not worked out: " + screening.error().text());
  std::printf("screen:");
  for (const auto& step : screening.now()->steps) std::printf(" %s %.1f s,", step.name.c_str(), step.seconds);
  std::printf("\n");
  auto* tabs = driver.find<QTabWidget>("perturbationTabs");
  for (int i = 0; i < tabs->count(); ++i) {
    tabs->setCurrentIndex(i);
    driver.waitForWork();
    tour.picture("perturbation_" + tabs->tabText(i).toLower());
  }
  const auto chosen = [&](const QString& box, int tab, std::initializer_list<int> items) {
    tabs->setCurrentIndex(tab);
    auto* combo = driver.find<QComboBox>(box);
    for (const int item : items) {
      driver.choose(box, combo->itemText(item));
      driver.waitForWork();
      tour.picture(QString("perturbation_%1_%2").arg(box).arg(item));
    }
    driver.choose(box, combo->itemText(0));
    driver.waitForWork();
  };
  chosen("scoreFacets", 0, {1, 3});
  chosen("guidesOf", 4, {1});
  chosen("discriminantMap", 5, {1});
  tabs->setCurrentIndex(6);
  if (!driver.click("screenGenesRun")) tour.fail("genes cannot be tested");
  driver.wait([&] { return !window.session().pool.busy("screening genes"); }, 300'000);
  driver.click("screenGenesSettings");
  chosen("screenGenesView", 6, {0, 2});
  driver.click("screenGenesSettings");
  if (!sets.isEmpty()) {
    window.findChild<GenesPanel*>()->readSets(sets);
    driver.waitForWork();
  }
  chosen("screenGenesView", 6, {1, 3, 4, 5});
  tabs->setCurrentIndex(0);
  driver.choose("perturbationSelect", driver.find<QComboBox>("perturbationSelect")->itemText(2));
  auto* target = driver.find<QComboBox>("perturbationTarget");
  driver.waitForWork();
  tour.picture("perturbation_selected");
  driver.choose("perturbationTarget", target->itemText(target->count() - 1));  // the weakest
  for (const int tab : {0, 2, 3}) {
    tabs->setCurrentIndex(tab);
    driver.waitForWork();
    tour.picture(QString("perturbation_weakest_%1").arg(tab));
  }
  tabs->setCurrentIndex(0);
  driver.choose("perturbationTarget", target->itemText(0));
  options = screening.options();
  options.signature.neighbours = 10;
  screening.setOptions(options, "tour");
  driver.waitForWork();
  tour.picture("perturbation_stale");
  driver.page("components");
  driver.waitForWork();
  driver.choose("mapChoice", "PCA");
  if (driver.find<QWidget>("mapCompute")->isVisible()) driver.click("mapCompute");
  driver.waitForWork();
  for (const char* column : {"mixscale_score", "mixscape_class_global"}) {
    driver.choose("mapColor", column);
    driver.waitForWork();
    tour.picture(QString("components_%1").arg(column));
  }
  window.session().selection.clear(Axis::Cells);
  driver.waitForWork();
  tour.picture("components_selection_cleared");
}

/// Open, model, run, every page, export.
void walk(Tour& tour, MainWindow& window, const Wanted& wanted) {
  const auto& [data, out, model, assignments, components, screen, sets, genes] = wanted;
  WindowDriver& driver = tour.driver();
  tour.picture("start");
  window.openPath(data);
  tour.picture("opening");
  if (!driver.waitForData()) return tour.fail("the data could not be opened: " + window.session().data.error().text());
  if (genes > 0) {
    scriptorium::data::Filter filter;
    filter.highly_variable = genes;
    window.session().data.setFilter(filter);
    if (!driver.waitForData()) return tour.fail("the genes could not be chosen");
  }
  driver.waitForWork();
  tour.picture("data");

  if (!screen.isEmpty()) return walkScreen(tour, window, screen, sets);
  driver.page("model");
  driver.waitForWork();
  if (!driver.click("likelihood_" + model)) return tour.fail("there is no model " + model);
  driver.find<QSpinBox>("components")->setValue(components);
  driver.waitForWork();
  tour.picture("model");
  if (auto* labels = driver.find<QListWidget>("annotation"); components > 1 && labels->count() > 0) {
    labels->item(labels->count() - 1)->setCheckState(Qt::Checked);
    driver.waitForWork();
    tour.picture("model_labels");
    labels->item(labels->count() - 1)->setCheckState(Qt::Unchecked);
    driver.find<QSpinBox>("components")->setValue(components);
    driver.waitForWork();
  }

  if (!driver.click("runButton")) return tour.fail("Run is not enabled: " + window.session().cannotFit());
  driver.wait([&] {
    const FitItem* item = window.session().queue.running();
    return !item || item->trace.size() > 3;
  });
  tour.picture("running");
  driver.waitForQueue();
  if (!window.session().fits.current()) return tour.fail("the fit did not end well: " + driver.error());
  driver.waitForWork();  // the devices are known
  tour.picture("run");

  driver.page("diagnose");
  driver.waitForWork();
  tour.picture("diagnose");
  driver.page("components");
  driver.waitForWork();  // the map is laid out
  driver.choose("mapColor",
                driver.find<QComboBox>("mapColor")->itemText(driver.find<QComboBox>("mapColor")->count() - 1));
  driver.waitForWork();
  tour.picture("components");
  if (!assignments.isEmpty()) window.session().assignments.show(readAssignments(assignments));
  if (window.session().assignments.now()) {
    driver.choose("mapColor", "assignment");
    auto* tabs = driver.find<QTabWidget>("componentTabs");
    for (int i = 0; i < tabs->count(); ++i) {
      tabs->setCurrentIndex(i);
      driver.waitForWork();
      tour.picture("components_" + tabs->tabText(i).toLower().replace(' ', '_'));
    }
    tour.zoomIntoEntropies(tabs);
    tabs->setCurrentIndex(0);
    const auto& of = *window.session().assignments.now();
    IndexSet unsure(of.entropy.size());  // the least sure twentieth
    std::iota(unsure.begin(), unsure.end(), std::int64_t{0});
    std::stable_sort(unsure.begin(), unsure.end(), [&](std::int64_t a, std::int64_t b) {
      return of.entropy[static_cast<std::size_t>(a)] > of.entropy[static_cast<std::size_t>(b)];
    });
    unsure.resize(unsure.size() / 20);
    window.session().selection.select(Axis::Cells, unsure, Combine::Replace, "tour");
    window.session().selection.nameSelection(Axis::Cells, "unsure");
    driver.waitForWork();
    tour.picture("components_selected");
    tabs->setCurrentWidget(driver.find<QWidget>("entropyMapFigure")->parentWidget());
    driver.waitForWork();
    tour.picture("components_entropy_selected");
  }
  for (const QString page : {"compare", "expression", "perturbation", "regression"}) {
    driver.page(page);
    tour.picture(page);
  }
  driver.page("export");
  driver.find<QLineEdit>("exportFolder")->setText(QDir(out).filePath("export"));
  driver.wait([&] { return driver.find<QWidget>("exportButton")->isEnabled(); });
  if (!driver.click("exportReplace") || !driver.click("exportButton")) return tour.fail("Export is not enabled");
  driver.wait([&] { return !driver.text("exportSaid").isEmpty(); });
  if (!driver.text("exportSaid").contains("written to")) tour.fail("export: " + driver.text("exportSaid"));
  tour.picture("export");

  window.session().data.open({data}, DataState::Look::Always);  // as if it were too large to be loaded at once
  driver.wait([&] { return window.session().data.stage() != DataState::Stage::Loading; });
  if (window.session().data.stage() != DataState::Stage::Preview) return tour.fail("the data cannot be looked into");
  tour.picture("preview");
}

}  // namespace

int main(int argc, char** argv) {
  if (!qEnvironmentVariableIsSet("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
  for (int i = 1; i + 1 < argc; ++i)
    if (qstrcmp(argv[i], "--scale") == 0) qputenv("QT_SCALE_FACTOR", argv[i + 1]);  // read when the application starts
  QApplication app(argc, argv);
  QApplication::setApplicationName("scriptorium");
  initResources();

  QCommandLineParser parser;
  parser.setApplicationDescription("Drives the window through the whole job and writes one PNG per page.");
  parser.addHelpOption();
  parser.addPositionalArgument("DATA", "A data set.");
  const QCommandLineOption out("out", "Folder for the pictures.", "DIR"), dark("dark", "Dark windows."),
      scale("scale", "Pixels per point.", "N", "1"), model("model", "Model of the catalogue.", "M", "nbvcp"),
      size("size", "Window size.", "WxH", "1280x800"), components("components", "Components of the model.", "K", "1"),
      assignments("assignments", "Table of probabilities of components, for the page Components.", "FILE"),
      screen("perturbation", "Only the screen of these columns.", "TARGET,CONTROL"),
      sets("sets", "GMT file for the genes of the screen.", "FILE"),
      genes("genes", "So many of the most variable genes; 0: all.", "N", "0");
  parser.addOptions({out, dark, scale, model, size, components, assignments, screen, sets, genes});
  parser.process(app);
  if (parser.positionalArguments().size() != 1 || !parser.isSet(out)) parser.showHelp(2);
  if (!QDir().mkpath(parser.value(out))) {
    std::fprintf(stderr, "tour: the folder %s cannot be made\n", qPrintable(parser.value(out)));
    return 1;
  }
  QTemporaryDir folder;
  MainWindow window({folder.path(), folder.filePath("settings.ini")});
  window.setDark(parser.isSet(dark));
  const QStringList sides = parser.value(size).split('x');
  window.resize(sides.value(0).toInt(), sides.value(1).toInt());
  window.show();
  Tour tour(window, parser.value(out));
  walk(tour, window,
       {parser.positionalArguments().first(), parser.value(out), parser.value(model), parser.value(assignments),
        parser.value(components).toInt(), parser.value(screen), parser.value(sets), parser.value(genes).toInt()});
  return tour.ok() ? 0 : 1;
}
