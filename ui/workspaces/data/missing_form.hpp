#pragma once
#include <QWidget>

#include "ui/project/session.hpp"

class QComboBox;
class QLabel;

namespace scriptorium::ui {

/// What was not measured, and what becomes of it. Hidden when everything was measured.
class MissingForm : public QWidget {
  Q_OBJECT
 public:
  explicit MissingForm(Session& session, QWidget* parent = nullptr);

 private:
  void show();

  Session& session_;
  QLabel *found_, *says_;
  QComboBox* rule_;
};

}  // namespace scriptorium::ui
