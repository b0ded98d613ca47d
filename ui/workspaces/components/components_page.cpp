#include "ui/workspaces/components/components_page.hpp"

#include <QColorDialog>
#include <QComboBox>
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
#include <set>

namespace scriptorium::ui {
namespace {

/// More groups than this are no labels to compare with.
constexpr std::size_t kMostLabels = 60;

/// By what is quickly seen: few categories, few values in the first rows.
bool mayBeLabels(const data::Column& column) {
  if (const auto* labels = std::get_if<data::Categorical>(&column.values))
    return labels->categories.size() <= kMostLabels;
  std::set<std::string> seen;
  const std::size_t rows = std::min<std::size_t>(column.size(), 2000);
  for (std::size_t i = 0; i < rows && seen.size() <= kMostLabels; ++i) seen.insert(column.text(i));
  return seen.size() <= kMostLabels;
}

}  // namespace

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
  offerForExport();
  dataChanged();
}

void ComponentsPage::connectButtons() {
  connect(components_, &TablePanel::selectionChanged, this, &ComponentsPage::showButtons);
  connect(name_, &QLineEdit::returnPressed, this, [this] {
    const IndexSet which = chosenComponents();
    if (which.size() == 1) session().assignments.rename(static_cast<int>(which.front()), name_->text());
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
    data::Filter filter = session().data.filter();
    filter.cell_names = session().selection.names(Axis::Cells, members());
    session().data.setFilter(filter);
    emit session().noted(tr("The cells of the component are kept: fit them, then Diagnose shows how well they fit."));
    emit pageWanted("model");
  });
  connect(entropy_, &charts::FigureView::brushed, this,
          [this](int, double low, double high, Qt::KeyboardModifiers keys) {
            const auto& of = session().assignments.now();
            if (!of) return;
            const double most = std::log(static_cast<double>(of->components));
            const Combine how = keys & Qt::ControlModifier ? Combine::Add
                                : keys & Qt::AltModifier   ? Combine::Remove
                                                           : Combine::Replace;
            session().selection.select(Axis::Cells, cellsWhere([&](std::size_t cell) {
                                         const double share = of->entropy[cell] / most;
                                         return share >= low && share <= high;
                                       }),
                                       how, tr("cells by entropy"));
          });
}

void ComponentsPage::showEvent(QShowEvent* event) {
  Page::showEvent(event);
  map_->lookedAt();
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
  fillSources();
  fillLabels();
  chooseSource();
}

void ComponentsPage::fillSources() {
  source_->clear();
  known_.clear();
  for (std::size_t i = 0; of_ && i < of_->embeddings.size(); ++i)
    if (areProbabilities(of_->embeddings[i]))
      source_->addItem(tr("%1 (file)").arg(QString::fromStdString(of_->embeddings[i].name)), QString("file:%1").arg(i));
  if (source_->count() == 0) source_->addItem(tr("none yet"), "none");
}

void ComponentsPage::chooseSource() {
  const QString key = source_->currentData().toString();
  if (key == "none") return session().assignments.show(nullptr);
  if (const auto known = known_.find(source_->currentText()); known != known_.end())
    return session().assignments.show(known->second);
  if (!key.startsWith("file:")) return;
  using Made = std::shared_ptr<const Assignments>;
  Answer<Made> answer;
  answer.done = [this](Made made) { session().assignments.show(std::move(made)); };
  answer.failed = [this](const JobError& error) { emit session().errorReported(error); };
  session().pool.request<Made>(
      "assignments", this,
      [of = of_, i = key.mid(5).toULongLong()](const RunControl&) {
        return assignmentsOf(of->embeddings[i], of->cells.names);
      },
      std::move(answer));
}

void ComponentsPage::readTableDialog() {
  const QString path = QFileDialog::getOpenFileName(this, tr("Read probabilities of components"), {},
                                                    tr("Tables (*.tsv *.csv *.txt);;All files (*)"));
  if (path.isEmpty()) return;
  using Made = std::shared_ptr<const Assignments>;
  Answer<Made> answer;
  answer.done = [this](Made made) { session().assignments.show(std::move(made)); };
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
  if (source_->findText(of->source) < 0) source_->addItem(of->source, "known");
  source_->setCurrentIndex(source_->findText(of->source));
  known_[of->source] = of;
  point_of_ = session().selection.rowsOf(Axis::Cells, of->cells);
  components_->setTable(componentTable(*of));
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

void ComponentsPage::drawEntropy() {
  const auto& of = session().assignments.now();
  if (!of) return;
  const auto& flags = session().selection.flags(Axis::Cells);
  std::vector<std::uint8_t> selected(of->cells.size(), 0);
  for (std::size_t i = 0; flags && i < point_of_.size(); ++i)
    if (point_of_[i] >= 0 && static_cast<std::size_t>(point_of_[i]) < flags->size())
      selected[i] = (*flags)[static_cast<std::size_t>(point_of_[i])];
  entropy_->setFigure(entropyHistogram(*of, flags ? &selected : nullptr), true);
}

void ComponentsPage::fillLabels() {
  const QSignalBlocker quiet(label_);
  const QString before = label_->currentText();
  label_->clear();
  if (!of_) return;
  for (const std::string type : {"label", "boolean", "integer", "text"})
    for (std::size_t i = 0; i < of_->cells.columns.size(); ++i)
      if (of_->cells.columns[i].type() == type && mayBeLabels(of_->cells.columns[i]))
        label_->addItem(QString::fromStdString(of_->cells.columns[i].name), static_cast<int>(i));
  for (const NamedSet& set : session().selection.sets())
    if (set.of == Axis::Cells) label_->addItem(tr("set %1").arg(set.name), -set.id);
  if (const int at = label_->findText(before); at >= 0) label_->setCurrentIndex(at);
}

void ComponentsPage::compare() {
  const auto& of = session().assignments.now();
  if (!of || !of_) return;
  if (label_->count() == 0) {
    agreement_->setText(tr("The cells have no column of labels to compare with."));
    composition_->setMessage(tr("No labels."));
    composition_table_->setMessage(tr("No labels."));
    return;
  }
  const int chosen = label_->currentData().toInt();
  const NamedSet* set = chosen < 0 ? session().selection.find(-chosen) : nullptr;
  if (chosen < 0 && !set) return;
  const data::Column column =
      set ? data::Column{set->name.toStdString(), asFlags(*set->members, session().selection.size(Axis::Cells)), {}}
          : of_->cells.columns[static_cast<std::size_t>(chosen)];
  struct Made {
    charts::Figure figure;
    std::shared_ptr<const TableData> table;
    QString words;
  };
  Answer<Made> answer;
  answer.done = [this](Made made) {
    composition_->setFigure(std::move(made.figure));
    composition_table_->setTable(std::move(made.table));
    agreement_->setText(made.words);
    session().exports.touch();
  };
  answer.failed = [this](const JobError& error) {
    agreement_->setText(error.text().toHtmlEscaped());
    composition_->setMessage(error.message);
    composition_table_->setMessage(error.message);
  };
  session().pool.request<Made>(
      "composition", this,
      [of, at = point_of_, column](const RunControl&) {
        const analysis::Labels all = analysis::labels_of(column, kMostLabels);
        analysis::Labels labels{{}, all.names};
        for (const std::int64_t row : at) labels.code.push_back(row < 0 ? -1 : all.code[static_cast<std::size_t>(row)]);
        const analysis::Composition found = analysis::composition(of->probability, of->components, labels);
        QStringList names;
        for (const std::string& name : labels.names) names << QString::fromStdString(name);
        Made made;
        made.figure = compositionBars(*of, found, names, QString::fromStdString(column.name));
        made.table = compositionTable(*of, found, names);
        made.words =
            tr("Adjusted Rand index <b>%1</b> (1: the same groups, 0: as by chance); normalised mutual information "
               "<b>%2</b>; %3 cells with both.")
                .arg(charts::shortNumber(analysis::adjusted_rand_index(found.assigned)),
                     charts::shortNumber(analysis::normalised_mutual_information(found.assigned)))
                .arg(found.assigned.total);
        return made;
      },
      std::move(answer));
}

void ComponentsPage::askForMeans() {
  const auto& of = session().assignments.now();
  if (!of || !of_) return;
  means_says_->setText(
      tr("Mean counts of the %1 genes that separate the components most; select genes in the table.").arg(kGenesShown));
  if (!means_->figure().empty()) means_->setStale(true);
  struct Made {
    charts::Figure figure;
    std::shared_ptr<const TableData> table;
  };
  Answer<Made> answer;
  answer.done = [this](Made made) {
    means_->setFigure(std::move(made.figure));
    const bool first = !means_table_->model().table();
    means_table_->setTable(std::move(made.table));
    genes_link_->setRows({});
    if (first) means_table_->view().sortByColumn(1, Qt::DescendingOrder);
    session().exports.touch();
  };
  answer.failed = [this](const JobError& error) { means_->setMessage(error.text()); };
  session().pool.request<Made>(
      "component means", this,
      [of, at = point_of_, dataset = of_](const RunControl& control) {
        const ComponentMeans means = componentMeans(dataset->counts, dataset->genes.names, *of, at, control);
        return Made{meansFigure(means, *of, kGenesShown), meansTable(means, *of)};
      },
      std::move(answer));
}

}  // namespace scriptorium::ui
