#pragma once
#include <map>

#include "ui/project/selection_link.hpp"
#include "ui/workspaces/components/cell_map_panel.hpp"
#include "ui/workspaces/components/entropy_map_panel.hpp"

class QDoubleSpinBox;
class QLineEdit;
class QStackedWidget;
class QTabWidget;
class QToolButton;

namespace scriptorium::ui {

/// Who belongs where, how sure: the map of the cells, and with probabilities of components their bars, entropies,
/// composition and means. The map needs no fit.
class ComponentsPage : public Page {
  Q_OBJECT
 public:
  explicit ComponentsPage(Session& session, QWidget* parent = nullptr);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  static constexpr int kGenesShown = 14;
  QWidget* makeContent();
  QWidget* makeComponents();
  QWidget* makeComposition();
  QWidget* makeMeans();
  void connectButtons();
  void dataChanged();
  void fillSources();
  void chooseSource();
  void askFit(const QString& key);  ///< "fit:ID:DRAWS"
  /// Shows an answer that is known from now on.
  void take(const QString& key, std::shared_ptr<const Assignments> answer);
  QString knownKey() const;  ///< of the chosen source, as it is asked now
  void chooseWanted();       ///< the mixture that was fitted or opened last, once the page is looked at
  void diagnoseComponent(std::size_t component);  ///< as a fit of its own, of its cells
  void readTableDialog();
  void assignmentsChanged();
  void showSource();  ///< chooses what is shown in the list of sources
  void drawEntropy();
  void fillLabels();
  void compare();  ///< components against a column of labels
  void askForMeans();
  /// Rows of the opened data for cells of the assignments that fulfil a condition.
  IndexSet cellsWhere(const std::function<bool(std::size_t)>& condition) const;
  IndexSet chosenComponents() const;
  void showButtons();
  void offerForExport();

  CellMapPanel* map_ = nullptr;
  charts::FigureView *map_figure_, *bars_, *entropy_, *composition_, *means_, *entropy_map_;
  QComboBox *source_, *label_;
  QLabel *needs_, *agreement_, *means_says_, *notes_;
  QStackedWidget* right_;
  QTabWidget* tabs_;
  QLineEdit* name_;
  QDoubleSpinBox* temperature_;
  QToolButton *color_, *merge_, *as_set_, *select_, *diagnose_;
  TablePanel *components_, *cells_, *composition_table_, *means_table_;
  SelectionLink *cells_link_ = nullptr, *genes_link_ = nullptr;
  std::shared_ptr<const data::Dataset> of_;
  QString wanted_;       ///< a source
  int current_fit_ = 0;  ///< as it was when a source was wanted last
  /// Answers before any edit, by knownKey(): fits by their number, because names are not their own.
  std::map<QString, std::shared_ptr<const Assignments>> known_;
  std::vector<std::int64_t> point_of_;  ///< row of the opened data for each cell of the assignments, −1: none
};

}  // namespace scriptorium::ui
