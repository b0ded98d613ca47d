#include "ui/shell/selection_panel.hpp"

#include <QFileDialog>
#include <QFileInfo>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QMenu>
#include <QToolButton>
#include <QVBoxLayout>

#include "core/data/writers/writers.hpp"
#include "core/error.hpp"
#include "ui/help/help_texts.hpp"
#include "ui/jobs/on_worker.hpp"

namespace scriptorium::ui {

SelectionPanel::SelectionPanel(Session& session, QWidget* parent)
    : QWidget(parent), session_(session), cells_(makeRow(Axis::Cells)), genes_(makeRow(Axis::Genes)) {
  setObjectName("selectionPanel");
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(6, 4, 6, 6);
  box->setSpacing(4);
  box->addWidget(cells_.all);
  box->addWidget(genes_.all);
  connect(&session.selection, &SelectionState::setsChanged, this, &SelectionPanel::showSelection);
  connect(&session.data, &DataState::stageChanged, this, &SelectionPanel::showSelection);
  showSelection();
}

SelectionPanel::Row SelectionPanel::makeRow(Axis of) {
  const QString which = of == Axis::Cells ? "cells" : "genes";
  Row row;
  row.all = new QWidget;
  row.says = new QLabel;
  row.says->setObjectName("selected_" + which);
  row.says->setWordWrap(true);
  const auto button = [&](const QString& text, const QString& name) {
    auto* made = new QToolButton;
    made->setText(text);
    help::describe(made, name + "_" + which);
    return made;
  };
  row.name = button(tr("Name…"), "selectionName");
  row.invert = button(tr("Invert"), "selectionInvert");
  row.clear = button(tr("Clear"), "selectionClear");
  row.more = button(tr("More"), "selectionMore");
  row.more->setPopupMode(QToolButton::InstantPopup);
  row.name_line = new QLineEdit;
  row.name_line->setPlaceholderText(tr("name, then Enter"));
  help::describe(row.name_line, "selectionNameLine_" + which);
  row.name_line->hide();
  auto* menu = new QMenu(row.more);
  menu->addAction(of == Axis::Cells ? tr("Keep only these cells") : tr("Keep only these genes"), this,
                  [this, of] { keepOnly(of); });
  menu->addAction(tr("Save the sets as a table…"), this, [this, of] { saveTableDialog(of); });
  if (of == Axis::Cells)
    menu->addAction(tr("Save an h5ad copy with the sets as columns…"), this, &SelectionPanel::saveH5adDialog);
  row.more->setMenu(menu);
  auto* buttons = new QGridLayout;  // the dock may be narrow
  buttons->setSpacing(3);
  int at = 0;
  for (QToolButton* one : {row.name, row.invert, row.clear, row.more}) {
    one->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    buttons->addWidget(one, at / 2, at % 2);
    ++at;
  }
  auto* box = new QVBoxLayout(row.all);
  box->setContentsMargins(0, 0, 0, 0);
  box->setSpacing(3);
  box->addWidget(row.says);
  box->addLayout(buttons);
  box->addWidget(row.name_line);
  connect(row.name, &QToolButton::clicked, this, [line = row.name_line] {
    line->setVisible(!line->isVisible());
    line->setFocus();
  });
  connect(row.name_line, &QLineEdit::returnPressed, this, [this, of, line = row.name_line] {
    session_.selection.nameSelection(of, line->text());
    line->clear();
    line->hide();
  });
  connect(row.invert, &QToolButton::clicked, this, [this, of] { session_.selection.invert(of); });
  connect(row.clear, &QToolButton::clicked, this, [this, of] { session_.selection.clear(of); });
  return row;
}

void SelectionPanel::showSelection() {
  setVisible(session_.data.opened() != nullptr);
  for (const Axis of : {Axis::Cells, Axis::Genes}) {
    const Row& row = of == Axis::Cells ? cells_ : genes_;
    const auto n = static_cast<qlonglong>(session_.selection.selected(of).size());
    const QString number = QLocale(QLocale::English).toString(n);
    const QString what =
        of == Axis::Cells ? (n == 1 ? tr("%1 cell") : tr("%1 cells")) : (n == 1 ? tr("%1 gene") : tr("%1 genes"));
    row.says->setText(n == 0 ? (of == Axis::Cells ? tr("Selection: no cells") : tr("Selection: no genes"))
                             : tr("Selection: <b>%1</b>").arg(what.arg(number)));
    row.name->setEnabled(n > 0);
    row.clear->setEnabled(n > 0);
    row.more->menu()->actions().first()->setEnabled(n > 0);
    if (n == 0) row.name_line->hide();
  }
}

void SelectionPanel::keepOnly(Axis of) {
  const auto names = session_.selection.names(of, session_.selection.selected(of));
  data::Filter filter = session_.data.filter();
  (of == Axis::Cells ? filter.cell_names : filter.genes) = names;
  session_.data.setFilter(filter);
}

void SelectionPanel::saveTableDialog(Axis of) {
  const QString path =
      QFileDialog::getSaveFileName(this, tr("Save the sets"), of == Axis::Cells ? "cell_sets.tsv" : "gene_sets.tsv",
                                   tr("TSV (*.tsv);;CSV (*.csv);;JSON (*.json)"));
  if (!path.isEmpty()) saveSets(session_, of, path);
}

void SelectionPanel::saveH5adDialog() {
  const QString path =
      QFileDialog::getSaveFileName(this, tr("Save a copy with the sets"), "with_sets.h5ad", tr("h5ad (*.h5ad)"));
  if (!path.isEmpty()) saveWithSets(session_, path);
}

void saveSets(Session& session, Axis of, const QString& path) {
  onWorker<bool>(
      &session,
      [table = of == Axis::Cells ? session.columns.addedTable() : session.selection.table(of), path] {
        report::write_table(table, path.toStdString());
        return true;
      },
      [&session, path](bool) { emit session.noted(QObject::tr("Sets saved to %1.").arg(path)); },
      [&session](const JobError& error) { emit session.errorReported(error); });
}

void saveWithSets(Session& session, const QString& path) {
  const DataChoice choice = session.data.choice();
  Answer<bool> answer;
  answer.done = [&session, path](bool) {
    emit session.noted(QObject::tr("Copy with the sets saved to %1.").arg(path));
  };
  answer.failed = [&session](const JobError& error) { emit session.errorReported(error); };
  session.pool.request<bool>(
      "copy " + path, &session,
      [choice, path, columns = session.columns.added()](const RunControl& control) {
        if (QFileInfo(path).canonicalFilePath() == QFileInfo(choice.path).canonicalFilePath() &&
            QFileInfo::exists(path))
          throw Error(ErrorCode::BadInput, "The copy would be written over the data that are open.",
                      "Choose another name.");
        data::OpenOptions options;
        options.layer = choice.layer.toStdString();
        options.modality = choice.modality.toStdString();
        data::PackedDataset packed(choice.path.toStdString(), options, {}, {}, control);
        for (const data::Column& column : columns) packed.set_cell_column(column);
        data::write_h5ad(packed, path.toStdString(), control);
        return true;
      },
      std::move(answer));
}

}  // namespace scriptorium::ui
