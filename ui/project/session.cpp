#include "ui/project/session.hpp"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>
#include <QSaveFile>
#include <QStandardPaths>
#include <algorithm>
#include <map>

#include "core/data/filter.hpp"
#include "core/result/components.hpp"

namespace scriptorium::ui {
namespace {

constexpr int kRecentFiles = 10;

}  // namespace

Places Places::standard() {
  const QString folder = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation);
  return {folder, folder + "/settings.ini"};
}

Session::Session(Places places, QObject* parent)
    : QObject(parent),
      pool(2),
      settings(places.settings_file, QSettings::IniFormat),
      queue(places.folder + "/fits"),
      data(pool, undo),
      selection(data, undo),
      columns(data, selection),
      assignments(undo),
      model(undo),
      screening(pool, data, columns, undo, places.folder, [this] { return device(); }),
      fits(pool),
      places_(std::move(places)) {
  recent_ = settings.value("recent").toStringList();
  autosave_.setSingleShot(true);
  autosave_.setInterval(1000);
  connect(&autosave_, &QTimer::timeout, this, &Session::autosave);
  const auto later = [this] {
    if (!restoring_ && !closing_) autosave_.start();
  };
  connect(&data, &DataState::stageChanged, this, later);
  connect(&data, &DataState::filterChanged, this, later);
  connect(&model, &ModelState::changed, this, later);
  connect(&fits, &FitStore::changed, this, later);
  connect(&selection, &SelectionState::setsChanged, this, later);
  connect(&screening, &ScreeningState::optionsChanged, this, later);
  connect(&screening, &ScreeningState::changed, this, later);
  connect(&data, &DataState::stageChanged, this, [this] {
    if (data.stage() == DataState::Stage::Ready && !sets_to_restore_.isEmpty())
      selection.restore(std::exchange(sets_to_restore_, {}));
  });
  components_timer_.setSingleShot(true);
  components_timer_.setInterval(1000);
  connect(&components_timer_, &QTimer::timeout, this, &Session::saveComponents);
  connect(&assignments, &AssignmentState::keptChanged, this, [this] {
    if (!closing_) components_timer_.start();
    nameComponents();
  });
  connect(&fits, &FitStore::changed, this, &Session::nameComponents);
  readComponents();
  connect(&data, &DataState::openedFile, this, &Session::rememberRecent);
  connect(&fits, &FitStore::failed, this, &Session::errorReported);
  connect(&queue, &FitQueue::fitFinished, this, [this](int id) {
    const FitItem& item = *queue.find(id);
    fits.add(item.fit, item.request.name, item.fit_path);
    if (!item.error.empty()) emit errorReported(item.error);
    emit noted(tr("%1: %2").arg(item.request.name, toText(item.state)));
  });
  connect(&queue, &FitQueue::fitFailed, this, [this](int id) { emit errorReported(queue.find(id)->error); });
  connect(&data, &DataState::preparedChanged, this, [this] {  // a fit to go on with waits for its data
    if (to_resume_.isEmpty() || data.preparing() || !data.prepared()) return;
    const auto waiting = std::exchange(to_resume_, {});
    for (const auto& [request_file, checkpoint] : waiting) {
      Answer<StoredRequest> answer;
      answer.done = [this, checkpoint = checkpoint](StoredRequest stored) {
        if (!data.prepared()) return;
        stored.request.data = data.prepared();
        stored.request.resume_from = checkpoint;
        queue.add(std::move(stored.request));
      };
      answer.failed = [this](const JobError& error) { emit errorReported(error); };
      pool.request<StoredRequest>(
          "resume " + checkpoint, this,
          [path = request_file](const RunControl&) {
            QFile file(path);
            if (!file.open(QIODevice::ReadOnly)) throw Error(ErrorCode::Io, "Cannot read " + path.toStdString() + ".");
            return requestFromJson(file.readAll());
          },
          std::move(answer));
    }
  });
}

QString Session::cannotFit() const {
  if (data.stage() != DataState::Stage::Ready) return tr("Open a data set first.");
  if (data.preparing()) return tr("The filter is still at work.");
  if (!data.prepared()) return tr("The filter leaves nothing to fit: loosen it on the Data page.");
  return {};
}

FitRequest Session::request() const {
  FitRequest out{{}, model.model(), model.options(), data.prepared(), {}, device(), model.annotation(), {}};
  if (!out.data || out.annotation.columns.empty()) return out;
  const auto wanted = [&](const std::string& name) {
    return std::find(out.annotation.columns.begin(), out.annotation.columns.end(), name) !=
           out.annotation.columns.end();
  };
  IndexSet rows;
  for (const data::Column& column : columns.added()) {
    if (!wanted(column.name)) continue;
    if (rows.empty()) rows = selection.rowsOf(Axis::Cells, out.data->dataset->cells.names);
    data::Categorical labels;
    std::map<std::string, std::int32_t> code;
    for (const std::int64_t row : rows) {
      const auto at = static_cast<std::size_t>(row);
      if (row < 0 || column.is_missing(at)) {
        labels.codes.push_back(-1);
        continue;
      }
      const auto [its, is_new] = code.emplace(column.text(at), static_cast<std::int32_t>(code.size()));
      if (is_new) labels.categories.push_back(its->first);
      labels.codes.push_back(its->second);
    }
    out.labels.push_back({column.name, std::move(labels), {}});
  }
  return out;
}

bool Session::addToQueue() {
  const QString why = cannotFit();
  if (!why.isEmpty()) {
    emit errorReported({tr("Nothing was put on the queue."), why});
    return false;
  }
  FitRequest request = this->request();
  try {
    model::validate(request.model);  // what its labels say is found out by the fit: that takes time
  } catch (...) {
    emit errorReported(describeCurrentException());
    return false;
  }
  const auto taken = [this](const QString& name) {
    return std::any_of(queue.items().begin(), queue.items().end(),
                       [&](const auto& item) { return item->request.name == name; }) ||
           std::any_of(fits.entries().begin(), fits.entries().end(),
                       [&](const FitStore::Entry& entry) { return entry.name == name; });
  };
  QString name = model.proposedName();
  for (int k = 2; taken(name); ++k) name = QString("%1 (%2)").arg(model.proposedName()).arg(k);
  request.name = name;
  queue.add(std::move(request));
  return true;
}

void Session::readComponents() {
  Answer<QByteArray> answer;
  answer.done = [this](const QByteArray& text) {
    components_read_ = true;
    assignments.restore(text);
  };
  pool.request<QByteArray>(
      "components", this,
      [path = componentsPath()](const RunControl&) {
        QFile file(path);
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
      },
      std::move(answer));
}

void Session::saveComponents() {
  if (!components_read_) return components_timer_.start();  // else what the file has would be lost
  const auto write = [text = assignments.toJson(), path = componentsPath()] {
    QDir().mkpath(QFileInfo(path).path());
    QSaveFile file(path);
    if (file.open(QIODevice::WriteOnly) && file.write(text) == text.size()) file.commit();
  };
  if (closing_) return write();  // a few kilobytes; no worker comes back any more
  pool.request<bool>("save components", this,
                     [write](const RunControl&) {
                       write();
                       return true;
                     },
                     {});
}

void Session::nameComponents() {
  for (const FitStore::Entry& entry : fits.entries()) {
    if (entry.fit->model.components < 2) continue;
    const ComponentEdits* edits = assignments.edits(identityOf(*entry.fit));
    if (!edits || edits->names.size() != static_cast<std::size_t>(entry.fit->model.components)) continue;
    std::vector<std::string> names;
    for (const QString& name : edits->names) names.push_back(name.toStdString());
    const QString request = QString("name components %1").arg(entry.id);
    pool.cancel(request);
    if (names == result::component_names(*entry.fit)) continue;
    using Made = std::shared_ptr<const result::Fit>;
    const bool ours = QFileInfo(entry.path).path() == QFileInfo(queue.folder() + "/fit.h5").path();
    Answer<Made> answer;
    answer.done = [this, id = entry.id](Made made) { fits.replace(id, std::move(made)); };
    answer.failed = [this](const JobError& error) { emit errorReported(error); };
    pool.request<Made>(
        request, this,
        [fit = entry.fit, names, path = ours ? entry.path : QString()](const RunControl&) {
          auto made = std::make_shared<result::Fit>(*fit);
          made->component_names = names;
          if (!path.isEmpty()) result::save_fit(*made, path.toStdString());  // files elsewhere are for Save
          return Made(made);
        },
        std::move(answer));
  }
}

void Session::rememberRecent(const QString& path) {
  recent_.removeAll(path);
  recent_.prepend(path);
  while (recent_.size() > kRecentFiles) recent_.removeLast();
  missing_.removeAll(path);
  settings.setValue("recent", recent_);
  emit recentChanged();
}

void Session::clearRecent() {
  recent_.clear();
  settings.setValue("recent", recent_);
  emit recentChanged();
}

void Session::checkRecent() {
  Answer<QStringList> answer;
  answer.done = [this](QStringList missing) {
    if (missing == missing_) return;
    missing_ = std::move(missing);
    emit recentChanged();
  };
  pool.request<QStringList>(
      "recent", this,
      [files = recent_](const RunControl&) {
        QStringList missing;
        for (const QString& file : files)
          if (!QFileInfo::exists(file)) missing << file;
        return missing;
      },
      std::move(answer));
}

void Session::autosave() {
  FitRequest request{"session", model.model(), model.options(), nullptr, {}, device(), model.annotation(), {}};
  auto known = std::make_shared<PreparedData>();
  known->choice = data.choice();
  if (data.stage() == DataState::Stage::Ready) request.data = known;
  QByteArray text = requestToJson(request);
  QStringList paths;
  for (const FitStore::Entry& entry : fits.entries())
    if (!entry.path.isEmpty()) paths << entry.path;
  pool.request<bool>(
      "autosave", this,
      [text, paths, sets = selection.toJson(), screen = screening.toJson(), path = recoveryPath()](const RunControl&) {
        QDir().mkpath(QFileInfo(path).path());
        for (const auto& [name, bytes] : {std::pair{path, text}, std::pair{path + ".fits", paths.join('\n').toUtf8()},
                                          std::pair{path + ".sets", sets}, std::pair{path + ".screening", screen}}) {
          QSaveFile file(name);
          if (file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size()) file.commit();
        }
        return true;
      },
      {});
}

void Session::lookForRecovery() {
  Answer<Recovery> answer;
  answer.done = [this](const Recovery& found) {
    if (!found.empty()) emit recoveryFound(found);
  };
  pool.request<Recovery>(
      "recovery", this,
      [path = recoveryPath(), fits_folder = queue.folder()](const RunControl&) {
        Recovery found;
        QFile file(path);
        if (file.open(QIODevice::ReadOnly)) {
          try {
            const StoredRequest stored = requestFromJson(file.readAll());
            found.data = stored.data;
            found.model = stored.request.model;
            found.options = stored.request.options;
            found.annotation = stored.request.annotation;
          } catch (const Error&) {  // a half-written file of another version: nothing to offer from it
          }
        }
        QFile list(path + ".fits");
        if (list.open(QIODevice::ReadOnly))
          for (const QByteArray& line : list.readAll().split('\n'))
            if (!line.isEmpty() && QFileInfo::exists(QString::fromUtf8(line))) found.fits << QString::fromUtf8(line);
        found.checkpoints = FitQueue::leftBehind(fits_folder);
        if (QFile sets(path + ".sets"); sets.open(QIODevice::ReadOnly)) found.sets = sets.readAll();
        if (QFile screen(path + ".screening"); screen.open(QIODevice::ReadOnly)) found.screening = screen.readAll();
        if (found.data.path.isEmpty() && !found.checkpoints.isEmpty()) {  // the fit knows its data
          QFile request(found.checkpoints.first().first);
          if (request.open(QIODevice::ReadOnly)) {
            const StoredRequest stored = requestFromJson(request.readAll());
            found.data = stored.data;
            found.model = stored.request.model;
            found.options = stored.request.options;
            found.annotation = stored.request.annotation;
          }
        }
        QFile::remove(path);  // offered once
        QFile::remove(path + ".fits");
        QFile::remove(path + ".sets");
        QFile::remove(path + ".screening");
        return found;
      },
      std::move(answer));
}

void Session::restore(const Recovery& recovery) {
  restoring_ = true;
  model.restore(recovery.model, recovery.options, recovery.annotation);
  for (const QString& path : recovery.fits) fits.load(path);
  to_resume_ = recovery.checkpoints;
  sets_to_restore_ = recovery.sets;
  screening.restore(recovery.screening);
  if (!recovery.data.path.isEmpty()) data.open(recovery.data);
  restoring_ = false;
  autosave_.start();
}

void Session::discard(const Recovery& recovery) {
  for (const auto& pair : recovery.checkpoints) FitQueue::discard(pair.second);
}

void Session::closeCleanly() {
  closing_ = true;
  autosave_.stop();
  if (components_timer_.isActive() && components_read_) saveComponents();
  components_timer_.stop();
  QFile::remove(recoveryPath());
  QFile::remove(recoveryPath() + ".fits");
  QFile::remove(recoveryPath() + ".sets");
  QFile::remove(recoveryPath() + ".screening");
}

}  // namespace scriptorium::ui
