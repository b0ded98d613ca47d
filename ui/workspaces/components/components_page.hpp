#pragma once
#include "ui/workspaces/needs_page.hpp"

namespace scriptorium::ui {

/// Who belongs where, how sure.
class ComponentsPage : public NeedsPage {
  Q_OBJECT
 public:
  explicit ComponentsPage(Session& session, QWidget* parent = nullptr);
};

}  // namespace scriptorium::ui
