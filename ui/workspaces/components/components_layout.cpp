// Where things are on the page, and what it offers for export.
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/workspaces/components/components_page.hpp"

namespace scriptorium::ui {
namespace {

/// What is drawn, with its own words above, over its table.
QWidget* overTable(std::initializer_list<QLayout*> rows, std::initializer_list<QWidget*> words, QWidget* figure,
                   QWidget* table, const QList<int>& sizes) {
  auto* top = new QWidget;
  auto* box = new QVBoxLayout(top);
  box->setContentsMargins(0, 4, 0, 0);
  for (QLayout* row : rows) box->addLayout(row);
  for (QWidget* word : words) box->addWidget(word);
  box->addWidget(figure, 1);
  auto* parts = new QSplitter(Qt::Vertical);
  parts->addWidget(top);
  parts->addWidget(table);
  parts->setSizes(sizes);
  return parts;
}

QToolButton* makeButton(const QString& text, const QString& name) {
  auto* button = new QToolButton;
  button->setText(text);
  help::describe(button, name);
  return button;
}

}  // namespace

void ComponentsPage::offerForExport() {
  for (const auto& [key, title, view] : {std::tuple{"cell_map", tr("Map of the cells"), map_figure_},
                                         std::tuple{"assignment_bars", tr("Cells by assignment"), bars_},
                                         std::tuple{"entropy_histogram", tr("Entropy of the cells"), entropy_},
                                         std::tuple{"composition", tr("Composition of the labels"), composition_},
                                         std::tuple{"component_means", tr("Means of the components"), means_},
                                         std::tuple{"entropy_map", tr("Entropy map"), entropy_map_}})
    session().exports.addFigure({key, title, [view = view] { return view->figure(); }});
  for (const auto& [key, title, panel] :
       {std::tuple{"components", tr("Components"), components_},
        std::tuple{"assignments", tr("Assignments of cells"), cells_},
        std::tuple{"composition_table", tr("Components by labels"), composition_table_},
        std::tuple{"component_means_table", tr("Means of the components by gene"), means_table_}})
    session().exports.addTable({key, title, [panel = panel]() -> ExportList::TableMaker {
                                  auto table = panel->model().sharedTable();
                                  if (!table) return {};
                                  return [table](const RunControl&) { return table; };
                                }});
  session().exports.addTable(
      {"cell_sets", tr("Sets of cells, the selection, columns made here"), [this]() -> ExportList::TableMaker {
         const report::Table table = this->session().columns.addedTable();
         if (table.columns.size() < 2) return {};
         return [table](const RunControl&) {
           auto made = std::make_shared<TableData>();
           made->name = "cell_sets";
           for (const report::TableColumn& column : table.columns) {
             TableColumn next{QString::fromStdString(column.name), {}, {}, {}};
             if (const auto* names = std::get_if<std::vector<std::string>>(&column.values))
               for (const std::string& name : *names) next.texts.push_back(QString::fromStdString(name));
             if (const auto* numbers = std::get_if<std::vector<double>>(&column.values)) next.numbers = *numbers;
             if (const auto* flags = std::get_if<std::vector<bool>>(&column.values))
               for (const bool in : *flags) next.texts.push_back(in ? "True" : "False");
             made->columns.push_back(std::move(next));
           }
           return std::shared_ptr<const TableData>(made);
         };
       }});
}

QWidget* ComponentsPage::makeContent() {
  map_figure_ = makeFigure("cellMapFigure", tr("Map of the cells"), "cell_map");
  bars_ = makeFigure("assignmentBarsFigure", tr("Cells by assignment"), "assignment_bars");
  entropy_ = makeFigure("entropyFigure", tr("Histogram of the entropies of the cells"), "entropy_histogram");
  composition_ = makeFigure("compositionFigure", tr("Components of each label"), "composition");
  means_ = makeFigure("componentMeansFigure", tr("Means of the components gene by gene"), "component_means");
  entropy_map_ = makeFigure("entropyMapFigure", tr("Entropy of the components gene by gene"), "entropy_map");
  map_ = new CellMapPanel(session(), map_figure_);
  const auto table = [this](const QString& name, const QString& title) {
    auto* made = new TablePanel(name, title);
    connect(made, &TablePanel::failed, this, [this](const QString& what, const QString& remedy) {
      emit session().errorReported({what, remedy});
    });
    return made;
  };
  components_ = table("componentTable", tr("Components"));
  cells_ = table("assignmentTable", tr("Assignments of the cells"));
  composition_table_ = table("compositionTable", tr("Components by labels"));
  means_table_ = table("componentMeansTable", tr("Means by gene"));
  cells_link_ = new SelectionLink(*cells_, session().selection, Axis::Cells);
  genes_link_ = new SelectionLink(*means_table_, session().selection, Axis::Genes);

  source_ = new QComboBox;
  help::describe(source_, "assignmentSource");
  source_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  source_->setMinimumContentsLength(12);
  auto* source_label = new QLabel(tr("Probabilities"));
  source_label->setBuddy(source_);
  auto* read = new QPushButton(tr("Read a table…"));
  help::describe(read, "readAssignments");
  connect(read, &QPushButton::clicked, this, &ComponentsPage::readTableDialog);
  connect(source_, &QComboBox::activated, this, &ComponentsPage::chooseSource);
  temperature_ = makeNumber("assignmentTemperature", 0.01, 1000, 1, 0.5, 2);
  temperature_->setKeyboardTracking(false);
  connect(temperature_, &QDoubleSpinBox::valueChanged, this, &ComponentsPage::chooseSource);
  auto* temperature_label = new QLabel(tr("Temperature"));
  temperature_label->setBuddy(temperature_);
  needs_ = new QLabel(
      tr("<b>Who belongs where</b><p>With probabilities of components this shows how sure each cell is, what the "
         "components are made of and which genes tell them apart.</p><p>They come with the data (an obsm whose rows "
         "sum to 1, such as X_assignment), from a table with the columns cell, p_1, p_2 …, or from a fit of two "
         "components or more.</p><p>The map works without: colour it by a gene, a column or a set, and select cells "
         "with the box or the lasso.</p>"));
  needs_->setObjectName("componentsNeed");
  needs_->setWordWrap(true);
  needs_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  needs_->setMargin(10);
  tabs_ = new QTabWidget;
  tabs_->setObjectName("componentTabs");
  tabs_->addTab(makeComponents(), tr("Components"));
  tabs_->addTab(makeComposition(), tr("Composition"));
  tabs_->addTab(makeMeans(), tr("Means"));
  tabs_->addTab(new EntropyMapPanel(session(), entropy_map_), tr("Entropy map"));
  tabs_->addTab(cells_, tr("Cells"));
  right_ = new QStackedWidget;
  right_->addWidget(needs_);
  right_->addWidget(tabs_);
  auto* right = new QWidget;
  auto* box = new QVBoxLayout(right);
  box->setContentsMargins(0, 0, 0, 0);
  auto* row = new QHBoxLayout;
  row->addWidget(source_label);
  row->addWidget(source_, 1);
  row->addWidget(read);
  box->addLayout(row);
  row = new QHBoxLayout;  // beside the colours of the map
  row->addWidget(temperature_label);
  row->addWidget(temperature_);
  row->addStretch();
  box->addLayout(row);
  box->addWidget(right_, 1);
  auto* across = new QSplitter;
  across->addWidget(map_);
  across->addWidget(right);
  across->setStretchFactor(0, 1);
  across->setStretchFactor(1, 1);
  across->setSizes({520, 420});
  return across;
}

QWidget* ComponentsPage::makeComponents() {
  name_ = new QLineEdit;
  name_->setPlaceholderText(tr("another name for the selected component, then Enter"));
  help::describe(name_, "componentName");
  color_ = makeButton(tr("Colour…"), "componentColor");
  merge_ = makeButton(tr("Merge"), "componentMerge");
  select_ = makeButton(tr("Select cells"), "componentSelect");
  as_set_ = makeButton(tr("As a set"), "componentSet");
  diagnose_ = makeButton(tr("Diagnose"), "componentDiagnose");
  entropy_->setDrag(charts::FigureView::Drag::Brush);
  entropy_->setToolTip(tr("Drag across the bars to select the cells between; Ctrl adds, Alt takes away."));
  auto* buttons = new QHBoxLayout;
  buttons->setSpacing(3);
  for (QToolButton* one : {color_, merge_, select_, as_set_, diagnose_}) buttons->addWidget(one);
  auto* top = new QWidget;
  auto* top_box = new QVBoxLayout(top);
  top_box->setContentsMargins(0, 4, 0, 0);
  notes_ = new QLabel;
  notes_->setObjectName("componentNotes");
  notes_->setWordWrap(true);
  top_box->addWidget(components_, 1);
  top_box->addWidget(notes_);
  top_box->addWidget(name_);
  top_box->addLayout(buttons);
  auto* parts = new QSplitter(Qt::Vertical);
  parts->addWidget(top);
  parts->addWidget(bars_);
  parts->addWidget(entropy_);
  parts->setSizes({200, 190, 190});
  return parts;
}

QWidget* ComponentsPage::makeComposition() {
  label_ = new QComboBox;
  help::describe(label_, "compositionColumn");
  connect(label_, &QComboBox::activated, this, &ComponentsPage::compare);
  agreement_ = new QLabel;
  agreement_->setObjectName("agreementLabel");
  agreement_->setWordWrap(true);
  agreement_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  auto* row = new QHBoxLayout;
  auto* words = new QLabel(tr("Against the labels"));
  words->setBuddy(label_);
  row->addWidget(words);
  row->addWidget(label_, 1);
  return overTable({row}, {agreement_}, composition_, composition_table_, {380, 200});
}

QWidget* ComponentsPage::makeMeans() {
  means_says_ = new QLabel;
  means_says_->setObjectName("meansSays");
  means_says_->setWordWrap(true);
  return overTable({}, {means_says_}, means_, means_table_, {360, 220});
}

}  // namespace scriptorium::ui
