#include "ui/project/screening_state.hpp"

#include <QDir>
#include <QFile>
#include <QLocale>
#include <QUndoCommand>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/perturbation/tables.hpp"

namespace scriptorium::ui {
namespace {

using perturbation::ChainOptions;
using perturbation::Screening;

QString whole(std::int64_t n) {
  return QLocale(QLocale::English).toString(static_cast<qlonglong>(n));
}

QString counted(std::int64_t n, const QString& one, const QString& many) {
  return (n == 1 ? one : many).arg(whole(n));
}

/// Whether two settings give the same numbers.
bool same(const ChainOptions& a, const ChainOptions& b) {
  return nlohmann::json(a) == nlohmann::json(b);
}

/// One value a cell of the opened data, from one a cell of the result.
template <class Value>
std::vector<Value> spreadOut(const std::vector<Value>& from, const std::vector<std::int64_t>& rows, std::size_t n,
                             Value none) {
  std::vector<Value> out(n, none);
  for (std::size_t i = 0; i < rows.size() && i < from.size(); ++i)
    if (rows[i] >= 0) out[static_cast<std::size_t>(rows[i])] = from[i];
  return out;
}

}  // namespace

class ScreeningCommand : public QUndoCommand {
 public:
  ScreeningCommand(ScreeningState& state, ChainOptions after, const QString& what)
      : QUndoCommand(what), state_(state), before_(state.options_), after_(std::move(after)) {}
  void undo() override { state_.apply(before_); }
  void redo() override { state_.apply(after_); }
  int id() const override { return 7; }
  bool mergeWith(const QUndoCommand* other) override {
    if (other->text() != text()) return false;
    after_ = static_cast<const ScreeningCommand&>(*other).after_;
    return true;
  }

 private:
  ScreeningState& state_;
  ChainOptions before_, after_;
};

QString screenInWords(const perturbation::Screen& screen) {
  std::int64_t controls = 0, nowhere = 0, no_group = 0;
  for (const std::int32_t code : screen.target.code) {
    controls += code == screen.control ? 1 : 0;
    nowhere += code < 0 ? 1 : 0;
  }
  for (const std::int32_t code : screen.split.code) no_group += code < 0 ? 1 : 0;
  QStringList parts{counted(screen.n_targets() - 1, QObject::tr("%1 target"), QObject::tr("%1 targets")),
                    counted(controls, QObject::tr("%1 control cell"), QObject::tr("%1 control cells")),
                    screen.guide.names.empty() ? QObject::tr("no guides known")
                                               : counted(static_cast<std::int64_t>(screen.guide.names.size()),
                                                         QObject::tr("%1 guide"), QObject::tr("%1 guides")),
                    screen.has_split ? counted(screen.n_splits(), QObject::tr("%1 group"), QObject::tr("%1 groups"))
                                     : QObject::tr("one group")};
  QString words = "<b>" + parts.join(", ") + "</b>";
  if (nowhere > 0)
    words += "; " + counted(nowhere, QObject::tr("%1 cell has no target"), QObject::tr("%1 cells have no target"));
  if (no_group > 0)
    words += "; " + counted(no_group, QObject::tr("%1 cell has no group"), QObject::tr("%1 cells have no group"));
  words += '.';
  for (const std::string& note : screen.notes) words += "<br>" + QString::fromStdString(note).toHtmlEscaped();
  return words;
}

ScreeningState::ScreeningState(InteractivePool& pool, DataState& data, CellColumns& columns, QUndoStack& undo,
                               QString folder, std::function<QString()> device, QObject* parent)
    : QObject(parent),
      pool_(pool),
      data_(data),
      columns_(columns),
      undo_(undo),
      folder_(std::move(folder)),
      device_(std::move(device)) {
  connect(&data, &DataState::stageChanged, this, &ScreeningState::dataChanged);
  connect(&data, &DataState::preparedChanged, this, &ScreeningState::dataChanged);
}

void ScreeningState::setOptions(const ChainOptions& options, const QString& what) {
  if (!same(options, options_)) undo_.push(new ScreeningCommand(*this, options, what));
}

void ScreeningState::apply(const ChainOptions& options) {
  const perturbation::Columns before = options_.columns, &next = options.columns;
  const bool others = before.target != next.target || before.control != next.control || before.guide != next.guide ||
                      before.split != next.split;
  options_ = options;
  if (others) lookAtColumns();
  emit optionsChanged();
}

void ScreeningState::dataChanged() {
  const auto opened = data_.opened() ? data_.opened()->dataset : nullptr;
  if (opened != opened_) {
    const bool same_cells =
        opened && opened_ && opened->cells.names == opened_->cells.names && opened->genes.names == opened_->genes.names;
    opened_ = opened;
    if (!same_cells) {
      cancel();
      guessed_ = run_when_prepared_;
      error_ = {};
      check_.reset();
      if (!guessed_) options_.columns = {};
      show(nullptr, nullptr);
      emit optionsChanged();
      emit checked();
    }
  }
  if (!data_.prepared() || data_.preparing()) return;
  lookAtColumns();
  emit runChanged();  // it may have become stale
  if (std::exchange(run_when_prepared_, false)) run();
}

void ScreeningState::lookAtColumns() {
  const auto prepared = data_.prepared();
  if (!prepared) return;
  struct Looked {
    perturbation::Columns columns;
    std::shared_ptr<const ScreenCheck> check;
  };
  Answer<Looked> answer;
  answer.done = [this](Looked looked) {
    guessed_ = true;
    const bool guess =
        options_.columns.target != looked.columns.target || options_.columns.control != looked.columns.control;
    options_.columns = looked.columns;  // as given, but for what was guessed: no step to undo
    check_ = std::move(looked.check);
    if (guess) emit optionsChanged();
    emit checked();
  };
  answer.failed = [this](const JobError& error) {
    check_ = std::make_shared<const ScreenCheck>(ScreenCheck{{}, {}, {}, error});
    emit checked();
  };
  pool_.request<Looked>(
      "screen check", this,
      [prepared, columns = options_.columns, guess = !guessed_](const RunControl&) {
        const data::Table& cells = prepared->dataset->cells;
        Looked looked{guess ? perturbation::guess_columns(cells) : columns, nullptr};
        auto made = std::make_shared<ScreenCheck>();
        for (const data::Column& column : cells.columns)
          if (perturbation::may_be_labels(column)) made->columns.push_back(column.name);
        try {
          if (looked.columns.target.empty())
            throw Error(ErrorCode::BadInput, "No column says what was done to each cell.",
                        "Choose the column with the targets, and which of its labels are controls.");
          if (const data::Column* column = cells.find(looked.columns.target))
            made->labels = perturbation::count_labels(*column);
          const auto control = std::find_if(made->labels.begin(), made->labels.end(),
                                            [](const auto& one) { return perturbation::is_control_label(one.label); });
          if (looked.columns.control.empty() && control != made->labels.end()) looked.columns.control = control->label;
          if (looked.columns.control.empty())
            throw Error(ErrorCode::BadInput, "No label of \"" + looked.columns.target + "\" is chosen as control.",
                        "Choose the label of the cells whose guide has no target.");
          const std::vector<std::string> no_genes;
          made->words = screenInWords(perturbation::make_screen(cells, no_genes, looked.columns));
        } catch (...) {
          made->error = describeCurrentException();
        }
        looked.check = std::move(made);
        return looked;
      },
      std::move(answer));
}

void ScreeningState::run() {
  const auto prepared = data_.prepared();
  if (!prepared) {
    error_ = {tr("There are no cells to work on."), tr("Open a data set, and keep some cells.")};
    emit runChanged();
    return;
  }
  error_ = {};
  progress_ = {-1, tr("waiting for a worker").toStdString()};
  using Result = std::shared_ptr<const Screening>;
  Answer<Result> answer;
  answer.progressed = [this](const Progress& progress) {
    progress_ = progress;
    emit progressed();
  };
  answer.done = [this, prepared](Result made) {
    show(std::move(made), prepared);
    emit runChanged();
  };
  answer.failed = [this](const JobError& error) {
    error_ = error;
    emit runChanged();
  };
  answer.cancelled = [this] { emit runChanged(); };
  pool_.request<Result>(
      kRun, this,
      [prepared, options = options_, folder = folder_, device = device_().toStdString(),
       lock = one_at_a_time_](const RunControl& control) mutable {
        const std::scoped_lock alone(*lock);
        control.check();
        options.backend = compute::choose_backend(device, options.threads).backend;
        QDir().mkpath(folder);
        const std::string state = QDir(folder).filePath("screening.state").toStdString();
        const auto made = [&](bool resume) {
          return std::make_shared<const Screening>(
              perturbation::run_chain(*prepared->dataset, options, state, resume, control));
        };
        const bool resume = QFile::exists(QString::fromStdString(state));
        if (!resume) return made(false);
        try {
          return made(true);
        } catch (const perturbation::UnusableState&) {
          QFile::remove(QString::fromStdString(state));  // damaged: nothing of it is used
          return made(false);
        }
      },
      std::move(answer));
  emit runChanged();
}

void ScreeningState::cancel() {
  pool_.cancel(kRun);
}

bool ScreeningState::isStale() const {
  if (!now_) return false;
  const auto& prepared = data_.prepared();
  return !same(now_->options, options_) || data_.preparing() || !prepared || prepared->id != of_->id;
}

void ScreeningState::show(std::shared_ptr<const Screening> made, std::shared_ptr<const PreparedData> of) {
  if (!made && !now_) return;
  now_ = std::move(made);
  of_ = std::move(of);
  cell_rows_.clear();
  gene_rows_.clear();
  if (now_) {
    cell_rows_ = of_->cell_rows;
    gene_rows_ = of_->gene_rows;
  }
  handOverColumns();
  emit changed();
}

void ScreeningState::handOverColumns() {
  std::vector<data::Column> made;
  if (now_ && opened_) {
    const std::size_t n = opened_->cells.size();
    const auto numbers = [&](const std::string& name, const std::vector<double>& values) {
      if (!values.empty()) made.push_back({name, spreadOut(values, cell_rows_, n, std::nan("")), {}});
    };
    const auto labels = [&](const std::string& name, const analysis::Labels& of) {
      data::Categorical column;
      column.codes = spreadOut(of.code, cell_rows_, n, std::int32_t{-1});
      column.categories = of.names;
      made.push_back({name, std::move(column), {}});
    };
    const std::string& name = now_->options.class_column;
    numbers(now_->options.score_column, now_->scores.score);
    if (!now_->calls.state.empty()) {
      labels(name, now_->calls.classes(now_->screen));
      labels(name + "_global", now_->calls.global_classes(now_->screen));
      numbers(perturbation::posterior_column(name, now_->calls), now_->calls.posterior);
    }
  }
  columns_.set("screening", std::move(made));
}

QByteArray ScreeningState::toJson() const {
  return QByteArray::fromStdString(
      nlohmann::json{{"options", options_}, {"result", now_ != nullptr || running()}}.dump());
}

void ScreeningState::restore(const QByteArray& json) {
  try {
    const auto from = nlohmann::json::parse(json.toStdString());
    options_ = from.at("options").get<ChainOptions>();
    run_when_prepared_ = from.value("result", false);
    guessed_ = true;
    emit optionsChanged();
  } catch (const std::exception&) {  // of another version: begun anew
  }
}

}  // namespace scriptorium::ui
