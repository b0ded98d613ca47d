#include "ui/workspaces/perturbation/genes_panel.hpp"

#include <QComboBox>
#include <QDir>
#include <QFileInfo>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <algorithm>
#include <cmath>

#include "ui/workspaces/perturbation/gene_tests.hpp"
#include "ui/workspaces/perturbation/screen_command.hpp"

namespace scriptorium::ui {

using namespace perturbation;

namespace {

constexpr const char *kTests = "screening genes", *kViews = "screening views";

bool isOfSets(const QString& view) {
  return view == "sets" || view == "ranks";
}
bool isOfPrograms(const QString& view) {
  return view == "programs" || view == "clusters";
}
/// Views that one job makes together.
bool madeTogether(const QString& a, const QString& b) {
  return a == b || (isOfPrograms(a) && isOfPrograms(b));
}
/// Whether a view is made of what a setting decides.
bool dependsOn(const QString& view, GeneSettingsForm::Part part) {
  using enum GeneSettingsForm::Part;
  switch (part) {
    case Tests:
      return true;
    case Matrix:
      return view == "z" || isOfPrograms(view);
    case Programs:
      return isOfPrograms(view);
    case Lists:
      return isOfSets(view);
    case Fisher:
      return view == "sets";
    case Ranks:
      return view == "ranks";
  }
  return false;
}

}  // namespace

void GenesPanel::again() {
  const QString view = view_->currentData().toString();
  if (!tested_ || testsStale() || (!isOfPrograms(view) && !isOfSets(view))) return run();
  std::erase_if(made_, [&](const auto& one) { return madeTogether(one.first, view); });
  show();
}

void GenesPanel::cancel() {
  session_.pool.cancel(kTests);
  session_.pool.cancel(kViews);
}

QString GenesPanel::command() const {
  const QString view = view_->currentData().toString();
  const auto found = made_.find(view);
  return commandFor(
      session_.screening.options(), session_.data.choice(), settings_->settings(),
      {view, sets_path_, found != made_.end() && found->second.whole, tested_ && tested_->of->screen.n_splits() > 1});
}

void GenesPanel::setBusy(bool busy) {
  run_->setVisible(!busy);
  cancel_->setVisible(busy);
  progress_->setVisible(busy);
}

void GenesPanel::resultChanged() {
  cancel();
  tested_.reset();
  made_.clear();
  target_ = -1;
  run_->setEnabled(session_.screening.now() != nullptr);
  show();
}

void GenesPanel::settingsChanged(GeneSettingsForm::Part part) {
  if (!tested_) return;
  if (part != GeneSettingsForm::Part::Tests) {  // tests take minutes on large data: not without being asked
    if (dependsOn(making_, part)) session_.pool.cancel(kViews);
    std::erase_if(made_, [&](const auto& one) { return dependsOn(one.first, part); });
  }
  show();
}

bool GenesPanel::testsStale() const {
  return tested_ && tested_->options != settings_->settings().de;
}

void GenesPanel::choose(std::int32_t target) {
  target_ = target;
  if (isOfSets(making_)) session_.pool.cancel(kViews);
  std::erase_if(made_, [](const auto& one) { return isOfSets(one.first); });
  show();
}

template <class Made>
void GenesPanel::work(const QString& key, std::function<Made(const RunControl&)> job, std::function<void(Made)> done) {
  setBusy(true);
  progress_->setRange(0, 0);
  Answer<Made> answer;
  answer.progressed = [this](const Progress& progress) {
    progress_->setRange(0, progress.fraction >= 0 ? 1000 : 0);
    progress_->setValue(static_cast<int>(std::lround(1000 * progress.fraction)));
    says_->setText(QString::fromStdString(progress.message));
  };
  answer.done = [this, done = std::move(done)](Made made) {
    setBusy(false);
    done(std::move(made));
  };
  answer.failed = [this](const JobError& error) {
    setBusy(false);
    show(false);
    says_->setText(error.text());
  };
  answer.cancelled = [this] {
    setBusy(false);
    show(false);
  };
  session_.pool.request<Made>(key, this, std::move(job), std::move(answer));
}

void GenesPanel::run() {
  const auto now = session_.screening.now();
  const auto of = session_.screening.dataOfResult();
  if (!now || !of) return;
  says_->setText(tr("Regression of every gene on the scores of the cells …"));
  using Made = std::shared_ptr<const Tested>;
  work<Made>(
      kTests,
      [now, of, de = settings_->settings().de, folder = QDir(session_.folder()).filePath("screening.genes"),
       lock = one_at_a_time_](const RunControl& control) {
        const std::scoped_lock alone(*lock);
        control.check();
        auto made = std::make_shared<Tested>();
        made->of = now;
        made->options = de;
        for (const TargetSummary& one : now->targets) made->targets.push_back(one.target);
        made->tables = testGenes(*now, *of->dataset, made->targets, de, folder.toStdString(), control);
        return Made(made);
      },
      [this](Made made) {
        if (made->of != session_.screening.now()) return;
        tested_ = std::move(made);
        made_.clear();
        show();
      });
}

const WeightedDe* GenesPanel::table() const {
  if (!tested_) return nullptr;
  const auto at = std::find(tested_->targets.begin(), tested_->targets.end(), target_);
  return at == tested_->targets.end() ? nullptr
                                      : &tested_->tables[static_cast<std::size_t>(at - tested_->targets.begin())];
}

void GenesPanel::show(bool make) {
  const QString view = view_->currentData().toString();
  sets_button_->setVisible(isOfSets(view));
  settings_->showFor(view);
  if (session_.pool.busy(kTests)) return;
  if (session_.pool.busy(kViews)) {
    if (madeTogether(making_, view)) return;
    session_.pool.cancel(kViews);
  }
  const bool stale = testsStale();
  says_->clear();
  run_->setText(!tested_             ? tr("Test genes")
                : stale              ? tr("Test again")
                : isOfSets(view)     ? tr("Test sets")
                : isOfPrograms(view) ? tr("Find programs")
                                     : tr("Test again"));
  copy_->setEnabled(session_.screening.now() && (!isOfSets(view) || sets_));
  run_->setEnabled(session_.screening.now() && (!tested_ || stale || !isOfSets(view) || sets_));
  const WeightedDe* de = table();
  if (!de) {
    figure_->setMessage(
        tr("Test genes asks of every gene whether it changes with the scores of the cells: a "
           "negative-binomial regression, for all targets. Programs and gene sets are looked for in what it finds."));
    table_->setMessage(tr("Not tested yet."));
  } else if (view == "volcano") {
    showTarget(*de);
  } else if (isOfSets(view) && !sets_) {
    figure_->setMessage(
        tr("Read gene sets (a GMT file: name, description and genes of a set in each line) to hold the "
           "genes that go up and down against them."));
    table_->setMessage(tr("No gene sets yet."));
  } else if (const auto found = made_.find(view); found != made_.end()) {
    put(found->second);
  } else if (make) {
    makeView(view, *de);
  } else {
    figure_->setMessage(tr("Stopped. %1 begins again.").arg(run_->text()));
    table_->setMessage(tr("Nothing to show."));
  }
  figure_->setStale(stale || session_.screening.isStale());
  if (de && stale) says_->setText(tr("The settings of the tests have changed since: test again."));
  session_.exports.touch();
}

void GenesPanel::showTarget(const WeightedDe& de) {
  const auto& genes = tested_->of->screen.genes;
  table_->setTable(tableOf("weighted_de", de_table(de, genes)));
  std::vector<std::int64_t> rows;
  for (const std::int64_t gene : de.gene) rows.push_back(session_.screening.geneRows()[static_cast<std::size_t>(gene)]);
  link_->setRows(std::move(rows));
  QStringList notes;
  for (const std::string& note : de.notes) notes << QString::fromStdString(note);
  if (tested_->options.unweighted)
    notes << tr("The cells of a target all weigh 1, as the settings have it.");
  else if (!de.weight.empty() &&
           std::all_of(de.weight.begin(), de.weight.end(), [](DeWeight one) { return one == DeWeight::Membership; }))
    notes << tr("Its cells have no scores: they all weigh 1.");
  says_->setText(notes.join(' '));
  std::vector<std::uint8_t> selected;
  if (const auto& flags = session_.selection.flags(Axis::Genes))
    for (const std::int64_t row : session_.screening.geneRows())
      selected.push_back(row >= 0 ? (*flags)[static_cast<std::size_t>(row)] : std::uint8_t{0});
  charts::Figure made = volcanoFigure(de, genes, selected.empty() ? nullptr : &selected);
  if (made.empty())
    figure_->setMessage(
        tr("No gene of %1 is expressed in enough cells to be tested.").arg(QString::fromStdString(de.target)));
  else
    figure_->setFigure(std::move(made), true);
}

void GenesPanel::put(const View& view) {
  says_->setText(view.says);
  if (view.figure.empty())
    figure_->setMessage(view.why);
  else
    figure_->setFigure(view.figure);
  if (!view.table || view.table->rows() == 0) return table_->setMessage(tr("Nothing to list."));
  table_->setTable(view.table);
  std::vector<std::int64_t> rows;
  for (const std::int64_t gene : view.genes)
    rows.push_back(gene < 0 ? -1 : session_.screening.geneRows()[static_cast<std::size_t>(gene)]);
  link_->setRows(std::move(rows));
}

void GenesPanel::makeView(const QString& view, const WeightedDe& de) {
  making_ = view;
  figure_->setMessage(isOfSets(view)       ? tr("Testing sets …")
                      : isOfPrograms(view) ? tr("Looking for programs …")
                                           : tr("Laying out the matrix …"));
  table_->setMessage(tr("Not yet."));
  work<Views>(
      kViews,
      [view, tested = tested_, of = &de, sets = sets_, settings = settings_->settings()](const RunControl& control) {
        // `tested` keeps the table alive
        return isOfSets(view)       ? setsOf(view, *tested, *of, *sets, settings, control)
               : isOfPrograms(view) ? programsOf(*tested, settings, control)
                                    : zOf(*tested, settings);
      },
      [this](const Views& made) {
        for (const auto& [key, one] : made) made_[key] = one;
        show(false);
      });
}

void GenesPanel::readSets(const QString& path) {
  using Made = std::shared_ptr<const Sets>;
  Answer<Made> answer;
  answer.done = [this, path](Made made) {
    sets_ = std::move(made);
    sets_path_ = path;
    if (isOfSets(making_)) session_.pool.cancel(kViews);
    std::erase_if(made_, [](const auto& one) { return isOfSets(one.first); });
    if (!isOfSets(view_->currentData().toString())) view_->setCurrentIndex(view_->findData("sets"));
    show();
    emit session_.noted(tr("%1 sets of %2.").arg(sets_->size()).arg(QFileInfo(path).fileName()));
  };
  answer.failed = [this](const JobError& error) { emit session_.errorReported(error); };
  session_.pool.request<Made>(
      "gene sets", this,
      [path](const RunControl&) { return std::make_shared<const Sets>(read_gmt(path.toStdString())); },
      std::move(answer));
}

void GenesPanel::selectInside(int panel, const QPolygonF& shape, Qt::KeyboardModifiers) {
  const WeightedDe* de = table();
  if (!de || view_->currentData() != "volcano" || panel < 0 ||
      static_cast<std::size_t>(panel) >= figure_->figure().panels.size())
    return;
  const charts::Mark& points = figure_->figure().panels[static_cast<std::size_t>(panel)].marks[0];
  IndexSet chosen;
  for (std::size_t r = 0; r < points.x.size() && r < de->rows(); ++r)
    if (shape.containsPoint({points.x[r], points.y[r]}, Qt::OddEvenFill))
      if (const auto row = session_.screening.geneRows()[static_cast<std::size_t>(de->gene[r])]; row >= 0)
        chosen.push_back(row);
  session_.selection.select(Axis::Genes, std::move(chosen), Combine::Replace, tr("genes on the volcano"));
}

}  // namespace scriptorium::ui
