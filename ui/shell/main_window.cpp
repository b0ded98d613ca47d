#include "ui/shell/main_window.hpp"

#include <QApplication>
#include <QCloseEvent>
#include <QDir>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFile>
#include <QFileDialog>
#include <QLineEdit>
#include <QMenuBar>
#include <QMessageBox>
#include <QMimeData>
#include <QPushButton>
#include <QStackedWidget>
#include <QStatusBar>
#include <QTabBar>
#include <QToolBar>
#include <QVBoxLayout>

#include "ui/shell/command_palette.hpp"
#include "ui/shell/error_bar.hpp"
#include "ui/shell/inspector.hpp"
#include "ui/shell/menus.hpp"
#include "ui/shell/project_tree.hpp"
#include "ui/shell/selection_panel.hpp"
#include "ui/shell/status_strip.hpp"
#include "ui/shell/style.hpp"
#include "ui/workspaces/compare/compare_page.hpp"
#include "ui/workspaces/components/components_page.hpp"
#include "ui/workspaces/data/data_page.hpp"
#include "ui/workspaces/diagnose/diagnose_page.hpp"
#include "ui/workspaces/export/export_page.hpp"
#include "ui/workspaces/expression/expression_page.hpp"
#include "ui/workspaces/model/model_page.hpp"
#include "ui/workspaces/perturbation/perturbation_page.hpp"
#include "ui/workspaces/regression/regression_page.hpp"
#include "ui/workspaces/run/run_page.hpp"

namespace scriptorium::ui {

MainWindow::MainWindow(Places places, QWidget* parent)
    : QMainWindow(parent), session_(new Session(std::move(places), this)) {
  setObjectName("mainWindow");
  setWindowTitle("Scriptorium");
  setWindowIcon(QIcon(":/icons/scriptorium.svg"));
  setAcceptDrops(true);
  setDockOptions(QMainWindow::AnimatedDocks | QMainWindow::AllowTabbedDocks | QMainWindow::AllowNestedDocks);
  dark_ = session_->settings.value("dark", systemIsDark()).toBool();
  makePages();
  makeDocks();
  palette_ = new CommandPalette(this);
  connect(palette_, &CommandPalette::geneChosen, this, [this](const QString& gene) {
    showPage("diagnose");
    if (auto* line = page("diagnose")->findChild<QLineEdit*>("geneList")) {
      line->setText(gene);
      emit line->returnPressed();
    }
  });
  Menus::build(*this);
  connectSession();
  setDark(dark_);
  resize(1280, 800);
  restoreLayout();
  showPage("data");
  session_->lookForRecovery();
}

void MainWindow::makePages() {
  pages_ = {new DataPage(*session_),       new ModelPage(*session_),        new RunPage(*session_),
            new DiagnosePage(*session_),   new ComponentsPage(*session_),   new ComparePage(*session_),
            new ExpressionPage(*session_), new PerturbationPage(*session_), new RegressionPage(*session_),
            new ExportPage(*session_)};
  stack_ = new QStackedWidget;
  bar_ = new QTabBar;
  bar_->setObjectName("workspaceBar");
  bar_->setAccessibleName(tr("Workspaces"));
  bar_->setExpanding(false);
  bar_->setDrawBase(true);
  bar_->setUsesScrollButtons(true);
  for (Page* page : pages_) {
    stack_->addWidget(page);
    bar_->addTab(QIcon(":/icons/" + page->key() + ".svg"), page->title());
    connect(page, &Page::pageWanted, this, &MainWindow::showPage);
    connect(page, &Page::openWanted, this, [this] { openDialog(); });
    connect(page, &Page::exampleWanted, this, &MainWindow::openExample);
  }
  connect(bar_, &QTabBar::currentChanged, this,
          [this](int index) { showPage(pages_[static_cast<std::size_t>(index)]->key()); });
  errors_ = new ErrorBar;
  auto* find = new QPushButton(tr("Find anything…"));
  help::describe(find, "findButton");
  find->setFlat(true);
  connect(find, &QPushButton::clicked, this, [this] { findChild<QAction*>("actionFind")->trigger(); });
  auto* top = new QToolBar(tr("Workspaces"));  // over the docks: ten names need the whole width
  top->setObjectName("workspaceToolBar");
  top->setMovable(false);
  top->setContextMenuPolicy(Qt::PreventContextMenu);
  bar_->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  top->addWidget(bar_);
  top->addWidget(find);
  addToolBar(Qt::TopToolBarArea, top);
  auto* centre = new QWidget;
  auto* box = new QVBoxLayout(centre);
  box->setContentsMargins(0, 0, 0, 0);
  box->setSpacing(0);
  box->addWidget(errors_);
  box->addWidget(stack_, 1);
  setCentralWidget(centre);
}

void MainWindow::makeDocks() {
  const auto dock = [&](const QString& title, const QString& name, QWidget* inside, Qt::DockWidgetArea area) {
    auto* made = new QDockWidget(title, this);
    made->setObjectName(name);
    made->setWidget(inside);
    addDockWidget(area, made);
    return made;
  };
  tree_ = new ProjectTree(*session_);
  inspector_ = new Inspector;
  inspector_->addBelow(new SelectionPanel(*session_));
  auto* left = dock(tr("Project"), "projectDock", tree_, Qt::LeftDockWidgetArea);
  auto* right = dock(tr("Help"), "inspectorDock", inspector_, Qt::RightDockWidgetArea);
  tree_->setMinimumWidth(120);
  inspector_->setMinimumWidth(140);
  resizeDocks({left, right}, {160, 180}, Qt::Horizontal);
  status_ = new StatusStrip(*session_);
  statusBar()->addPermanentWidget(status_, 1);
  statusBar()->setSizeGripEnabled(false);
  connect(tree_, &ProjectTree::pageWanted, this, &MainWindow::showPage);
  connect(tree_, &ProjectTree::saveWanted, this, &MainWindow::saveFitDialog);
}

void MainWindow::connectSession() {
  connect(session_, &Session::errorReported, errors_, &ErrorBar::showError);
  connect(session_, &Session::noted, status_, &StatusStrip::note);
  connect(session_, &Session::recoveryFound, this, &MainWindow::offerRecovery);
  connect(&session_->data, &DataState::openFailed, errors_, &ErrorBar::showError);
  connect(&session_->data, &DataState::stageChanged, this, [this] {
    const DataState& state = session_->data;
    if (state.stage() == DataState::Stage::Loading || state.stage() == DataState::Stage::Preview) showPage("data");
    if (state.stage() == DataState::Stage::Failed) errors_->showError(state.error());
    if (state.stage() == DataState::Stage::Ready) errors_->hide();
    setWindowTitle(state.stage() == DataState::Stage::Ready ? QFileInfo(state.path()).fileName() + " — Scriptorium"
                                                            : QString("Scriptorium"));
  });
}

Page* MainWindow::page(const QString& key) const {
  for (Page* page : pages_)
    if (page->key() == key) return page;
  return nullptr;
}

Page* MainWindow::currentPage() const {
  return static_cast<Page*>(stack_->currentWidget());
}

void MainWindow::showPage(const QString& key) {
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    if (pages_[i]->key() != key) continue;
    stack_->setCurrentWidget(pages_[i]);
    bar_->setCurrentIndex(static_cast<int>(i));
    inspector_->showPage(key, pages_[i]->title());
  }
}

void MainWindow::setDark(bool dark) {
  dark_ = dark;
  applyStyle(dark);
  for (Page* page : pages_) page->setDark(dark);
}

QList<QAction*> MainWindow::commands() const {
  QList<QAction*> all;
  for (QAction* action : findChildren<QAction*>())
    if (action->objectName().startsWith("action")) all << action;
  return all;
}

void MainWindow::openPath(const QString& path) {
  session_->data.open({path});
}

void MainWindow::openExample() {
  Answer<QString> answer;
  answer.done = [this](const QString& path) { openPath(path); };
  answer.failed = [this](const JobError& error) { errors_->showError(error); };
  const QString folder = QFileInfo(session_->queue.folder()).path() + "/example";
  session_->pool.request<QString>(
      "example", this,
      [folder](const RunControl&) {
        QString path = folder + "/pbmc_example.h5ad";
        QFile inside(":/example/pbmc_example.h5ad");
        if (QFileInfo(path).size() == inside.size()) return path;
        QDir().mkpath(folder);
        QFile::remove(path);
        if (!inside.copy(path))
          throw Error(ErrorCode::Io, "The example cannot be unpacked to " + path.toStdString() + ".",
                      "Make room in your home folder.");
        QFile::setPermissions(path, QFile::ReadOwner | QFile::WriteOwner | QFile::ReadGroup | QFile::ReadOther);
        return path;
      },
      std::move(answer));
}

void MainWindow::openDialog(DataState::Look look) {
  const QString path = QFileDialog::getOpenFileName(
      this, tr("Open data"), session_->settings.value("openFolder").toString(),
      tr("Counts (*.h5ad *.h5mu *.loom *.h5 *.hdf5 *.zip *.mtx *.mtx.gz *.csv *.csv.gz *.tsv "
         "*.tsv.gz *.txt *.txt.gz *.rds *.RDS);;All files (*)"));
  if (path.isEmpty()) return;
  session_->settings.setValue("openFolder", QFileInfo(path).path());
  session_->data.open({path}, look);
}

void MainWindow::openFolderDialog() {
  const QString path = QFileDialog::getExistingDirectory(this, tr("Open a MatrixMarket folder or a Zarr store"),
                                                         session_->settings.value("openFolder").toString());
  if (!path.isEmpty()) openPath(path);
}

void MainWindow::openFitDialog() {
  for (const QString& path :
       QFileDialog::getOpenFileNames(this, tr("Open fits"), session_->queue.folder(), tr("Fits (*.h5);;All files (*)")))
    session_->fits.load(path);
}

void MainWindow::saveFitDialog() {
  const auto* entry = session_->fits.current();
  if (!entry) {
    errors_->showError({tr("There is no fit to save yet."), tr("Run a model first.")});
    return;
  }
  const int id = entry->id;
  QString path = QFileDialog::getSaveFileName(this, tr("Save the fit"),
                                              QString(entry->name).replace(' ', '_') + ".fit.h5", tr("Fits (*.h5)"));
  if (!path.isEmpty()) session_->fits.save(id, path.endsWith(".h5") ? path : path + ".fit.h5");
}

charts::FigureView* MainWindow::figureInFocus() const {
  if (auto* figure = qobject_cast<charts::FigureView*>(QApplication::focusWidget())) return figure;
  for (auto* figure : currentPage()->findChildren<charts::FigureView*>())
    if (figure->isVisible() && !figure->figure().empty()) return figure;
  return nullptr;
}

void MainWindow::offerRecovery(const Recovery& recovery) {
  if (session_->data.stage() != DataState::Stage::Empty && recovery.checkpoints.isEmpty()) return;
  QStringList parts;
  if (!recovery.data.path.isEmpty())
    parts << tr("the data %1").arg(QFileInfo(recovery.data.path).fileName().toHtmlEscaped());
  if (!recovery.fits.isEmpty()) parts << tr("fits: %1").arg(recovery.fits.size());
  if (!recovery.checkpoints.isEmpty())
    parts << tr("unfinished fits that can go on: %1").arg(recovery.checkpoints.size());
  errors_->offer(
      tr("<b>Go on where it ended?</b><br>Last time left %1.").arg(parts.join(", ")), tr("Restore"),
      [this, recovery] { session_->restore(recovery); }, tr("Discard"),
      [this, recovery] { session_->discard(recovery); });
}

void MainWindow::restoreLayout() {
  const QSettings& settings = session_->settings;
  if (settings.contains("geometry")) restoreGeometry(settings.value("geometry").toByteArray());
  if (settings.contains("layout")) restoreState(settings.value("layout").toByteArray());
}

void MainWindow::closeEvent(QCloseEvent* event) {
  const bool busy = session_->queue.running() || session_->queue.waiting() > 0;
  if (busy && !close_confirmed_) {
    event->ignore();
    askToClose();
    return;
  }
  if (!busy) session_->closeCleanly();
  session_->settings.setValue("geometry", saveGeometry());
  session_->settings.setValue("layout", saveState());
  event->accept();
}

void MainWindow::askToClose() {
  if (findChild<QMessageBox*>("closeBox")) return;
  auto* box = new QMessageBox(QMessageBox::Question, tr("A fit is running"),
                              tr("A fit is running or waiting. Close anyway? The running one leaves a checkpoint and "
                                 "can go on at the next start."),
                              QMessageBox::NoButton, this);
  box->setObjectName("closeBox");
  box->setAttribute(Qt::WA_DeleteOnClose);
  box->addButton(tr("Close"), QMessageBox::AcceptRole)->setObjectName("closeAnyway");
  auto* stay = box->addButton(tr("Stay"), QMessageBox::RejectRole);
  stay->setObjectName("stayOpen");
  box->setDefaultButton(stay);  // Enter must not end a fit
  connect(box, &QMessageBox::accepted, this, [this] {
    close_confirmed_ = true;
    close();
  });
  box->open();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls() && event->mimeData()->urls().size() == 1 &&
      event->mimeData()->urls().first().isLocalFile())
    event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  event->acceptProposedAction();
  openPath(event->mimeData()->urls().first().toLocalFile());
}

}  // namespace scriptorium::ui
