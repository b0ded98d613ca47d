#pragma once
#include <QFile>
#include <QTest>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/data/inspect.hpp"
#include "core/data/open.hpp"

/// Holds readers against facts.json in tests/data, and in the folder that SCRIPTORIUM_LARGE_DATA names where it is set.
namespace facts {

/// Rows "fact" and "folder" of a data-driven test for the files whose path contains one of `parts`.
inline void add_rows(const std::vector<std::string>& parts) {
  QTest::addColumn<QByteArray>("fact");
  QTest::addColumn<QString>("folder");
  std::vector<std::string> folders{SCRIPTORIUM_TEST_DATA "/data/"};
  if (qEnvironmentVariableIsSet("SCRIPTORIUM_LARGE_DATA"))
    folders.push_back(qgetenv("SCRIPTORIUM_LARGE_DATA").toStdString() + "/");
  for (const std::string& folder : folders) {
    QFile file(QString::fromStdString(folder + "facts.json"));
    if (!file.open(QIODevice::ReadOnly)) continue;
    for (const nlohmann::json& fact : nlohmann::json::parse(file.readAll().toStdString())) {
      const auto path = fact["path"].get<std::string>();
      for (const std::string& part : parts)
        if (path.find(part) != std::string::npos)
          QTest::addRow("%s %s", path.c_str(), fact["counts_at"].get<std::string>().c_str())
              << QByteArray::fromStdString(fact.dump()) << QString::fromStdString(folder);
    }
  }
}

/// Opens the file of the current row and compares what `inspect` says; names that are null in the facts may be
/// anything.
inline void compare() {
  QFETCH(QByteArray, fact);
  QFETCH(QString, folder);
  const auto expected = nlohmann::json::parse(fact.toStdString());
  const auto path = folder.toStdString() + expected["path"].get<std::string>();
  const auto found = scriptorium::data::inspect_json(
      scriptorium::data::open(path, {.layer = expected["counts_at"].get<std::string>()}, {}));
  for (const auto& [key, value] : expected.items()) {
    if (key == "path" || key == "sha256" || value.is_null()) continue;
    QVERIFY2(found.contains(key), key.c_str());
    QVERIFY2(found[key] == value, (key + ": " + found[key].dump() + " instead of " + value.dump()).c_str());
  }
}

}  // namespace facts
