#pragma once
#include "ui/jobs/fit_item.hpp"

namespace scriptorium::ui {

/// The scriptorium-cli command that does the same as a request, quoted for a shell; only what differs from the
/// defaults.
QString commandFor(const FitRequest& request);

}  // namespace scriptorium::ui
