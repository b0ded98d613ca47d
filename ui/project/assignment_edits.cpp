// What is made of the components of an answer: names, colours, mergers.
#include <QUndoCommand>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "ui/project/assignments.hpp"

namespace scriptorium::ui {
namespace {

/// So many fits and files are remembered.
constexpr std::size_t kMostKept = 500;

/// Components that are one have the place of their first; −1 for those that are not the first of theirs.
std::vector<int> placesOf(const std::vector<int>& group) {
  std::vector<int> place(group.size(), -1);
  int next = 0;
  for (std::size_t c = 0; c < group.size(); ++c)
    if (group[c] == static_cast<int>(c)) place[c] = next++;
  return place;
}

bool fits(const ComponentEdits& edits, int components) {
  const auto k = static_cast<std::size_t>(components);
  if (edits.names.size() != k || edits.colors.size() != k || edits.group.size() != k) return false;
  for (std::size_t c = 0; c < k; ++c) {  // a first one is its own first
    const int first = edits.group[c];
    if (first < 0 || first > static_cast<int>(c) || edits.group[static_cast<std::size_t>(first)] != first) return false;
  }
  return true;
}

/// Rows of `from` with the columns of components that are one added up.
std::vector<double> summed(const std::vector<double>& from, const std::vector<int>& place_of, std::size_t shown) {
  const std::size_t k = place_of.size(), rows = from.size() / k;
  std::vector<double> out(rows * shown, 0);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t c = 0; c < k; ++c) out[i * shown + static_cast<std::size_t>(place_of[c])] += from[i * k + c];
  return out;
}

}  // namespace

ComponentEdits editsOf(const Assignments& answer) {
  ComponentEdits out{answer.names, answer.colors, {}, {}};
  for (int c = 0; c < answer.components; ++c) out.group.push_back(c);
  return out;
}

std::shared_ptr<const Assignments> edited(const std::shared_ptr<const Assignments>& answer,
                                          const ComponentEdits& edits) {
  auto made = std::make_shared<Assignments>(*answer);
  made->names = edits.names;
  made->colors = edits.colors;
  std::vector<int> place_of = placesOf(edits.group);
  const auto shown =
      static_cast<std::size_t>(std::count_if(place_of.begin(), place_of.end(), [](int p) { return p >= 0; }));
  if (shown == place_of.size()) {
    if (!made->notes.isEmpty()) made->notes = notesOf(*made);
    return made;
  }
  made->names.clear();
  made->colors.clear();
  for (std::size_t c = 0; c < place_of.size(); ++c) {
    if (place_of[c] < 0) continue;
    const auto its = edits.group_names.find(static_cast<int>(c));
    made->names.push_back(its == edits.group_names.end() ? edits.names[c] : its->second);
    made->colors.push_back(edits.colors[c]);
  }
  for (std::size_t c = 0; c < place_of.size(); ++c)
    place_of[c] = place_of[static_cast<std::size_t>(edits.group[c])];  // firsts stand before theirs
  made->merged = true;
  made->components = static_cast<int>(shown);
  made->probability = summed(answer->probability, place_of, shown);
  made->concentration = summed(answer->concentration, place_of, shown);
  made->entropy.clear();
  made->notes.clear();
  made->fit.reset();
  return complete(std::move(*made));
}

class AssignmentCommand : public QUndoCommand {
 public:
  AssignmentCommand(AssignmentState& state, const QString& key, ComponentEdits before, ComponentEdits after,
                    const QString& what)
      : QUndoCommand(what), state_(state), key_(key), before_(std::move(before)), after_(std::move(after)) {}
  void undo() override { state_.apply(key_, before_); }
  void redo() override { state_.apply(key_, after_); }

 private:
  AssignmentState& state_;
  QString key_;
  ComponentEdits before_, after_;
};

const ComponentEdits* AssignmentState::edits(const QString& key) const {
  const auto at = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& one) { return one.key == key; });
  return at == kept_.end() ? nullptr : &at->edits;
}

void AssignmentState::show(std::shared_ptr<const Assignments> answer) {
  if (answer == answer_) return;
  answer_ = std::move(answer);
  lay();
}

ComponentEdits AssignmentState::current() const {
  const ComponentEdits* its = edits(answer_->key);
  return its && fits(*its, answer_->components) ? *its : editsOf(*answer_);
}

void AssignmentState::lay() {
  const ComponentEdits* its = answer_ ? edits(answer_->key) : nullptr;
  now_ = its && fits(*its, answer_->components) ? edited(answer_, *its) : answer_;
  emit changed();
}

std::vector<int> AssignmentState::members(int component) const {
  std::vector<int> out;
  if (!now_ || component < 0 || component >= now_->components) return out;
  const ComponentEdits* its = edits(answer_->key);
  if (!now_->merged) return {component};
  const auto place = placesOf(its->group);
  for (std::size_t c = 0; c < place.size(); ++c)
    if (place[static_cast<std::size_t>(its->group[c])] == component) out.push_back(static_cast<int>(c));
  return out;
}

bool AssignmentState::rename(int component, const QString& name) {
  const auto of = members(component);
  const QString next_name = name.trimmed();
  if (of.empty() || next_name.isEmpty()) return false;
  if (now_->names[static_cast<std::size_t>(component)] == next_name) return true;
  if (std::find(now_->names.begin(), now_->names.end(), next_name) != now_->names.end()) return false;
  ComponentEdits next = current();
  (of.size() > 1 ? next.group_names[of.front()] : next.names[static_cast<std::size_t>(of.front())]) = next_name;
  push(std::move(next), tr("name of a component"));
  return true;
}

void AssignmentState::recolor(int component, QRgb color) {
  const auto of = members(component);
  if (of.empty()) return;
  ComponentEdits next = current();
  next.colors[static_cast<std::size_t>(of.front())] = color;
  push(std::move(next), tr("colour of a component"));
}

void AssignmentState::merge(const IndexSet& which) {
  if (!now_ || which.size() < 2) return;
  ComponentEdits next = current();
  const auto all = members(static_cast<int>(which.front()));
  if (all.empty()) return;
  QStringList names;
  for (const std::int64_t component : which) {
    for (const int c : members(static_cast<int>(component))) {
      next.group_names.erase(c);
      next.group[static_cast<std::size_t>(c)] = all.front();
    }
    names << now_->names[static_cast<std::size_t>(component)];
  }
  next.group_names[all.front()] = names.join(" + ");
  push(std::move(next), tr("merged components"));
}

void AssignmentState::push(ComponentEdits next, const QString& what) {
  undo_.push(new AssignmentCommand(*this, answer_->key, current(), std::move(next), what));
}

void AssignmentState::apply(const QString& key, const ComponentEdits& edits) {
  std::erase_if(kept_, [&](const Kept& one) { return one.key == key; });
  kept_.push_back({key, edits});
  if (kept_.size() > kMostKept) kept_.erase(kept_.begin());
  if (answer_ && answer_->key == key) lay();
  emit keptChanged();
}

QByteArray AssignmentState::toJson() const {
  auto json = nlohmann::json::array();
  for (const Kept& one : kept_) {
    nlohmann::json entry{{"key", one.key.toStdString()}, {"colors", one.edits.colors}, {"group", one.edits.group}};
    for (const QString& name : one.edits.names) entry["names"].push_back(name.toStdString());
    for (const auto& [first, name] : one.edits.group_names)
      entry["group_names"][std::to_string(first)] = name.toStdString();
    json.push_back(std::move(entry));
  }
  return QByteArray::fromStdString(json.dump());
}

void AssignmentState::restore(const QByteArray& text) {
  std::vector<Kept> found;
  try {
    for (const auto& entry : nlohmann::json::parse(text.toStdString())) {
      Kept one{QString::fromStdString(entry.at("key")), {}};
      for (const std::string name : entry.at("names")) one.edits.names.push_back(QString::fromStdString(name));
      entry.at("colors").get_to(one.edits.colors);
      entry.at("group").get_to(one.edits.group);
      if (entry.contains("group_names"))
        for (const auto& [first, name] : entry.at("group_names").items())
          one.edits.group_names[std::stoi(first)] = QString::fromStdString(name);
      if (fits(one.edits, static_cast<int>(one.edits.names.size())) && !edits(one.key)) found.push_back(std::move(one));
    }
  } catch (const std::exception&) {  // of another version, or damaged: what could be read is taken
  }
  if (found.empty()) return;
  kept_.insert(kept_.begin(), found.begin(), found.end());
  if (answer_) lay();
  emit keptChanged();
}

}  // namespace scriptorium::ui
