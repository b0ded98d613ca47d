#include "ui/charts/figure_view.hpp"

#include <QAccessibleWidget>
#include <QApplication>
#include <QMouseEvent>
#include <QStyle>
#include <QWheelEvent>
#include <cmath>

#include "core/error.hpp"

namespace scriptorium::charts {
namespace {

/// Tells screen readers that a figure is a chart; its description is the figure in words.
QAccessibleInterface* makeAccessible(const QString&, QObject* object) {
  auto* view = qobject_cast<FigureView*>(object);
  return view ? new QAccessibleWidget(view, QAccessible::Chart) : nullptr;
}

}  // namespace

FigureView::FigureView(QWidget* parent) : QWidget(parent) {
  static const bool installed = (QAccessible::installFactory(makeAccessible), true);
  Q_UNUSED(installed);
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
  slice_.setSingleShot(true);
  slice_.setInterval(0);
  connect(&slice_, &QTimer::timeout, this, &FigureView::buildSome);
}

FigureView::~FigureView() = default;

void FigureView::setFigure(Figure figure, bool keep_zoom) {
  if (!keep_zoom || figure.panels.size() != figure_.panels.size()) zoom_.assign(figure.panels.size(), std::nullopt);
  made_ = std::move(figure);
  figure_ = rescaled(made_, x_scale_, y_scale_);
  message_.clear();
  stale_ = false;
  step_ = -1;
  setAccessibleDescription(figure_.summary());
  rebuild();
}

void FigureView::setMessage(const QString& message) {
  message_ = message;
  made_ = figure_ = {};
  painter_.reset();
  building_.reset();
  waiting_ = false;
  shown_.reset();
  picture_ = {};
  stale_ = false;
  setAccessibleDescription(message);
  update();
}

void FigureView::setStale(bool stale) {
  stale_ = stale && !figure_.empty();
  update();
}

void FigureView::setDark(bool dark) {
  theme_ = dark ? Theme::darkGround() : Theme::light();
  rebuild();
}

void FigureView::rebuild() {
  if (figure_.empty() || width() < 40 || height() < 40) {
    update();
    return;
  }
  waiting_ = true;  // built in turns of its own: several figures may change at once
  slice_.start();
}

void FigureView::buildSome() {
  if (waiting_) {
    waiting_ = false;
    if (figure_.empty() || width() < 40 || height() < 40) return;
    building_ = std::make_unique<ChartScene>(figure_, QSizeF(size()), theme_, zoom_);
    const double ratio = devicePixelRatioF();
    painter_.reset();
    next_picture_ = QPixmap(size() * ratio);
    next_picture_.setDevicePixelRatio(ratio);
    painter_ = std::make_unique<QPainter>(&next_picture_);
    slice_.start();
    return;
  }
  if (!building_) return;
  if (!building_->draw(*painter_, 10)) {
    slice_.start();
    return;
  }
  painter_.reset();
  picture_ = std::move(next_picture_);
  shown_ = std::move(building_);
  update();
}

void FigureView::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.fillRect(rect(), theme_.background);
  if (!message_.isEmpty()) {
    painter.setPen(theme_.faint);
    painter.setFont(theme_.font(1.1));
    painter.drawText(rect().adjusted(16, 12, -16, -12), Qt::AlignCenter | Qt::TextWordWrap, message_);
  } else if (!picture_.isNull()) {
    painter.drawPixmap(0, 0, picture_);
    drawReadout(painter);
    if (dragging_) {
      const PanelPlace& place = shown_->places()[static_cast<std::size_t>(panel_)];
      QRectF box = QRectF(pressed_, dragged_).normalized() & place.plot;
      if (active_ == Drag::Brush) box = QRectF(box.left(), place.plot.top(), box.width(), place.plot.height());
      painter.setPen(theme_.color(Tone::Blue));
      painter.setBrush(QColor(0x56, 0xb4, 0xe9, 60));
      active_ == Drag::Lasso ? painter.drawPolygon(lasso_) : painter.drawRect(box);
    }
    if (stale_) {
      const QString words = tr("from earlier settings");
      painter.setFont(theme_.font(1, true));
      const QRectF tag(width() - painter.fontMetrics().horizontalAdvance(words) - 22, 4,
                       painter.fontMetrics().horizontalAdvance(words) + 16, painter.fontMetrics().height() + 6);
      painter.fillRect(rect(),
                       QColor(theme_.background.red(), theme_.background.green(), theme_.background.blue(), 110));
      painter.setPen(Qt::NoPen);
      painter.setBrush(theme_.color(Tone::Orange));
      painter.drawRoundedRect(tag, 4, 4);
      painter.setPen(Qt::black);
      painter.drawText(tag, Qt::AlignCenter, words);
    }
  }
  if (hasFocus()) {
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(theme_.color(Tone::Blue), 2));
    painter.drawRect(rect().adjusted(1, 1, -1, -1));
  }
}

void FigureView::drawReadout(QPainter& painter) const {
  if (!shown_ || dragging_ || (!hovering_ && step_ < 0)) return;
  const int panel = step_ >= 0 ? panel_ : panelAt(pointer_);
  if (panel < 0 || panel >= static_cast<int>(figure_.panels.size())) return;
  const PanelPlace& place = shown_->places()[static_cast<std::size_t>(panel)];
  QPointF at = place.onAxes(pointer_);
  const Panel& shown = figure_.panels[static_cast<std::size_t>(panel)];
  QStringList lines = readout(shown, place, at, step_);
  if (words_) {
    const auto [mark, element] = nearestElement(shown, place, at);
    if (const QStringList words = element >= 0 ? words_(panel, mark, element) : QStringList(); !words.isEmpty())
      lines = words;
  }
  if (lines.size() < 2) return;
  const double x = place.drawn(at).x();
  painter.setPen(QPen(theme_.faint, 1));
  painter.drawLine(QPointF(x, place.plot.top()), QPointF(x, place.plot.bottom()));
  painter.setFont(theme_.font(0.95));
  const QString text = lines.join('\n');
  QRectF box = painter.fontMetrics().boundingRect(QRect(0, 0, 420, 400), Qt::AlignLeft, text);
  box.adjust(-6, -4, 6, 4);
  box.moveTopLeft({x + 10, std::max(2.0, step_ >= 0 ? place.plot.top() + 4 : pointer_.y() - box.height() - 6)});
  if (box.right() > width() - 2) box.moveRight(std::max(box.width(), x - 10));
  painter.setBrush(theme_.background);
  painter.drawRoundedRect(box, 3, 3);
  painter.setPen(theme_.ink);
  painter.drawText(box.adjusted(6, 4, -6, -4), Qt::AlignLeft, text);
}

QPointF FigureView::placeOf(int panel, QPointF at) const {
  if (!shown_ || panel < 0 || panel >= static_cast<int>(shown_->places().size())) return {};
  return shown_->places()[static_cast<std::size_t>(panel)].drawn(at);
}

int FigureView::panelAt(QPointF at) const {
  if (!shown_) return -1;
  for (std::size_t i = 0; i < shown_->places().size(); ++i)
    if (shown_->places()[i].plot.contains(at)) return static_cast<int>(i);
  return -1;
}

QRectF FigureView::shownRange(int panel) const {
  if (panel < 0 || panel >= static_cast<int>(figure_.panels.size())) return {};
  const auto i = static_cast<std::size_t>(panel);
  return zoom_[i] ? *zoom_[i] : naturalRange(figure_.panels[i]);
}

void FigureView::zoomPanel(int panel, const QRectF& range) {
  for (std::size_t i = 0; i < zoom_.size(); ++i) {
    if (static_cast<int>(i) == panel || figure_.link_axes) {
      zoom_[i] = range;
    } else if (figure_.link_x) {
      const QRectF own = shownRange(static_cast<int>(i));
      zoom_[i] = QRectF(range.left(), own.top(), range.width(), own.height());
    }
  }
  rebuild();
  emit zoomed();
}

void FigureView::zoomAbout(int panel, QPointF at, double factor) {
  if (!shown_ || panel < 0 || panel >= static_cast<int>(shown_->places().size())) return;
  const PanelPlace& place = shown_->places()[static_cast<std::size_t>(panel)];
  const double fx = (at.x() - place.plot.left()) / place.plot.width(),
               fy = (place.plot.bottom() - at.y()) / place.plot.height();
  const double w = place.range.width() * factor, h = place.range.height() * factor;
  zoomPanel(panel, QRectF(place.range.left() + fx * (place.range.width() - w),
                          place.range.top() + fy * (place.range.height() - h), w, h));
}

void FigureView::zoomIn() {
  if (shown_ && !figure_.empty())
    zoomAbout(panel_, shown_->places()[static_cast<std::size_t>(panel_)].plot.center(), 0.7);
}
void FigureView::zoomOut() {
  if (shown_ && !figure_.empty())
    zoomAbout(panel_, shown_->places()[static_cast<std::size_t>(panel_)].plot.center(), 1 / 0.7);
}
void FigureView::fit() {
  zoom_.assign(figure_.panels.size(), std::nullopt);
  rebuild();
  emit zoomed();
}

void FigureView::setScales(std::optional<Scale> x, std::optional<Scale> y) {
  if (x == x_scale_ && y == y_scale_) return;
  x_scale_ = x;
  y_scale_ = y;
  if (!made_.empty()) setFigure(Figure(made_));
}

void FigureView::resizeEvent(QResizeEvent*) {
  rebuild();
}

void FigureView::mousePressEvent(QMouseEvent* event) {
  setFocus();
  const int panel = panelAt(event->position());
  if (panel < 0) return;
  panel_ = panel;
  step_ = -1;
  pressed_ = dragged_ = event->position();
  panning_ = event->button() == Qt::MiddleButton ||
             (event->button() == Qt::LeftButton && event->modifiers() & Qt::ShiftModifier);
  dragging_ = event->button() == Qt::LeftButton && !panning_;
  active_ = drag_ == Drag::Zoom && event->modifiers() & Qt::ControlModifier ? Drag::Box : drag_;
  lasso_ = {pressed_};
}

void FigureView::mouseMoveEvent(QMouseEvent* event) {
  pointer_ = event->position();
  hovering_ = true;
  step_ = -1;
  if (dragging_) {
    dragged_ = pointer_;
    if (active_ == Drag::Lasso) lasso_ << pointer_;
  }
  if (panning_ && shown_) {
    const PanelPlace& place = shown_->places()[static_cast<std::size_t>(panel_)];
    const QPointF by = pointer_ - pressed_;
    pressed_ = pointer_;
    zoomPanel(panel_, place.range.translated(-by.x() / place.plot.width() * place.range.width(),
                                             by.y() / place.plot.height() * place.range.height()));
  }
  update();
}

void FigureView::mouseReleaseEvent(QMouseEvent* event) {
  const bool was = dragging_;
  dragging_ = panning_ = false;
  update();
  if (!was || !shown_ || panel_ >= static_cast<int>(shown_->places().size())) return;
  const PanelPlace& place = shown_->places()[static_cast<std::size_t>(panel_)];
  QRectF box = QRectF(pressed_, event->position()).normalized();
  if (active_ == Drag::Brush)
    box = QRectF(box.left(), place.plot.top(), box.width(), place.plot.height());  // a level drag has no height
  box &= place.plot;
  const QPointF low = place.onAxes(box.bottomLeft()), high = place.onAxes(box.topRight());
  if (active_ == Drag::Brush && box.width() > 4) {
    const Scale scale = figure_.panels[static_cast<std::size_t>(panel_)].x.scale;
    emit brushed(panel_, fromAxis(scale, low.x()), fromAxis(scale, high.x()), event->modifiers());
  } else if (active_ == Drag::Box || active_ == Drag::Lasso) {
    const QRectF around = active_ == Drag::Box ? box : lasso_.boundingRect();
    if (around.width() < 3 && around.height() < 3) {
      emit panelClicked(panel_);
      emit placeClicked(panel_, place.onAxes(event->position()), event->modifiers());
      return;
    }
    QPolygonF shape;
    for (const QPointF& corner : active_ == Drag::Box ? QPolygonF(box) : lasso_) shape << place.onAxes(corner);
    emit shapeDrawn(panel_, shape, event->modifiers());
  } else if (box.width() > 6 && box.height() > 6) {
    zoomPanel(panel_, QRectF(low, high));
  } else {
    emit panelClicked(panel_);
  }
}

void FigureView::mouseDoubleClickEvent(QMouseEvent*) {
  dragging_ = false;
  fit();
}

void FigureView::wheelEvent(QWheelEvent* event) {
  const int panel = panelAt(event->position());
  if (panel < 0 || !hasFocus()) {  // a page of figures scrolls until one of them is clicked
    event->ignore();
    return;
  }
  panel_ = panel;
  zoomAbout(panel, event->position(), std::pow(0.999, event->angleDelta().y()));
  event->accept();
}

void FigureView::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) return copyFigure();
  switch (event->key()) {
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      zoomIn();
      break;
    case Qt::Key_Minus:
      zoomOut();
      break;
    case Qt::Key_0:
      fit();
      break;
    case Qt::Key_Right:
      ++step_;
      update();
      break;
    case Qt::Key_Left:
      step_ = std::max(0, step_ - 1);
      update();
      break;
    case Qt::Key_PageDown:
      panel_ = std::min(panel_ + 1, static_cast<int>(figure_.panels.size()) - 1);
      update();
      break;
    case Qt::Key_PageUp:
      panel_ = std::max(0, panel_ - 1);
      update();
      break;
    case Qt::Key_Escape:
      dragging_ = panning_ = false;
      step_ = -1;
      update();
      break;
    default:
      QWidget::keyPressEvent(event);
  }
}

void FigureView::leaveEvent(QEvent*) {
  hovering_ = false;
  update();
}
void FigureView::focusInEvent(QFocusEvent*) {
  update();
}
void FigureView::focusOutEvent(QFocusEvent*) {
  step_ = -1;
  update();
}

}  // namespace scriptorium::charts
