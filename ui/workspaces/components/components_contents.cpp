#include <QComboBox>
#include <QLabel>
#include <QSignalBlocker>
#include <QTableView>
#include <cmath>
#include <set>

#include "ui/workspaces/components/components_page.hpp"

// What stands on the tabs of the page: entropies, components against labels, means.
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
    for (const CellColumn& one : session().columns.all())
      if (one.column->type() == type && mayBeLabels(*one.column)) label_->addItem(one.title, one.key);
  for (const NamedSet& set : session().selection.sets())
    if (set.of == Axis::Cells) label_->addItem(tr("set %1").arg(set.name), QString("set:%1").arg(set.id));
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
  const QString chosen = label_->currentData().toString();
  const NamedSet* set = chosen.startsWith("set:") ? session().selection.find(chosen.mid(4).toInt()) : nullptr;
  const auto of_cells = set ? nullptr : session().columns.find(chosen);
  if (!set && !of_cells) return;
  const data::Column column =
      set ? data::Column{set->name.toStdString(), asFlags(*set->members, session().selection.size(Axis::Cells)), {}}
          : *of_cells;
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
