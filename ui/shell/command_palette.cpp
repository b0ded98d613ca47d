#include "ui/shell/command_palette.hpp"

#include <QAction>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QVBoxLayout>
#include <algorithm>

namespace scriptorium::ui {

CommandPalette::CommandPalette(QWidget* parent) : QDialog(parent), text_(new QLineEdit), list_(new QListWidget) {
  setObjectName("commandPalette");
  setWindowTitle(tr("Find anything"));
  text_->setObjectName("paletteText");
  text_->setPlaceholderText(tr("An action, a page or a gene"));
  text_->setAccessibleName(tr("Find anything"));
  list_->setObjectName("paletteList");
  list_->setAccessibleName(tr("What was found"));
  text_->installEventFilter(this);
  auto* box = new QVBoxLayout(this);
  box->addWidget(text_);
  box->addWidget(list_);
  resize(520, 380);
  connect(text_, &QLineEdit::textChanged, this, &CommandPalette::fill);
  connect(text_, &QLineEdit::returnPressed, this, &CommandPalette::choose);
  connect(list_, &QListWidget::itemActivated, this, &CommandPalette::choose);
}

void CommandPalette::open(const QList<QAction*>& actions, std::vector<std::string> genes) {
  actions_ = actions;
  genes_ = std::move(genes);
  text_->clear();
  fill();
  show();
  raise();
  text_->setFocus();
}

void CommandPalette::fill() {
  constexpr int most = 60;
  list_->clear();
  const QStringList words = text_->text().split(' ', Qt::SkipEmptyParts);
  const auto matches = [&](const QString& text) {
    return std::all_of(words.begin(), words.end(),
                       [&](const QString& word) { return text.contains(word, Qt::CaseInsensitive); });
  };
  for (qsizetype i = 0; i < actions_.size(); ++i) {
    QString name = actions_[i]->text().remove('&');
    if (!actions_[i]->isEnabled() || !matches(name + " " + actions_[i]->toolTip())) continue;
    if (!actions_[i]->shortcut().isEmpty()) name += QString("    (%1)").arg(actions_[i]->shortcut().toString());
    auto* item = new QListWidgetItem(name, list_);
    item->setData(Qt::UserRole, i);
  }
  for (std::size_t g = 0; !words.isEmpty() && g < genes_.size() && list_->count() < most; ++g) {
    const QString gene = QString::fromStdString(genes_[g]);
    if (!matches(gene)) continue;
    auto* item = new QListWidgetItem(tr("gene %1").arg(gene), list_);
    item->setData(Qt::UserRole, -1);
    item->setData(Qt::UserRole + 1, gene);
  }
  list_->setCurrentRow(0);
}

void CommandPalette::choose() {
  const QListWidgetItem* item = list_->currentItem();
  if (!item) return;
  const auto index = item->data(Qt::UserRole).toInt();
  const QString gene = item->data(Qt::UserRole + 1).toString();
  accept();
  if (index >= 0)
    actions_[index]->trigger();
  else
    emit geneChosen(gene);
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
  if (watched == text_ && event->type() == QEvent::KeyPress) {
    const int key = static_cast<QKeyEvent*>(event)->key();
    if (key == Qt::Key_Down || key == Qt::Key_Up) {
      const int row = list_->currentRow() + (key == Qt::Key_Down ? 1 : -1);
      list_->setCurrentRow(std::clamp(row, 0, std::max(0, list_->count() - 1)));
      return true;
    }
  }
  return QDialog::eventFilter(watched, event);
}

}  // namespace scriptorium::ui
