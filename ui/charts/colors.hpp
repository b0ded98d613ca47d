#pragma once
#include <QColor>
#include <vector>

#include "ui/charts/figure.hpp"

namespace scriptorium::charts {

/// matplotlib's viridis at t in 0 … 1: even to the eye, and told apart in grey and by readers with colour blindness.
QRgb viridis(double t);
/// Blue (0) over light grey (0.5) to vermillion (1): Okabe and Ito's, told apart with any colour blindness.
QRgb twoSided(double t);
QRgb rampColor(Ramp ramp, double t);
/// Colours of groups: Okabe and Ito's first, then lighter and darker ones; they repeat after 20.
QRgb groupColor(int group);
/// Of what has no value.
inline constexpr QRgb kNoValue = 0xffa6adb5;

/// `color` with its opacity multiplied.
QRgb faded(QRgb color, double opacity);

}  // namespace scriptorium::charts
