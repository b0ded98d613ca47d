#pragma once
#include "ui/tables/table_panel.hpp"
#include "ui/workspaces/page.hpp"

class QComboBox;
class QLabel;
class QTabWidget;

namespace scriptorium::ui {

/// What is in the file, is it counts, what to keep.
class DataPage : public Page {
  Q_OBJECT
 public:
  explicit DataPage(Session& session, QWidget* parent = nullptr);

 private:
  QWidget* makeContent();
  void showStage();
  void showLayers();
  void showFigures();

  QLabel *facts_, *layers_;
  QComboBox* layer_;
  charts::FigureView *counts_, *genes_seen_, *mean_variance_;
  TablePanel *cells_, *genes_;
  const OpenedData* shown_ = nullptr;
};

}  // namespace scriptorium::ui
