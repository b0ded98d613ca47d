#pragma once
#include <set>

#include "ui/project/selection_link.hpp"
#include "ui/workspaces/page.hpp"
#include "ui/workspaces/perturbation/perturbation_figures.hpp"

class QComboBox;
class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;
class QSplitter;
class QStackedWidget;
class QTabWidget;

namespace scriptorium::ui {

class GenesPanel;

/// Screens: guides against controls. Columns are chosen and checked, the screen is run, targets are judged; figures and
/// tables show the target that is chosen.
class PerturbationPage : public Page {
  Q_OBJECT
 public:
  explicit PerturbationPage(Session& session, QWidget* parent = nullptr);

 private:
  using Screening = perturbation::Screening;
  /// Work of the pool on one result; what is under way when another comes is stopped.
  static constexpr const char *kFigures = "screening figures", *kMarkers = "screening markers",
                              *kCells = "screening cells", *kUmap = "screening umap";
  /// Everything that is shown of one target, made by a worker.
  struct Shown {
    std::int32_t target = -1;
    QString gene;  ///< whose expression stands by class; empty: probabilities
    std::vector<perturbation::ScoreFacet> facets;
    perturbation::MarkerHeatMap map;
    charts::Figure ridges, posterior, knock_down, heat_map, guides;
  };
  struct Markers {
    std::shared_ptr<const TableData> table;
    std::vector<std::int64_t> genes;
  };

  // Where things are (perturbation_layout.cpp).
  QWidget* makeContent();
  QWidget* makeLeft();
  QWidget* makeRight();
  QWidget* makeScores();
  QWidget* makeCalls();
  QWidget* makeGuides();
  QWidget* makeDiscriminant();
  TablePanel* makeTable(const QString& name, const QString& title);
  void offerForExport();
  std::vector<charts::FigureView*> figures() const;

  void dataChanged();
  void showRun();        ///< buttons, progress, errors, staleness
  void resultChanged();  ///< tables, and the target that was chosen if it is still there
  void choose(std::int32_t target);

  // What stands on the tabs (perturbation_contents.cpp).
  void drawTarget();
  void fillMarkers();
  void drawScores();
  void drawDiscriminant();
  void layOutDiscriminant();  ///< UMAP of its axes, on a worker
  QStringList wordsOfScore(int panel, int mark, int point) const;
  QStringList wordsOfMap(int mark, int pixel) const;
  QString cellName(std::int64_t cell) const;
  const perturbation::TargetSummary* summary() const;  ///< of the target that is chosen
  /// One byte a cell of the result; empty while nothing is selected.
  std::vector<std::uint8_t> selected() const;
  void select(const std::vector<std::int64_t>& cells, Combine how, const QString& what);
  void selectKind(const QString& kind);
  void selectInside(const QPolygonF& shape, Combine how);

  QSplitter* left_;
  QComboBox *target_, *select_, *facets_, *guides_of_, *axes_;
  QLineEdit* gene_;  ///< drawn by class
  QPushButton *run_, *cancel_, *copy_;
  QProgressBar* progress_;
  QLabel *run_says_, *result_, *reason_, *needs_, *axes_say_;
  QStackedWidget* right_;
  QTabWidget* tabs_;
  charts::FigureView *scores_, *posterior_, *knock_down_, *heat_map_, *guides_, *discriminant_, *genes_figure_;
  TablePanel *targets_, *cells_, *markers_, *guide_table_, *genes_table_;
  GenesPanel* genes_;
  SelectionLink *cells_link_ = nullptr, *genes_link_ = nullptr;
  std::shared_ptr<const data::Dataset> of_;
  std::int32_t chosen_ = -1;  ///< code of the target
  QString chosen_name_;
  Shown shown_;
  std::vector<double> umap_;  ///< of the discriminant's cells, two numbers each; empty: not made
};

}  // namespace scriptorium::ui
