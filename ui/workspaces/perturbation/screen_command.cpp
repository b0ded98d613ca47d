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

Flags flagsOf(const ChainOptions& options) {
  Flags flags;
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
  const CallOptions &call = options.call, calls = call_defaults(call.rule);
  flags.differing("--iter-num", call.iterations, calls.iterations);
  flags.differing("--min-cells", call.min_cells, calls.min_cells);
  flags.differing("--perturbation-type", call.perturbation_type, calls.perturbation_type);
  flags.differing("--n-comps", options.discriminant.components, DiscriminantOptions{}.components);
  flags.given("--no-lda", !options.with_discriminant);
  return flags;
}

}  // namespace

QString commandFor(const ChainOptions& options, const DataChoice& choice) {
  const QString name = QFileInfo(choice.path).completeBaseName();
  QStringList words;
  data::Filter by_cells;
  by_cells.cells = choice.filter.cells;
  QString path = choice.path;
  const bool before = !(choice.filter == by_cells);
  if (before) {
    path = name + "_kept.h5ad";
    words << "scriptorium-cli"
          << "convert" << shellQuoted(choice.path) << dataFlags(choice) << filterFlags(choice.filter) << "--out"
          << shellQuoted(path) << "&&";
  }
  words << "scriptorium-cli"
        << "perturb"
        << "all" << shellQuoted(path);
  if (!before) words << dataFlags(choice) << filterFlags(choice.filter);
  words << flagsOf(options).words() << "--out" << shellQuoted(name + "_screen.h5ad");
  return words.join(' ');
}

}  // namespace scriptorium::ui
