#pragma once
#include <QWidget>

#include "ui/project/session.hpp"

class QPushButton;
class QTreeWidget;

namespace scriptorium::ui {

/// The queue of fits: what runs, waits and ended; cancel, stop and keep, reorder, resume.
class QueuePanel : public QWidget {
  Q_OBJECT
 public:
  explicit QueuePanel(Session& session, QWidget* parent = nullptr);
  int chosen() const;  ///< id of the selected item, 0 for none
  void choose(int id);

 signals:
  void chosenChanged(int id);

 private:
  void rebuild();
  void refresh(int id);
  void enableButtons();

  Session& session_;
  QTreeWidget* list_;
  QPushButton *cancel_, *keep_, *up_, *down_, *resume_, *remove_;
  bool rebuilding_ = false;
  int running_ = 0;
};

}  // namespace scriptorium::ui
