#pragma once
#include <QTimer>
#include <QWidget>

#include "ui/workspaces/components/entropy_figure.hpp"
#include "ui/workspaces/page.hpp"

class QComboBox;
class QLabel;
class QProgressBar;
class QPushButton;
class QSpinBox;

namespace scriptorium::ui {

/// The entropy map: how unsure each gene by itself leaves the component of each cell, of the assignments that are
/// shown. Made when somebody looks; a zoom is looked into more closely, down to single cells.
class EntropyMapPanel : public QWidget {
  Q_OBJECT
 public:
  EntropyMapPanel(Session& session, charts::FigureView* figure, QWidget* parent = nullptr);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  QWidget* makeControls();
  void refresh();     ///< makes what is shown fit the assignments, if somebody looks
  void compute();     ///< the whole map, on a worker
  void lookCloser();  ///< at what is zoomed into
  void draw(bool keep_zoom);
  void setRunning(bool running);
  /// Why there is no map; empty where there can be one.
  QString whyNot() const;
  bool isCurrent() const;  ///< whether the map is of the assignments and the number of genes that are asked for
  void choose(int panel, const QRectF& place, Qt::KeyboardModifiers keys);  ///< in axis positions of the panel
  QStringList wordsOf(int panel, int mark, int index) const;

  Session& session_;
  charts::FigureView* figure_;
  QComboBox* measure_;
  QSpinBox* genes_;
  QPushButton *compute_, *cancel_;
  QProgressBar* progress_;
  QLabel* says_;
  QTimer closer_{this};
  std::shared_ptr<const EntropyGround> ground_;
  std::shared_ptr<const EntropyPiece> whole_, detail_;
  bool picks_genes_ = false;  ///< a box or click chooses genes instead of cells
};

}  // namespace scriptorium::ui
