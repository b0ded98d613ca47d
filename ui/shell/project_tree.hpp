#pragma once
#include <QTreeWidget>

#include "ui/project/session.hpp"

namespace scriptorium::ui {

/// The project at the left: the open data, the fits (current one bold, one in work with its share done), what the
/// filter keeps and the named sets.
class ProjectTree : public QTreeWidget {
  Q_OBJECT
 public:
  explicit ProjectTree(Session& session, QWidget* parent = nullptr);

 signals:
  void pageWanted(const QString& key);
  void saveWanted();

 private:
  void rebuild();
  void showMenu(const QPoint& at);
  Session& session_;
  bool rebuilding_ = false;
};

}  // namespace scriptorium::ui
