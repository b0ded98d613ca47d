#pragma once
#include <QString>
#include <QStringList>

class QWidget;

namespace scriptorium::ui::help {

/// One control in plain words. All such texts are in resources/help/controls.json, keyed by object name; what concerns
/// models comes from the catalogue instead.
struct Entry {
  QString label;            ///< short, for labels and screen readers
  QString sentence;         ///< what it does
  QString standard, range;  ///< default with unit; range with unit; empty when there is none
  QString text() const;     ///< the whole tooltip
};

/// The entry of an object name; empty label when there is none.
Entry find(const QString& object_name);
/// Names, tooltip, accessible name and help of a control, from its entry.
void describe(QWidget* control, const QString& object_name);
/// The same for a control whose words come from elsewhere (the catalogue).
void describe(QWidget* control, const QString& object_name, const Entry& entry);
/// A page of help: "diagnose", "keys", "glossary", … as rich text.
QString page(const QString& name);

}  // namespace scriptorium::ui::help
