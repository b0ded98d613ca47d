#include "ui/charts/theme.hpp"

#include <QGuiApplication>
#include <cmath>

namespace scriptorium::charts {

QColor Theme::color(Tone tone) const {
  switch (tone) {
    case Tone::Ink:
      return ink;
    case Tone::Faint:
      return faint;
    case Tone::Blue:
      return dark ? QColor(0x4d, 0xa6, 0xe0) : QColor(0x00, 0x72, 0xb2);
    case Tone::Orange:
      return QColor(0xe6, 0x9f, 0x00);
    case Tone::Green:
      return dark ? QColor(0x2f, 0xc0, 0x95) : QColor(0x00, 0x9e, 0x73);
    case Tone::Vermillion:
      return dark ? QColor(0xf0, 0x7b, 0x3a) : QColor(0xd5, 0x5e, 0x00);
    case Tone::Purple:
      return dark ? QColor(0xdd, 0x95, 0xbd) : QColor(0xcc, 0x79, 0xa7);
    case Tone::Sky:
      return QColor(0x56, 0xb4, 0xe9);
    case Tone::Yellow:
      return QColor(0xf0, 0xe4, 0x42);
  }
  return ink;
}

QFont Theme::font(double factor, bool bold) const {
  QFont font = QGuiApplication::font();
  font.setPixelSize(std::max(7, static_cast<int>(std::lround(font_pixels * factor))));
  font.setBold(bold);
  return font;
}

Theme Theme::light() {
  return {QColor(0xff, 0xff, 0xff),
          QColor(0x1b, 0x1f, 0x24),
          QColor(0x6a, 0x73, 0x7d),
          QColor(0xe4, 0xe7, 0xeb),
          12,
          false};
}

Theme Theme::darkGround() {
  return {
      QColor(0x1e, 0x22, 0x27), QColor(0xe6, 0xe9, 0xed), QColor(0x9a, 0xa4, 0xb0), QColor(0x3a, 0x41, 0x4a), 12, true};
}

Theme Theme::paper() {
  Theme theme = light();
  theme.ink = Qt::black;
  theme.font_pixels = 9;  // 7 points at 96 pixels an inch
  return theme;
}

}  // namespace scriptorium::charts
