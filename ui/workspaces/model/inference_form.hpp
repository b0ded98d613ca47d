#pragma once
#include <QWidget>

#include "ui/project/session.hpp"

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QLabel;
class QSpinBox;

namespace scriptorium::ui {

/// How to fit: method and its settings. What belongs to one method is seen under that method only.
class InferenceForm : public QWidget {
  Q_OBJECT
 public:
  explicit InferenceForm(Session& session, QWidget* parent = nullptr);

 private:
  void show(const inference::FitOptions& options);
  inference::FitOptions read() const;
  void changed(const QString& what);

  Session& session_;
  QComboBox *method_, *mode_, *optimizer_;
  QLabel* method_says_;
  QDoubleSpinBox *tolerance_, *rate_;
  QSpinBox *iterations_, *nodes_, *steps_, *batch_, *draws_, *seed_, *threads_, *patience_;
  QCheckBox* stopping_;
  QWidget *deterministic_, *structured_, *svi_;
  bool showing_ = false;
};

}  // namespace scriptorium::ui
