#pragma once
#include "ui/workspaces/needs_page.hpp"

namespace scriptorium::ui {

/// Screens: guides against controls.
class PerturbationPage : public NeedsPage {
  Q_OBJECT
 public:
  explicit PerturbationPage(Session& session, QWidget* parent = nullptr);
};

}  // namespace scriptorium::ui
