#pragma once
#include "ui/project/selection_link.hpp"
#include "ui/workspaces/diagnose/gene_list.hpp"
#include "ui/workspaces/diagnose/predictive_figure.hpp"
#include "ui/workspaces/page.hpp"

class QComboBox;
class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;
class QSpinBox;

namespace scriptorium::ui {

/// Is the model right, where not: observed counts against MAP-predictive and posterior-predictive bands, gene by gene.
class DiagnosePage : public Page {
  Q_OBJECT
 public:
  explicit DiagnosePage(Session& session, QWidget* parent = nullptr);

 private:
  QWidget* makeContent();
  QWidget* makeBar();
  void fillFits();
  void fillCells();  ///< asks a worker which groups of cells there are
  void showCells(const std::vector<QStringList>& groups);
  void chooseCells();  ///< all, or those of a component or a label, which a worker looks for
  void look(std::shared_ptr<const result::Fit> fit, std::vector<double> shares);
  void showSelection();
  void showFit();
  void check(bool all);
  void ranked();    ///< the ranking changed: first page
  void drawPage();  ///< asks a worker for the panels of this page
  void redraw();    ///< the same panels, other looks
  void paste();
  void showGene(int gene);
  int genesPerPage() const;
  int pages() const;

  QComboBox *fit_, *which_, *rank_, *grid_, *counts_, *shares_;
  QSpinBox* draws_;
  QPushButton *previous_, *next_, *check_, *cancel_;
  QLabel *page_label_, *verdict_, *not_found_;
  QProgressBar* progress_;
  QLineEdit* genes_;
  charts::FigureView* figure_;
  TablePanel* table_;
  SelectionLink* link_;

  std::shared_ptr<const result::Fit> whole_;  ///< the fit that was chosen
  std::shared_ptr<const result::Fit> shown_;  ///< the same, or of the cells that were chosen
  std::vector<double> cell_shares_;           ///< of these cells, as PredictiveOptions has them
  std::map<std::int64_t, analysis::GeneDiagnosis> known_;
  std::vector<std::int64_t> order_, chosen_;
  PredictivePage panels_;
  int page_ = 0;
  bool filling_ = false;
};

}  // namespace scriptorium::ui
