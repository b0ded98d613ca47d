#pragma once
#include <QMouseEvent>
#include <QProcess>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/data/writers/writers.hpp"
#include "tests/core/perturbation/simulated_screen.hpp"
#include "tests/gui/window_driver.hpp"
#include "ui/shell/resources.hpp"
#include "ui/tables/table_panel.hpp"

namespace scriptorium::ui {

inline constexpr std::size_t kWithout = 12;  ///< cells whose target is missing

/// Four targets, two with an effect, one of these with a space in its name; twelve cells without a target, a category
/// that no cell has, and a gene with the name of a target.
inline simulated_screen::Screen screen_with_odd_labels() {
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

/// A window on the Perturbation page of that screen; with the private slots of a test, opened anew for each.
class ScreenWindow {
 protected:
  void open() {
    if (path_.isEmpty()) initResources();
    if (made_.data.counts.n_cells == 0) made_ = screen_with_odd_labels();
    folder_ = std::make_unique<QTemporaryDir>();
    path_ = folder_->filePath("the screen.h5ad");
    data::write_h5ad(made_.data, nlohmann::json::object(), path_.toStdString(), {});
    window_ = std::make_unique<MainWindow>(Places{folder_->path(), folder_->filePath("settings.ini")});
    driver_ = std::make_unique<WindowDriver>(*window_);
    window_->show();
    QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
    openScreen(path_);
  }
  void close() {
    window_.reset();
    folder_.reset();
  }
  void openScreen(const QString& path) {
    window_->openPath(path);
    QVERIFY(driver().waitForData());
    driver().page("perturbation");
    settle();
  }
  /// Another screen in the place of the one that is open.
  void openSimulated(const simulated_screen::Options& options) {
    const QString path = folder_->filePath("simulated.h5ad");
    data::write_h5ad(simulated_screen::make(options).data, nlohmann::json::object(), path.toStdString(), {});
    openScreen(path);
  }
  /// A command of the window, in the folder.
  void runCommand(QString command) {
    command.replace("scriptorium-cli", SCRIPTORIUM_CLI);
    QProcess shell;
    shell.setWorkingDirectory(folder_->path());
    shell.start("sh", {"-c", command});
    QVERIFY(shell.waitForFinished(120'000));
    QVERIFY2(shell.exitCode() == 0, shell.readAllStandardError());
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

}  // namespace scriptorium::ui
