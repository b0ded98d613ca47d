#include "ui/workspaces/perturbation/perturbation_page.hpp"

#include <QComboBox>
#include <QLabel>
#include <QLocale>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalBlocker>
#include <QStackedWidget>
#include <algorithm>
#include <cmath>

#include "ui/workspaces/perturbation/genes_panel.hpp"

namespace scriptorium::ui {

using namespace perturbation;

PerturbationPage::PerturbationPage(Session& session, QWidget* parent)
    : Page("perturbation", tr("Perturbation"), session, parent) {
  setContent(makeContent());
  connect(&session.data, &DataState::stageChanged, this, &PerturbationPage::dataChanged);
  ScreeningState& screening = session.screening;
  for (const auto signal : {&ScreeningState::runChanged, &ScreeningState::checked, &ScreeningState::optionsChanged,
                            &ScreeningState::progressed})
    connect(&screening, signal, this, &PerturbationPage::showRun);
  connect(&screening, &ScreeningState::changed, this, &PerturbationPage::resultChanged);
  connect(&session.selection, &SelectionState::changed, this, [this](Axis of) {
    if (of != Axis::Cells || !this->session().screening.now()) return;
    drawScores();
    drawDiscriminant();
  });
  offerForExport();
  dataChanged();
  resultChanged();
  showRun();
}

void PerturbationPage::dataChanged() {
  const auto now = session().data.opened() ? session().data.opened()->dataset : nullptr;
  if (now) return showContent();
  showWords(tr("<h2>Perturbation</h2><p>For every target of a pooled screen: how strongly its cells answer against the "
               "controls, which cells answer at all, and which guides do nothing.</p><p>It needs a data set with a "
               "column that names the target of each cell, and control cells.</p>"),
            {{tr("Open…"), [this] { emit openWanted(); }}, {tr("Example data"), [this] { emit exampleWanted(); }}});
}

void PerturbationPage::showRun() {
  const ScreeningState& screening = session().screening;
  const bool running = screening.running();
  const auto& check = screening.check();
  run_->setVisible(!running);
  run_->setEnabled(check && check->error.empty());
  copy_->setEnabled(run_->isEnabled());
  run_->setText(screening.now() ? tr("Run again") : tr("Run"));
  cancel_->setVisible(running);
  progress_->setVisible(running);
  const bool stale = screening.isStale();
  for (charts::FigureView* figure : figures())
    if (!figure->figure().empty()) figure->setStale(stale);
  if (running) {
    const Progress& progress = screening.progress();
    progress_->setRange(0, progress.fraction >= 0 ? 1000 : 0);
    progress_->setValue(static_cast<int>(std::lround(1000 * progress.fraction)));
    run_says_->setText(QString::fromStdString(progress.message).toHtmlEscaped());
  } else if (!screening.error().empty()) {
    run_says_->setText(QString("<span style='color:#d55e00'>%1</span><br>%2")
                           .arg(screening.error().message.toHtmlEscaped(), screening.error().remedy.toHtmlEscaped()));
  } else if (stale) {
    run_says_->setText(tr("<i>What is shown is from earlier settings or data: run again.</i>"));
  } else if (const auto& now = screening.now()) {
    double seconds = 0;
    QStringList steps;
    for (const Screening::Step& step : now->steps) {
      seconds += step.seconds;
      steps << tr("%1 %2 s%3")
                   .arg(QString::fromStdString(step.name), QString::number(step.seconds, 'f', 1),
                        step.resumed ? tr(" (kept from before)") : QString());
    }
    run_says_->setText(tr("Done in %1 s.").arg(QString::number(seconds, 'f', 1)));
    run_says_->setToolTip(steps.join('\n'));
  } else {
    run_says_->clear();
  }
  run_says_->setVisible(!run_says_->text().isEmpty());
}

void PerturbationPage::resultChanged() {
  const auto now = session().screening.now();
  for (const char* key : {kFigures, kMarkers, kCells, kUmap}) session().pool.cancel(key);  // asked of the one before
  right_->setCurrentIndex(now ? 1 : 0);
  umap_.clear();
  shown_ = {};
  chosen_ = -1;
  const QSignalBlocker quiet(target_);
  target_->clear();
  if (!now) {
    for (charts::FigureView* figure : figures())
      if (figure != genes_figure_) figure->setMessage(tr("Not run yet."));
    for (TablePanel* table : {targets_, cells_, markers_, guide_table_}) table->setMessage(tr("Not run yet."));
    result_->hide();
    reason_->hide();
    session().exports.touch();
    return;
  }
  for (const TargetSummary& one : now->targets) target_->addItem(targetName(*now, one.target), one.target);
  targets_->setTable(targetTable(*now));
  guide_table_->setTable(guideTable(*now));
  QString said = resultInWords(*now);
  if (!now->notes.empty()) {
    QStringList notes;
    for (const std::string& note : now->notes) notes << QString::fromStdString(note).toHtmlEscaped();
    said += tr(" <a href='notes'>%1</a>").arg(notes.size() == 1 ? tr("One note") : tr("%1 notes").arg(notes.size()));
    result_->setToolTip("<qt>" + notes.join("<br>") + "</qt>");
  } else {
    result_->setToolTip({});
  }
  result_->setText(said);
  result_->show();
  using Made = std::shared_ptr<const TableData>;
  Answer<Made> answer;
  answer.done = [this, now](Made made) {
    if (session().screening.now() != now) return;
    cells_->setTable(std::move(made));
    cells_link_->setRows(session().screening.cellRows());
    session().exports.touch();
  };
  answer.failed = [this](const JobError& error) { cells_->setMessage(error.text()); };
  session().pool.request<Made>(
      kCells, this,
      [now, of = session().screening.dataOfResult()](const RunControl&) {
        return screenCellTable(*now, of->dataset->cells.names);
      },
      std::move(answer));
  drawDiscriminant();
  if (now->targets.empty()) return;
  const std::int32_t before = now->screen.target_code(chosen_name_.toStdString());
  const bool there = std::any_of(now->targets.begin(), now->targets.end(),
                                 [&](const TargetSummary& one) { return one.target == before; });
  choose(there ? before : now->targets.front().target);
}

const TargetSummary* PerturbationPage::summary() const {
  const auto& now = session().screening.now();
  if (!now) return nullptr;
  const auto at = std::find_if(now->targets.begin(), now->targets.end(),
                               [&](const TargetSummary& one) { return one.target == chosen_; });
  return at == now->targets.end() ? nullptr : &*at;
}

void PerturbationPage::choose(std::int32_t target) {
  const auto& now = session().screening.now();
  if (!now || target == chosen_) return;
  chosen_ = target;
  const TargetSummary* one = summary();
  if (!one) return;
  chosen_name_ = targetName(*now, target);
  target_->setCurrentIndex(target_->findData(target));
  const int row = static_cast<int>(one - now->targets.data());
  if (targets_->selectedRows() != std::vector<int>{row}) {
    const QSignalBlocker quiet(targets_);
    targets_->selectRow(row);
  }
  const QString verdict = QString::fromStdString(to_string(one->verdict)), why = QString::fromStdString(one->reason);
  reason_->setText(why.startsWith(verdict)
                       ? QString("<b>%1:</b> %2").arg(chosen_name_.toHtmlEscaped(), why.toHtmlEscaped())
                       : QString("<b>%1: %2.</b> %3").arg(chosen_name_.toHtmlEscaped(), verdict, why.toHtmlEscaped()));
  reason_->show();
  drawTarget();
  fillMarkers();
  genes_->choose(target);
}

QString PerturbationPage::cellName(std::int64_t cell) const {
  const auto& of = session().screening.dataOfResult();
  return of ? QString::fromStdString(of->dataset->cells.names[static_cast<std::size_t>(cell)]) : QString();
}

std::vector<std::uint8_t> PerturbationPage::selected() const {
  const auto& flags = session().selection.flags(Axis::Cells);
  if (!flags) return {};
  std::vector<std::uint8_t> out;
  for (const std::int64_t row : session().screening.cellRows())
    out.push_back(row >= 0 ? (*flags)[static_cast<std::size_t>(row)] : std::uint8_t{0});
  return out;
}

void PerturbationPage::select(const std::vector<std::int64_t>& cells, Combine how, const QString& what) {
  const auto& rows = session().screening.cellRows();
  IndexSet chosen;
  for (const std::int64_t cell : cells)
    if (rows[static_cast<std::size_t>(cell)] >= 0) chosen.push_back(rows[static_cast<std::size_t>(cell)]);
  session().selection.select(Axis::Cells, std::move(chosen), how, what);
}

void PerturbationPage::selectKind(const QString& kind) {
  const auto& now = session().screening.now();
  if (!now || chosen_ < 0 || kind.isEmpty()) return;
  std::vector<std::int64_t> cells;
  if (kind == "control") {
    cells = now->screen.cells_of(now->screen.control);
  } else {
    for (const std::int64_t cell : now->screen.cells_of(chosen_)) {
      const bool perturbed =
          !now->calls.state.empty() && now->calls.state[static_cast<std::size_t>(cell)] == CellState::Perturbed;
      if (kind == "target" || perturbed == (kind == "perturbed")) cells.push_back(cell);
    }
  }
  select(cells, Combine::Replace, tr("cells of %1").arg(chosen_name_));
}

}  // namespace scriptorium::ui
