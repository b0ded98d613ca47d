// Where the cells lie: layouts of the file, computed ones, and those that earlier sessions kept.
#include <QComboBox>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalBlocker>
#include <cmath>

#include "core/embedding/map_file.hpp"
#include "core/error.hpp"
#include "ui/workspaces/components/cell_map_panel.hpp"

namespace scriptorium::ui {
namespace {

/// More cells are not laid out before somebody asks.
constexpr std::int64_t kUnasked = 20'000;

MapPlaces placesOf(const data::Embedding& embedding) {
  MapPlaces out;
  out.title = out.axis = QString::fromStdString(embedding.name);
  if (out.axis.startsWith("X_")) out.axis = out.axis.mid(2).toUpper();
  const auto dims = static_cast<std::size_t>(embedding.dims);
  for (std::size_t i = 0; i + dims <= embedding.coordinates.size(); i += dims) {
    const double x = embedding.coordinates[i], y = embedding.coordinates[i + 1];
    const bool placed = std::isfinite(x) && std::isfinite(y);
    out.x.push_back(placed ? x : std::nan(""));
    out.y.push_back(placed ? y : std::nan(""));
    out.without += placed ? 0 : 1;
  }
  return out;
}

embedding::EmbedOptions optionsOf(const QString& method) {
  embedding::EmbedOptions options;
  options.method = embedding::method_from_string(method.toStdString());
  return options;
}

QString wordOf(embedding::Method method) {
  return method == embedding::Method::Umap ? "UMAP" : method == embedding::Method::Tsne ? "t-SNE" : "PCA";
}

/// Computed coordinates as places of all cells of a table.
/// @param rows  of the table, for each cell that was laid out
MapPlaces placesOf(const embedding::Coordinates& found, const QString& title, const IndexSet& rows, std::size_t cells) {
  MapPlaces places;
  places.title = places.axis = title;
  places.x.assign(cells, std::nan(""));
  places.y = places.x;
  places.without = static_cast<std::int64_t>(cells - rows.size());
  const auto dims = static_cast<std::size_t>(found.dims);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    places.x[static_cast<std::size_t>(rows[i])] = found.values[i * dims];
    places.y[static_cast<std::size_t>(rows[i])] = dims > 1 ? found.values[i * dims + 1] : 0;
  }
  return places;
}

}  // namespace

void CellMapPanel::fillMaps() {
  const QSignalBlocker quiet(which_);
  which_->clear();
  int first = -1;
  for (std::size_t i = 0; of_ && i < of_->embeddings.size(); ++i) {
    const data::Embedding& one = of_->embeddings[i];
    if (one.dims < 2) continue;
    const QString name = QString::fromStdString(one.name);
    which_->addItem(tr("%1 (file)").arg(name), QString("file:%1").arg(i));
    const bool laid_out = name.contains("umap", Qt::CaseInsensitive) || name.contains("tsne", Qt::CaseInsensitive);
    if (laid_out && first < 0) first = which_->count() - 1;
  }
  for (const auto method : {embedding::Method::Umap, embedding::Method::Tsne, embedding::Method::Pca})
    which_->addItem(wordOf(method), QString::fromStdString(embedding::to_string(method)));
  which_->setCurrentIndex(first >= 0 ? first : which_->findData("umap"));
}

QString CellMapPanel::knownKey() const {
  QString key = which_->currentData().toString();
  const auto& prepared = session_.data.prepared();
  if (key.startsWith("file:") || !prepared) return key;
  return QString::fromStdString(embedding::map_key(prepared->id, optionsOf(key)));
}

bool CellMapPanel::isOld() const {
  return places_ && (session_.data.preparing() ? !which_->currentData().toString().startsWith("file:")
                                               : known_.value(knownKey()) != places_);
}

void CellMapPanel::keptChanged() {
  if (!of_ || which_->currentData().toString().startsWith("file:")) return;
  session_.pool.cancel("map");  // of what was kept before
  failed_ = false;
  if (session_.data.preparing()) {
    if (places_) map_->setStale(true);
    return;
  }
  choose();
  if (isVisible()) lookedAt();
}

void CellMapPanel::lookedAt() {
  const QString key = which_->currentData().toString();
  if (places_ || !of_ || failed_ || key.startsWith("file:") || session_.data.preparing()) return;
  const bool few = session_.data.prepared() && session_.data.prepared()->dataset->counts.n_cells <= kUnasked;
  if (few && looked_up_.contains(knownKey()) && !session_.pool.busy("map")) compute();
}

void CellMapPanel::lookUp() {
  const auto prepared = session_.data.prepared();
  const QString key = which_->currentData().toString(), known_key = knownKey();
  if (!prepared || session_.data.preparing() || looked_up_.contains(known_key)) return;
  using Made = std::shared_ptr<const MapPlaces>;
  Answer<Made> answer;
  answer.done = [this, key, known_key](Made places) {
    looked_up_.insert(known_key);
    if (places) {
      known_[known_key] = std::move(places);
      latest_[key] = known_key;
    }
    if (known_key != knownKey()) return;
    if (known_.contains(known_key)) return choose();
    if (isVisible()) lookedAt();
  };
  session_.pool.request<Made>(
      "kept map", this,
      [folder = session_.folder() + "/maps", known_key, cells = of_->cells.size(), method = optionsOf(key).method,
       rows = session_.selection.rowsOf(Axis::Cells, prepared->dataset->cells.names)](const RunControl&) {
        const auto found =
            embedding::kept_map(folder.toStdString(), known_key.toStdString(), static_cast<std::int64_t>(rows.size()));
        return found ? std::make_shared<const MapPlaces>(placesOf(*found, wordOf(method), rows, cells)) : nullptr;
      },
      std::move(answer));
}

void CellMapPanel::choose() {
  const QString key = which_->currentData().toString();
  places_.reset();
  compute_->setVisible(!key.startsWith("file:"));
  compute_->setEnabled(of_ != nullptr);
  says_->clear();
  if (!of_) {
    map_->setMessage(tr("Open a data set to see its cells."));
    return;
  }
  const QString known_key = knownKey();
  if (key.startsWith("file:") && !known_.contains(known_key))
    known_[known_key] = std::make_shared<const MapPlaces>(placesOf(of_->embeddings[key.mid(5).toULongLong()]));
  places_ = known_.value(known_key);
  if (!places_) {
    lookUp();
    places_ = known_.value(latest_.value(key));
  }
  if (!places_) {
    map_->setMessage(tr("This map is not computed yet. Compute lays out the %1 cells that are kept.")
                         .arg(session_.data.prepared() ? session_.data.prepared()->dataset->counts.n_cells : 0));
    return;
  }
  if (places_->without == static_cast<std::int64_t>(places_->x.size())) {
    map_->setMessage(
        tr("No cell has a place on %1: its coordinates are not numbers. Choose another map.").arg(places_->title));
    return;
  }
  color();
}

void CellMapPanel::compute() {
  const auto prepared = session_.data.prepared();
  const QString key = which_->currentData().toString(), known_key = knownKey();
  if (!prepared || key.startsWith("file:")) {
    map_->setMessage(session_.cannotFit());
    return;
  }
  progress_->setRange(0, 0);
  const auto running = [this](bool on) {
    progress_->setVisible(on);
    cancel_->setVisible(on);
    compute_->setVisible(!on);
  };
  running(true);
  map_->setMessage(tr("Laying out the cells …"));
  Answer<MapPlaces> answer;
  answer.progressed = [this](const Progress& progress) {
    map_->setMessage(QString::fromStdString(progress.message));
    progress_->setRange(0, progress.fraction >= 0 ? 100 : 0);
    progress_->setValue(static_cast<int>(std::lround(100 * progress.fraction)));
  };
  answer.done = [this, running, key, known_key](MapPlaces places) {
    running(false);
    known_[known_key] = std::make_shared<const MapPlaces>(std::move(places));
    latest_[key] = known_key;
    choose();
  };
  answer.failed = [this, running](const JobError& error) {
    running(false);
    failed_ = true;  // not again before somebody asks
    map_->setMessage(error.text());
  };
  answer.cancelled = [this, running] {
    running(false);
    choose();
  };
  session_.pool.request<MapPlaces>(
      "map", this,
      [dataset = prepared->dataset, all = of_,
       rows = session_.selection.rowsOf(Axis::Cells, prepared->dataset->cells.names), options = optionsOf(key),
       folder = session_.folder() + "/maps", known_key](const RunControl& control) {
        const embedding::Coordinates found = embedding::embed(*dataset, options, control);
        try {
          embedding::keep_map(folder.toStdString(), known_key.toStdString(), found);
        } catch (const Error&) {  // it is shown all the same, and computed again another time
        }
        return placesOf(found, wordOf(options.method), rows, all->cells.size());
      },
      std::move(answer));
}

}  // namespace scriptorium::ui
