#pragma once
#include "ui/workspaces/needs_page.hpp"

namespace scriptorium::ui {

/// Counts explained by covariates of the cells.
class RegressionPage : public NeedsPage {
  Q_OBJECT
 public:
  explicit RegressionPage(Session& session, QWidget* parent = nullptr);
};

}  // namespace scriptorium::ui
