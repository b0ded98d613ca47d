#pragma once
#include <QWidget>

#include "ui/project/session.hpp"

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QSpinBox;

namespace scriptorium::ui {

/// Which columns describe the screen, what was found in them in words, and how it is worked out.
class ScreeningForm : public QWidget {
  Q_OBJECT
 public:
  explicit ScreeningForm(Session& session, QWidget* parent = nullptr);

 signals:
  void unfolded(bool open);  ///< the method's settings are shown

 private:
  QWidget* makeColumns();
  QWidget* makeMethod();
  void show();
  void showCheck();
  void fillRepresentations();
  void columnsChanged(const QString& what);
  void ruleChanged();
  void methodChanged(const QString& what);

  Session& session_;
  QComboBox *target_, *control_, *guide_, *split_;
  QLabel* says_;
  QComboBox *rule_, *reference_, *representation_, *test_;
  QSpinBox *neighbours_, *dims_, *min_genes_, *max_genes_, *iterations_, *min_cells_, *components_, *seed_;
  QDoubleSpinBox *p_, *log2fc_;
  QCheckBox *scale_, *fine_, *harmonize_, *discriminant_;
  bool showing_ = false;
};

}  // namespace scriptorium::ui
