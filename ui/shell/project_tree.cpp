#include "ui/shell/project_tree.hpp"

#include <QFileInfo>
#include <QLocale>
#include <QMenu>
#include <QUndoCommand>

#include "ui/help/help_texts.hpp"

namespace scriptorium::ui {
namespace {

enum Kind { DataItem = 1, FitItemKind = 2, QueueItem = 3, SetItem = 4 };

class RenameCommand : public QUndoCommand {
 public:
  RenameCommand(FitStore& fits, int id, QString before, QString after)
      : QUndoCommand(QObject::tr("name of a fit")),
        fits_(fits),
        id_(id),
        before_(std::move(before)),
        after_(std::move(after)) {}
  void undo() override { fits_.rename(id_, before_); }
  void redo() override { fits_.rename(id_, after_); }

 private:
  FitStore& fits_;
  int id_;
  QString before_, after_;
};

QString matrixSize(const data::CountMatrix& counts) {
  const QLocale words(QLocale::English);
  return QString("%1 × %2").arg(words.toString(static_cast<qlonglong>(counts.n_cells)),
                                words.toString(static_cast<qlonglong>(counts.n_genes)));
}

}  // namespace

ProjectTree::ProjectTree(Session& session, QWidget* parent) : QTreeWidget(parent), session_(session) {
  help::describe(this, "projectTree");
  setHeaderHidden(true);
  setIndentation(12);
  setContextMenuPolicy(Qt::CustomContextMenu);
  setEditTriggers(QAbstractItemView::EditKeyPressed);
  setTextElideMode(Qt::ElideMiddle);
  connect(&session.data, &DataState::stageChanged, this, &ProjectTree::rebuild);
  connect(&session.data, &DataState::preparedChanged, this, &ProjectTree::rebuild);
  connect(&session.fits, &FitStore::changed, this, &ProjectTree::rebuild);
  connect(&session.fits, &FitStore::currentChanged, this, &ProjectTree::rebuild);
  connect(&session.queue, &FitQueue::queueChanged, this, &ProjectTree::rebuild);
  connect(&session.selection, &SelectionState::setsChanged, this, &ProjectTree::rebuild);
  connect(this, &QTreeWidget::itemClicked, this, [this](QTreeWidgetItem* item) {
    const int kind = item->data(0, Qt::UserRole).toInt(), id = item->data(0, Qt::UserRole + 1).toInt();
    if (kind == DataItem) emit pageWanted("data");
    if (kind == QueueItem) emit pageWanted("run");
    if (kind == FitItemKind) session_.fits.setCurrent(id);
    if (kind == SetItem) session_.selection.recall(id, Combine::Replace);
  });
  connect(this, &QTreeWidget::itemChanged, this, [this](QTreeWidgetItem* item) {
    if (rebuilding_) return;
    const int kind = item->data(0, Qt::UserRole).toInt(), id = item->data(0, Qt::UserRole + 1).toInt();
    if (kind == SetItem) session_.selection.rename(id, item->data(0, Qt::EditRole).toString());
    if (kind != FitItemKind) return;
    const auto* entry = session_.fits.find(id);
    const QString name = item->text(0).trimmed();
    if (entry && !name.isEmpty() && name != entry->name)
      session_.undo.push(new RenameCommand(session_.fits, id, entry->name, name));
  });
  connect(this, &QTreeWidget::customContextMenuRequested, this, &ProjectTree::showMenu);
  rebuild();
}

void ProjectTree::rebuild() {
  rebuilding_ = true;
  clear();
  const auto add = [](auto* parent, const QString& text, int kind, int id) {
    auto* item = new QTreeWidgetItem(parent, {text});
    item->setData(0, Qt::UserRole, kind);
    item->setData(0, Qt::UserRole + 1, id);
    return item;
  };
  const DataState& state = session_.data;
  const QString file = QFileInfo(state.path()).fileName();
  QString title = tr("No data open");
  if (state.stage() == DataState::Stage::Loading) title = tr("%1 (opening)").arg(file);
  if (state.stage() == DataState::Stage::Failed) title = tr("%1 (not opened)").arg(file);
  if (state.stage() == DataState::Stage::Preview) title = tr("%1 (not loaded)").arg(file);
  if (state.stage() == DataState::Stage::Ready) title = file;
  auto* root = add(this, title, DataItem, 0);
  root->setToolTip(0, state.path());
  if (state.opened()) add(root, tr("all: %1").arg(matrixSize(state.opened()->dataset->counts)), DataItem, 0);
  auto* fits = add(this, tr("Fits"), 0, 0);
  for (const auto& entry : session_.fits.entries()) {
    auto* item = add(fits, entry.name, FitItemKind, entry.id);
    item->setFlags(item->flags() | Qt::ItemIsEditable);
    item->setToolTip(0, entry.path.isEmpty() ? tr("Not saved yet.") : entry.path);
    if (session_.fits.current() && session_.fits.current()->id == entry.id) {
      QFont font = item->font(0);
      font.setBold(true);
      item->setFont(0, font);
    }
  }
  for (const auto& item : session_.queue.items())
    if (!item->finished() || item->state == FitState::Failed) {
      auto* row = add(fits, QString("%1 (%2)").arg(item->request.name, toText(item->state)), QueueItem, item->id);
      if (item->state == FitState::Failed) row->setForeground(0, QColor(0xd5, 0x5e, 0x00));
    }
  if (fits->childCount() == 0) add(fits, tr("none yet"), 0, 0)->setDisabled(true);
  auto* sets = add(this, tr("Sets"), 0, 0);
  if (state.prepared() && !state.prepared()->choice.treatment().empty())
    add(sets, tr("kept: %1").arg(matrixSize(state.prepared()->dataset->counts)), DataItem, 0);
  for (const NamedSet& set : session_.selection.sets()) {
    auto* item = add(sets, set.name, SetItem, set.id);
    item->setFlags(item->flags() | Qt::ItemIsEditable);
    const QString members = QLocale(QLocale::English).toString(static_cast<qlonglong>(set.members->size()));
    item->setToolTip(0, set.of == Axis::Cells ? tr("%1 cells. Click to select them.").arg(members)
                                              : tr("%1 genes. Click to select them.").arg(members));
  }
  if (sets->childCount() == 0) add(sets, tr("none yet"), 0, 0)->setDisabled(true);
  expandAll();
  rebuilding_ = false;
}

void ProjectTree::showMenu(const QPoint& at) {
  QTreeWidgetItem* item = itemAt(at);
  const int kind = item ? item->data(0, Qt::UserRole).toInt() : 0;
  if (kind != FitItemKind && kind != SetItem) return;
  const int id = item->data(0, Qt::UserRole + 1).toInt();
  QMenu menu(this);
  if (kind == SetItem) {
    SelectionState& selection = session_.selection;
    const auto with = [&](const QString& text, Combine how) {
      menu.addAction(text, this, [&selection, id, how] { selection.recall(id, how); });
    };
    with(tr("Select"), Combine::Replace);
    with(tr("Add to the selection"), Combine::Add);
    with(tr("Take out of the selection"), Combine::Remove);
    with(tr("Keep of the selection what is in it"), Combine::Keep);
    menu.addSeparator();
    menu.addAction(tr("Rename"), this, [this, item] { editItem(item); });
    menu.addAction(tr("Remove"), this, [&selection, id] { selection.remove(id); });
    menu.exec(viewport()->mapToGlobal(at));
    return;
  }
  menu.addAction(tr("Rename"), this, [this, item] { editItem(item); });
  menu.addAction(tr("Save as…"), this, [this, id] {
    session_.fits.setCurrent(id);
    emit saveWanted();
  });
  menu.addAction(tr("Remove from the project"), this, [this, id] { session_.fits.remove(id); });
  menu.exec(viewport()->mapToGlobal(at));
}

}  // namespace scriptorium::ui
