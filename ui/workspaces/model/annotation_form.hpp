#pragma once
#include <QWidget>

#include "ui/project/session.hpp"

class QCheckBox;
class QDoubleSpinBox;
class QLabel;
class QListWidget;
class QSpinBox;

namespace scriptorium::ui {

/// Which labels of the cells inform the components of a mixture: columns of the file, columns that were made, named
/// sets; several make composite labels. Their order is that of the components.
class AnnotationForm : public QWidget {
  Q_OBJECT
 public:
  explicit AnnotationForm(Session& session, QWidget* parent = nullptr);

 private:
  void fillColumns();
  void show();
  void marked();   ///< another choice of columns
  void ordered();  ///< another order of the labels
  void changed(const QString& what);
  void set(const analysis::AnnotationOptions& annotation, std::int64_t components, const QString& what);
  void askLabels();  ///< what the labels make of the components, once a worker knows

  Session& session_;
  QListWidget *columns_, *order_;
  QCheckBox* as_labels_;
  QSpinBox* min_cells_;
  QDoubleSpinBox* confidence_;
  QLabel* says_;
  QWidget *labelled_, *ordering_;
  bool showing_ = false;
};

}  // namespace scriptorium::ui
