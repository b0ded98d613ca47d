#include "ui/workspaces/data/preview_panel.hpp"

#include <QComboBox>
#include <QFileInfo>
#include <QLabel>
#include <QLocale>
#include <QPushButton>
#include <QTabWidget>
#include <QVBoxLayout>

#include "ui/help/help_texts.hpp"
#include "ui/tables/table_panel.hpp"
#include "ui/workspaces/data/layer_words.hpp"

namespace scriptorium::ui {
namespace {

QString whole(std::int64_t n) {
  return QLocale(QLocale::English).toString(static_cast<qlonglong>(n));
}

}  // namespace

PreviewPanel::PreviewPanel(Session& session, QWidget* parent)
    : QWidget(parent),
      session_(session),
      facts_(new QLabel),
      layers_(new QLabel),
      needs_(new QLabel),
      layer_(new QComboBox),
      load_(new QPushButton(tr("Load"))),
      back_(new QPushButton(tr("Cancel"))),
      counts_(new TablePanel("firstCounts", tr("First counts"))),
      cells_(new TablePanel("firstCells", tr("First cells"))),
      genes_(new TablePanel("firstGenes", tr("First genes"))) {
  facts_->setObjectName("previewFacts");
  layers_->setObjectName("previewLayers");
  needs_->setObjectName("previewNeeds");
  for (QLabel* label : {facts_, layers_, needs_}) {
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  }
  help::describe(layer_, "previewLayer");
  help::describe(load_, "previewLoad");
  help::describe(back_, "previewCancel");
  auto* tabs = new QTabWidget;
  tabs->setObjectName("previewTables");
  tabs->addTab(counts_, tr("First counts"));
  tabs->addTab(cells_, tr("First cells"));
  tabs->addTab(genes_, tr("First genes"));
  auto* row = new QHBoxLayout;
  auto* label = new QLabel(tr("Layer"));
  label->setBuddy(layer_);
  row->addWidget(label);
  row->addWidget(layer_);
  row->addWidget(needs_, 1);
  row->addWidget(back_);
  row->addWidget(load_);
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  box->addWidget(facts_);
  box->addWidget(layers_);
  box->addLayout(row);
  box->addWidget(tabs, 1);
  connect(layer_, &QComboBox::activated, this, &PreviewPanel::showNeeds);
  connect(back_, &QPushButton::clicked, this, [this] { session_.data.cancelOpening(); });
  connect(load_, &QPushButton::clicked, this, [this] {
    DataChoice choice = session_.data.choice();
    choice.layer = layer_->currentData().toString();
    session_.data.openPreviewed(choice);
  });
  for (TablePanel* table : {counts_, cells_, genes_})
    connect(table, &TablePanel::failed, this, [this](const QString& what, const QString& remedy) {
      emit session_.errorReported({what, remedy});
    });
}

void PreviewPanel::show(const FilePreview& preview) {
  shown_ = &preview;
  const data::Dataset& dataset = *preview.dataset;
  QString facts = tr("<b>%1</b>, %2, %3 on disk. Not loaded yet: <b>%4 cells × %5 genes</b>.")
                      .arg(QFileInfo(QString::fromStdString(dataset.path)).fileName().toHtmlEscaped(),
                           QString::fromStdString(dataset.format).toHtmlEscaped(), inBytes(preview.file_bytes));
  const auto* largest = dataset.layers.empty() ? nullptr : &dataset.layers.front();
  facts = facts.arg(whole(largest ? largest->n_cells : static_cast<std::int64_t>(dataset.cells.size())),
                    whole(largest ? largest->n_genes : static_cast<std::int64_t>(dataset.genes.size())));
  for (const std::string& note : dataset.notes) facts += "<br>• " + QString::fromStdString(note).toHtmlEscaped();
  facts_->setText(facts);
  fillLayers(dataset, *layer_, *layers_);
  if (preview.counts)
    counts_->setTable(preview.counts);
  else
    counts_->setMessage(preview.counts_say);
  cells_->setTable(preview.cells);
  genes_->setTable(preview.genes);
  load_->setEnabled(layer() != nullptr);
  showNeeds();
  load_->setFocus();
}

const data::LayerInfo* PreviewPanel::layer() const {
  for (const data::LayerInfo& one : shown_->dataset->layers)
    if (QString::fromStdString(one.path) == layer_->currentData().toString()) return &one;
  return nullptr;
}

void PreviewPanel::showNeeds() {
  const data::LayerInfo* chosen = shown_ ? layer() : nullptr;
  if (!chosen) {
    needs_->setText(tr("There is nothing to load."));
    return;
  }
  const double needed = shown_->neededBytes(*chosen), free = shown_->free_bytes;
  QString text = tr("Loading takes about %1 of memory").arg(inBytes(needed));
  text += free > 0 ? tr("; %1 are free.").arg(inBytes(free)) : QString(".");
  if (free > 0 && needed > 0.8 * free)
    text = "<span style='color:#d55e00'><b>" + text + "</b></span> " +
           tr("Close other programs, or fit on the command line, which lets the counts pass by: scriptorium-cli fit.");
  needs_->setText(text);
}

}  // namespace scriptorium::ui
