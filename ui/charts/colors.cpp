#include "ui/charts/colors.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace scriptorium::charts {

namespace {

/// The colour at t in 0 … 1 between stops at even distances.
template <std::size_t N>
QRgb between(const std::array<QRgb, N>& stops, double t) {
  if (!std::isfinite(t)) return kNoValue;
  const double at = std::clamp(t, 0.0, 1.0) * (N - 1);
  const auto below = std::min(static_cast<std::size_t>(at), N - 2);
  const double part = at - static_cast<double>(below);
  const auto mix = [&](int a, int b) { return static_cast<int>(std::lround(a + part * (b - a))); };
  const QRgb a = stops[below], b = stops[below + 1];
  return qRgb(mix(qRed(a), qRed(b)), mix(qGreen(a), qGreen(b)), mix(qBlue(a), qBlue(b)));
}

}  // namespace

QRgb viridis(double t) {
  static constexpr std::array<QRgb, 9> stops{0xff440154, 0xff472c7a, 0xff3b518b, 0xff2c718e, 0xff21908d,
                                             0xff27ad81, 0xff5cc863, 0xffaadc32, 0xfffde725};
  return between(stops, t);
}

QRgb vik(double t) {
  static constexpr std::array<QRgb, 9> stops{0xff001261, 0xff064481, 0xff337da7, 0xff92bcd1, 0xffece5e0,
                                             0xffdcac8f, 0xffc37243, 0xff912f0c, 0xff590008};
  return between(stops, t);
}

QRgb rampColor(Ramp ramp, double t) {
  return ramp == Ramp::TwoSided ? vik(t) : viridis(t);
}

QRgb groupColor(int group) {
  static constexpr std::array<QRgb, 20> colors{0xff0072b2, 0xffe69f00, 0xff009e73, 0xffd55e00, 0xffcc79a7,
                                               0xff56b4e9, 0xfff0e442, 0xff7f6bb3, 0xff8c564b, 0xff7f7f7f,
                                               0xff4c9fd0, 0xffffc95c, 0xff5cc8a9, 0xffff9a5c, 0xffe6b3cd,
                                               0xff004a73, 0xff946600, 0xff00664a, 0xff8a3d00, 0xffb5aa00};
  return colors[static_cast<std::size_t>(std::abs(group)) % colors.size()];
}

QRgb faded(QRgb color, double opacity) {
  return qRgba(qRed(color), qGreen(color), qBlue(color), static_cast<int>(std::lround(qAlpha(color) * opacity)));
}

}  // namespace scriptorium::charts
