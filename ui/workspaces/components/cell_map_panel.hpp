#pragma once
#include <QHash>
#include <QSet>
#include <QWidget>

#include "core/embedding/embed.hpp"
#include "ui/workspaces/components/component_figures.hpp"
#include "ui/workspaces/page.hpp"

class QComboBox;
class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;

namespace scriptorium::ui {

/// The map of the cells: a layout of the file or a computed one, coloured by what is chosen, on which cells are
/// selected. Points are the cells of the opened data, in their order.
class CellMapPanel : public QWidget {
  Q_OBJECT
 public:
  CellMapPanel(Session& session, charts::FigureView* map, QWidget* parent = nullptr);

  /// The map is first computed when somebody looks, and only of few cells without being asked.
  void lookedAt();

 private:
  void dataChanged();
  void fillMaps();
  void fillColors();
  void choose();  ///< shows the chosen layout, or says how to get it
  void lookUp();  ///< whether a computed layout of the kept cells was kept by an earlier session
  void keptChanged();
  void compute();  ///< the chosen layout, on a worker
  void color();    ///< asks a worker for the colours
  void draw();
  void selectInside(const QPolygonF& shape, Qt::KeyboardModifiers keys);
  QStringList wordsOf(std::size_t cell) const;
  std::shared_ptr<const data::Dataset> dataset() const;
  QString knownKey() const;  ///< of the chosen layout
  bool isOld() const;        ///< what is shown was laid out for other cells or genes than are kept now

  Session& session_;
  charts::FigureView* map_;
  QComboBox *which_, *by_;
  QLineEdit* gene_;
  QPushButton *compute_, *cancel_;
  QProgressBar* progress_;
  QLabel* says_;
  /// Layouts by knownKey(): computed ones belong to the cells that were kept.
  QHash<QString, std::shared_ptr<const MapPlaces>> known_;
  QHash<QString, QString> latest_;  ///< knownKey() of the last layout of each method: shown as old when others are kept
  QSet<QString> looked_up_;
  std::shared_ptr<const MapPlaces> places_;
  MapColors colors_;
  bool failed_ = false, color_chosen_ = false;
  std::shared_ptr<const data::Dataset> of_;
  std::vector<std::int64_t> assigned_of_point_;  ///< row of the assignments for each point, −1: none
};

}  // namespace scriptorium::ui
