#include "ui/project/data_state.hpp"

#include <QThreadPool>
#include <QUndoCommand>
#include <utility>

#include "core/data/open.hpp"
#include "core/summary/digest.hpp"

namespace scriptorium::ui {

/// One step of the filter; steps on the same threshold in a row become one.
class FilterCommand : public QUndoCommand {
 public:
  FilterCommand(DataState& state, data::Filter before, data::Filter after)
      : QUndoCommand(QObject::tr("filter")), state_(state), before_(std::move(before)), after_(std::move(after)) {}
  void undo() override { state_.applyFilter(before_); }
  void redo() override { state_.applyFilter(after_); }
  int id() const override { return 1; }
  bool mergeWith(const QUndoCommand* other) override {
    const auto& next = static_cast<const FilterCommand&>(*other);
    const auto changes = [](const data::Filter& a, const data::Filter& b) {
      return (a.min_counts_per_cell != b.min_counts_per_cell ? 1 : 0) |
             (a.min_genes_per_cell != b.min_genes_per_cell ? 2 : 0) |
             (a.min_cells_per_gene != b.min_cells_per_gene ? 4 : 0) |
             (a.min_counts_per_gene != b.min_counts_per_gene ? 8 : 0) |
             (a.highly_variable != b.highly_variable ? 16 : 0) | (a.cells != b.cells ? 32 : 0) |
             (a.genes != b.genes ? 64 : 0);
    };
    if (changes(before_, after_) != changes(next.before_, next.after_)) return false;
    after_ = next.after_;
    return true;
  }

 private:
  DataState& state_;
  data::Filter before_, after_;
};

namespace {

/// Lets go of something large on a worker: giving its memory back takes longer than the window may pause.
void release(std::shared_ptr<const void> large) {
  if (large) QThreadPool::globalInstance()->start([large = std::move(large)] {});
}

}  // namespace

DataState::DataState(InteractivePool& pool, QUndoStack& undo, QObject* parent)
    : QObject(parent), pool_(pool), undo_(undo) {}

void DataState::open(const QString& path, const QString& layer, const data::Filter& filter) {
  pool_.cancel("filter");
  const bool same_file = path == path_;
  path_ = path;
  layer_ = layer;
  stage_ = Stage::Loading;
  progress_ = {-1, tr("opening").toStdString()};
  error_ = {};
  emit stageChanged();
  using Result = std::shared_ptr<const OpenedData>;
  Answer<Result> answer;
  answer.progressed = [this](const Progress& progress) {
    progress_ = progress;
    emit progressed();
  };
  answer.done = [this, filter, same_file](Result result) {
    release(std::exchange(opened_, std::move(result)));
    release(std::exchange(prepared_, nullptr));
    layer_ = QString::fromStdString(opened_->dataset->layer);
    filter_ = filter;
    stage_ = Stage::Ready;
    if (!same_file) undo_.clear();
    emit stageChanged();
    emit filterChanged();
    emit openedFile(path_);
    prepare();
  };
  answer.failed = [this](const JobError& error) {
    error_ = error;
    release(std::exchange(opened_, nullptr));
    release(std::exchange(prepared_, nullptr));
    stage_ = Stage::Failed;
    emit stageChanged();
    emit preparedChanged();
  };
  answer.cancelled = [this] {
    stage_ = opened_ ? Stage::Ready : Stage::Empty;
    if (opened_) {
      path_ = QString::fromStdString(opened_->dataset->path);
      layer_ = QString::fromStdString(opened_->dataset->layer);
    }
    emit stageChanged();
  };
  pool_.request<Result>(
      "open", this,
      [path, layer](const RunControl& control) {
        data::OpenOptions options;
        options.layer = layer.toStdString();
        auto dataset = std::make_shared<const data::Dataset>(data::open(path.toStdString(), options, control));
        return describe(dataset, control);
      },
      std::move(answer));
}

void DataState::cancelOpening() {
  pool_.cancel("open");
}

void DataState::closeData() {
  pool_.cancel("open");
  pool_.cancel("filter");
  release(std::exchange(opened_, nullptr));
  release(std::exchange(prepared_, nullptr));
  path_.clear();
  filter_ = {};
  stage_ = Stage::Empty;
  undo_.clear();
  emit stageChanged();
  emit preparedChanged();
}

void DataState::setFilter(const data::Filter& filter) {
  if (filter == filter_ || stage_ != Stage::Ready) return;
  undo_.push(new FilterCommand(*this, filter_, filter));
}

void DataState::applyFilter(const data::Filter& filter) {
  filter_ = filter;
  emit filterChanged();
  prepare();
}

void DataState::prepare() {
  if (!opened_) return;
  preparing_ = true;
  filter_error_ = {};
  emit preparedChanged();
  using Result = std::shared_ptr<const PreparedData>;
  Answer<Result> answer;
  answer.done = [this](Result result) {
    release(std::exchange(prepared_, std::move(result)));
    preparing_ = false;
    emit preparedChanged();
  };
  answer.failed = [this](const JobError& error) {
    filter_error_ = error;
    prepared_.reset();
    preparing_ = false;
    emit preparedChanged();
  };
  answer.cancelled = [this] {
    preparing_ = false;
    emit preparedChanged();
  };
  pool_.request<Result>(
      "filter", this,
      [dataset = opened_->dataset, filter = filter_, path = path_, layer = layer_](const RunControl& control) {
        auto made = std::make_shared<PreparedData>();
        made->path = path;
        made->layer = layer;
        made->filter = filter;
        made->dataset = dataset;
        if (!filter.empty()) {
          const data::Kept kept = data::apply(filter, *dataset);
          control.check();
          made->dataset = std::make_shared<const data::Dataset>(dataset->select(kept.cells, kept.genes));
        }
        control.check();
        auto digest = summary::digest(*made->dataset, 0, control);
        made->summary = std::make_shared<const summary::CountSummary>(std::move(digest.summary));
        made->id = std::move(digest.data_id);
        return Result(made);
      },
      std::move(answer));
}

}  // namespace scriptorium::ui
