#pragma once
#include "ui/workspaces/needs_page.hpp"

namespace scriptorium::ui {

/// Fits side by side.
class ComparePage : public NeedsPage {
  Q_OBJECT
 public:
  explicit ComparePage(Session& session, QWidget* parent = nullptr);
};

}  // namespace scriptorium::ui
