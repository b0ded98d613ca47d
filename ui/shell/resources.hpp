#pragma once

namespace scriptorium::ui {

/// Makes icons, style, help texts and the example available; call once after the QApplication is there. Needed because
/// they are linked from a static library.
void initResources();

}  // namespace scriptorium::ui
