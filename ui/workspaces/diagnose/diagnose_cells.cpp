// Whose predictions are checked: all cells of a fit, a component with its cells, or the cells of a label.
#include <QComboBox>
#include <QLabel>
#include <QLocale>
#include <QProgressBar>
#include <QPushButton>
#include <QTableView>
#include <cmath>
#include <numeric>

#include "core/analysis/agreement.hpp"
#include "core/analysis/cell_groups.hpp"
#include "core/error.hpp"
#include "core/result/components.hpp"
#include "ui/workspaces/diagnose/diagnose_page.hpp"

namespace scriptorium::ui {
namespace {

/// More groups than this are no labels to choose from; of whole numbers, which may count something, even fewer.
constexpr std::size_t kMostLabels = 60, kMostNumbers = 12;

/// The groups of cells that can be looked at: {number of a component}, {column, label}.
std::vector<QStringList> groupsOf(const result::Fit& fit, const data::Dataset& dataset, const RunControl& control) {
  std::vector<QStringList> out;
  for (std::int64_t k = 0; k < fit.model.components && fit.model.components > 1; ++k)
    out.push_back({QString::number(k)});
  for (const data::Column& column : dataset.cells.columns) {
    control.check();
    if (column.type() == "number") continue;
    try {
      for (const std::string& label :
           analysis::labels_of(column, column.type() == "integer" ? kMostNumbers : kMostLabels).names)
        out.push_back({QString::fromStdString(column.name), QString::fromStdString(label)});
    } catch (const Error&) {  // too many different values: no labels
    }
  }
  return out;
}

QString whole(qlonglong n) {
  return QLocale(QLocale::English).toString(n);
}

}  // namespace

void DiagnosePage::fillCells() {
  if (!whole_) return;
  const auto its_data = session().data.preparedAs(whole_->data_id);
  if (!its_data) {
    session().pool.cancel("labels of cells");
    showCells({});
    return;
  }
  Answer<std::vector<QStringList>> answer;
  answer.done = [this, whole = whole_](const std::vector<QStringList>& groups) {
    if (whole == whole_) showCells(groups);
  };
  session().pool.request<std::vector<QStringList>>(
      "labels of cells", this,
      [fit = whole_, its_data](const RunControl& control) { return groupsOf(*fit, *its_data->dataset, control); },
      std::move(answer));
}

void DiagnosePage::showCells(const std::vector<QStringList>& groups) {
  const QString before = which_->currentText();
  which_->clear();
  which_->addItem(tr("all cells"));
  for (const QStringList& group : groups)
    which_->addItem(group.size() > 1 ? group.join(" = ")
                                     : tr("component %1")
                                           .arg(QString::fromStdString(result::component_name(
                                               *whole_, static_cast<std::size_t>(group[0].toLongLong())))),
                    group);
  which_->setEnabled(which_->count() > 1);
  const int at = which_->findText(before);
  which_->setCurrentIndex(std::max(0, at));
  if (at < 0 && shown_ != whole_) look(whole_, {});  // its data are no longer open
}

void DiagnosePage::chooseCells() {
  const QStringList of = which_->currentData().toStringList();
  if (of.isEmpty()) return look(whole_, {});
  const auto its_data = session().data.preparedAs(whole_->data_id);
  if (!its_data) return fillCells();
  struct Made {
    std::shared_ptr<const result::Fit> fit;
    std::vector<double> shares;
  };
  for (const char* key : {"diagnose", "ppc"}) session().pool.cancel(key);  // of other cells
  if (!figure_->figure().empty()) figure_->setStale(true);
  verdict_->setText(tr("Looking for the cells …"));
  Answer<Made> answer;
  answer.done = [this, whole = whole_](Made made) {
    if (whole == whole_) look(std::move(made.fit), std::move(made.shares));
  };
  answer.failed = [this](const JobError& error) {
    emit session().errorReported(error);
    which_->setCurrentIndex(0);
    look(whole_, {});
  };
  session().pool.request<Made>(
      "diagnose cells", this,
      [whole = whole_, its_data, of](const RunControl& control) {
        const std::int64_t component[] = {of[0].toLongLong()};
        auto group = of.size() == 1 ? analysis::cells_of_components(*whole, component, *its_data->dataset, control)
                                    : analysis::cells_of_label(*whole, of[0].toStdString(), of[1].toStdString(),
                                                               *its_data->dataset, control);
        return Made{std::make_shared<const result::Fit>(std::move(group.fit)), std::move(group.shares)};
      },
      std::move(answer));
}

void DiagnosePage::look(std::shared_ptr<const result::Fit> fit, std::vector<double> shares) {
  session().pool.cancel("diagnose cells");
  session().pool.cancel("diagnose");
  shown_ = std::move(fit);
  cell_shares_ = std::move(shares);
  known_.clear();
  if (shown_->point_only) {
    figure_->setMessage(tr("This fit holds point estimates only: there is no posterior to predict from."));
    table_->setMessage(tr("Nothing to check."));
    return;
  }
  if (!figure_->figure().empty()) figure_->setStale(true);
  verdict_->setText(tr("Checking a choice of genes …"));
  check(false);
}

void DiagnosePage::check(bool all) {
  if (!shown_) return;
  struct Checked {
    std::shared_ptr<const result::Fit> fit;
    analysis::Diagnosis diagnosis;
    std::map<std::int64_t, analysis::GeneDiagnosis> known;
    std::shared_ptr<const TableData> table;
  };
  progress_->setRange(0, 0);
  progress_->show();
  cancel_->show();
  check_->hide();
  const auto ended = [this] {
    progress_->hide();
    cancel_->hide();
    check_->show();
  };
  Answer<Checked> answer;
  answer.progressed = [this](const Progress& progress) {
    if (progress.fraction >= 0) {
      progress_->setRange(0, 100);
      progress_->setValue(static_cast<int>(std::lround(100 * progress.fraction)));
    }
  };
  answer.done = [this, ended](Checked checked) {
    ended();
    known_ = std::move(checked.known);
    filling_ = true;
    const bool first = !table_->model().table();
    table_->setTable(checked.table);
    showSelection();
    if (first) table_->view().sortByColumn(3, Qt::DescendingOrder);  // worst first, as the panels
    filling_ = false;
    const analysis::VerdictText text = analysis::explain(checked.diagnosis, *checked.fit);
    verdict_->setText(QString("<b>%1</b> %2 %3<br><small>%4</small>")
                          .arg(QString::fromStdString(text.title).toHtmlEscaped(),
                               QString::fromStdString(text.reason).toHtmlEscaped(),
                               QString::fromStdString(text.remedy).toHtmlEscaped(),
                               tr("%1 of %2 genes checked in %3 cells.")
                                   .arg(whole(static_cast<qlonglong>(known_.size())),
                                        whole(static_cast<qlonglong>(checked.fit->genes.size())),
                                        whole(static_cast<qlonglong>(checked.fit->cells.size())))));
    ranked();
    session().exports.touch();
  };
  answer.failed = [this, ended](const JobError& error) {
    ended();
    verdict_->setText(QString("<span style='color:#d55e00'><b>%1</b></span> %2")
                          .arg(error.message.toHtmlEscaped(), error.remedy.toHtmlEscaped()));
    if (known_.empty()) {
      figure_->setMessage(error.text());
      table_->setMessage(error.text());
    }
  };
  answer.cancelled = [this, ended] {
    ended();
    if (known_.empty()) verdict_->setText(tr("Not checked."));
  };
  session().pool.request<Checked>(
      "diagnose", this,
      [fit = shown_, shares = cell_shares_, known = known_, all](const RunControl& control) {
        analysis::DiagnoseOptions options;
        options.shares = shares;
        if (all) {
          options.genes.resize(fit->genes.size());
          std::iota(options.genes.begin(), options.genes.end(), std::int64_t{0});
        }
        Checked checked{fit, analysis::diagnose(*fit, options, control), known, nullptr};
        for (const auto& gene : checked.diagnosis.genes) checked.known[gene.gene] = gene;
        checked.table = diagnosisTable(*fit, checked.known);
        return checked;
      },
      std::move(answer));
}

}  // namespace scriptorium::ui
