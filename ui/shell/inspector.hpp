#pragma once
#include <QWidget>

class QLabel;

namespace scriptorium::ui {

/// The panel at the right: what the control in focus does, under it the help of the page.
class Inspector : public QWidget {
  Q_OBJECT
 public:
  explicit Inspector(QWidget* parent = nullptr);
  /// A panel under the help that is always in view.
  void addBelow(QWidget* panel);
  void showPage(const QString& key, const QString& title);

 private:
  void showControl(QWidget* control);
  QLabel *title_, *control_, *page_;
};

}  // namespace scriptorium::ui
