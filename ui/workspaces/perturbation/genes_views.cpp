// The views of the panel that a worker makes: programs and clusters of targets, gene sets.
#include <algorithm>

#include "core/error.hpp"
#include "core/perturbation/jobs.hpp"
#include "ui/workspaces/perturbation/genes_panel.hpp"
#include "ui/workspaces/perturbation/program_figures.hpp"

namespace scriptorium::ui {

using namespace perturbation;

namespace {

QString sentences(const std::vector<std::string>& notes) {
  QStringList all;
  for (const std::string& note : notes) all << QString::fromStdString(note);
  return all.join(' ');
}

/// Programs as asked for; where there are none, of all targets together, and `whole` says so. Clusters in any case.
ProgramSearch searchIn(const std::vector<ZMatrix>& matrices, ProgramSearchOptions options, bool& whole,
                       const RunControl& control) {
  ProgramSearch found = find_programs(matrices, options, control);
  if (found.clusters.empty())
    for (const ZMatrix& z : found.z) found.clusters.push_back(cluster_targets(z, options.height, control));
  if (!found.programs.empty() || found.z.empty() || options.whole || options.each) return found;
  whole = true;
  options.whole = found.z.size() == 1;
  options.each = !options.whole;
  ProgramSearch again = find_programs(matrices, options, control);
  if (options.whole) found.notes.emplace_back("These are the components of all targets together.");
  found.programs = std::move(again.programs);
  found.notes.insert(found.notes.end(), again.notes.begin(), again.notes.end());
  return found;
}

}  // namespace

GenesPanel::Views GenesPanel::zOf(const Tested& tested, const GeneSettings& settings) {
  const auto matrices = z_matrices(tested.tables, tested.of->screen.genes, settings.z);
  const auto drawn = clean(matrices);
  View made;
  made.figure = zFigure(drawn);
  if (made.figure.empty()) {
    made.why = whyNoZ(matrices, settings.z);
    return {{"z", std::move(made)}};
  }
  made.table = zTable(matrices);
  for (const ZMatrix& z : matrices)
    for (const std::string& gene : z.genes) made.genes.push_back(tested.of->screen.gene_index(gene));
  return {{"z", std::move(made)}};
}

GenesPanel::Views GenesPanel::programsOf(const Tested& tested, const GeneSettings& settings,
                                         const RunControl& control) {
  View programs, clusters;
  try {
    const auto matrices = z_matrices(tested.tables, tested.of->screen.genes, settings.z);
    const ProgramSearch found = searchIn(matrices, settings.programs, programs.whole, control);
    if (found.z.empty()) {
      programs.why = clusters.why = whyNoZ(matrices, settings.z);
    } else {
      clusters.whole = programs.whole;
      programs.figure = programFigure(found);
      programs.table = programTable(found);
      for (const auto& program : found.programs)
        for (const Program& one : program.components)
          for (const auto* genes : {&one.up, &one.down})
            for (const std::string& gene : *genes) programs.genes.push_back(tested.of->screen.gene_index(gene));
      programs.why = tr("There is no program. %1").arg(sentences(found.notes));
      if (!programs.figure.empty()) programs.says = sentences(found.notes);
      clusters.figure = clusterFigure(found.z, found.clusters);
      clusters.table = clusterTable(found.z, found.clusters);
      clusters.genes.assign(clusters.table->rows(), -1);
    }
  } catch (const Error& error) {  // a matrix that is too small: words, not a failure
    programs.why = clusters.why = QString::fromStdString(error.what()) + ' ' + whatHelpsZ();
  }
  return {{"programs", std::move(programs)}, {"clusters", std::move(clusters)}};
}

GenesPanel::Views GenesPanel::setsOf(const QString& view, const Tested& tested, const WeightedDe& de, const Sets& sets,
                                     const GeneSettings& settings, const RunControl& control) {
  const bool ranks = view == "ranks";
  std::vector<SetResults> tests;
  std::vector<DeList> lists = changed_genes(de, tested.of->screen.genes, settings.lists);
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const auto n = static_cast<double>(lists.size()), at = static_cast<double>(i);
    const RunControl of_list = part(control, at / n, (at + 1) / n);
    control.check();
    SetResults one;
    if (ranks)
      one.ranks = rank_tests(lists[i].genes, sets, settings.ranks, of_list);
    else
      one.fisher = fisher_tests(lists[i].genes, lists[i].background, sets, settings.fisher, of_list);
    one.list = std::move(lists[i]);
    tests.push_back(std::move(one));
  }
  View made;
  made.figure = ranks ? rankFigure(tests) : setFigure(tests);
  made.why = tr("%1 has no %2 genes that go the same way (adjusted p ≤ %3 and a log2 fold change above %4): there is "
                "no list to hold against sets. Choose another target, or other settings.")
                 .arg(QString::fromStdString(de.target))
                 .arg(settings.lists.least)
                 .arg(settings.lists.p_adj)
                 .arg(settings.lists.log2fc);
  if (!made.figure.empty()) {
    if (ranks && !settings.ranks.empirical)
      made.says =
          tr("p is the tail of a normal distribution, which is too small for sets with little overlap; "
             "Settings counts permutations instead.");
    made.table = ranks ? rankTable(tests) : setTable(tests);
    made.genes.assign(made.table->rows(), -1);
  }
  return {{view, std::move(made)}};
}

}  // namespace scriptorium::ui
