#pragma once
#include "ui/tables/table_panel.hpp"
#include "ui/workspaces/page.hpp"

class QComboBox;
class QLabel;
class QStackedWidget;

namespace scriptorium::ui {

class PreviewPanel;

/// What is in the file, is it counts, what to keep.
class DataPage : public Page {
  Q_OBJECT
 public:
  explicit DataPage(Session& session, QWidget* parent = nullptr);

 private:
  QWidget* makeContent();
  QWidget* makeSide();
  void showStage();
  void showFigures();
  /// Selects the cells whose number in a column of the cell table lies between two values.
  void selectCells(std::size_t column, double low, double high);

  QLabel *facts_, *layers_;
  QComboBox* layer_;
  charts::FigureView *counts_, *genes_seen_, *mean_variance_;
  TablePanel *cells_, *genes_;
  QStackedWidget* sheets_;  ///< the data, or the preview of a file
  PreviewPanel* preview_;
  const OpenedData* shown_ = nullptr;
};

}  // namespace scriptorium::ui
