#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

/// A gene's posterior given all else at points of a coarse tensor: where its summits are.
namespace scriptorium::inference {

/// Points of a gene's sites as the likelihood reads them, evenly: ln θ, then (mean_disp) ln r, then the gate's logit.
struct Axes {
  std::array<double, 3> low{}, spacing{1, 1, 1};
  std::array<std::size_t, 3> size{1, 1, 1};
  std::size_t used = 0;
  void add(double from, double step, std::size_t n) {
    low[used] = from;
    spacing[used] = step;
    size[used++] = n;
  }
  double value(std::size_t axis, std::size_t i) const { return low[axis] + static_cast<double>(i) * spacing[axis]; }
  std::size_t nearest(std::size_t axis, double what) const {
    return static_cast<std::size_t>(
        std::clamp((what - low[axis]) / spacing[axis] + 0.5, 0.0, static_cast<double>(size[axis]) - 1));
  }
  std::size_t points() const { return size[0] * size[1] * size[2]; }
};
using GridPlace = std::array<std::size_t, 3>;

/// A function at all points of axes, the last axis running fastest.
struct Relief {
  const Axes& axes;
  const std::vector<double>& height;
  double at(const GridPlace& p) const { return height[(p[0] * axes.size[1] + p[1]) * axes.size[2] + p[2]]; }
  /// The highest neighbour, or the place itself at a summit.
  GridPlace uphill(const GridPlace& from) const {
    GridPlace best = from;
    const auto low = [&](std::size_t k) { return from[k] > 0 ? from[k] - 1 : 0; };
    const auto high = [&](std::size_t k) { return std::min(from[k] + 1, axes.size[k] - 1); };
    for (auto i = low(0); i <= high(0); ++i)
      for (auto j = low(1); j <= high(1); ++j)
        for (auto k = low(2); k <= high(2); ++k)
          if (at({i, j, k}) > at(best)) best = {i, j, k};
    return best;
  }
  GridPlace summit(GridPlace from) const {
    for (;;) {
      const GridPlace next = uphill(from);
      if (next == from) return from;
      from = next;
    }
  }
};

/// A parabola through three neighbours on each axis: where its top is, and how wide.
struct Top {
  double height = 0;  ///< with the width: what a mean-field ELBO would be there, but for a constant
  std::array<double, 3> value{}, sd{};
};
inline Top top_of(const Relief& relief, const GridPlace& place) {
  Top out;
  out.height = relief.at(place);
  for (std::size_t k = 0; k < relief.axes.used; ++k) {
    double shift = 0, sd = relief.axes.spacing[k];
    if (place[k] > 0 && place[k] + 1 < relief.axes.size[k]) {
      GridPlace left = place, right = place;
      --left[k];
      ++right[k];
      const double below = relief.at(left), above = relief.at(right), bend = 2 * relief.at(place) - below - above;
      if (bend > 0) {
        shift = 0.5 * (above - below) / bend;
        sd *= std::sqrt(1 / bend);
        out.height += 0.25 * (above - below) * shift;
      }
    }
    out.value[k] = relief.axes.value(k, place[k]) + shift * relief.axes.spacing[k];
    out.sd[k] = std::clamp(sd, 1e-3, 1.0);
    out.height += std::log(out.sd[k]);
  }
  return out;
}

/// The summit that `here` belongs to first, then, best first, up to two others that are not more than `hopeless` nats
/// lower.
struct Summit {
  GridPlace place{};
  Top top;
};
inline std::vector<Summit> summits_of(const Relief& relief, const GridPlace& here, double hopeless) {
  const Axes& axes = relief.axes;
  const GridPlace first = relief.summit(here);
  std::vector<Summit> out{{first, top_of(relief, first)}};
  const double floor = out[0].top.height - hopeless;
  for (std::size_t i = 0; i < axes.size[0]; ++i)
    for (std::size_t j = 0; j < axes.size[1]; ++j)
      for (std::size_t k = 0; k < axes.size[2]; ++k) {
        const GridPlace place{i, j, k};
        if (place == first || relief.at(place) < floor || relief.uphill(place) != place) continue;
        const Summit other{place, top_of(relief, place)};
        if (other.top.height >= floor) out.push_back(other);
      }
  std::sort(out.begin() + 1, out.end(), [](const Summit& a, const Summit& b) { return a.top.height > b.top.height; });
  if (out.size() > 3) out.resize(3);
  return out;
}

}  // namespace scriptorium::inference
