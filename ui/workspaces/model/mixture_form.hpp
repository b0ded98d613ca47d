#pragma once
#include <QWidget>

#include "ui/project/session.hpp"

class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QSpinBox;

namespace scriptorium::ui {

/// How many components a model has, how their weights are thought of beforehand, which labels inform them, and from
/// how many starts they are looked for.
class MixtureForm : public QWidget {
  Q_OBJECT
 public:
  explicit MixtureForm(Session& session, QWidget* parent = nullptr);

 private:
  void show();
  void fillColumns();
  void changed(const QString& what);
  void annotated();      ///< as many components as the chosen column has labels, once a worker has counted them
  void sayComponents();  ///< what the labels make of the components, once a worker knows

  Session& session_;
  QSpinBox *components_, *restarts_, *min_cells_;
  QDoubleSpinBox *concentration_, *confidence_;
  QComboBox *start_, *annotation_;
  QLabel* says_;
  QWidget *more_, *labelled_;
  bool showing_ = false;
};

}  // namespace scriptorium::ui
