#pragma once
#include <QWidget>

#include "ui/project/selection_link.hpp"
#include "ui/workspaces/page.hpp"
#include "ui/workspaces/perturbation/gene_figures.hpp"

class QComboBox;
class QLabel;
class QProgressBar;
class QPushButton;

namespace scriptorium::ui {

/// Genes that change with the targets: weighted differential expression of all targets when asked for, volcano and
/// table of the target that is chosen, the Z matrix of all, and tests of gene sets.
class GenesPanel : public QWidget {
  Q_OBJECT
 public:
  GenesPanel(Session& session, charts::FigureView* figure, TablePanel* table, QWidget* parent = nullptr);

  /// The target that is shown, −1 for none.
  void choose(std::int32_t target);
  /// Sets of a GMT file, to be held against the genes that go up and down.
  void readSets(const QString& path);

 private:
  /// What was worked out of one result.
  struct Tested {
    std::shared_ptr<const perturbation::Screening> of;
    std::vector<std::int32_t> targets;
    std::vector<perturbation::WeightedDe> tables;  ///< of each target
    charts::Figure z;
  };
  void run();
  void resultChanged();
  void show();
  void showSets(const perturbation::WeightedDe& de);
  void setBusy(bool busy);
  const perturbation::WeightedDe* table() const;
  void selectInside(int panel, const QPolygonF& shape, Qt::KeyboardModifiers keys);

  Session& session_;
  charts::FigureView* figure_;
  TablePanel* table_;
  SelectionLink* link_;
  QComboBox* view_;
  QPushButton *run_, *cancel_, *sets_button_;
  QProgressBar* progress_;
  QLabel* says_;
  std::int32_t target_ = -1;
  std::shared_ptr<const Tested> tested_;
  std::shared_ptr<const std::vector<perturbation::GeneSet>> sets_;
};

}  // namespace scriptorium::ui
