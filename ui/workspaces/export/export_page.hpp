#pragma once
#include <QPointer>
#include <QTimer>

#include "ui/charts/figure_job.hpp"
#include "ui/workspaces/export/export_job.hpp"
#include "ui/workspaces/page.hpp"

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;
class QSpinBox;
class QTreeWidget;
class QTreeWidgetItem;

namespace scriptorium::ui {

/// Figures by millimetres and dpi, tables with all rows, and what made them; all at once into one folder.
class ExportPage : public Page {
  Q_OBJECT
 public:
  explicit ExportPage(Session& session, QWidget* parent = nullptr);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void refreshSoon();  ///< once in a while, and only while somebody looks
  QWidget* makeContent();
  QWidget* makeSettings();
  void addFitItems();
  void fillList();
  void showPreview();
  void countFiles();
  ExportPlan plan() const;
  QString fileName(const QString& item, const QString& ending) const;
  void start();

  QTreeWidget* list_;
  QTreeWidgetItem *figures_, *tables_, *files_;
  QComboBox* preset_;
  QDoubleSpinBox *width_, *height_;
  QSpinBox* dpi_;
  QCheckBox *png_, *svg_, *pdf_, *tsv_, *csv_, *numbers_, *replace_;
  QLineEdit *pattern_, *folder_;
  QLabel *preview_, *made_, *said_;
  QPushButton *export_, *cancel_;
  QProgressBar* progress_;
  ExportJob* job_ = nullptr;
  QPointer<charts::FigureJob> preview_job_;
  QTimer refresh_;
};

}  // namespace scriptorium::ui
