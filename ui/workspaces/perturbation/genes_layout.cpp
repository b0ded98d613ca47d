// Where things are on the panel, and what it offers for export.
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QFileDialog>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSplitter>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/workspaces/perturbation/genes_panel.hpp"

namespace scriptorium::ui {

GenesPanel::GenesPanel(Session& session, charts::FigureView* figure, TablePanel* table, QWidget* parent)
    : QWidget(parent),
      session_(session),
      figure_(figure),
      table_(table),
      link_(new SelectionLink(*table, session.selection, Axis::Genes)),
      view_(new QComboBox),
      run_(new QPushButton(tr("Test genes"))),
      cancel_(new QPushButton(tr("Cancel"))),
      sets_button_(new QPushButton(tr("Read gene sets…"))),
      copy_(new QPushButton(tr("Copy as command"))),
      settings_(new GeneSettingsForm),
      progress_(new QProgressBar),
      says_(new QLabel) {
  help::describe(view_, "screenGenesView");
  help::describe(run_, "screenGenesRun");
  help::describe(cancel_, "screenGenesCancel");
  help::describe(sets_button_, "screenGeneSets");
  help::describe(copy_, "screenGenesCopyCommand");
  view_->addItem(tr("volcano"), "volcano");
  view_->addItem(tr("Z matrix of all targets"), "z");
  view_->addItem(tr("programs"), "programs");
  view_->addItem(tr("clusters of targets"), "clusters");
  view_->addItem(tr("gene sets"), "sets");
  view_->addItem(tr("gene sets by rank"), "ranks");
  progress_->setObjectName("screenGenesProgress");
  progress_->setTextVisible(false);
  progress_->setMaximumWidth(120);
  progress_->setMinimumWidth(40);
  view_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);  // room for the table of targets
  view_->setMinimumContentsLength(14);
  says_->setObjectName("screenGenesSays");
  says_->setWordWrap(true);
  auto* row = new QHBoxLayout;
  for (QWidget* one : {static_cast<QWidget*>(view_), static_cast<QWidget*>(run_), static_cast<QWidget*>(cancel_),
                       static_cast<QWidget*>(progress_)})
    row->addWidget(one);
  row->addStretch();
  row->addWidget(sets_button_);
  auto* second = new QHBoxLayout;
  second->addWidget(makeFold(tr("Settings"), "screenGenesSettings", settings_));
  second->addWidget(says_, 1);
  second->addWidget(copy_);
  auto* top = new QWidget;
  auto* top_box = new QVBoxLayout(top);
  top_box->setContentsMargins(0, 4, 0, 0);
  top_box->addLayout(row);
  top_box->addLayout(second);
  top_box->addWidget(settings_);
  top_box->addWidget(figure_, 1);
  auto* parts = new QSplitter(Qt::Vertical);
  parts->addWidget(top);
  parts->addWidget(table_);
  parts->setSizes({400, 170});
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  box->addWidget(parts);
  figure_->setToolTip(tr("On the volcano, drag a box with Ctrl to select genes."));
  connect(run_, &QPushButton::clicked, this, &GenesPanel::again);
  connect(cancel_, &QPushButton::clicked, this, &GenesPanel::cancel);
  connect(copy_, &QPushButton::clicked, this, [this] {
    QApplication::clipboard()->setText(command());
    emit session_.noted(tr("The command is on the clipboard."));
  });
  connect(view_, &QComboBox::activated, this, [this] { show(); });
  connect(settings_, &GeneSettingsForm::changed, this, &GenesPanel::settingsChanged);
  connect(figure_, &charts::FigureView::shapeDrawn, this, &GenesPanel::selectInside);
  connect(sets_button_, &QPushButton::clicked, this, [this] {
    const QString path =
        QFileDialog::getOpenFileName(this, tr("Read gene sets"), {}, tr("Gene sets (*.gmt);;All files (*)"));
    if (!path.isEmpty()) readSets(path);
  });
  connect(&session.screening, &ScreeningState::changed, this, &GenesPanel::resultChanged);
  connect(&session.selection, &SelectionState::changed, this, [this](Axis of) {
    if (of == Axis::Genes && tested_ && view_->currentData() == "volcano") show();
  });
  setBusy(false);
  resultChanged();
}

void GenesPanel::offerForExport() {
  const auto made = [this](const QString& key) {
    const auto found = made_.find(key);
    return found == made_.end() ? View{} : found->second;
  };
  for (const auto& [key, title] :
       {std::pair{QString("z"), tr("Z matrix of all targets")}, std::pair{QString("programs"), tr("Programs of genes")},
        std::pair{QString("clusters"), tr("Clusters of targets")},
        std::pair{QString("sets"), tr("Gene sets of the target shown")},
        std::pair{QString("ranks"), tr("Gene sets of the target shown, by rank")}}) {
    session_.exports.addFigure({"screen_" + key, title, [made, key = key] { return made(key).figure; }});
    session_.exports.addTable({"screen_" + key + "_table", title, [made, key = key]() -> ExportList::TableMaker {
                                 auto table = made(key).table;
                                 if (!table) return {};
                                 return [table](const RunControl&) { return table; };
                               }});
  }
}

}  // namespace scriptorium::ui
