#pragma once
#include "core/inference/fit.hpp"
#include "ui/charts/figure.hpp"

namespace scriptorium::ui {

/// How the loss is looked at.
struct LossView {
  bool raw = true, smooth = true;
  bool logarithmic = false;  ///< of the loss above the lowest seen, so that it works for losses of any sign
  int last = 0;              ///< only so many last iterations; 0: all
};

struct LossRun {
  QString name;
  const std::vector<inference::LossPoint>* trace = nullptr;
};

/// Loss by iteration of one run over those of others; under it, where known, what is left to gain (the Newton
/// decrement).
charts::Figure lossFigure(const LossRun& run, const std::vector<LossRun>& overlays, const LossView& view);

/// Exponential moving average with a memory of `window` points, without the bias of its start.
std::vector<double> smoothed(const std::vector<double>& values, double window);

}  // namespace scriptorium::ui
