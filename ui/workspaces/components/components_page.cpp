#include "ui/workspaces/components/components_page.hpp"

#include <QColorDialog>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QShowEvent>
#include <QSignalBlocker>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <utility>

#include "core/analysis/cell_groups.hpp"

namespace scriptorium::ui {
ComponentsPage::ComponentsPage(Session& session, QWidget* parent)
    : Page("components", tr("Components"), session, parent) {
  setContent(makeContent());
  connectButtons();
  connect(&session.data, &DataState::stageChanged, this, &ComponentsPage::dataChanged);
  connect(&session.assignments, &AssignmentState::changed, this, &ComponentsPage::assignmentsChanged);
  connect(&session.selection, &SelectionState::changed, this, [this](Axis of) {
    if (of == Axis::Cells) drawEntropy();
  });
  connect(&session.selection, &SelectionState::setsChanged, this, [this] {
    const QString before = label_->currentText();
    fillLabels();
    if (label_->currentText() != before) compare();
  });
  connect(&session.columns, &CellColumns::changed, this, [this] {
    const QString before = label_->currentText();
    fillLabels();
    if (label_->currentText() != before) compare();
  });
  connect(&session.fits, &FitStore::changed, this, &ComponentsPage::fillSources);
  connect(&session.fits, &FitStore::currentChanged, this, [this] {
    const auto* entry = this->session().fits.current();
    const int before = std::exchange(current_fit_, entry ? entry->id : 0);
    if (entry && entry->id != before && entry->fit->model.components > 1) wanted_ = QString("fit:%1:0").arg(entry->id);
    if (isVisible()) chooseWanted();
  });
  offerForExport();
  dataChanged();
}

void ComponentsPage::connectButtons() {
  connect(components_, &TablePanel::selectionChanged, this, &ComponentsPage::showButtons);
  connect(name_, &QLineEdit::returnPressed, this, [this] {
    const IndexSet which = chosenComponents();
    if (which.size() != 1) return;
    if (!session().assignments.rename(static_cast<int>(which.front()), name_->text()))
      emit session().noted(tr("Another component is called %1 already.").arg(name_->text().trimmed()));
  });
  connect(color_, &QToolButton::clicked, this, [this] {
    const IndexSet which = chosenComponents();
    if (which.size() != 1) return;
    const int component = static_cast<int>(which.front());
    auto* dialog = new QColorDialog(
        QColor::fromRgba(session().assignments.now()->colors[static_cast<std::size_t>(component)]), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QColorDialog::colorSelected, this,
            [this, component](const QColor& color) { session().assignments.recolor(component, color.rgba()); });
    dialog->open();
  });
  connect(merge_, &QToolButton::clicked, this, [this] { session().assignments.merge(chosenComponents()); });
  const auto members = [this] {
    const IndexSet which = chosenComponents();
    return cellsWhere([&](std::size_t cell) {
      return std::binary_search(which.begin(), which.end(),
                                static_cast<std::int64_t>(session().assignments.now()->assigned[cell]));
    });
  };
  connect(select_, &QToolButton::clicked, this, [this, members] {
    session().selection.select(Axis::Cells, members(), Combine::Replace, tr("cells of a component"));
  });
  connect(as_set_, &QToolButton::clicked, this, [this, members] {
    QStringList names;
    for (const std::int64_t k : chosenComponents())
      names << session().assignments.now()->names[static_cast<std::size_t>(k)];
    session().undo.beginMacro(tr("component as a set"));
    session().selection.select(Axis::Cells, members(), Combine::Replace, tr("cells of a component"));
    session().selection.nameSelection(Axis::Cells, tr("component %1").arg(names.join(" + ")));
    session().undo.endMacro();
  });
  connect(diagnose_, &QToolButton::clicked, this, [this, members] {
    const auto& of = session().assignments.now();
    if (const IndexSet which = chosenComponents(); of->fit && which.size() == 1)
      return diagnoseComponent(static_cast<std::size_t>(which.front()));
    data::Filter filter = session().data.filter();
    filter.cell_names = session().selection.names(Axis::Cells, members());
    session().data.setFilter(filter);
    emit session().noted(tr("The cells of the component are kept: fit them, then Diagnose shows how well they fit."));
    emit pageWanted("model");
  });
  connect(
      entropy_, &charts::FigureView::brushed, this, [this](int, double low, double high, Qt::KeyboardModifiers keys) {
        const auto& of = session().assignments.now();
        if (!of) return;
        const Combine how = combineOf(keys);
        session().selection.select(Axis::Cells,
                                   cellsWhere([&](std::size_t cell) { return entropyBetween(*of, cell, low, high); }),
                                   how, tr("cells by entropy"));
      });
}

void ComponentsPage::showEvent(QShowEvent* event) {
  Page::showEvent(event);
  map_->lookedAt();
  chooseWanted();
}

void ComponentsPage::dataChanged() {
  const auto now = session().data.opened() ? session().data.opened()->dataset : nullptr;
  if (!now) {
    of_ = now;
    session().assignments.show(nullptr);
    showWords(tr("<h2>Components</h2><p>The cells on a map, coloured by genes, columns or components; who belongs to "
                 "which component of a mixture, and how sure that is.</p><p>It needs a data set.</p>"),
              {{tr("Open…"), [this] { emit openWanted(); }}, {tr("Example data"), [this] { emit exampleWanted(); }}});
    return;
  }
  showContent();
  if (now == of_) return;
  of_ = now;
  known_.clear();
  fillSources();
  fillLabels();
  chooseSource();
}

void ComponentsPage::fillSources() {
  const QSignalBlocker quiet(source_);
  const QString before = source_->currentData().toString();
  source_->clear();
  const int draws = analysis::AssignmentOptions().draws;
  for (const auto& entry : session().fits.entries()) {
    if (entry.fit->model.components < 2) continue;
    source_->addItem(tr("%1 (fit)").arg(entry.name), QString("fit:%1:0").arg(entry.id));
    if (!entry.fit->point_only)
      source_->addItem(tr("%1 (fit, %2 draws)").arg(entry.name).arg(draws),
                       QString("fit:%1:%2").arg(entry.id).arg(draws));
  }
  for (std::size_t i = 0; of_ && i < of_->embeddings.size(); ++i)
    if (areProbabilities(of_->embeddings[i]))
      source_->addItem(tr("%1 (file)").arg(QString::fromStdString(of_->embeddings[i].name)), QString("file:%1").arg(i));
  std::erase_if(known_, [this](const auto& one) {  // fits that are gone
    return one.first.startsWith("fit:") && !session().fits.find(one.first.section(':', 1, 1).toInt());
  });
  for (const auto& [key, made] : known_)
    if (key.startsWith("table:")) source_->addItem(made->source, key);
  if (source_->count() == 0) source_->addItem(tr("none yet"), "none");
  if (const int at = source_->findData(before); at >= 0) source_->setCurrentIndex(at);
  temperature_->setEnabled(source_->currentData().toString().startsWith("fit:"));
}

void ComponentsPage::chooseWanted() {
  const QString wanted = std::exchange(wanted_, {});
  const int at = wanted.isEmpty() ? -1 : source_->findData(wanted);
  if (at < 0) return;
  source_->setCurrentIndex(at);
  chooseSource();
}

QString ComponentsPage::knownKey() const {
  const QString key = source_->currentData().toString();
  return key.startsWith("fit:") ? key + ':' + QString::number(temperature_->value()) : key;
}

void ComponentsPage::take(const QString& key, std::shared_ptr<const Assignments> answer) {
  known_[key] = answer;
  session().assignments.show(std::move(answer));
}

void ComponentsPage::chooseSource() {
  const QString key = source_->currentData().toString(), known_key = knownKey();
  temperature_->setEnabled(key.startsWith("fit:"));
  session().pool.cancel("assignments");
  if (key == "none") return session().assignments.show(nullptr);
  if (const auto known = known_.find(known_key); known != known_.end())
    return session().assignments.show(known->second);
  if (key.startsWith("fit:")) return askFit(key);
  using Made = std::shared_ptr<const Assignments>;
  Answer<Made> answer;
  answer.done = [this, known_key](Made made) { take(known_key, std::move(made)); };
  answer.failed = [this](const JobError& error) { emit session().errorReported(error); };
  session().pool.request<Made>(
      "assignments", this,
      [of = of_, i = key.mid(5).toULongLong()](const RunControl&) { return assignmentsOf(*of, i); }, std::move(answer));
}

void ComponentsPage::askFit(const QString& key) {
  const FitStore::Entry* entry = session().fits.find(key.section(':', 1, 1).toInt());
  if (!entry) return;
  using Made = std::shared_ptr<const Assignments>;
  Answer<Made> answer;
  answer.done = [this, known_key = knownKey()](Made made) { take(known_key, std::move(made)); };
  answer.failed = [this](const JobError& error) { emit session().errorReported(error); };
  const auto its_data = session().data.preparedAs(entry->fit->data_id);
  if (!its_data) return answer.failed(dataMissing(session().data, *entry->fit, entry->name));
  analysis::AssignmentOptions options;  // the defaults are those of the command line
  options.draws = key.section(':', 2, 2).toInt();
  options.temperature = temperature_->value();
  session().pool.request<Made>(
      "assignments", this,
      [fit = entry->fit, name = entry->name, its_data, options](const RunControl& control) {
        return assignmentsOf(fit, name, *its_data->dataset, options, control);
      },
      std::move(answer));
}

void ComponentsPage::diagnoseComponent(std::size_t component) {
  const auto of = session().assignments.now();
  const auto its_data = session().data.preparedAs(of->fit->data_id);
  if (!its_data)
    return emit session().errorReported(dataMissing(session().data, *of->fit, QString::fromStdString(of->fit->name)));
  const QString name = tr("%1 of %2").arg(of->names[component], QString::fromStdString(of->fit->name));
  using Made = std::shared_ptr<const result::Fit>;
  Answer<Made> answer;
  answer.done = [this, name](Made made) {
    session().fits.add(std::move(made), name, {});
    emit pageWanted("diagnose");
  };
  answer.failed = [this](const JobError& error) { emit session().errorReported(error); };
  session().pool.request<Made>(
      "component fit", this,
      [of, its_data, component, name](const RunControl& control) {
        auto made = analysis::cells_of_component(*of->fit, static_cast<std::int64_t>(component), of->assigned,
                                                 *its_data->dataset, control)
                        .fit;
        made.name = name.toStdString();
        return std::make_shared<const result::Fit>(std::move(made));
      },
      std::move(answer));
}

void ComponentsPage::readTableDialog() {
  const QString path = QFileDialog::getOpenFileName(this, tr("Read probabilities of components"), {},
                                                    tr("Tables (*.tsv *.csv *.txt);;All files (*)"));
  if (path.isEmpty()) return;
  using Made = std::shared_ptr<const Assignments>;
  Answer<Made> answer;
  answer.done = [this](Made made) {
    const QString key = made->key;
    take(key, std::move(made));
  };
  answer.failed = [this](const JobError& error) { emit session().errorReported(error); };
  session().pool.request<Made>(
      "assignments", this, [path](const RunControl&) { return readAssignments(path); }, std::move(answer));
}

IndexSet ComponentsPage::cellsWhere(const std::function<bool(std::size_t)>& condition) const {
  IndexSet rows;
  for (std::size_t i = 0; i < point_of_.size(); ++i)
    if (point_of_[i] >= 0 && condition(i)) rows.push_back(point_of_[i]);
  return rows;
}

IndexSet ComponentsPage::chosenComponents() const {
  IndexSet which;
  for (const int row : components_->selectedRows()) which.push_back(row);
  std::sort(which.begin(), which.end());
  return which;
}

void ComponentsPage::showButtons() {
  const auto n = chosenComponents().size();
  name_->setEnabled(n == 1);
  color_->setEnabled(n == 1);
  merge_->setEnabled(n > 1);
  for (QToolButton* one : {select_, as_set_, diagnose_}) one->setEnabled(n > 0);
}

void ComponentsPage::showSource() {
  const auto& answer = session().assignments.answer();
  auto at = std::find_if(known_.begin(), known_.end(), [&](const auto& one) { return one.second == answer; });
  if (at == known_.end()) {  // handed over by something else
    const QString key = answer->key.startsWith("table:") ? answer->key : "table:" + answer->source;
    at = known_.insert_or_assign(key, answer).first;
  }
  const QString source = at->first.startsWith("fit:") ? at->first.section(':', 0, 2) : at->first;
  if (source_->findData(source) < 0) source_->addItem(answer->source, source);
  source_->setCurrentIndex(source_->findData(source));
  if (at->first.startsWith("fit:")) {
    const QSignalBlocker quiet(temperature_);
    temperature_->setValue(at->first.section(':', 3).toDouble());
  }
  temperature_->setEnabled(at->first.startsWith("fit:"));
}

void ComponentsPage::assignmentsChanged() {
  const auto& of = session().assignments.now();
  right_->setCurrentIndex(of ? 1 : 0);
  point_of_.clear();
  if (!of) {
    for (auto* figure : {bars_, entropy_, composition_, means_}) figure->setMessage(tr("No components."));
    for (TablePanel* table : {components_, cells_, composition_table_, means_table_})
      table->setMessage(tr("No components."));
    session().exports.touch();
    return;
  }
  showSource();
  point_of_ = session().selection.rowsOf(Axis::Cells, of->cells);
  components_->setTable(componentTable(*of));
  notes_->setText(of->notes.join(". "));
  notes_->setVisible(!of->notes.isEmpty());
  showButtons();
  struct Made {
    std::shared_ptr<const TableData> cells;
    charts::Figure bars;
  };
  Answer<Made> answer;
  answer.done = [this](Made made) {
    cells_->setTable(std::move(made.cells));
    cells_link_->setRows(point_of_);
    if (made.bars.empty())
      bars_->setMessage(tr("No cell has probabilities."));
    else
      bars_->setFigure(std::move(made.bars));
    session().exports.touch();
  };
  answer.failed = [this](const JobError& error) { bars_->setMessage(error.text()); };
  session().pool.request<Made>(
      "assignment tables", this,
      [of](const RunControl&) {
        return Made{cellTable(*of), assignmentBars(*of)};
      },
      std::move(answer));
  drawEntropy();
  compare();
  askForMeans();
}

}  // namespace scriptorium::ui
