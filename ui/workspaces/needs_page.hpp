#pragma once
#include "ui/workspaces/page.hpp"

namespace scriptorium::ui {

/// A page whose analysis this version does not make yet: says what it will show, what it needs, and what of that is
/// there.
class NeedsPage : public Page {
  Q_OBJECT
 public:
  /// One thing the page needs, and whether the session has it now, in words.
  struct Need {
    QString what;
    std::function<QString(const Session&)> state;
  };
  NeedsPage(const QString& key, const QString& title, Session& session, QString shows, std::vector<Need> needs,
            QWidget* parent = nullptr);

 private:
  void show();
  QString shows_;
  std::vector<Need> needs_;
};

/// How many fits there are, in words.
QString fitsInWords(const Session& session);
/// Whether data are open, in words.
QString dataInWords(const Session& session);

}  // namespace scriptorium::ui
