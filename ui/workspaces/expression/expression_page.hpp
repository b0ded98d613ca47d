#pragma once
#include "ui/workspaces/needs_page.hpp"

namespace scriptorium::ui {

/// Differential expression between groups of cells.
class ExpressionPage : public NeedsPage {
  Q_OBJECT
 public:
  explicit ExpressionPage(Session& session, QWidget* parent = nullptr);
};

}  // namespace scriptorium::ui
