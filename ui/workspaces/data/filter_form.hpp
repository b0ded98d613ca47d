#pragma once
#include <QWidget>

#include "ui/project/session.hpp"

class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;

namespace scriptorium::ui {

/// What to keep: thresholds, a condition on the cell table, and in words what is left.
class FilterForm : public QWidget {
  Q_OBJECT
 public:
  explicit FilterForm(Session& session, QWidget* parent = nullptr);

 private:
  void show(const data::Filter& filter);
  data::Filter read() const;
  void showKept();

  Session& session_;
  QSpinBox *min_counts_, *min_genes_, *min_cells_, *variable_;
  QLineEdit* cells_;
  QLabel* kept_;
  QPushButton *undo_, *reset_;
  bool showing_ = false;
};

}  // namespace scriptorium::ui
