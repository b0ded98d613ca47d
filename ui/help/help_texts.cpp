#include "ui/help/help_texts.hpp"

#include <QFile>
#include <QHash>
#include <QJsonDocument>
#include <QJsonObject>
#include <QWidget>

namespace scriptorium::ui::help {
namespace {

const QHash<QString, Entry>& entries() {
  static const QHash<QString, Entry> all = [] {
    QHash<QString, Entry> made;
    QFile file(":/help/controls.json");  // inside the program, not on disk
    if (!file.open(QIODevice::ReadOnly)) return made;
    const QJsonObject json = QJsonDocument::fromJson(file.readAll()).object();
    for (auto at = json.begin(); at != json.end(); ++at) {
      const QJsonObject one = at->toObject();
      made[at.key()] = {one["label"].toString(), one["sentence"].toString(), one["default"].toString(),
                        one["range"].toString()};
    }
    return made;
  }();
  return all;
}

}  // namespace

QString Entry::text() const {
  QString all = sentence;
  if (!standard.isEmpty()) all += QObject::tr(" Default: %1.").arg(standard);
  if (!range.isEmpty()) all += QObject::tr(" Range: %1.").arg(range);
  return all;
}

Entry find(const QString& object_name) {
  return entries().value(object_name);
}

void describe(QWidget* control, const QString& object_name) {
  describe(control, object_name, find(object_name));
}

void describe(QWidget* control, const QString& object_name, const Entry& entry) {
  control->setObjectName(object_name);
  control->setToolTip(entry.text().isEmpty() ? QString() : "<qt>" + entry.text().toHtmlEscaped() + "</qt>");
  control->setWhatsThis(entry.text());
  control->setAccessibleName(entry.label);
  control->setAccessibleDescription(entry.text());
}

QString page(const QString& name) {
  QFile file(":/help/" + name + ".html");
  return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

}  // namespace scriptorium::ui::help
