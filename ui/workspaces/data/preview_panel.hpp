#pragma once
#include <QWidget>

#include "ui/project/session.hpp"

class QComboBox;
class QLabel;
class QPushButton;

namespace scriptorium::ui {

class TablePanel;

/// A file before it is loaded: what it holds, its first rows, the memory it needs, which layer to take.
class PreviewPanel : public QWidget {
  Q_OBJECT
 public:
  explicit PreviewPanel(Session& session, QWidget* parent = nullptr);
  void show(const FilePreview& preview);

 private:
  void showNeeds();
  /// The layer chosen; null when the file has none.
  const data::LayerInfo* layer() const;

  Session& session_;
  const FilePreview* shown_ = nullptr;
  QLabel *facts_, *layers_, *needs_;
  QComboBox* layer_;
  QPushButton *load_, *back_;
  TablePanel *counts_, *cells_, *genes_;
};

}  // namespace scriptorium::ui
