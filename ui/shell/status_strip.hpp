#pragma once
#include <QWidget>

#include "ui/project/session.hpp"

class QLabel;
class QProgressBar;
class QPushButton;

namespace scriptorium::ui {

/// What is going on, at the bottom of the window: the job, how far it is, Cancel, and how many wait.
class StatusStrip : public QWidget {
  Q_OBJECT
 public:
  explicit StatusStrip(Session& session, QWidget* parent = nullptr);
  void note(const QString& text);
  void cancelCurrent();

 private:
  void refresh();
  Session& session_;
  QLabel *what_, *queue_, *note_;
  QProgressBar* bar_;
  QPushButton* cancel_;
};

}  // namespace scriptorium::ui
