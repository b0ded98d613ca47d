#include "ui/shell/style.hpp"

#include <QApplication>
#include <QFile>
#include <QPainter>
#include <QPalette>
#include <QProxyStyle>
#include <QStyleFactory>
#include <QStyleOption>

namespace scriptorium::ui {
namespace {

/// Fusion draws outlines darker than the window, where nobody sees them in the dark: here fields and marks get a light
/// one.
class DarkStyle : public QProxyStyle {
 public:
  DarkStyle() : QProxyStyle(QStyleFactory::create("Fusion")) {}

  void drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                     const QWidget* widget) const override {
    QProxyStyle::drawPrimitive(element, option, painter, widget);
    if (element == PE_FrameLineEdit || element == PE_IndicatorCheckBox) outline(*option, *painter, 2);
    if (element == PE_IndicatorRadioButton) outline(*option, *painter, option->rect.width());
  }
  void drawComplexControl(ComplexControl control, const QStyleOptionComplex* option, QPainter* painter,
                          const QWidget* widget) const override {
    QProxyStyle::drawComplexControl(control, option, painter, widget);
    if (control == CC_SpinBox) outline(*option, *painter, 2);
  }

 private:
  static void outline(const QStyleOption& option, QPainter& painter, double radius) {
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(option.state & State_Enabled ? QColor(0x7c, 0x85, 0x91) : QColor(0x45, 0x4c, 0x56));
    painter.setBrush(Qt::NoBrush);
    painter.drawRoundedRect(QRectF(option.rect).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius);
    painter.restore();
  }
};

}  // namespace

bool systemIsDark() {
  return QApplication::palette().color(QPalette::Window).lightness() < 128;
}

void applyStyle(bool dark) {
  QApplication::setStyle(dark ? static_cast<QStyle*>(new DarkStyle) : QStyleFactory::create("Fusion"));
  QPalette palette;
  const auto set = [&](QPalette::ColorRole role, const char* light, const char* night) {
    palette.setColor(role, QColor(dark ? night : light));
  };
  set(QPalette::Window, "#f4f5f7", "#25292f");
  set(QPalette::WindowText, "#1b1f24", "#e6e9ed");
  set(QPalette::Base, "#ffffff", "#1e2227");
  set(QPalette::AlternateBase, "#f1f4f7", "#262b31");
  set(QPalette::Text, "#1b1f24", "#e6e9ed");
  set(QPalette::Button, "#e9ecef", "#343a42");
  set(QPalette::ButtonText, "#1b1f24", "#e6e9ed");
  set(QPalette::BrightText, "#d55e00", "#f07b3a");
  set(QPalette::ToolTipBase, "#ffffff", "#343a42");
  set(QPalette::ToolTipText, "#1b1f24", "#e6e9ed");
  set(QPalette::PlaceholderText, "#6a737d", "#8c96a3");
  set(QPalette::Highlight, "#0072b2", "#3a8fc7");
  set(QPalette::HighlightedText, "#ffffff", "#ffffff");
  set(QPalette::Link, "#0072b2", "#4da6e0");
  set(QPalette::Light, "#ffffff", "#3c434c");
  set(QPalette::Midlight, "#eef0f2", "#333941");
  set(QPalette::Mid, "#c9ced4", "#454c56");
  set(QPalette::Dark, "#a5acb5", "#15181c");
  set(QPalette::Shadow, "#7a828c", "#0c0e10");
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
    palette.setColor(QPalette::Disabled, role, QColor(dark ? "#7c8591" : "#8b939c"));
  palette.setColor(QPalette::Disabled, QPalette::Highlight, QColor(dark ? "#454c56" : "#c9ced4"));
  QApplication::setPalette(palette);
  QFile sheet(":/style/scriptorium.qss");
  if (sheet.open(QIODevice::ReadOnly)) {
    QString text = QString::fromUtf8(sheet.readAll());
    text.replace("@line", dark ? "#454c56" : "#c9ced4")
        .replace("@accent", dark ? "#4da6e0" : "#0072b2")
        .replace("@quiet", dark ? "#9aa4b0" : "#5b646e");
    qApp->setStyleSheet(text);
  }
}

}  // namespace scriptorium::ui
