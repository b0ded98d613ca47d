#include "ui/project/assignments.hpp"

#include <QFile>
#include <QFileInfo>
#include <QUndoCommand>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/analysis/agreement.hpp"
#include "core/analysis/assignments.hpp"
#include "core/error.hpp"
#include "core/result/components.hpp"
#include "ui/charts/colors.hpp"

namespace scriptorium::ui {

class AssignmentCommand : public QUndoCommand {
 public:
  AssignmentCommand(AssignmentState& state, std::shared_ptr<const Assignments> after, const QString& what)
      : QUndoCommand(what), state_(state), before_(state.now_), after_(std::move(after)), series_(state.series_) {}
  void undo() override { state_.apply(before_, series_); }
  void redo() override { state_.apply(after_, series_); }

 private:
  AssignmentState& state_;
  std::shared_ptr<const Assignments> before_, after_;
  int series_;
};

std::shared_ptr<const Assignments> complete(Assignments made) {
  const auto k = static_cast<std::size_t>(made.components);
  while (made.names.size() < k) made.names.push_back(QString::number(made.names.size() + 1));
  while (made.colors.size() < k) made.colors.push_back(charts::groupColor(static_cast<int>(made.colors.size())));
  made.assigned = analysis::assignment(made.probability, made.components);
  made.entropy = analysis::entropy(made.probability, made.components);
  made.weight.assign(k, 0);
  made.size.assign(k, 0);
  made.sure.assign(k, 0);
  double cells = 0;
  for (std::size_t i = 0; i < made.assigned.size(); ++i) {
    made.entropy[i] = made.assigned[i] < 0 ? std::nan("") : std::max(0.0, made.entropy[i]);
    if (made.assigned[i] < 0) continue;
    for (std::size_t c = 0; c < k; ++c) made.weight[c] += made.probability[i * k + c];
    const auto best = static_cast<std::size_t>(made.assigned[i]);
    ++made.size[best];
    if (made.probability[i * k + best] > 0.9) ++made.sure[best];
    cells += 1;
  }
  for (double& weight : made.weight) weight /= std::max(1.0, cells);
  return std::make_shared<const Assignments>(std::move(made));
}

bool areProbabilities(const data::Embedding& embedding) {
  if (embedding.dims < 2) return false;
  const auto dims = static_cast<std::size_t>(embedding.dims);
  bool any = false;
  for (std::size_t i = 0; i + dims <= embedding.coordinates.size(); i += dims) {
    double sum = 0;
    for (std::size_t d = 0; d < dims; ++d) {
      if (embedding.coordinates[i + d] < 0) return false;
      sum += static_cast<double>(embedding.coordinates[i + d]);
    }
    if (std::isnan(sum)) continue;
    if (std::fabs(sum - 1) > 1e-3) return false;
    any = true;
  }
  return any;
}

std::shared_ptr<const Assignments> assignmentsOf(const data::Embedding& embedding, std::vector<std::string> cells) {
  Assignments made;
  made.source = QObject::tr("%1 (file)").arg(QString::fromStdString(embedding.name));
  made.cells = std::move(cells);
  made.components = embedding.dims;
  made.probability.assign(embedding.coordinates.begin(), embedding.coordinates.end());
  return complete(std::move(made));
}

std::shared_ptr<const Assignments> assignmentsOf(std::shared_ptr<const result::Fit> fit, const QString& name,
                                                 const data::Dataset& data, int draws, const RunControl& control) {
  analysis::AssignmentOptions options;
  options.draws = draws;
  options.seed = fit->options.seed;
  options.likelihood.missing = &data.missing;
  const auto found = analysis::assign_cells(*fit, data.counts, options, control);
  Assignments made;
  made.source = draws > 0 ? QObject::tr("%1 (fit, %2 draws)").arg(name).arg(draws) : QObject::tr("%1 (fit)").arg(name);
  made.cells = fit->cells;
  made.components = static_cast<int>(found.components);
  made.probability = found.probability;
  const auto names = result::component_names(*fit);
  for (const std::string& its : names) made.names.push_back(QString::fromStdString(its));
  for (const std::string& note : analysis::component_notes(found.probability, names))
    made.notes << QString::fromStdString(note);
  made.fit = std::move(fit);
  return complete(std::move(made));
}

std::shared_ptr<const Assignments> readAssignments(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly))
    throw Error(ErrorCode::Io, "Cannot read " + path.toStdString() + ": " + file.errorString().toStdString() + ".");
  const QChar separator = path.endsWith(".csv", Qt::CaseInsensitive) ? ',' : '\t';
  const std::string name = QFileInfo(path).fileName().toStdString();
  const auto fields = [&] { return QString::fromUtf8(file.readLine()).remove('\n').remove('\r').split(separator); };
  const QStringList header = fields();
  const auto cell = header.indexOf("cell");
  std::vector<qsizetype> columns;
  while (true) {
    const auto at = header.indexOf(QString("p_%1").arg(columns.size() + 1));
    if (at < 0) break;
    columns.push_back(at);
  }
  if (cell < 0 || columns.size() < 2)
    throw Error(ErrorCode::BadInput, name + " has no columns cell, p_1, p_2, …",
                "Give a table as scriptorium-cli assign writes it.");
  Assignments made;
  made.source = QFileInfo(path).fileName();
  made.components = static_cast<int>(columns.size());
  for (int line = 2; !file.atEnd(); ++line) {
    const QStringList row = fields();
    if (row.size() == 1 && row[0].isEmpty()) continue;
    if (row.size() != header.size())
      throw Error(ErrorCode::BadInput, name + ", line " + std::to_string(line) + ": " + std::to_string(row.size()) +
                                           " fields where the header has " + std::to_string(header.size()) + ".");
    made.cells.push_back(row[cell].toStdString());
    for (const qsizetype at : columns) {
      bool number = false;
      const double p = row[at].toDouble(&number);
      if ((!number && !row[at].isEmpty()) || p < 0 || p > 1)
        throw Error(ErrorCode::BadInput,
                    name + ", line " + std::to_string(line) + ": \"" + row[at].toStdString() + "\" is no probability.");
      made.probability.push_back(number ? p : std::nan(""));
    }
  }
  return complete(std::move(made));
}

std::shared_ptr<const Assignments> merged(const Assignments& from, const IndexSet& which) {
  const auto k = static_cast<std::size_t>(from.components);
  std::vector<std::size_t> to(k);  // the new number of each old component
  std::size_t next = 0;
  for (std::size_t c = 0; c < k; ++c) {
    const bool in = std::binary_search(which.begin(), which.end(), static_cast<std::int64_t>(c));
    to[c] = in && static_cast<std::int64_t>(c) != which.front() ? to[static_cast<std::size_t>(which.front())] : next++;
  }
  Assignments made;
  made.source = from.source;
  made.cells = from.cells;
  made.components = static_cast<int>(next);
  made.probability.assign(from.assigned.size() * next, 0);
  for (std::size_t i = 0; i < from.assigned.size(); ++i)
    for (std::size_t c = 0; c < k; ++c) made.probability[i * next + to[c]] += from.probability[i * k + c];
  made.names.resize(next);
  made.colors.resize(next);
  for (std::size_t c = k; c-- > 0;) {  // the first of them last, so that its colour stays
    QString& name = made.names[to[c]];
    name = name.isEmpty() ? from.names[c] : from.names[c] + " + " + name;
    made.colors[to[c]] = from.colors[c];
  }
  return complete(std::move(made));
}

void AssignmentState::show(std::shared_ptr<const Assignments> assignments) {
  if (assignments == now_) return;
  ++series_;
  apply(std::move(assignments), series_);
}

void AssignmentState::rename(int component, const QString& name) {
  if (!now_ || component < 0 || component >= now_->components || name.trimmed().isEmpty()) return;
  Assignments next = *now_;
  next.names[static_cast<std::size_t>(component)] = name.trimmed();
  push(std::make_shared<const Assignments>(std::move(next)), tr("name of a component"));
}

void AssignmentState::recolor(int component, QRgb color) {
  if (!now_ || component < 0 || component >= now_->components) return;
  Assignments next = *now_;
  next.colors[static_cast<std::size_t>(component)] = color;
  push(std::make_shared<const Assignments>(std::move(next)), tr("colour of a component"));
}

void AssignmentState::merge(const IndexSet& which) {
  if (now_ && which.size() > 1) push(merged(*now_, which), tr("merged components"));
}

void AssignmentState::push(std::shared_ptr<const Assignments> next, const QString& what) {
  undo_.push(new AssignmentCommand(*this, std::move(next), what));
}

void AssignmentState::apply(std::shared_ptr<const Assignments> next, int series) {
  if (series != series_) return;  // a step on what is no longer shown
  now_ = std::move(next);
  emit changed();
}

}  // namespace scriptorium::ui
