#pragma once
#include <QObject>
#include <QUndoStack>
#include <memory>

#include "core/report/table.hpp"
#include "ui/project/data_state.hpp"
#include "ui/project/index_set.hpp"

namespace scriptorium::ui {

enum class Axis { Cells, Genes };

/// How what was drawn or clicked with these keys held joins the selection: Ctrl adds, Alt takes away.
inline Combine combineOf(Qt::KeyboardModifiers keys) {
  return keys & Qt::ControlModifier ? Combine::Add : keys & Qt::AltModifier ? Combine::Remove : Combine::Replace;
}

/// Cells or genes with a name, as rows of the tables of the data that are open.
struct NamedSet {
  int id = 0;
  QString name;
  Axis of = Axis::Cells;
  std::shared_ptr<const IndexSet> members;
};

/// The one selection of cells and the one of genes that all plots and tables show and set, and the sets that were given
/// a name. Rows are those of the opened data, before any filter. Every step can be undone; other data empty it all.
class SelectionState : public QObject {
  Q_OBJECT
 public:
  SelectionState(DataState& data, QUndoStack& undo, QObject* parent = nullptr);

  const IndexSet& selected(Axis of) const { return of == Axis::Cells ? *now_.cells : *now_.genes; }
  /// One byte a row, for what is drawn; empty while nothing is selected.
  const std::shared_ptr<const std::vector<std::uint8_t>>& flags(Axis of) const { return flags_[of == Axis::Genes]; }
  const std::vector<NamedSet>& sets() const { return now_.sets; }
  const NamedSet* find(int id) const;
  /// Rows of the table: cells or genes of the opened data; 0 without data.
  std::int64_t size(Axis of) const;

  /// `what` names the step in the Edit menu: "selection on the map".
  void select(Axis of, IndexSet rows, Combine how, const QString& what);
  void invert(Axis of);
  void clear(Axis of);
  /// Keeps the selection under a name; a set of that name is replaced. Nothing happens without a selection or a name.
  void nameSelection(Axis of, const QString& name);
  void rename(int id, const QString& name);
  void remove(int id);
  void recall(int id, Combine how);

  /// Names of rows in the opened data.
  std::vector<std::string> names(Axis of, const IndexSet& rows) const;
  /// A row for each name that the opened data have, −1 for others. For tables of fits, whose rows are other.
  std::vector<std::int64_t> rowsOf(Axis of, const std::vector<std::string>& names) const;
  /// The named sets of cells (or genes) as columns of True and False, and `selected` where something is.
  std::vector<data::Column> columns(Axis of) const;
  /// A table of all cells (or genes): name and the columns above.
  report::Table table(Axis of) const;

  /// The sets as text, and back; for the recovery file. What does not belong to the open data is left out.
  QByteArray toJson() const;
  void restore(const QByteArray& json);

 signals:
  void changed(Axis of);
  void setsChanged();

 private:
  friend class SelectionCommand;
  struct Content {
    std::shared_ptr<const IndexSet> cells = std::make_shared<const IndexSet>(),
                                    genes = std::make_shared<const IndexSet>();
    std::vector<NamedSet> sets;
    int data = 0;  ///< number of the data that the rows belong to
  };
  void push(Content next, const QString& what);
  void apply(const Content& next);

  DataState& data_;
  QUndoStack& undo_;
  Content now_;
  std::shared_ptr<const std::vector<std::uint8_t>> flags_[2];
  std::shared_ptr<const data::Dataset> of_;  ///< the data that the rows belong to
  int last_id_ = 0, data_number_ = 0;
};

}  // namespace scriptorium::ui
