#pragma once
#include <QColor>
#include <vector>

#include "ui/charts/figure.hpp"

namespace scriptorium::charts {

/// matplotlib's viridis at t in 0 … 1: even to the eye, and told apart in grey and by readers with colour blindness.
QRgb viridis(double t);
/// Crameri's vik at t in 0 … 1: even to the eye from blue over near white at 0.5 to brown, and told apart by readers
/// with colour blindness.
QRgb vik(double t);
QRgb rampColor(Ramp ramp, double t);
/// Colours of groups: Okabe and Ito's first, then lighter and darker ones; they repeat after 20.
QRgb groupColor(int group);
/// Of what has no value.
inline constexpr QRgb kNoValue = 0xffa6adb5;

/// `color` with its opacity multiplied.
QRgb faded(QRgb color, double opacity);

}  // namespace scriptorium::charts
