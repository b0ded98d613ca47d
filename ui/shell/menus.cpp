#include "ui/shell/menus.hpp"

#include <QApplication>
#include <QDockWidget>
#include <QFileInfo>
#include <QLineEdit>
#include <QMenuBar>
#include <QMessageBox>

#include "ui/charts/figure_view.hpp"
#include "ui/help/help_texts.hpp"
#include "ui/shell/command_palette.hpp"
#include "ui/shell/main_window.hpp"
#include "ui/shell/status_strip.hpp"
#include "ui/tables/table_panel.hpp"

namespace scriptorium::ui {
namespace {

template <class Act>
QAction* add(MainWindow& window, QMenu* menu, const QString& name, const QString& text, const QKeySequence& key,
             const QString& sentence, Act act) {
  auto* action = new QAction(text, &window);
  action->setObjectName(name);
  action->setShortcut(key);
  action->setToolTip(sentence);
  action->setStatusTip(sentence);
  QObject::connect(action, &QAction::triggered, &window, act);
  menu->addAction(action);
  return action;
}

QString tr(const char* text) {
  return QCoreApplication::translate("Menus", text);
}

/// The table that has the focus, or one of its children has.
TablePanel* tableInFocus() {
  for (QWidget* at = QApplication::focusWidget(); at; at = at->parentWidget())
    if (auto* table = qobject_cast<TablePanel*>(at)) return table;
  return nullptr;
}

}  // namespace

void Menus::build(MainWindow& window) {
  buildFile(window);
  buildEdit(window);
  buildView(window);
  buildWork(window);
  buildHelp(window);
}

void Menus::buildFile(MainWindow& w) {
  QMenu* menu = w.menuBar()->addMenu(tr("&File"));
  menu->setObjectName("fileMenu");
  add(w, menu, "actionOpen", tr("&Open data…"), QKeySequence("Ctrl+O"),
      tr("Opens a file of counts; the format is found by looking inside. Large ones are shown before they are loaded."),
      [&w] { w.openDialog(); });
  add(w, menu, "actionPreview", tr("Open after a &look…"), QKeySequence("Ctrl+Alt+O"),
      tr("Shows what a file holds and the memory it needs before it is loaded."),
      [&w] { w.openDialog(DataState::Look::Always); });
  add(w, menu, "actionOpenFolder", tr("Open &folder…"), QKeySequence("Ctrl+Shift+O"),
      tr("Opens a MatrixMarket folder or a Zarr store."), [&w] { w.openFolderDialog(); });
  add(w, menu, "actionExample", tr("Open the &example"), {}, tr("Opens the blood cells that come with the program."),
      [&w] { w.openExample(); });
  QMenu* recent = menu->addMenu(tr("Open &recent"));
  recent->setObjectName("recentMenu");
  const auto fill = [&w, recent] {
    recent->clear();
    for (const QString& path : w.session().recent()) {
      const bool missing = w.session().isMissing(path);
      QAction* action =
          recent->addAction(missing ? tr("%1 (missing)").arg(QFileInfo(path).fileName()) : QFileInfo(path).fileName());
      action->setToolTip(path);
      action->setEnabled(!missing);
      QObject::connect(action, &QAction::triggered, &w, [&w, path] { w.openPath(path); });
    }
    if (recent->isEmpty()) recent->addAction(tr("none yet"))->setEnabled(false);
    recent->addSeparator();
    recent->addAction(tr("Clear the list"), &w, [&w] { w.session().clearRecent(); });
  };
  recent->setToolTipsVisible(true);
  QObject::connect(&w.session(), &Session::recentChanged, recent, fill);
  QObject::connect(menu, &QMenu::aboutToShow, &w, [&w] { w.session().checkRecent(); });
  fill();
  menu->addSeparator();
  add(w, menu, "actionOpenFit", tr("Open a f&it…"), {}, tr("Adds a fit file to the project."),
      [&w] { w.openFitDialog(); });
  add(w, menu, "actionSaveFit", tr("&Save the fit as…"), QKeySequence("Ctrl+S"),
      tr("Saves the current fit where you say. It is kept in the program's folder in any case."),
      [&w] { w.saveFitDialog(); });
  menu->addSeparator();
  add(w, menu, "actionExport", tr("&Export…"), {}, tr("Figures, tables and the record of how they were made."),
      [&w] { w.showPage("export"); });
  add(w, menu, "actionClose", tr("&Close the data"), {}, tr("Closes the data set; fits stay."),
      [&w] { w.session().data.closeData(); });
  menu->addSeparator();
  add(w, menu, "actionQuit", tr("&Quit"), QKeySequence("Ctrl+Q"), tr("Ends the program; asks when a fit is running."),
      [&w] { w.close(); });
}

void Menus::buildEdit(MainWindow& w) {
  QMenu* menu = w.menuBar()->addMenu(tr("&Edit"));
  QAction* undo = w.session().undo.createUndoAction(&w, tr("Undo"));
  undo->setObjectName("actionUndo");
  undo->setShortcut(QKeySequence("Ctrl+Z"));
  QAction* redo = w.session().undo.createRedoAction(&w, tr("Redo"));
  redo->setObjectName("actionRedo");
  redo->setShortcut(QKeySequence("Ctrl+Shift+Z"));
  menu->addAction(undo);
  menu->addAction(redo);
  menu->addSeparator();
  add(w, menu, "actionCopyFigure", tr("Copy &figure"), {}, tr("Copies the figure in focus."), [&w] {
    if (auto* figure = w.figureInFocus()) figure->copyFigure();
  });
  add(w, menu, "actionCopyNumbers", tr("Copy &numbers"), QKeySequence("Ctrl+Shift+C"),
      tr("Copies the numbers behind the figure in focus, or the table, at full precision."), [&w] {
        if (auto* table = tableInFocus())
          table->copy();
        else if (auto* figure = w.figureInFocus())
          figure->copyNumbers();
      });
  add(w, menu, "actionSaveFigure", tr("&Save figure…"), QKeySequence("Ctrl+E"),
      tr("Saves the figure in focus as PDF, SVG or PNG."), [&w] {
        if (auto* figure = w.figureInFocus()) figure->saveFigureDialog();
      });
  add(w, menu, "actionSaveNumbers", tr("Save n&umbers…"), {},
      tr("Saves the numbers behind the figure in focus, or the table, as TSV or CSV."), [&w] {
        if (auto* table = tableInFocus())
          table->exportDialog();
        else if (auto* figure = w.figureInFocus())
          figure->saveNumbersDialog();
      });
  menu->addSeparator();
  add(w, menu, "actionFilter", tr("F&ilter the table"), QKeySequence("Ctrl+F"),
      tr("Goes to the search box of the table in focus, or of the page."), [&w] {
        TablePanel* table = tableInFocus();
        if (!table)
          for (auto* one : w.currentPage()->findChildren<TablePanel*>())
            if (!table && one->isVisible()) table = one;
        if (table) table->search().setFocus();
      });
  add(w, menu, "actionFind", tr("Find &anything…"), QKeySequence("Ctrl+Shift+P"),
      tr("Every action, page and gene by some of its letters."), [&w] {
        const auto* fit = w.session().fits.current();
        w.palette_->open(w.commands(), fit ? fit->fit->genes : std::vector<std::string>{});
      });
}

void Menus::buildView(MainWindow& w) {
  QMenu* menu = w.menuBar()->addMenu(tr("&View"));
  int number = 0;
  for (Page* page : w.pages()) {
    ++number;
    add(w, menu, "actionPage_" + page->key(), tr("Page %1").arg(page->title()),
        QKeySequence(QString("Ctrl+%1").arg(number % 10)), tr("Goes to the page %1.").arg(page->title()),
        [&w, page] { w.showPage(page->key()); });
  }
  menu->addSeparator();
  QAction* dark = add(w, menu, "actionDark", tr("&Dark"), {}, tr("Dark windows and figures; files are always light."),
                      [&w](bool on) {
                        w.setDark(on);
                        w.session().settings.setValue("dark", on);
                      });
  dark->setCheckable(true);
  dark->setChecked(w.isDark());
  QAction* full = add(w, menu, "actionFullScreen", tr("&Full screen"), QKeySequence("F11"),
                      tr("Uses the whole screen."), [&w](bool on) { on ? w.showFullScreen() : w.showNormal(); });
  full->setCheckable(true);
}

void Menus::buildWork(MainWindow& w) {
  QMenu* model = w.menuBar()->addMenu(tr("&Model"));
  add(w, model, "actionModelDefaults", tr("&Default model and settings"), {},
      tr("Puts model, priors and settings back to their defaults; can be undone."), [&w] {
        w.session().model.setModel({}, tr("default model"));
        w.session().model.setOptions({}, tr("default settings"));
      });
  add(w, model, "actionAddToQueue", tr("&Add to queue"), QKeySequence("Ctrl+Return"),
      tr("Puts this model on the queue of fits."), [&w] { w.session().addToQueue(); });
  QMenu* run = w.menuBar()->addMenu(tr("&Run"));
  add(w, run, "actionRun", tr("&Run the model"), QKeySequence("F5"),
      tr("Puts the model on the queue and shows its loss."), [&w] {
        if (w.session().addToQueue()) w.showPage("run");
      });
  add(w, run, "actionStopAndKeep", tr("Stop and &keep"), {}, tr("Ends the running fit with what it has."), [&w] {
    if (const FitItem* item = w.session().queue.running()) w.session().queue.stopAndKeep(item->id);
  });
  add(w, run, "actionCancelRun", tr("&Cancel the fit…"), QKeySequence("Shift+Esc"),
      tr("Cancels the running fit after asking; a checkpoint is kept."), [&w] {
        const FitItem* item = w.session().queue.running();
        if (!item) return;
        const int id = item->id;
        auto* box =
            new QMessageBox(QMessageBox::Question, tr("Cancel the fit?"),
                            tr("Cancel %1? A checkpoint is kept, so that it can go on later.").arg(item->request.name),
                            QMessageBox::Yes | QMessageBox::No, &w);
        box->setAttribute(Qt::WA_DeleteOnClose);
        QObject::connect(box, &QMessageBox::accepted, &w, [&w, id] { w.session().queue.cancel(id); });
        box->open();
      });
  QMenu* analyse = w.menuBar()->addMenu(tr("&Analyse"));
  for (const char* key : {"diagnose", "components", "compare", "expression", "perturbation", "regression"}) {
    Page* page = w.page(key);
    add(w, analyse, QString("actionAnalyse_") + key, page->title(), {}, tr("Goes to the page %1.").arg(page->title()),
        [&w, page] { w.showPage(page->key()); });
  }
  QMenu* window = w.menuBar()->addMenu(tr("&Window"));
  for (QDockWidget* dock : w.findChildren<QDockWidget*>()) window->addAction(dock->toggleViewAction());
  add(w, window, "actionResetLayout", tr("&Reset the layout"), {}, tr("Puts the panels back where they were at first."),
      [&w] {
        for (QDockWidget* dock : w.findChildren<QDockWidget*>()) {
          dock->setFloating(false);
          dock->show();
        }
        w.addDockWidget(Qt::LeftDockWidgetArea, w.findChild<QDockWidget*>("projectDock"));
        w.addDockWidget(Qt::RightDockWidgetArea, w.findChild<QDockWidget*>("inspectorDock"));
      });
}

void Menus::buildHelp(MainWindow& w) {
  QMenu* menu = w.menuBar()->addMenu(tr("&Help"));
  add(w, menu, "actionHelp", tr("&Help on this"), QKeySequence("F1"),
      tr("Shows the help of what is in focus in the panel at the right."), [&w] {
        auto* dock = w.findChild<QDockWidget*>("inspectorDock");
        dock->show();
        dock->raise();
      });
  add(w, menu, "actionKeys", tr("&Keys"), {}, tr("All keys."), [&w] { showKeys(w); });
  add(w, menu, "actionAbout", tr("&About Scriptorium"), {}, tr("Version and licence."), [&w] { showAbout(w); });
}

void showAbout(MainWindow& window) {
  auto* box = new QMessageBox(QMessageBox::NoIcon, tr("About Scriptorium"),
                              help::page("about").replace("{version}", SCRIPTORIUM_VERSION).replace("{qt}", qVersion()),
                              QMessageBox::Ok, &window);
  box->setObjectName("aboutBox");
  box->setIconPixmap(QIcon(":/icons/scriptorium.svg").pixmap(64, 64));
  box->setAttribute(Qt::WA_DeleteOnClose);
  box->open();
}

void showKeys(MainWindow& window) {
  QString rows;
  for (const QAction* action : window.commands())
    if (!action->shortcut().isEmpty())
      rows += QString("<tr><td><b>%1</b>&nbsp;&nbsp;</td><td>%2</td></tr>")
                  .arg(action->shortcut().toString().toHtmlEscaped(), action->text().remove('&').toHtmlEscaped());
  rows += help::page("figure_keys");
  auto* box = new QMessageBox(QMessageBox::NoIcon, tr("Keys"), "<table>" + rows + "</table>", QMessageBox::Ok, &window);
  box->setObjectName("keysBox");
  box->setAttribute(Qt::WA_DeleteOnClose);
  box->open();
}

}  // namespace scriptorium::ui
