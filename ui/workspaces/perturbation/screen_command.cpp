#include "ui/workspaces/perturbation/screen_command.hpp"

#include <QFileInfo>

#include "ui/workspaces/run/command_text.hpp"

namespace scriptorium::ui {
namespace {

using namespace perturbation;

QString str(const std::string& text) {
  return QString::fromStdString(text);
}

/// Flags of what is not as the rule has it.
class Flags {
 public:
  template <class Value>
  void differing(const char* flag, const Value& value, const Value& standard) {
    if (value != standard) add(flag, value);
  }
  void add(const char* flag, const QString& value) { words_ << flag << shellQuoted(value); }
  void add(const char* flag, const std::string& value) { add(flag, str(value)); }
  void add(const char* flag, double value) { add(flag, QString::number(value, 'g', 17)); }
  template <std::integral Number>
  void add(const char* flag, Number value) {
    add(flag, QString::number(value));
  }
  void given(const char* flag, bool wanted) {
    if (wanted) words_ << flag;
  }
  const QStringList& words() const { return words_; }

 private:
  QStringList words_;
};

/// Of columns, signature, markers and scores.
void addScores(Flags& flags, const ChainOptions& options) {
  const Columns& columns = options.columns;
  flags.add("--target", columns.target);
  flags.add("--control", columns.control);
  flags.differing("--guide", columns.guide, {});
  flags.differing("--split", columns.split, {});
  flags.differing("--rule", to_string(options.score.rule), to_string(Rule::Py));
  const SignatureOptions &signature = options.signature, same;
  flags.differing("--mode", to_string(signature.reference), to_string(same.reference));
  flags.differing("--n-neighbors", signature.neighbours, same.neighbours);
  flags.differing("--n-dims", signature.dims, same.dims);
  flags.differing("--representation", signature.representation, {});
  const ScoreOptions &score = options.score, by_rule = score_defaults(score.rule);
  const MarkerOptions &markers = score.markers, &usual = by_rule.markers;
  flags.differing("--test", to_string(markers.test), to_string(usual.test));
  flags.differing("--pval-cutoff", markers.pval_cutoff, usual.pval_cutoff);
  flags.differing("--logfc-threshold", markers.logfc_threshold, usual.logfc_threshold);
  flags.differing("--min-de-genes", markers.min_de_genes, usual.min_de_genes);
  flags.differing("--max-de-genes", markers.max_de_genes, usual.max_de_genes);
  flags.differing("--min-pct", markers.min_pct, usual.min_pct);
  flags.given("--tie-correction", markers.tie_correction);
  flags.given("--fine-mode", score.fine_mode);
  flags.given("--harmonize", score.harmonize);
  flags.differing("--harmonize-min-proportion", score.harmonize_min_proportion, by_rule.harmonize_min_proportion);
  flags.differing("--seed", score.seed, by_rule.seed);
  flags.given("--no-scale", !score.scale);
}

void addCalls(Flags& flags, const ChainOptions& options) {
  const CallOptions &call = options.call, calls = call_defaults(call.rule);
  flags.differing("--iter-num", call.iterations, calls.iterations);
  flags.differing("--min-cells", call.min_cells, calls.min_cells);
  flags.differing("--perturbation-type", call.perturbation_type, calls.perturbation_type);
  flags.differing("--n-comps", options.discriminant.components, DiscriminantOptions{}.components);
  flags.given("--no-lda", !options.with_discriminant);
}

void addTests(Flags& flags, const DeOptions& de) {
  const DeOptions usual;
  flags.differing("--de-logfc", de.logfc_threshold, usual.logfc_threshold);
  flags.differing("--de-min-pct", de.min_pct, usual.min_pct);
  flags.differing("--de-min-cells", de.min_cells, usual.min_cells);
  flags.given("--r-compatible", de.r_compatible);
  flags.given("--unweighted", de.unweighted);
}

void addMatrix(Flags& flags, const ZOptions& z) {
  const ZOptions usual;
  flags.differing("--z-p", z.p, usual.p);
  flags.differing("--z-log2fc", z.log2fc, usual.log2fc);
  flags.differing("--z-most", z.most, usual.most);
}

void addPrograms(Flags& flags, const ProgramSearchOptions& search, const GenesCommand& wanted) {
  const ProgramSearchOptions usual;
  flags.differing("--height", search.height, usual.height);
  flags.differing("--components", search.pca.components.number, usual.pca.components.number);
  flags.differing("--permutations", search.pca.permutations, usual.pca.permutations);
  flags.differing("--row-p", search.pca.row_p, usual.pca.row_p);
  flags.differing("--min-sig", search.clean.min_sig, usual.clean.min_sig);
  flags.differing("--seed", search.pca.seed, usual.pca.seed);
  flags.given("--mask-target", search.clean.mask_target);
  flags.given("--each", search.each || (wanted.groups && (wanted.whole || search.whole)));
  flags.given("--whole", search.whole || (wanted.whole && !wanted.groups));
}

void addSets(Flags& flags, const GeneSettings& settings, bool ranks) {
  const GeneSettings usual;
  flags.differing("--p-adj", settings.lists.p_adj, usual.lists.p_adj);
  flags.differing("--log2fc", settings.lists.log2fc, usual.lists.log2fc);
  flags.differing("--least", settings.lists.least, usual.lists.least);
  if (!ranks) return flags.given("--no-ease", !settings.fisher.ease);
  flags.add("--method", QString("rbo"));
  flags.differing("--rbo-p", settings.ranks.p, usual.ranks.p);
  flags.differing("--depth", settings.ranks.depth, usual.ranks.depth);
  flags.differing("--permutations", settings.ranks.permutations, usual.ranks.permutations);
  flags.differing("--seed", settings.ranks.seed, usual.ranks.seed);
  flags.given("--empirical", settings.ranks.empirical);
}

/// `scriptorium-cli perturb STEP DATA` with the data's flags; a conversion before it where `perturb` lacks a filter.
QStringList begun(const QString& step, const DataChoice& choice) {
  QStringList words;
  data::Filter by_cells;
  by_cells.cells = choice.filter.cells;
  QString path = choice.path;
  const bool before = !(choice.filter == by_cells);
  if (before) {
    path = QFileInfo(choice.path).completeBaseName() + "_kept.h5ad";
    words << "scriptorium-cli"
          << "convert" << shellQuoted(choice.path) << dataFlags(choice) << filterFlags(choice.filter) << "--out"
          << shellQuoted(path) << "&&";
  }
  words << "scriptorium-cli"
        << "perturb" << step << shellQuoted(path);
  if (!before) words << dataFlags(choice) << filterFlags(choice.filter);
  return words;
}

}  // namespace

QString commandFor(const ChainOptions& options, const DataChoice& choice) {
  Flags flags;
  addScores(flags, options);
  addCalls(flags, options);
  flags.add("--out", QFileInfo(choice.path).completeBaseName() + "_screen.h5ad");
  return (begun("all", choice) + flags.words()).join(' ');
}

QString commandFor(const ChainOptions& options, const DataChoice& choice, const GeneSettings& settings,
                   const GenesCommand& wanted) {
  const QString name = QFileInfo(choice.path).completeBaseName();
  const bool programs = wanted.view == "programs" || wanted.view == "clusters",
             sets = wanted.view == "sets" || wanted.view == "ranks";
  const QString genes = name + "_genes.tsv", z = name + "_Z";
  Flags flags;
  addScores(flags, options);
  addTests(flags, settings.de);
  flags.add("--out", genes);
  if (programs || wanted.view == "z") {
    flags.add("--z", z + ".tsv");
    addMatrix(flags, settings.z);
  }
  QStringList words = begun("de", choice) + flags.words();
  Flags more;
  if (programs) {
    words << "&&"
          << "scriptorium-cli"
          << "perturb"
          << "programs" << (wanted.groups ? shellQuoted(z + '_') + "*.tsv" : shellQuoted(z + ".tsv"));
    addPrograms(more, settings.programs, wanted);
    more.add("--out", name + "_programs.tsv");
    more.add("--members", name + "_members.tsv");
  } else if (sets) {
    words << "&&"
          << "scriptorium-cli"
          << "perturb"
          << "sets";
    more.add("--sets", wanted.sets);
    more.add("--de", genes);
    addSets(more, settings, wanted.view == "ranks");
    more.add("--out", name + (wanted.view == "ranks" ? "_ranks.tsv" : "_sets.tsv"));
  }
  return (words + more.words()).join(' ');
}

}  // namespace scriptorium::ui
