#include "ui/workspaces/diagnose/gene_list.hpp"

#include <QHash>
#include <QRegularExpression>
#include <QSet>
#include <algorithm>

namespace scriptorium::ui {
namespace {

/// Letters to insert, delete or replace to get from one word to the other; gives up above `most`.
int distance(const QString& a, const QString& b, int most) {
  if (std::abs(a.size() - b.size()) > most) return most + 1;
  std::vector<int> row(static_cast<std::size_t>(b.size()) + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = static_cast<int>(j);
  for (qsizetype i = 0; i < a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i) + 1;
    for (qsizetype j = 0; j < b.size(); ++j) {
      const auto k = static_cast<std::size_t>(j);
      const int above = row[k + 1];
      row[k + 1] = std::min({above + 1, row[k] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

QString nearest(const QString& wanted, const QHash<QString, std::int64_t>& known,
                const std::vector<std::string>& names) {
  int best = 3;
  std::int64_t at = -1;
  for (auto one = known.begin(); one != known.end(); ++one) {
    const int d = one.key().startsWith(wanted) ? 1 : distance(wanted, one.key(), best);
    if (d < best || (d == best && at >= 0 && one.value() < at)) {
      best = d;
      at = one.value();
    }
  }
  return at < 0 ? QString() : QString::fromStdString(names[static_cast<std::size_t>(at)]);
}

}  // namespace

GeneList readGeneList(const QString& text, const std::vector<std::string>& names) {
  QHash<QString, std::int64_t> known;
  known.reserve(static_cast<qsizetype>(names.size()));
  for (std::size_t g = names.size(); g-- > 0;)
    known[QString::fromStdString(names[g]).toUpper()] = static_cast<std::int64_t>(g);
  static const QRegularExpression separators("[\\s,;|]+");
  GeneList list;
  QSet<std::int64_t> seen;
  for (const QString& word : text.split(separators, Qt::SkipEmptyParts)) {
    const auto at = known.find(word.toUpper());
    if (at == known.end()) {
      const QString near = list.not_found.size() < 20 ? nearest(word.toUpper(), known, names) : QString();
      list.not_found << (near.isEmpty() ? word : QString("%1 (%2?)").arg(word, near));
    } else if (!seen.contains(*at)) {
      seen.insert(*at);
      list.found.push_back(*at);
    }
  }
  return list;
}

}  // namespace scriptorium::ui
