#pragma once
#include <QColor>
#include <QFont>

#include "ui/charts/figure.hpp"

namespace scriptorium::charts {

/// How figures look. Data colours are Okabe and Ito's, told apart by readers with any of the three kinds of colour
/// blindness; on dark ground the darker ones are lightened.
struct Theme {
  QColor background, ink, faint, grid;
  int font_pixels = 12;
  bool dark = false;
  QColor color(Tone tone) const;
  QFont font(double factor = 1, bool bold = false) const;

  static Theme light();
  static Theme darkGround();
  static Theme paper();  ///< white, 7-point text: what files are drawn with
};

}  // namespace scriptorium::charts
