#include <QClipboard>
#include <QDir>
#include <QElapsedTimer>
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
    QVERIFY(driver().click("exportButton"));
    QVERIFY(driver().wait([&] { return !driver().text("exportSaid").isEmpty(); }));
    QVERIFY2(driver().text("exportSaid").contains("written to"), qPrintable(driver().text("exportSaid")));
    const QStringList files = QDir(folder_->filePath("out")).entryList(QDir::Files);
    for (const QString ending :
         {"_ppc.png", "_ppc.pdf", "_loss.pdf", "_map.tsv", "_diagnose.tsv", "_provenance.txt", "_ppc_numbers.tsv"})
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

  void closingDuringAFitAsksAndCanGoOnNextTime() {
    startLongFit();
    QVERIFY(!window_->close());
    QPointer<QMessageBox> box;
    QTRY_VERIFY((box = window_->findChild<QMessageBox*>("closeBox")));
    QTest::mouseClick(driver().find<QPushButton>("stayOpen"), Qt::LeftButton);
    QTRY_VERIFY(!box);
    QVERIFY(window_->isVisible());
    QVERIFY(session().queue.running());
    QVERIFY(!window_->close());
    QTRY_VERIFY(window_->findChild<QMessageBox*>("closeBox"));
    QTest::mouseClick(driver().find<QPushButton>("closeAnyway"), Qt::LeftButton);
    QTRY_VERIFY(!window_->isVisible());

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
    QTRY_COMPARE(window_->currentPage()->key(), QString("model"));
    QTest::keyClick(window_.get(), Qt::Key_0, Qt::ControlModifier);
    QTRY_COMPARE(window_->currentPage()->key(), QString("export"));
    QTest::keyClick(window_.get(), Qt::Key_P, Qt::ControlModifier | Qt::ShiftModifier);
    auto* text = driver().find<QLineEdit>("paletteText");
    QTRY_VERIFY(text->isVisible());
    QTest::keyClicks(text, "page diagnose");
    QTest::keyClick(text, Qt::Key_Return);
    QTRY_COMPARE(window_->currentPage()->key(), QString("diagnose"));
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

  void dropOpensAFile() {
    QMimeData mime;
    mime.setUrls({QUrl::fromLocalFile(kExample)});
    QDragEnterEvent enter({100, 100}, Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(window_.get(), &enter);
    QVERIFY(enter.isAccepted());
    QDropEvent drop({100, 100}, Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(window_.get(), &drop);
    QVERIFY(driver().waitForData());
    QTRY_VERIFY(session().recent().contains(kExample));
  }

  /// Prints what a user would feel; set SCRIPTORIUM_BIG_DATA to a larger file to feel more.
  void heartbeat() {
    const QString data = qEnvironmentVariable("SCRIPTORIUM_BIG_DATA", kExample);
    QString load, fit, pages;
    double most = 0;
    {
      const Heartbeat beat;
      window_->openPath(data);
      QVERIFY(driver().waitForData());
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
    window_->openPath(data);
    QElapsedTimer since;
    since.start();
    session().data.cancelOpening();
    const double load_cancel = static_cast<double>(since.nsecsElapsed()) / 1e6;
    driver().waitForData();
    startLongFit();
    since.restart();
    QVERIFY(driver().click("cancelFitButton"));
    const double answer = static_cast<double>(since.nsecsElapsed()) / 1e6;
    QVERIFY(driver().wait([&] { return !session().queue.running(); }));
    const double ended = static_cast<double>(since.nsecsElapsed()) / 1e6;
    qInfo("longest pause of the window while loading: %s; while fitting: %s; changing pages: %s", qPrintable(load),
          qPrintable(fit), qPrintable(pages));
    qInfo(
        "Cancel: %.1f ms to answer while loading; while fitting %.1f ms to answer, %.1f ms until the worker had "
        "stopped",
        load_cancel, answer, ended);
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
