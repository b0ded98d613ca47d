#include "ui/workspaces/needs_page.hpp"

namespace scriptorium::ui {

NeedsPage::NeedsPage(const QString& key, const QString& title, Session& session, QString shows, std::vector<Need> needs,
                     QWidget* parent)
    : Page(key, title, session, parent), shows_(std::move(shows)), needs_(std::move(needs)) {
  connect(&session.fits, &FitStore::changed, this, &NeedsPage::show);
  connect(&session.data, &DataState::stageChanged, this, &NeedsPage::show);
  show();
}

void NeedsPage::show() {
  QString words = QString("<h2>%1</h2><p>%2</p><p><b>%3</b></p>").arg(title(), shows_, tr("What it needs"));
  for (const Need& need : needs_)
    words += QString("<p>%1<br><small>%2</small></p>").arg(need.what, need.state(session()));
  words += tr("<p><small>This version does not compute it yet.</small></p>");
  showWords(words);
}

QString fitsInWords(const Session& session) {
  const auto n = session.fits.entries().size();
  return n == 0   ? QObject::tr("No fit yet.")
         : n == 1 ? QObject::tr("There is one fit.")
                  : QObject::tr("There are %1 fits.").arg(n);
}

QString dataInWords(const Session& session) {
  if (session.data.stage() != DataState::Stage::Ready) return QObject::tr("No data open.");
  QStringList columns;
  for (const auto& column : session.data.opened()->dataset->cells.columns)
    columns << QString::fromStdString(column.name);
  return columns.isEmpty() ? QObject::tr("The open data have no columns on their cells.")
                           : QObject::tr("The open data have these columns on their cells: %1.")
                                 .arg(columns.mid(0, 8).join(", ").toHtmlEscaped());
}

}  // namespace scriptorium::ui
