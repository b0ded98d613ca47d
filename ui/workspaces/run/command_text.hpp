#pragma once
#include "ui/jobs/fit_item.hpp"

namespace scriptorium::ui {

/// The scriptorium-cli command that does the same as a request, quoted for a shell; only what differs from the
/// defaults.
QString commandFor(const FitRequest& request);

/// A word as a shell reads it back.
QString shellQuoted(const QString& text);
/// --layer, --modality and --missing of data, where they were chosen.
QStringList dataFlags(const DataChoice& choice);
/// The flags of a filter, where they were chosen.
QStringList filterFlags(const data::Filter& filter);

}  // namespace scriptorium::ui
