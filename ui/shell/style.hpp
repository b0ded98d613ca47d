#pragma once

namespace scriptorium::ui {

/// Fusion with a light or dark palette and the program's style sheet.
void applyStyle(bool dark);
/// Whether the system asks for dark windows.
bool systemIsDark();

}  // namespace scriptorium::ui
