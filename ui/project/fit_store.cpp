#include "ui/project/fit_store.hpp"

#include <QFileInfo>
#include <algorithm>

namespace scriptorium::ui {

FitStore::FitStore(InteractivePool& pool, QObject* parent) : QObject(parent), pool_(pool) {}

const FitStore::Entry* FitStore::find(int id) const {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.id == id; });
  return at == entries_.end() ? nullptr : &*at;
}

int FitStore::add(std::shared_ptr<const result::Fit> fit, const QString& name, const QString& path) {
  entries_.push_back({++last_, name, path, std::move(fit)});
  emit changed();
  setCurrent(last_);
  return last_;
}

void FitStore::load(const QString& path, bool make_current) {
  using Result = std::shared_ptr<const result::Fit>;
  Answer<Result> answer;
  answer.done = [this, path, make_current](Result fit) {
    const QString name = fit->name.empty() ? QFileInfo(path).completeBaseName() : QString::fromStdString(fit->name);
    const int before = current_;
    add(std::move(fit), name, path);
    if (!make_current && find(before)) setCurrent(before);
  };
  answer.failed = [this](const JobError& error) { emit failed(error); };
  pool_.request<Result>(
      "load " + path, this,
      [path](const RunControl&) { return std::make_shared<const result::Fit>(result::load_fit(path.toStdString())); },
      std::move(answer));
}

void FitStore::save(int id, const QString& path) {
  const Entry* entry = find(id);
  if (!entry) return;
  Answer<bool> answer;
  answer.done = [this, id, path](bool) {
    for (Entry& one : entries_)
      if (one.id == id) one.path = path;
    emit changed();
  };
  answer.failed = [this](const JobError& error) { emit failed(error); };
  pool_.request<bool>(
      "save " + path, this,
      [fit = entry->fit, path](const RunControl&) {
        result::save_fit(*fit, path.toStdString());
        return true;
      },
      std::move(answer));
}

void FitStore::remove(int id) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.id == id; });
  emit changed();
  if (current_ == id) setCurrent(entries_.empty() ? 0 : entries_.back().id);
}

void FitStore::rename(int id, const QString& name) {
  for (Entry& entry : entries_)
    if (entry.id == id) entry.name = name;
  emit changed();
}

void FitStore::replace(int id, std::shared_ptr<const result::Fit> fit) {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [id](const Entry& entry) { return entry.id == id; });
  if (at == entries_.end()) return;
  at->fit = std::move(fit);
  emit changed();
  if (current_ == id) emit currentChanged();
}

void FitStore::setCurrent(int id) {
  if (current_ == id) return;
  current_ = id;
  emit currentChanged();
}

}  // namespace scriptorium::ui
