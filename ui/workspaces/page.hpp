#pragma once
#include <QWidget>
#include <vector>

#include "ui/charts/figure_view.hpp"
#include "ui/help/help_texts.hpp"
#include "ui/project/session.hpp"

class QBoxLayout;
class QDoubleSpinBox;
class QSpinBox;
class QStackedWidget;
class QToolButton;

namespace scriptorium::ui {

/// A workspace. Shows either its content or words that say what is missing, going on, or wrong.
class Page : public QWidget {
  Q_OBJECT
 public:
  Page(const QString& key, const QString& title, Session& session, QWidget* parent = nullptr);
  QString key() const { return key_; }
  QString title() const { return title_; }
  /// Dark or light figures; called when the theme changes.
  void setDark(bool dark);
  bool isDark() const { return dark_; }

 signals:
  void pageWanted(const QString& key);  ///< a button that leads to another page
  void openWanted();
  void exampleWanted();

 protected:
  /// What the page shows when all is well; call once.
  void setContent(QWidget* content);
  void showContent();
  /// Rich text in the middle of the page, with buttons (text, what happens) under it.
  void showWords(const QString& words, const std::vector<std::pair<QString, std::function<void()>>>& buttons = {});
  bool showsContent() const;
  /// A figure with the page's theme, whose errors reach the session.
  charts::FigureView* makeFigure(const QString& object_name, const QString& title, const QString& file_name);
  Session& session() { return session_; }
  const Session& session() const { return session_; }
  virtual void themeChanged() {}

 private:
  QString key_, title_;
  Session& session_;
  QStackedWidget* stack_;
  QWidget* words_ = nullptr;
  bool dark_ = false;
};

/// Buttons behind a row: what a drag on the figure does, zoom or draw a box or a free shape around what is chosen. Help
/// and object names are `name` with Zoom, Box, Lasso.
void addDragTools(QBoxLayout& row, charts::FigureView& figure, const QString& name);

/// A button with an arrow that shows and hides `content`, which is hidden at first.
QToolButton* makeFold(const QString& text, const QString& object_name, QWidget* content);

/// Spin boxes that fire once the user is done typing, with thousands separators and the page's help.
QSpinBox* makeWholeNumber(const QString& object_name, int low, int high, int value, int step);
/// Numbers of any size are shown with the digits they need.
QDoubleSpinBox* makeNumber(const QString& object_name, double low, double high, double value, double step,
                           int decimals);

}  // namespace scriptorium::ui
