#include <QAccessible>
#include <QClipboard>
#include <QDir>
#include <QDockWidget>
#include <QElapsedTimer>
#include <QHeaderView>
#include <QLineEdit>
#include <QMessageBox>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeWidget>
#include <ctime>

#include "tests/gui/window_driver.hpp"
#include "ui/shell/resources.hpp"
#include "ui/tables/table_panel.hpp"
#include "ui/workspaces/run/command_text.hpp"
#include "ui/workspaces/run/device_panel.hpp"

using namespace scriptorium::ui;

namespace {

const QString kExample = SCRIPTORIUM_TEST_DATA "/../resources/example/pbmc_example.h5ad";

/// Longest time between two turns of the window's event loop: by the clock, and in the thread's own processor time,
/// which does not count what other programs took.
class Heartbeat {
 public:
  Heartbeat() {
    since_.start();
    processor_ = processorTime();
    timer_.setInterval(0);
    QObject::connect(&timer_, &QTimer::timeout, [this] {
      pause_ = std::max(pause_, static_cast<double>(since_.nsecsElapsed()) / 1e6);
      since_.restart();
      const double now = processorTime();
      work_ = std::max(work_, now - processor_);
      processor_ = now;
    });
    timer_.start();
  }
  double work() const { return work_; }
  QString text() const { return QString("%1 ms (%2 ms of its own work)").arg(pause_, 0, 'f', 1).arg(work_, 0, 'f', 1); }

 private:
  static double processorTime() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
  }
  QTimer timer_;
  QElapsedTimer since_;
  double pause_ = 0, work_ = 0, processor_ = 0;
};

}  // namespace

class TestWindow : public QObject {
  Q_OBJECT
 private slots:
  void initTestCase() { initResources(); }
  void init() {
    folder_ = std::make_unique<QTemporaryDir>();
    open();
  }
  void cleanup() {
    window_.reset();
    folder_.reset();
  }

  void theWholeJob() {
    QVERIFY(driver().text("dataWords").contains("Open counts"));  // the empty state
    window_->openPath(kExample);
    QVERIFY(driver().waitForData());
    QVERIFY(driver().text("factsLabel").contains("600 cells"));
    QVERIFY(driver().text("keptLabel").contains("600 cells × 1,500 genes"));

    // Filter, undo, redo.
    auto* threshold = driver().find<QSpinBox>("filterMinCells");
    threshold->setFocus();
    threshold->selectAll();
    QTest::keyClicks(threshold, "20");
    QTest::keyClick(threshold, Qt::Key_Return);
    QVERIFY(driver().waitForData());
    const QString kept = driver().text("keptLabel");
    QVERIFY(!kept.contains("1,500 genes"));
    QVERIFY(session().undo.undoText().contains("filter"));
    QVERIFY(driver().click("filterUndo"));
    QVERIFY(driver().waitForData());
    QVERIFY(driver().text("keptLabel").contains("1,500 genes"));
    session().undo.redo();
    QVERIFY(driver().waitForData());
    QCOMPARE(driver().text("keptLabel"), kept);

    // Model: another likelihood, a prior outside its domain, back again.
    QVERIFY(driver().click("toModelButton"));
    QCOMPARE(window_->currentPage()->key(), QString("model"));
    QVERIFY(driver().click("likelihood_nbdm"));
    QCOMPARE(session().model.model().likelihood, std::string("nbdm"));
    auto* scale = driver().find<QLineEdit>("prior_r_b");
    scale->setFocus();
    scale->selectAll();
    QTest::keyClicks(scale, "-2");
    QCOMPARE(scale->text(), QString("-2"));
    QVERIFY(session().model.model().priors.empty());  // refused, and said so beside it
    QVERIFY(driver().text("prior_r_says").contains("color"));
    scale->selectAll();
    QTest::keyClicks(scale, "0.5");
    QCOMPARE(session().model.model().priors.at("r").b, 0.5);
    driver().waitForWork();
    QVERIFY(driver().text("prior_r_says").contains("95 %"));
    QVERIFY(!driver().find<QWidget>("steps")->isVisible());  // SVI controls only under svi
    QVERIFY(driver().choose("method", "svi"));
    QVERIFY(driver().find<QWidget>("steps")->isVisible());
    driver().find<QSpinBox>("steps")->setValue(50'000'000);

    // A long fit: cancel, resume, cancel.
    QVERIFY(driver().click("runButton"));
    QCOMPARE(window_->currentPage()->key(), QString("run"));
    QVERIFY(driver().wait([&] { return session().queue.running() && session().queue.running()->trace.size() > 2; }));
    QVERIFY(driver().click("cancelFitButton"));
    QVERIFY(driver().waitForQueue());
    QVERIFY(driver().text("verdictLabel").contains("Resume"));
    QVERIFY(driver().click("resumeButton"));
    QVERIFY(driver().wait([&] { return session().queue.running() && session().queue.running()->trace.size() > 2; }));
    QVERIFY(driver().click("stopAndKeepButton"));
    QVERIFY(driver().waitForQueue());
    QVERIFY(session().fits.current());
    QVERIFY(driver().text("verdictLabel").contains("Stopped and kept"));

    // Two fits at once: they queue; both end.
    driver().page("model");
    QVERIFY(driver().choose("method", "exact (recommended)"));
    QVERIFY(driver().click("addToQueueButton"));
    QVERIFY(driver().click("runButton"));
    QVERIFY(driver().waitForQueue());
    QCOMPARE(session().fits.entries().size(), std::size_t{3});
    QVERIFY(session().fits.current()->fit->result.convergence.converged);
    QVERIFY(driver().click("copyCommandButton"));
    const QString command = QApplication::clipboard()->text();
    QVERIFY2(command.startsWith("scriptorium-cli fit ") && command.contains("--model nbdm") &&
                 command.contains("--prior r=0,0.5") && command.contains("--min-cells-per-gene 20"),
             qPrintable(command));

    // Diagnose.
    QVERIFY(driver().click("toDiagnoseButton"));
    QVERIFY(driver().waitForWork());
    QVERIFY(driver().waitForFigures());
    QVERIFY(!driver().text("overallVerdict").isEmpty());
    auto* table = driver().find<TablePanel>("geneTable");
    const std::size_t genes = session().data.prepared()->dataset->genes.size();
    QCOMPARE(static_cast<std::size_t>(table->model().rowCount()), genes);
    auto* figure = driver().find<scriptorium::charts::FigureView>("predictiveFigure");
    QCOMPARE(figure->figure().panels.size(), std::size_t{12});
    using scriptorium::charts::Scale;
    QVERIFY(driver().choose("countsScale", "log"));
    QCOMPARE(figure->figure().panels[0].x.scale, Scale::Log);
    QVERIFY(figure->figure().panels[0].x.zero_below);
    QVERIFY(driver().choose("countsScale", "log1p"));
    QCOMPARE(figure->figure().panels[0].x.scale, Scale::Log1p);
    const QString first = figure->figure().panels[0].title;
    QVERIFY(driver().click("nextPage"));
    QVERIFY(driver().waitForWork());
    QVERIFY(figure->figure().panels[0].title != first);
    QTest::keyClicks(driver().find<QLineEdit>("geneList"), "LYZ; nosuchgene");
    QTest::keyClick(driver().find<QLineEdit>("geneList"), Qt::Key_Return);
    QVERIFY(driver().waitForWork());
    QVERIFY(driver().text("notFoundLabel").contains("nosuchgene"));
    QCOMPARE(figure->figure().panels.size(), std::size_t{2});
    QCOMPARE(figure->figure().panels[0].title, QString("LYZ"));
    QCOMPARE(figure->figure().panels[0].y.high, figure->figure().panels[1].y.high);  // the same axes

    // Export.
    driver().page("export");
    driver().find<QLineEdit>("exportFolder")->setText(folder_->filePath("out"));
    QVERIFY(driver().wait([&] { return driver().find<QWidget>("exportButton")->isEnabled(); }));
    auto* others = driver().find<QTreeWidget>("exportList")->topLevelItem(2);
    for (int i = 0; i < others->childCount(); ++i) others->child(i)->setCheckState(0, Qt::Checked);
    QVERIFY(driver().click("exportButton"));
    QVERIFY(driver().wait([&] { return !driver().text("exportSaid").isEmpty(); }));
    QVERIFY2(driver().text("exportSaid").contains("written to"), qPrintable(driver().text("exportSaid")));
    const QStringList files = QDir(folder_->filePath("out")).entryList(QDir::Files);
    for (const QString ending : {"_ppc.png", "_ppc.pdf", "_loss.pdf", "_map.tsv", "_diagnose.tsv", "_provenance.txt",
                                 "_ppc_numbers.tsv", "_posterior.nc", "_data.h5ad"})
      QVERIFY2(std::any_of(files.begin(), files.end(), [&](const QString& file) { return file.endsWith(ending); }),
               qPrintable(ending));
    QVERIFY(driver().click("exportButton"));  // the files are there now
    QVERIFY(driver().wait([&] { return driver().text("exportSaid").contains("already"); }));
    QVERIFY2(driver().error().isEmpty(), qPrintable(driver().error()));
  }

  void brokenFilesAreToldInWords_data() {
    QTest::addColumn<QByteArray>("content");
    QTest::newRow("empty") << QByteArray();
    QTest::newRow("not data") << QByteArray("these are not counts");
    QTest::newRow("truncated") << QByteArray("\x89HDF\r\n\x1a\n\0\0\0\0", 12);
  }
  void brokenFilesAreToldInWords() {
    QFETCH(QByteArray, content);
    const QString path = folder_->filePath("broken.h5ad");
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(content);
    file.close();
    window_->openPath(path);
    QVERIFY(!driver().waitForData());
    QVERIFY2(driver().error().contains("broken.h5ad"), qPrintable(driver().error()));
    QVERIFY(driver().text("dataWords").contains("could not be opened"));
    QVERIFY(driver().click("errorCopy"));
    QVERIFY(QApplication::clipboard()->text().contains("broken.h5ad"));
    window_->openPath(kExample);  // and the program goes on
    QVERIFY(driver().waitForData());
    QVERIFY(driver().error().isEmpty());
    window_->openPath(path);  // what is open stays open
    QVERIFY(driver().wait([&] { return !driver().error().isEmpty(); }));
    QVERIFY(driver().waitForData());
    QCOMPARE(session().data.path(), kExample);
  }

  void aFilterThatLeavesNothingSaysSo() {
    window_->openPath(kExample);
    QVERIFY(driver().waitForData());
    driver().find<QSpinBox>("filterMinCounts")->setValue(100'000'000);
    QVERIFY(!driver().waitForData());
    QVERIFY(driver().text("keptLabel").contains("color"));
    driver().page("model");
    QVERIFY(!driver().find<QWidget>("runButton")->isEnabled());
    QVERIFY(!session().cannotFit().isEmpty());
  }

  void entriesThatWereNotMeasuredAreTold() {
    // Half of the cells come from an experiment that did not look for the last four genes.
    QFile file(folder_->filePath("merged.csv"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    QByteArray text = "cell";
    for (int g = 0; g < 12; ++g) text += ",G" + QByteArray::number(g);
    for (int c = 0; c < 40; ++c) {
      text += "\nC" + QByteArray::number(c);
      for (int g = 0; g < 12; ++g)
        text += c >= 20 && g >= 8 ? QByteArray(",NaN") : "," + QByteArray::number((7 * c + 5 * g * g + c * g) % 11);
    }
    file.write(text + "\n");
    file.close();
    window_->openPath(file.fileName());
    QVERIFY2(driver().waitForData(), qPrintable(driver().error()));
    QVERIFY(driver().find<QWidget>("missingRule")->isVisible());
    QVERIFY2(driver().text("missingFound").contains("80 entries"), qPrintable(driver().text("missingFound")));
    QVERIFY(driver().text("missingFound").contains("20 of 40 cells"));
    QVERIFY(driver().text("layersLabel").contains("the table"));  // its one matrix has no name
    QVERIFY(driver().text("keptLabel").contains("40 cells × 12 genes"));
    QVERIFY(!session().data.prepared()->dataset->missing.none());  // left out unless asked otherwise
    const auto& genes = *driver().find<TablePanel>("dataGeneTable")->model().table();
    QCOMPARE(genes.columns[5].name, QString("not_measured"));
    QCOMPARE(genes.columns[5].numbers[11], 20.0);
    QVERIFY(driver().choose("missingRule", "keep fully measured genes only"));
    QVERIFY(driver().waitForData());
    QVERIFY(driver().text("keptLabel").contains("40 cells × 8 genes"));
    QVERIFY(driver().click("filterUndo"));
    QVERIFY(driver().waitForData());
    QVERIFY(driver().text("keptLabel").contains("40 cells × 12 genes"));
    QVERIFY(driver().choose("missingRule", "take as zero"));
    QVERIFY(driver().waitForData());
    QVERIFY(session().data.prepared()->dataset->missing.none());
    driver().page("run");
    QVERIFY(session().addToQueue());
    QVERIFY(driver().waitForQueue());
    QVERIFY(session().fits.current());
    QCOMPARE(session().fits.current()->fit->data_filter, std::string("--missing zero"));
    QVERIFY(driver().click("copyCommandButton"));
    QVERIFY(QApplication::clipboard()->text().contains("--missing zero"));
    session().data.open({file.fileName()}, DataState::Look::Always);
    QVERIFY(driver().wait([&] { return session().data.stage() == DataState::Stage::Preview; }));
    QCOMPARE(driver().find<TablePanel>("firstCounts")->model().rowCount(), 12);
    QVERIFY(driver().click("previewLoad"));
    QVERIFY(driver().waitForData());
    window_->openPath(kExample);  // where everything was measured there is nothing to choose
    QVERIFY(driver().waitForData());
    driver().page("data");
    QVERIFY(!driver().find<QWidget>("missingRule")->isVisible());
  }

  void aFileCanBeLookedAtBeforeItIsLoaded() {
    using Stage = DataState::Stage;
    session().data.open({kExample}, DataState::Look::Always);
    QVERIFY(driver().wait([&] { return session().data.stage() != Stage::Loading; }));
    QCOMPARE(session().data.stage(), Stage::Preview);
    QVERIFY2(driver().text("previewFacts").contains("600 cells × 1,500 genes"),
             qPrintable(driver().text("previewFacts")));
    QVERIFY(driver().text("previewLayers").contains("counts"));
    QVERIFY(driver().text("previewNeeds").contains("memory"));
    QCOMPARE(driver().find<TablePanel>("firstCounts")->model().rowCount(), 12);
    QVERIFY(!session().cannotFit().isEmpty());
    QVERIFY(driver().click("previewCancel"));
    QCOMPARE(session().data.stage(), Stage::Empty);
    session().data.open({kExample}, DataState::Look::Always);
    QVERIFY(driver().wait([&] { return session().data.stage() == Stage::Preview; }));
    QVERIFY(driver().click("previewLoad"));
    QVERIFY(driver().waitForData());
    QVERIFY(driver().text("keptLabel").contains("600 cells × 1,500 genes"));
    // Going back from a preview leaves what was open as it was.
    driver().find<QSpinBox>("filterMinCells")->setValue(20);
    QVERIFY(driver().waitForData());
    session().data.open({kExample}, DataState::Look::Always);
    QVERIFY(driver().wait([&] { return session().data.stage() == Stage::Preview; }));
    QVERIFY(driver().click("previewCancel"));
    QVERIFY(driver().waitForData());
    QCOMPARE(session().data.filter().min_cells_per_gene, std::int64_t{20});
  }

  void ofAFileWithSeveralModalitiesOneIsChosen() {
    window_->openPath(SCRIPTORIUM_TEST_DATA "/data/h5mu/small.h5mu");
    QVERIFY(driver().wait([&] { return session().data.stage() != DataState::Stage::Loading; }));
    QCOMPARE(session().data.stage(), DataState::Stage::Preview);
    QVERIFY(driver().choose("previewLayer", "mod/prot/X"));
    QVERIFY(driver().click("previewLoad"));
    QVERIFY2(driver().waitForData(), qPrintable(driver().error()));
    QCOMPARE(session().data.layer(), QString("mod/prot/X"));
    QVERIFY(driver().text("keptLabel").contains("10 cells × 2 genes"));
  }

  void priorsAreLaidBesideTheData() {
    driver().page("model");
    auto* figure = driver().find<scriptorium::charts::FigureView>("priorPredictiveFigure");
    QVERIFY(figure->message().contains("data"));  // nothing to compare with yet
    QVERIFY(!driver().find<QWidget>("drawAgainButton")->isEnabled());
    window_->openPath(kExample);
    QVERIFY(driver().waitForData());
    driver().page("model");
    QVERIFY(driver().waitForWork());
    QCOMPARE(figure->figure().panels.size(), std::size_t{3});
    const QString first = figure->figure().toTable();
    QVERIFY(driver().click("drawAgainButton"));
    QVERIFY(driver().waitForWork());
    QVERIFY(figure->figure().toTable() != first);
    auto* location = driver().find<QLineEdit>("prior_r_a");  // genes as the priors will hardly ever have them
    location->setFocus();
    location->selectAll();
    QTest::keyClicks(location, "9");
    QVERIFY(driver().waitForWork());
    QVERIFY2(driver().text("priorPredictiveSays").contains("do not reach"),
             qPrintable(driver().text("priorPredictiveSays")));
  }

  void theDeviceIsChosenAndTold() {
    window_->openPath(kExample);
    QVERIFY(driver().waitForData());
    driver().page("run");
    QVERIFY(session().addToQueue());
    QVERIFY(driver().waitForQueue());
    QVERIFY(driver().waitForWork());
    driver().page("data");
    driver().page("run");  // looks again
    QVERIFY(driver().waitForWork());
    QVERIFY2(driver().text("deviceSays").contains("needs about"), qPrintable(driver().text("deviceSays")));
    QVERIFY(driver().text("deviceSays").contains("free"));
    auto* device = driver().find<QComboBox>("deviceChoice");
    QVERIFY(device->count() >= 2);
    device->setCurrentIndex(1);
    emit device->activated(1);
    QCOMPARE(session().device(), QString("cpu"));
    QVERIFY(session().addToQueue());
    QVERIFY(driver().waitForQueue());
    QVERIFY(commandFor(session().queue.items().back()->request).contains("--device cpu"));
  }

  void aGpuThatIsTooSmallOrGoneIsToldInWords() {
    DeviceFacts facts;
    facts.gpus.why_none = "no driver";
    QVERIFY(deviceInWords(facts, "auto").contains("No GPU: no driver. The CPU is used."));
    facts.gpus = {{{0, "A card", 8e9, 2e9, 9, 0}}, {}};
    facts.needs.bytes = 1e9;
    facts.known = true;
    QVERIFY(deviceInWords(facts, "cuda:0").contains("Nothing in this fit is work for a GPU"));
    facts.needs.device_bytes = 3e9;
    QVERIFY(deviceInWords(facts, "cuda:0").contains("2.0 GB are free"));
    QVERIFY(deviceInWords(facts, "cuda:0").contains("smaller pieces"));
    QVERIFY(deviceInWords(facts, "cuda:1").contains("not there"));
  }

  void closingDuringAFitAsksAndCanGoOnNextTime() {
    startLongFit();
    QVERIFY(!window_->close());
    QPointer<QMessageBox> box;
    QTRY_VERIFY_WITH_TIMEOUT((box = window_->findChild<QMessageBox*>("closeBox")), 60'000);
    QTest::mouseClick(driver().find<QPushButton>("stayOpen"), Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(!box, 60'000);
    QVERIFY(window_->isVisible());
    QVERIFY(session().queue.running());
    QVERIFY(!window_->close());
    QTRY_VERIFY_WITH_TIMEOUT(window_->findChild<QMessageBox*>("closeBox"), 60'000);
    QTest::mouseClick(driver().find<QPushButton>("closeAnyway"), Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(!window_->isVisible(), 60'000);

    open();  // next start
    QTRY_VERIFY_WITH_TIMEOUT(driver().find<QWidget>("errorBar")->isVisible(), 30'000);
    QVERIFY(driver().error().isEmpty());  // an offer, not an error
    QVERIFY(driver().click("errorYes"));
    QVERIFY(driver().wait([&] { return session().queue.running() && !session().queue.running()->trace.empty(); }));
    session().queue.cancel(session().queue.running()->id);
    QVERIFY(driver().waitForQueue());
  }

  void keysReachTheirActions() {
    QTest::keyClick(window_.get(), Qt::Key_2, Qt::ControlModifier);
    QTRY_COMPARE_WITH_TIMEOUT(window_->currentPage()->key(), QString("model"), 60'000);
    QTest::keyClick(window_.get(), Qt::Key_0, Qt::ControlModifier);
    QTRY_COMPARE_WITH_TIMEOUT(window_->currentPage()->key(), QString("export"), 60'000);
    QTest::keyClick(window_.get(), Qt::Key_P, Qt::ControlModifier | Qt::ShiftModifier);
    auto* text = driver().find<QLineEdit>("paletteText");
    QTRY_VERIFY_WITH_TIMEOUT(text->isVisible(), 60'000);
    QTest::keyClicks(text, "page diagnose");
    QTest::keyClick(text, Qt::Key_Return);
    QTRY_COMPARE_WITH_TIMEOUT(window_->currentPage()->key(), QString("diagnose"), 60'000);
  }

  void everyControlIsDescribed() {
    QStringList silent;
    for (auto* widget : window_->findChildren<QWidget*>())
      if ((qobject_cast<QAbstractSpinBox*>(widget) || qobject_cast<QComboBox*>(widget)) &&
          !widget->objectName().startsWith("qt_") &&
          (widget->toolTip().isEmpty() || widget->accessibleName().isEmpty()))
        silent << widget->objectName();
    QVERIFY2(silent.isEmpty(), qPrintable(silent.join(", ")));
  }

  void screenReadersFindANameOnEverything() {
    QStringList silent;
    for (auto* widget : window_->findChildren<QWidget*>()) {
      if (widget->objectName().startsWith("qt_") || qobject_cast<QTabBar*>(widget->parentWidget()) ||
          qobject_cast<QComboBox*>(widget->parentWidget()) || qobject_cast<QAbstractSpinBox*>(widget->parentWidget()) ||
          widget->inherits("QComboBoxListView") || qobject_cast<QLineEdit*>(widget->parentWidget()))
        continue;  // parts of a control that has a name
      const bool speaks = qobject_cast<QLineEdit*>(widget) || qobject_cast<scriptorium::charts::FigureView*>(widget) ||
                          (qobject_cast<QAbstractItemView*>(widget) && !qobject_cast<QHeaderView*>(widget));
      if (qobject_cast<ErrorBar*>(widget->parentWidget())) continue;  // its buttons are named by what they offer
      const auto* button = qobject_cast<QAbstractButton*>(widget);    // what is written on it is its name
      const bool blank = button && !button->isHidden() && button->text().isEmpty() &&
                         !qobject_cast<QDockWidget*>(widget->parentWidget());
      if ((speaks || blank) && widget->accessibleName().isEmpty() && !widget->inherits("QTableCornerButton"))
        silent << widget->objectName() + " (" + widget->metaObject()->className() + ")";
    }
    QVERIFY2(silent.isEmpty(), qPrintable(silent.join(", ")));
    auto* figure = driver().find<QWidget>("lossFigure");
    QCOMPARE(QAccessible::queryAccessibleInterface(figure)->role(), QAccessible::Chart);
  }

  void aSmallScreenHoldsEveryPage() {
    window_->openPath(kExample);
    QVERIFY(driver().waitForData());
    driver().page("run");
    QVERIFY(session().addToQueue());
    QVERIFY(driver().waitForQueue());
    for (const Page* page : window_->pages()) {
      driver().page(page->key());
      QVERIFY(driver().waitForWork());
      QVERIFY(driver().waitForFigures());
      QApplication::processEvents();
      const QSize least = window_->minimumSizeHint();
      QVERIFY2(least.width() <= 1280 && least.height() <= 760,
               qPrintable(QString("%1: %2 × %3").arg(page->key()).arg(least.width()).arg(least.height())));
    }
  }

  void dropOpensAFile() {
    QMimeData mime;
    mime.setUrls({QUrl::fromLocalFile(kExample)});
    QDragEnterEvent enter({100, 100}, Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(window_.get(), &enter);
    QVERIFY(enter.isAccepted());
    QDropEvent drop({100, 100}, Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(window_.get(), &drop);
    QVERIFY(driver().waitForData());
    QTRY_VERIFY_WITH_TIMEOUT(session().recent().contains(kExample), 60'000);
  }

  /// Prints what a user would feel; set SCRIPTORIUM_BIG_DATA to a larger file to feel more.
  void heartbeat() {
    const QString data = qEnvironmentVariable("SCRIPTORIUM_BIG_DATA", kExample);
    QString load, fit, pages, files;
    double most = 0;
    {
      const Heartbeat beat;
      QElapsedTimer since;
      since.start();
      window_->openPath(data);
      QVERIFY(driver().wait([&] { return session().data.stage() != DataState::Stage::Loading; }, 3'600'000));
      if (session().data.stage() == DataState::Stage::Preview) {  // a large file is looked into first
        qInfo("preview after %lld ms", since.elapsed());
        QVERIFY(driver().click("previewLoad"));
      }
      QVERIFY(driver().wait([&] { return session().data.prepared() && !session().data.preparing(); }, 3'600'000));
      driver().waitForWork();
      load = beat.text();
    }
    {
      const Heartbeat beat;
      driver().page("run");
      QVERIFY(session().addToQueue());
      QVERIFY(driver().waitForQueue());
      driver().waitForWork();
      fit = beat.text();
    }
    {
      for (const Page* page : window_->pages()) {
        const Heartbeat beat;
        driver().page(page->key());
        driver().waitForWork();
        driver().waitForFigures();
        if (beat.work() > most) pages = beat.text() + " on " + page->key();
        most = std::max(most, beat.work());
      }
    }
    {
      driver().page("export");
      driver().find<QLineEdit>("exportFolder")->setText(folder_->filePath("beat"));
      QVERIFY(driver().wait([&] { return driver().find<QWidget>("exportButton")->isEnabled(); }));
      const Heartbeat beat;
      QVERIFY(driver().click("exportButton"));
      QVERIFY(driver().wait([&] { return driver().text("exportSaid").contains("written to"); }, 600'000));
      files = beat.text();
    }
    session().data.open({data}, DataState::Look::Never);
    QVERIFY(driver().wait([&] {  // a small file at once, a large one in the middle of it
      return data == kExample || session().data.stage() != DataState::Stage::Loading ||
             session().data.progress().fraction > 0;
    }));
    QElapsedTimer since;
    since.start();
    session().data.cancelOpening();
    const double load_cancel = static_cast<double>(since.nsecsElapsed()) / 1e6;
    QVERIFY(driver().wait([&] { return session().data.stage() != DataState::Stage::Loading; }));
    const double load_ended = static_cast<double>(since.nsecsElapsed()) / 1e6;
    driver().waitForData();
    startLongFit();
    since.restart();
    QVERIFY(driver().click("cancelFitButton"));
    const double answer = static_cast<double>(since.nsecsElapsed()) / 1e6;
    QVERIFY(driver().wait([&] { return !session().queue.running(); }));
    const double ended = static_cast<double>(since.nsecsElapsed()) / 1e6;
    qInfo("longest pause of the window while loading: %s; while fitting: %s; changing pages: %s; exporting: %s",
          qPrintable(load), qPrintable(fit), qPrintable(pages), qPrintable(files));
    qInfo(
        "Cancel: while loading %.1f ms to answer, %.1f ms until the window is back; while fitting %.1f ms to answer, "
        "%.1f ms until the worker had stopped",
        load_cancel, load_ended, answer, ended);
  }

 private:
  void open() {
    window_.reset();
    window_ = std::make_unique<MainWindow>(Places{folder_->path(), folder_->filePath("settings.ini")});
    driver_ = std::make_unique<WindowDriver>(*window_);
    window_->show();
    QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
  }
  void startLongFit() {
    if (!session().data.prepared()) {
      window_->openPath(kExample);
      QVERIFY(driver().waitForData());
    }
    scriptorium::inference::FitOptions options;
    options.method = scriptorium::inference::Method::Svi;
    options.svi.steps = 50'000'000;
    session().model.setOptions(options, "method");
    driver().page("run");
    QVERIFY(session().addToQueue());
    QVERIFY(driver().wait([&] { return session().queue.running() && session().queue.running()->trace.size() > 2; }));
  }
  WindowDriver& driver() { return *driver_; }
  Session& session() { return window_->session(); }

  std::unique_ptr<QTemporaryDir> folder_;
  std::unique_ptr<MainWindow> window_;
  std::unique_ptr<WindowDriver> driver_;
};

QTEST_MAIN(TestWindow)
#include "tst_window.moc"
