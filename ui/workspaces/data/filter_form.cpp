#include "ui/workspaces/data/filter_form.hpp"

#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QPushButton>
#include <QSpinBox>
#include <QVBoxLayout>

#include "ui/workspaces/page.hpp"

namespace scriptorium::ui {
namespace {

QString whole(std::int64_t n) {
  return QLocale(QLocale::English).toString(static_cast<qlonglong>(n));
}

}  // namespace

FilterForm::FilterForm(Session& session, QWidget* parent)
    : QWidget(parent),
      session_(session),
      min_counts_(makeWholeNumber("filterMinCounts", 0, 1'000'000'000, 0, 100)),
      min_genes_(makeWholeNumber("filterMinGenes", 0, 1'000'000, 0, 50)),
      min_cells_(makeWholeNumber("filterMinCells", 0, 100'000'000, 0, 1)),
      variable_(makeWholeNumber("filterHighlyVariable", 0, 1'000'000, 0, 500)),
      cells_(new QLineEdit),
      kept_(new QLabel),
      undo_(new QPushButton(tr("Undo"))),
      reset_(new QPushButton(tr("Keep all"))) {
  variable_->setSpecialValueText(tr("all genes"));
  cells_->setPlaceholderText(tr("e.g. batch == \"r1\" and n_counts >= 500"));
  help::describe(cells_, "filterCells");
  help::describe(undo_, "filterUndo");
  help::describe(reset_, "filterReset");
  kept_->setObjectName("keptLabel");
  kept_->setWordWrap(true);
  kept_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  kept_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  auto* form = new QFormLayout;
  form->addRow(tr("Counts per cell ≥"), min_counts_);
  form->addRow(tr("Genes per cell ≥"), min_genes_);
  form->addRow(tr("Cells per gene ≥"), min_cells_);
  form->addRow(tr("Most variable genes"), variable_);
  form->addRow(tr("Cells where"), cells_);
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(undo_);
  buttons->addWidget(reset_);
  buttons->addStretch();
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  auto* title = new QLabel(tr("<b>Keep</b>"));
  box->addWidget(title);
  box->addLayout(form);
  box->addLayout(buttons);
  box->addWidget(kept_);
  box->addStretch();

  const auto changed = [this] {
    if (!showing_) session_.data.setFilter(read());
  };
  for (QSpinBox* spin : {min_counts_, min_genes_, min_cells_, variable_})
    connect(spin, &QSpinBox::valueChanged, this, changed);
  connect(cells_, &QLineEdit::editingFinished, this, changed);
  connect(undo_, &QPushButton::clicked, &session_.undo, &QUndoStack::undo);
  connect(&session_.undo, &QUndoStack::canUndoChanged, undo_, &QWidget::setEnabled);
  connect(reset_, &QPushButton::clicked, this, [this] { session_.data.setFilter({}); });
  connect(&session_.data, &DataState::filterChanged, this, [this] { show(session_.data.filter()); });
  connect(&session_.data, &DataState::preparedChanged, this, &FilterForm::showKept);
  undo_->setEnabled(session_.undo.canUndo());
}

void FilterForm::show(const data::Filter& filter) {
  showing_ = true;
  min_counts_->setValue(static_cast<int>(filter.min_counts_per_cell));
  min_genes_->setValue(static_cast<int>(filter.min_genes_per_cell));
  min_cells_->setValue(static_cast<int>(filter.min_cells_per_gene));
  variable_->setValue(static_cast<int>(filter.highly_variable));
  cells_->setText(QString::fromStdString(filter.cells));
  showing_ = false;
}

data::Filter FilterForm::read() const {
  data::Filter filter = session_.data.filter();
  filter.min_counts_per_cell = min_counts_->value();
  filter.min_genes_per_cell = min_genes_->value();
  filter.min_cells_per_gene = min_cells_->value();
  filter.highly_variable = variable_->value();
  filter.cells = cells_->text().trimmed().toStdString();
  return filter;
}

void FilterForm::showKept() {
  if (session_.data.preparing()) {
    kept_->setText(tr("Filtering …"));
  } else if (!session_.data.filterError().empty()) {
    const JobError& error = session_.data.filterError();
    kept_->setText(QString("<span style='color:#d55e00'><b>%1</b></span><br>%2")
                       .arg(error.message.toHtmlEscaped(), error.remedy.toHtmlEscaped()));
  } else if (const auto& prepared = session_.data.prepared()) {
    const auto& counts = prepared->dataset->counts;
    kept_->setText(tr("Kept: <b>%1 cells × %2 genes</b>, %3 positive counts.")
                       .arg(whole(counts.n_cells), whole(counts.n_genes), whole(counts.nnz())));
  } else {
    kept_->clear();
  }
}

}  // namespace scriptorium::ui
