#pragma once
#include <QWidget>

#include "ui/project/session.hpp"

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QSpinBox;

namespace scriptorium::ui {

class AnnotationForm;

/// The parameters of a model that may differ between components, in the order of its layout.
std::vector<std::string> mixtureParams(model::Model model);

/// How many components a model has, what differs between them, how their weights are thought of beforehand, which
/// labels inform them, and from how many starts they are looked for.
class MixtureForm : public QWidget {
  Q_OBJECT
 public:
  explicit MixtureForm(Session& session, QWidget* parent = nullptr);

 private:
  void show();
  void showParams();
  void changed(const QString& what);
  void typedWeights();

  Session& session_;
  QSpinBox *components_, *restarts_;
  QLineEdit* weights_;
  QComboBox* start_;
  AnnotationForm* labels_;
  QLabel* weights_say_;
  QWidget *more_, *params_;
  std::vector<QCheckBox*> differ_;
  std::vector<std::string> params_shown_;
  bool showing_ = false;
};

}  // namespace scriptorium::ui
