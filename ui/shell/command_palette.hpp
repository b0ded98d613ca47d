#pragma once
#include <QDialog>

class QAction;
class QLineEdit;
class QListWidget;

namespace scriptorium::ui {

/// Finds every action, page and gene by typing some of its letters.
class CommandPalette : public QDialog {
  Q_OBJECT
 public:
  explicit CommandPalette(QWidget* parent);
  /// `genes`: names offered after the actions; choosing one emits geneChosen().
  void open(const QList<QAction*>& actions, std::vector<std::string> genes);

 signals:
  void geneChosen(const QString& gene);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  using QDialog::open;
  void fill();
  void choose();
  QLineEdit* text_;
  QListWidget* list_;
  QList<QAction*> actions_;
  std::vector<std::string> genes_;
};

}  // namespace scriptorium::ui
