#pragma once
#include "ui/workspaces/page.hpp"
#include "ui/workspaces/run/loss_figure.hpp"

class QComboBox;
class QLabel;
class QMenu;
class QPlainTextEdit;
class QPushButton;
class QToolButton;

namespace scriptorium::ui {

class QueuePanel;

/// Live loss, queue, log, device.
class RunPage : public Page {
  Q_OBJECT
 public:
  explicit RunPage(Session& session, QWidget* parent = nullptr);

 private:
  QWidget* makeContent();
  void showItem();
  void showLoss();
  void fillOverlays();
  QString verdict(const FitItem& item) const;

  QueuePanel* queue_;
  charts::FigureView* loss_;
  QLabel *verdict_, *step_;
  QComboBox *curve_, *scale_, *part_;
  QToolButton* overlays_;
  QMenu* overlay_menu_;
  QPlainTextEdit* log_;
  QPushButton* onward_;
  std::vector<int> overlaid_;
  int shown_ = 0;
  std::size_t drawn_ = 0;
};

}  // namespace scriptorium::ui
