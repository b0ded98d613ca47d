#include "ui/project/data_state.hpp"

#include <QFileInfo>
#include <QThreadPool>
#include <QUndoCommand>
#include <numeric>
#include <utility>

#include "core/data/open.hpp"
#include "core/summary/digest.hpp"

namespace scriptorium::ui {

/// One step of what is kept; steps on the same threshold in a row become one.
class ChoiceCommand : public QUndoCommand {
 public:
  ChoiceCommand(DataState& state, DataChoice before, DataChoice after, const QString& what)
      : QUndoCommand(what), state_(state), before_(std::move(before)), after_(std::move(after)) {}
  void undo() override { state_.apply(before_); }
  void redo() override { state_.apply(after_); }
  int id() const override { return 1; }
  bool mergeWith(const QUndoCommand* other) override {
    const auto& next = static_cast<const ChoiceCommand&>(*other);
    const auto changes = [](const data::Filter& a, const data::Filter& b) {
      return (a.min_counts_per_cell != b.min_counts_per_cell ? 1 : 0) |
             (a.min_genes_per_cell != b.min_genes_per_cell ? 2 : 0) |
             (a.min_cells_per_gene != b.min_cells_per_gene ? 4 : 0) |
             (a.min_counts_per_gene != b.min_counts_per_gene ? 8 : 0) |
             (a.highly_variable != b.highly_variable ? 16 : 0) | (a.cells != b.cells ? 32 : 0) |
             (a.genes != b.genes ? 64 : 0);
    };
    if (before_.missing != after_.missing || next.before_.missing != next.after_.missing) return false;
    if (changes(before_.filter, after_.filter) != changes(next.before_.filter, next.after_.filter)) return false;
    after_ = next.after_;
    return true;
  }

 private:
  DataState& state_;
  DataChoice before_, after_;
};

namespace {

/// Lets go of something large on a worker: giving its memory back takes longer than the window may pause.
void release(std::shared_ptr<const void> large) {
  if (large) QThreadPool::globalInstance()->start([large = std::move(large)] {});
}

std::vector<std::int64_t> allRows(const data::Table& table) {
  std::vector<std::int64_t> out(table.size());
  std::iota(out.begin(), out.end(), 0);
  return out;
}

std::vector<std::int64_t> chosenOf(const std::vector<std::int64_t>& rows, const std::vector<std::int64_t>& kept) {
  std::vector<std::int64_t> out;
  out.reserve(kept.size());
  for (const std::int64_t i : kept) out.push_back(rows[static_cast<std::size_t>(i)]);
  return out;
}

}  // namespace

DataState::DataState(InteractivePool& pool, QUndoStack& undo, QObject* parent)
    : QObject(parent), pool_(pool), undo_(undo) {}

void DataState::open(const DataChoice& choice, Look look) {
  pool_.cancel("filter");
  const bool same_file = opened_ && choice.path == QString::fromStdString(opened_->dataset->path);
  if (stage_ == Stage::Ready) before_ = choice_;
  choice_ = choice;
  stage_ = Stage::Loading;
  progress_ = {-1, tr("opening").toStdString()};
  error_ = {};
  emit stageChanged();
  struct Result {
    std::shared_ptr<const OpenedData> opened;
    std::shared_ptr<const FilePreview> preview;
  };
  Answer<Result> answer;
  answer.progressed = [this](const Progress& progress) {
    progress_ = progress;
    emit progressed();
  };
  answer.done = [this, choice, same_file](Result result) {
    preview_ = std::move(result.preview);
    if (result.opened) return loaded(std::move(result.opened), choice, same_file);
    stage_ = Stage::Preview;
    emit stageChanged();
  };
  answer.failed = [this](const JobError& error) {
    error_ = error;
    if (opened_) {  // what was open stays open
      goBack();
      emit openFailed(error);
      return;
    }
    preview_.reset();
    stage_ = Stage::Failed;
    emit stageChanged();
    emit preparedChanged();
  };
  answer.cancelled = [this] { goBack(); };
  pool_.request<Result>(
      "open", this,
      [choice, look](const RunControl& control) {
        if (look == Look::Always || (look == Look::IfLarge && isLarge(choice.path)))
          return Result{nullptr, previewFile(choice, control)};
        if (look == Look::IfLarge && choice.layer.isEmpty() && choice.path.endsWith(".h5mu", Qt::CaseInsensitive))
          if (auto preview = previewFile(choice, control); preview->severalModalities())
            return Result{nullptr, std::move(preview)};
        data::OpenOptions options;  // missing entries stay apart here: what becomes of them is chosen afterwards
        options.layer = choice.layer.toStdString();
        options.modality = choice.modality.toStdString();
        auto dataset = std::make_shared<const data::Dataset>(data::open(choice.path.toStdString(), options, control));
        return Result{describe(dataset, control), nullptr};
      },
      std::move(answer));
}

void DataState::loaded(std::shared_ptr<const OpenedData> opened, const DataChoice& choice, bool same_file) {
  release(std::exchange(opened_, std::move(opened)));
  release(std::exchange(prepared_, nullptr));
  choice_ = choice;
  choice_.layer = QString::fromStdString(opened_->dataset->layer);
  stage_ = Stage::Ready;
  if (!same_file) undo_.clear();
  emit stageChanged();
  emit filterChanged();
  emit openedFile(choice_.path);
  prepare();
}

void DataState::cancelOpening() {
  if (stage_ == Stage::Preview)
    goBack();
  else
    pool_.cancel("open");
}

void DataState::goBack() {
  preview_.reset();
  stage_ = opened_ ? Stage::Ready : Stage::Empty;
  choice_ = opened_ ? before_ : DataChoice();
  emit stageChanged();
  const bool done =
      prepared_ && prepared_->choice.filter == choice_.filter && prepared_->choice.missing == choice_.missing;
  if (opened_ && !done) prepare();
}

void DataState::closeData() {
  pool_.cancel("open");
  pool_.cancel("filter");
  release(std::exchange(opened_, nullptr));
  release(std::exchange(prepared_, nullptr));
  preview_.reset();
  choice_ = {};
  stage_ = Stage::Empty;
  undo_.clear();
  emit stageChanged();
  emit preparedChanged();
}

void DataState::setFilter(const data::Filter& filter) {
  if (filter == choice_.filter || stage_ != Stage::Ready) return;
  DataChoice next = choice_;
  next.filter = filter;
  undo_.push(new ChoiceCommand(*this, choice_, next, tr("filter")));
}

void DataState::setMissing(data::MissingRule rule) {
  if (rule == choice_.missing || stage_ != Stage::Ready) return;
  DataChoice next = choice_;
  next.missing = rule;
  undo_.push(new ChoiceCommand(*this, choice_, next, tr("entries that were not measured")));
}

void DataState::apply(const DataChoice& choice) {
  choice_.filter = choice.filter;  // the layer is no step of the undo stack: it stays
  choice_.missing = choice.missing;
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
      [dataset = opened_->dataset, choice = choice_](const RunControl& control) {
        auto made = std::make_shared<PreparedData>();
        made->choice = choice;
        made->dataset = dataset;
        made->cell_rows = allRows(dataset->cells);
        made->gene_rows = allRows(dataset->genes);
        if (choice.missing != data::MissingRule::LeaveOut && !dataset->missing.none()) {
          auto treated = std::make_shared<data::Dataset>(*dataset);
          const std::vector<std::int64_t> genes = data::settle_missing(*treated, choice.missing);
          if (!genes.empty()) {
            *treated = treated->select({}, genes);
            made->gene_rows = genes;
          }
          made->dataset = std::move(treated);
        }
        control.check();
        if (!choice.filter.empty()) {
          const data::Kept kept = data::apply(choice.filter, *made->dataset);
          control.check();
          made->dataset = std::make_shared<const data::Dataset>(made->dataset->select(kept.cells, kept.genes));
          made->cell_rows = chosenOf(made->cell_rows, kept.cells);
          made->gene_rows = chosenOf(made->gene_rows, kept.genes);
        }
        control.check();
        auto digest = summary::digest(*made->dataset, 0, control);
        made->summary = std::make_shared<const summary::CountSummary>(std::move(digest.summary));
        made->id = std::move(digest.data_id);
        return Result(made);
      },
      std::move(answer));
}

JobError dataMissing(const DataState& data, const result::Fit& fit, const QString& name) {
  const QString path = QString::fromStdString(fit.data_path), filter = QString::fromStdString(fit.data_filter);
  const QString kept =
      filter.isEmpty() ? QObject::tr("all cells and genes") : QObject::tr("what the fit had: %1").arg(filter.left(200));
  if (data.preparing())
    return {QObject::tr("The data of %1 are still being prepared.").arg(name), QObject::tr("Ask again in a moment.")};
  if (data.opened() && QFileInfo(data.path()) == QFileInfo(path))
    return {QObject::tr("%1 was fitted to other cells or genes than those that are kept now.").arg(name),
            QObject::tr("On the Data page, keep %1.").arg(kept)};
  return {QObject::tr("The data of %1 are not open.").arg(name), QObject::tr("Open %1, and keep %2.").arg(path, kept)};
}

}  // namespace scriptorium::ui
