#pragma once
#include <QPolygonF>
#include <QTimer>
#include <QWidget>
#include <functional>
#include <memory>

#include "ui/charts/chart_scene.hpp"

class QMenu;

namespace scriptorium::charts {

/// A figure on screen: draws through ChartScene (in slices, so that a page of panels never holds the window up), shows
/// the values under the pointer, zooms (wheel, drag a box, + − 0, double click fits), steps through points with the
/// arrow keys, and copies and saves. What a drag does is setDrag()'s: zoom, or choose a range, a box or a free shape.
class FigureView : public QWidget {
  Q_OBJECT
 public:
  explicit FigureView(QWidget* parent = nullptr);
  ~FigureView() override;

  /// Keeps the zoom when the panels stay the same in number and `keep_zoom` is set.
  void setFigure(Figure figure, bool keep_zoom = false);
  const Figure& figure() const { return figure_; }
  /// Words instead of a figure: empty and error states. Cleared by setFigure().
  void setMessage(const QString& message);
  QString message() const { return message_; }
  /// Old figures stay visible, marked "from earlier settings".
  void setStale(bool stale);
  bool isStale() const { return stale_; }
  bool isBuilding() const { return waiting_ || building_ != nullptr; }  ///< a newer drawing is on its way
  void setDark(bool dark);
  enum class Drag { Zoom, Brush, Box, Lasso };
  /// Where a drag zooms, one with Ctrl chooses a box.
  void setDrag(Drag drag) { drag_ = drag; }
  Drag drag() const { return drag_; }
  /// Words for the element of a mark under the pointer, instead of its coordinates; empty: these.
  void setReadout(std::function<QStringList(int panel, int mark, int index)> words) { words_ = std::move(words); }
  /// Where a place of a panel is on the widget; for tests, which drag there. `at` in axis positions.
  QPointF placeOf(int panel, QPointF at) const;
  /// The range of a panel that is shown, or about to be, in axis positions.
  QRectF shownRange(int panel) const;
  /// File name proposed by the save dialogs, without ending.
  void setFileName(const QString& name) { file_name_ = name; }

  QSize sizeHint() const override { return {420, 260}; }
  QSize minimumSizeHint() const override { return {180, 130}; }

 public slots:
  void zoomIn();
  void zoomOut();
  void fit();
  /// Other axes than the figure was made with; unset: as made. Kept for the figures that come.
  void setScales(std::optional<Scale> x, std::optional<Scale> y);
  void copyFigure();
  void copyNumbers();
  void saveFigureDialog();
  void saveNumbersDialog();

 signals:
  void brushed(int panel, double low, double high, Qt::KeyboardModifiers keys);    ///< in data units
  void shapeDrawn(int panel, const QPolygonF& shape, Qt::KeyboardModifiers keys);  ///< in axis positions
  void panelClicked(int panel);
  /// Where a drag chooses a box or a shape: a click without a drag, in axis positions.
  void placeClicked(int panel, QPointF at, Qt::KeyboardModifiers keys);
  void zoomed();                                               ///< shownRange() of a panel has changed
  void failed(const QString& message, const QString& remedy);  ///< saving went wrong

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;

 private:
  void addScaleMenu(QMenu& menu, const QString& title, bool across);
  void rebuild();
  void buildSome();
  int panelAt(QPointF at) const;
  void zoomPanel(int panel, const QRectF& range);
  void zoomAbout(int panel, QPointF at, double factor);
  void drawReadout(QPainter& painter) const;

  Figure made_, figure_;  ///< as handed over; as drawn, on the axes chosen
  std::optional<Scale> x_scale_, y_scale_;
  QString message_, file_name_ = "figure";
  Theme theme_ = Theme::light();
  std::vector<std::optional<QRectF>> zoom_;
  std::unique_ptr<ChartScene> building_, shown_;
  QPixmap picture_, next_picture_;
  std::unique_ptr<QPainter> painter_;  ///< on next_picture_, while building_ is drawn
  QTimer slice_;
  QPointF pointer_, pressed_, dragged_;
  int panel_ = 0, step_ = -1;
  bool waiting_ = false;  ///< a scene is to be made
  bool hovering_ = false, dragging_ = false, panning_ = false, stale_ = false;
  Drag drag_ = Drag::Zoom, active_ = Drag::Zoom;  ///< as set; of the drag that is going on
  QPolygonF lasso_;                               ///< on the widget
  std::function<QStringList(int, int, int)> words_;
};

/// The element of a mark with several that is nearest to a place, in axis positions: (mark, element), −1 where nothing
/// is near. Points win over the rest, a later image over an earlier one.
std::pair<int, int> nearestElement(const Panel& panel, const PanelPlace& place, QPointF at);
/// What is drawn near a place of a panel, one line a mark: "observed: 0.213 at 3". `index` (if not −1) asks for that
/// element of the first mark with several instead, and moves `at` there; both in axis positions.
QStringList readout(const Panel& panel, const PanelPlace& place, QPointF& at, int index = -1);

}  // namespace scriptorium::charts
