#pragma once
#include <QWidget>

#include "core/analysis/prior_predictive.hpp"
#include "ui/workspaces/page.hpp"

class QLabel;
class QPushButton;

namespace scriptorium::ui {

/// What the priors say of data not yet looked at, beside the data: one panel a statistic.
charts::Figure priorPredictiveFigure(const analysis::PriorPredictive& check);
/// The same in a sentence: for which statistics the priors put the data where hardly any draw is.
QString priorPredictiveVerdict(const analysis::PriorPredictive& check);

/// Prior predictive against data, drawn anew whenever model or data change, and on request with other draws.
class PriorPredictiveView : public QWidget {
  Q_OBJECT
 public:
  /// `figure` is made by the page, which gives it its theme.
  PriorPredictiveView(Session& session, charts::FigureView* figure, QWidget* parent = nullptr);
  charts::Figure figure() const { return figure_->figure(); }

 private:
  void draw();

  Session& session_;
  charts::FigureView* figure_;
  QLabel* says_;
  QPushButton* again_;
  std::uint64_t seed_ = 42;
};

}  // namespace scriptorium::ui
