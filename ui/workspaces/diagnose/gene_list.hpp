#pragma once
#include <QString>
#include <QStringList>
#include <string>
#include <vector>

namespace scriptorium::ui {

/// Genes named in a text with any separators (spaces, commas, semicolons, tabs, lines), without regard to case.
struct GeneList {
  std::vector<std::int64_t> found;  ///< in the order written, each once
  QStringList not_found;            ///< with the nearest name: "CD8 (CD8A?)"
};
GeneList readGeneList(const QString& text, const std::vector<std::string>& names);

}  // namespace scriptorium::ui
