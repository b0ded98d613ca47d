#pragma once
#include <QWidget>
#include <map>
#include <mutex>

#include "ui/project/selection_link.hpp"
#include "ui/workspaces/page.hpp"
#include "ui/workspaces/perturbation/gene_figures.hpp"
#include "ui/workspaces/perturbation/gene_settings.hpp"

class QComboBox;
class QLabel;
class QProgressBar;
class QPushButton;

namespace scriptorium::ui {

/// Genes that change with the targets: weighted differential expression of all targets when asked for, volcano and
/// table of the target that is chosen, the Z matrix of all, programs and clusters of targets in it, and tests of gene
/// sets by Fisher and by rank.
class GenesPanel : public QWidget {
  Q_OBJECT
 public:
  GenesPanel(Session& session, charts::FigureView* figure, TablePanel* table, QWidget* parent = nullptr);

  /// The target that is shown, −1 for none.
  void choose(std::int32_t target);
  /// Sets of a GMT file, to be held against the genes that go up and down.
  void readSets(const QString& path);
  /// Programs, clusters and sets that were made, whatever is shown.
  void offerForExport();

 private:
  /// What was worked out of one result.
  struct Tested {
    std::shared_ptr<const perturbation::Screening> of;
    std::vector<std::int32_t> targets;
    std::vector<perturbation::WeightedDe> tables;  ///< of each target
    perturbation::DeOptions options;               ///< as was asked for
  };
  /// A view that was made by a worker: figure and table, or words that say why there are none.
  struct View {
    charts::Figure figure;
    std::shared_ptr<const TableData> table;
    std::vector<std::int64_t> genes;  ///< of each row, in the result; −1: it is of no gene
    QString why, says;
    bool whole = false;  ///< programs of all targets together, as none was found
  };
  using Views = std::map<QString, View>;
  using Sets = std::vector<perturbation::GeneSet>;

  void run();
  void again();  ///< what the view shows is worked out anew
  void cancel();
  void resultChanged();
  void settingsChanged(GeneSettingsForm::Part part);
  void show(bool make = true);  ///< @param make  what the view lacks
  void showTarget(const perturbation::WeightedDe& de);
  void put(const View& view);
  void makeView(const QString& view, const perturbation::WeightedDe& de);
  static Views zOf(const Tested& tested, const GeneSettings& settings);
  static Views programsOf(const Tested& tested, const GeneSettings& settings, const RunControl& control);
  static Views setsOf(const QString& view, const Tested& tested, const perturbation::WeightedDe& de, const Sets& sets,
                      const GeneSettings& settings, const RunControl& control);
  /// A job with progress and Cancel; one at a time.
  template <class Made>
  void work(const QString& key, std::function<Made(const RunControl&)> job, std::function<void(Made)> done);
  void setBusy(bool busy);
  /// Whether the settings of the tests are others than those of what was tested.
  bool testsStale() const;
  const perturbation::WeightedDe* table() const;
  QString command() const;  ///< that does the same on the command line
  void selectInside(int panel, const QPolygonF& shape, Qt::KeyboardModifiers keys);

  Session& session_;
  charts::FigureView* figure_;
  TablePanel* table_;
  SelectionLink* link_;
  QComboBox* view_;
  QPushButton *run_, *cancel_, *sets_button_, *copy_;
  GeneSettingsForm* settings_;
  QProgressBar* progress_;
  QLabel* says_;
  std::int32_t target_ = -1;
  std::shared_ptr<std::mutex> one_at_a_time_ = std::make_shared<std::mutex>();  ///< cancelled tests may still end
  std::shared_ptr<const Tested> tested_;
  std::shared_ptr<const Sets> sets_;
  QString sets_path_;
  Views made_;
  QString making_;  ///< the view that a worker makes
};

}  // namespace scriptorium::ui
