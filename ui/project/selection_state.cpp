#include "ui/project/selection_state.hpp"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QUndoCommand>
#include <algorithm>
#include <unordered_map>

namespace scriptorium::ui {

class SelectionCommand : public QUndoCommand {
 public:
  SelectionCommand(SelectionState& state, SelectionState::Content after, const QString& what)
      : QUndoCommand(what), state_(state), before_(state.now_), after_(std::move(after)) {}
  void undo() override { state_.apply(before_); }
  void redo() override { state_.apply(after_); }

 private:
  SelectionState& state_;
  SelectionState::Content before_, after_;
};

namespace {

const data::Table& tableOf(const data::Dataset& dataset, Axis of) {
  return of == Axis::Cells ? dataset.cells : dataset.genes;
}

}  // namespace

SelectionState::SelectionState(DataState& data, QUndoStack& undo, QObject* parent)
    : QObject(parent), data_(data), undo_(undo) {
  connect(&data, &DataState::stageChanged, this, [this] {
    const auto now = data_.opened() ? data_.opened()->dataset : nullptr;
    if (now == of_) return;
    // Another layer of the same file has the same cells and genes.
    const bool same = now && of_ && now->cells.names == of_->cells.names && now->genes.names == of_->genes.names;
    of_ = now;
    if (same) return;
    Content empty;
    empty.data = ++data_number_;
    apply(empty);
  });
}

const NamedSet* SelectionState::find(int id) const {
  const auto at = std::find_if(now_.sets.begin(), now_.sets.end(), [id](const NamedSet& set) { return set.id == id; });
  return at == now_.sets.end() ? nullptr : &*at;
}

std::int64_t SelectionState::size(Axis of) const {
  return of_ ? static_cast<std::int64_t>(tableOf(*of_, of).size()) : 0;
}

void SelectionState::select(Axis of, IndexSet rows, Combine how, const QString& what) {
  const IndexSet& before = selected(of);
  IndexSet after = combined(before, asIndexSet(std::move(rows), size(of)), how);
  if (after == before) return;
  Content next = now_;
  (of == Axis::Cells ? next.cells : next.genes) = std::make_shared<const IndexSet>(std::move(after));
  push(std::move(next), what);
}

void SelectionState::invert(Axis of) {
  select(of, inverted(selected(of), size(of)), Combine::Replace, tr("inverted selection"));
}

void SelectionState::clear(Axis of) {
  select(of, {}, Combine::Replace, tr("cleared selection"));
}

void SelectionState::nameSelection(Axis of, const QString& name) {
  const QString trimmed = name.trimmed();
  if (trimmed.isEmpty() || selected(of).empty()) return;
  Content next = now_;
  std::erase_if(next.sets, [&](const NamedSet& set) { return set.of == of && set.name == trimmed; });
  next.sets.push_back({++last_id_, trimmed, of, of == Axis::Cells ? now_.cells : now_.genes});
  push(std::move(next), tr("set %1").arg(trimmed));
}

void SelectionState::rename(int id, const QString& name) {
  const NamedSet* set = find(id);
  const QString trimmed = name.trimmed();
  if (!set || trimmed.isEmpty() || trimmed == set->name) return;
  const bool taken = std::any_of(now_.sets.begin(), now_.sets.end(),
                                 [&](const NamedSet& other) { return other.of == set->of && other.name == trimmed; });
  if (taken) {
    emit setsChanged();  // shows the old name again
    return;
  }
  Content next = now_;
  for (NamedSet& one : next.sets)
    if (one.id == id) one.name = trimmed;
  push(std::move(next), tr("name of a set"));
}

void SelectionState::remove(int id) {
  if (!find(id)) return;
  Content next = now_;
  std::erase_if(next.sets, [id](const NamedSet& set) { return set.id == id; });
  push(std::move(next), tr("removed set"));
}

void SelectionState::recall(int id, Combine how) {
  if (const NamedSet* set = find(id)) select(set->of, *set->members, how, tr("set %1").arg(set->name));
}

std::vector<std::string> SelectionState::names(Axis of, const IndexSet& rows) const {
  std::vector<std::string> out;
  for (const std::int64_t row : rows) out.push_back(tableOf(*of_, of).names[static_cast<std::size_t>(row)]);
  return out;
}

std::vector<std::int64_t> SelectionState::rowsOf(Axis of, const std::vector<std::string>& names) const {
  std::vector<std::int64_t> out(names.size(), -1);
  if (!of_) return out;
  const std::vector<std::string>& all = tableOf(*of_, of).names;
  if (all == names) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int64_t>(i);
    return out;
  }
  std::unordered_map<std::string_view, std::int64_t> row_of;
  for (std::size_t i = 0; i < all.size(); ++i) row_of.emplace(all[i], static_cast<std::int64_t>(i));
  for (std::size_t i = 0; i < out.size(); ++i)
    if (const auto at = row_of.find(names[i]); at != row_of.end()) out[i] = at->second;
  return out;
}

std::vector<data::Column> SelectionState::columns(Axis of) const {
  std::vector<data::Column> out;
  for (const NamedSet& set : now_.sets)
    if (set.of == of) out.push_back({set.name.toStdString(), asFlags(*set.members, size(of)), {}});
  if (!selected(of).empty()) out.push_back({"selected", asFlags(selected(of), size(of)), {}});
  return out;
}

report::Table SelectionState::table(Axis of) const {
  report::Table out;
  if (!of_) return out;
  out.add(of == Axis::Cells ? "cell" : "gene", tableOf(*of_, of).names);
  for (const data::Column& column : columns(of)) {
    const auto& flags = std::get<std::vector<std::uint8_t>>(column.values);
    out.add(column.name, std::vector<bool>(flags.begin(), flags.end()));
  }
  return out;
}

QByteArray SelectionState::toJson() const {
  const auto rows = [](const IndexSet& set) {
    QJsonArray out;
    for (const std::int64_t i : set) out.append(static_cast<qint64>(i));
    return out;
  };
  QJsonArray sets;
  for (const NamedSet& set : now_.sets)
    sets.append(QJsonObject{{"name", set.name}, {"cells", set.of == Axis::Cells}, {"rows", rows(*set.members)}});
  return QJsonDocument(QJsonObject{{"n_cells", static_cast<qint64>(size(Axis::Cells))},
                                   {"n_genes", static_cast<qint64>(size(Axis::Genes))},
                                   {"cells", rows(*now_.cells)},
                                   {"genes", rows(*now_.genes)},
                                   {"sets", sets}})
      .toJson(QJsonDocument::Compact);
}

void SelectionState::restore(const QByteArray& json) {
  const QJsonObject from = QJsonDocument::fromJson(json).object();
  if (from["n_cells"].toInteger(-1) != size(Axis::Cells) || from["n_genes"].toInteger(-1) != size(Axis::Genes)) return;
  const auto rows = [this](const QJsonValue& array, Axis of) {
    std::vector<std::int64_t> out;
    for (const auto& i : array.toArray()) out.push_back(i.toInteger(-1));
    return std::make_shared<const IndexSet>(asIndexSet(std::move(out), size(of)));
  };
  Content next;
  next.data = data_number_;
  next.cells = rows(from["cells"], Axis::Cells);
  next.genes = rows(from["genes"], Axis::Genes);
  for (const auto& entry : from["sets"].toArray()) {
    const QJsonObject set = entry.toObject();
    const Axis of = set["cells"].toBool() ? Axis::Cells : Axis::Genes;
    next.sets.push_back({++last_id_, set["name"].toString(), of, rows(set["rows"], of)});
  }
  apply(next);
}

void SelectionState::push(Content next, const QString& what) {
  undo_.push(new SelectionCommand(*this, std::move(next), what));
}

void SelectionState::apply(const Content& next) {
  if (next.data != data_number_) return;  // a step on data that are no longer open
  const Content before = std::exchange(now_, next);
  for (const Axis of : {Axis::Cells, Axis::Genes}) {
    const bool cells = of == Axis::Cells;
    if ((cells ? before.cells : before.genes) == (cells ? now_.cells : now_.genes)) continue;
    flags_[of == Axis::Genes] =
        selected(of).empty() ? nullptr
                             : std::make_shared<const std::vector<std::uint8_t>>(asFlags(selected(of), size(of)));
    emit changed(of);
  }
  emit setsChanged();
}

}  // namespace scriptorium::ui
