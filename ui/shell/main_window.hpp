#pragma once
#include <QMainWindow>

#include "ui/project/session.hpp"
#include "ui/workspaces/page.hpp"

class QStackedWidget;
class QTabBar;

namespace scriptorium::ui {

class CommandPalette;
class ErrorBar;
class Inspector;
class ProjectTree;
class StatusStrip;

/// The window: workspaces in the middle, the project at the left, help at the right, what is going on at the bottom.
/// Menus are in menus.cpp.
class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  explicit MainWindow(Places places, QWidget* parent = nullptr);

  Session& session() { return *session_; }
  const std::vector<Page*>& pages() const { return pages_; }
  Page* page(const QString& key) const;
  Page* currentPage() const;
  /// The example that comes with the program, unpacked by a worker, then opened.
  void openExample();
  void openPath(const QString& path);
  void setDark(bool dark);
  bool isDark() const { return dark_; }
  /// Every command of the menus and pages, for the palette.
  QList<QAction*> commands() const;

 public slots:
  void showPage(const QString& key);

 protected:
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  friend class Menus;
  void makePages();
  void makeDocks();
  void connectSession();
  void offerRecovery(const Recovery& recovery);
  void openDialog(DataState::Look look = DataState::Look::IfLarge);
  void openFolderDialog();
  void openFitDialog();
  void saveFitDialog();
  void restoreLayout();
  void askToClose();
  charts::FigureView* figureInFocus() const;

  Session* session_;
  std::vector<Page*> pages_;
  QStackedWidget* stack_;
  QTabBar* bar_;
  ErrorBar* errors_;
  ProjectTree* tree_;
  Inspector* inspector_;
  StatusStrip* status_;
  CommandPalette* palette_ = nullptr;
  bool dark_ = false, close_confirmed_ = false;
};

}  // namespace scriptorium::ui
