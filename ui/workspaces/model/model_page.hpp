#pragma once
#include "ui/workspaces/page.hpp"

class QButtonGroup;
class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;

namespace scriptorium::ui {

class PriorForm;
class PriorPredictiveView;

/// Likelihood, structure, priors with their picture, and how to fit. Built from the catalogue: a new model needs no
/// change here.
class ModelPage : public Page {
  Q_OBJECT
 public:
  explicit ModelPage(Session& session, QWidget* parent = nullptr);

 private:
  QWidget* makeChoices();
  QWidget* makeCapture();
  void show();
  void captureTyped();
  void estimate();
  void setModel(const std::function<void(model::Model&)>& change, const QString& what);

  QButtonGroup* likelihood_;
  QComboBox *parameterization_, *transform_, *organism_;
  QCheckBox* unconstrained_;
  QLabel *parameterization_says_, *formula_, *estimate_, *capture_says_;
  QLineEdit *log_m0_, *sigma_m_;
  QWidget *capture_, *transform_row_;
  charts::FigureView* densities_;
  PriorForm* priors_;
  PriorPredictiveView* predictive_;
  QPushButton *run_, *add_;
  bool showing_ = false;
};

}  // namespace scriptorium::ui
