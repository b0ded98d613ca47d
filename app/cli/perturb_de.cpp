#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "core/data/formats/names.hpp"
#include "core/data/writers/key_names.hpp"
#include "core/error.hpp"
#include "core/perturbation/jobs.hpp"
#include "core/perturbation/screening_de.hpp"
#include "core/perturbation/tables.hpp"
#include "core/perturbation/z_matrix.hpp"
#include "core/storage/atomic_file.hpp"
#include "perturb.hpp"

namespace scriptorium::cli {

using namespace perturbation;

namespace {

struct DeWords : ScreenWords {
  std::string out, only, z;
  DeOptions de;
  ZOptions z_options;
  bool full = false, resume = false;

  /// Whether --out is a folder with a table for each target.
  bool folder() const {
    return !(out == "-" || out.ends_with(".tsv") || out.ends_with(".csv") || out.ends_with(".json"));
  }
  /// Where finished targets are kept while it runs.
  std::string state_folder() const { return out.substr(0, out.find_last_not_of('/') + 1) + ".state"; }
};

/// Codes of the targets to be tested, in the order of the screen. @throws Error for a name that is no target
std::vector<std::int32_t> targets_of(const Screen& screen, const std::string& only) {
  std::vector<std::int32_t> codes;
  for (const auto& name : names_of("--targets", "targets", only)) {
    const std::int32_t code = screen.target_code(name);
    if (code < 0 || code == screen.control)
      throw Error(ErrorCode::BadInput, "No cell has the target \"" + name + "\".",
                  "The targets are " + data::listed(screen.target.names) + ".");
    codes.push_back(code);
  }
  if (codes.empty())
    for (std::int32_t t = 0; t < screen.n_targets(); ++t)
      if (t != screen.control) codes.push_back(t);
  return codes;
}

/// Names that files can have, one each.
std::vector<std::string> file_names(const std::vector<std::string>& names) {
  return data::told_apart(names, [](std::string name) {
    for (char& c : name)
      if (c == '/' || c == '\\' || c == ':' || static_cast<unsigned char>(c) < ' ') c = '_';
    if (name.empty() || name.front() == '.') name.insert(name.begin(), '_');
    return name;
  });
}

report::Table with_target(const std::string& target, report::Table table) {
  table.columns.insert(table.columns.begin(), {"target", std::vector<std::string>(table.rows(), target)});
  return table;
}

/// Rows of `more` behind those of `all`; targets may have other groups, whose columns of numbers are missing elsewhere.
void append_by_name(report::Table& all, report::Table more) {
  if (all.columns.empty()) {
    all = std::move(more);
    return;
  }
  const auto find = [](report::Table& table, const std::string& name) {
    return std::find_if(table.columns.begin(), table.columns.end(), [&](const auto& one) { return one.name == name; });
  };
  const std::size_t rows = all.rows(), further = more.rows();
  for (const auto& column : more.columns)
    if (find(all, column.name) == all.columns.end()) all.add(column.name, std::vector<double>(rows, NAN));
  for (auto& column : all.columns) {
    const auto found = find(more, column.name);
    if (found == more.columns.end()) more.add(column.name, std::vector<double>(further, NAN));
    const auto& behind = find(more, column.name)->values;
    std::visit(
        [&](auto& values) {
          const auto& its = std::get<std::decay_t<decltype(values)>>(behind);
          values.insert(values.end(), its.begin(), its.end());
        },
        column.values);
  }
}

/// What weights are made of: signature and scores, or with --unweighted nothing of either.
Screening screening_of(const DeWords& words, const ChainOptions& options, const data::Dataset& dataset,
                       const DeState& state, const RunControl& control) {
  if (!words.de.unweighted) return run_chain(dataset, options, state.chain_file(), words.resume, control);
  Screening bare;
  bare.options = options;
  bare.screen = make_screen(dataset, options.columns);
  bare.notes = bare.screen.notes;
  bare.expression =
      std::make_shared<Expression>(Expression::of_counts(dataset.counts, dataset.missing, words.threads(), control));
  return bare;
}

void write_z(const DeWords& words, const std::vector<WeightedDe>& tables, const Screen& screen,
             std::vector<std::string>& notes) {
  const auto matrices = z_matrices(tables, screen.genes, words.z_options);
  if (matrices.empty())
    notes.push_back("No gene of any target passes the thresholds of the Z matrix: none is written.");
  // "Z.tsv" of one group, "Z_rep1.tsv" of several.
  std::filesystem::path path(words.z);
  const std::string stem = path.stem().string();
  std::vector<std::string> names;
  for (const auto& matrix : matrices) names.push_back(stem + "_" + matrix.group);
  names = file_names(names);
  for (std::size_t i = 0; i < matrices.size(); ++i)
    write(z_table(matrices[i]), matrices.size() > 1 ? path.replace_filename(names[i] + ".tsv").string() : words.z);
}

/// A folder with a table for each target, put in place whole.
class TargetFolder {
 public:
  TargetFolder(const std::string& path, const Screen& screen)
      : place_(made_above(path)), names_(file_names(screen.target.names)) {}
  void add(std::int32_t target, const std::string& label, const report::Table& table, std::vector<std::string>& notes) {
    const std::string& name = names_[static_cast<std::size_t>(target)];
    report::write_table(table, place_.aside() + "/" + name + ".tsv");
    if (name != label) notes.push_back("The table of " + label + " is \"" + name + ".tsv\".");
  }
  void put_in_place() { place_.put_in_place(); }

 private:
  static const std::string& made_above(const std::string& path) {
    const auto above = std::filesystem::path(path.substr(0, path.find_last_not_of('/') + 1)).parent_path();
    if (!above.empty()) std::filesystem::create_directories(above);
    return path;
  }
  storage::NewFolder place_;
  std::vector<std::string> names_;
};

void run_de(const DeWords& words) {
  if (words.resume && words.out == "-")
    throw UsageError("--resume needs a file or folder as --out: what is done is kept beside it");
  if (words.folder()) check_new_folder(words.out, "--out");
  std::vector<std::string> notes;
  report::Table all;
  std::optional<TargetFolder> folder;
  DeState state;
  {
    const auto control = words.control();
    ChainOptions options = words.options();
    options.score.leave_one_out = false;  // made of one target at a time
    options.with_scores = true;
    options.with_calls = options.with_discriminant = false;
    const data::Dataset dataset = words.read({words.out, words.z}, control);
    const auto targets = targets_of(make_screen(dataset, options.columns), words.only);
    DeOptions de_options = words.de;
    de_options.threads = words.threads();
    const RunControl scoring = part(control, 0, 0.2), testing = part(control, 0.2, 1);
    if (words.out != "-")
      state = DeState(words.state_folder(), fingerprint(dataset, options, de_options, control), words.resume);
    const Screening of = screening_of(words, options, dataset, state, scoring);
    notes = of.notes;
    if (words.folder()) folder.emplace(words.out, of.screen);
    std::vector<WeightedDe> kept;
    for_each_weighted_de(
        of, dataset.counts, targets, de_options, state, testing, [&](std::int32_t target, WeightedDe de) {
          const auto code = static_cast<std::size_t>(target);
          const std::string& name = of.screen.target.names[code];
          if (!words.de.unweighted && !of.scores.reason[code].empty())
            notes.push_back(name + " has no scores (" + of.scores.reason[code] + "): its cells all weigh 1.");
          notes.insert(notes.end(), de.notes.begin(), de.notes.end());
          auto table = de_table(de, of.screen.genes, words.full);
          if (folder)
            folder->add(target, name, table, notes);
          else if (de.rows() > 0)
            append_by_name(all, with_target(name, std::move(table)));
          if (!words.z.empty()) kept.push_back(std::move(de));
        });
    if (!words.z.empty()) write_z(words, kept, of.screen, notes);
  }
  if (folder)
    folder->put_in_place();
  else
    write(all, words.out);
  state.remove();  // all it held is in the results
  tell(notes);
}

}  // namespace

void add_perturb_de(CLI::App& perturb) {
  auto words = std::make_shared<DeWords>();
  auto* command = perturb.add_subcommand(
      "de", "Which genes change with a perturbation: regression of counts on how strongly cells answer it");
  words->add_data(*command);
  words->add_signature(*command);
  words->add_markers(*command);
  words->add_score(*command);
  command->add_option("--out", words->out, "table (.tsv, .csv, .json, or - ) of all targets, or a folder of tables")
      ->required();
  command->add_option("--targets", words->only, "only these: names separated by commas, or a file with one a line");
  command->add_option("--z", words->z, "also the Z matrix, genes by targets; of several groups one file each");
  command->add_flag("--unweighted", words->de.unweighted, "cells of a target all weigh 1: no scores");
  command->add_flag("--r-compatible", words->de.r_compatible,
                    "numbers as Mixscale's Run_wmvRegDE and glmGamPoi give them");
  command->add_flag("--full", words->full, "coefficients and p of all covariates");
  command->add_flag("--resume", words->resume, "go on behind the targets that a stopped run finished (OUT.state)");
  command->add_option("--de-logfc", words->de.logfc_threshold, "tested: |log2 fold change| at least, in some group")
      ->check(number_from_zero)
      ->capture_default_str();
  command->add_option("--de-min-pct", words->de.min_pct, "tested: share of expressing cells on one side, at least")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--de-min-cells", words->de.min_cells, "tested: expressing cells on one side, at least")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command->add_option("--z-p", words->z_options.p, "Z matrix: p of a gene, at most")
      ->check(positive_number)
      ->capture_default_str();
  command->add_option("--z-log2fc", words->z_options.log2fc, "Z matrix: |log2 fold change| of a gene, at least")
      ->check(number_from_zero)
      ->capture_default_str();
  command->add_option("--z-most", words->z_options.most, "Z matrix: genes of a target and group; 0: no limit")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command->footer(
      "For each gene: counts ~ negative binomial with ln mean = intercept + b · weight + c · log10(total of the cell); "
      "with\n--split an intercept and a b for each group. The weight of a cell is its Mixscale score, at least 0, and "
      "0 "
      "for controls; a\nmarker gene is tested with scores made without it, and the target's own gene, like all genes "
      "of "
      "targets without\nscores, with weight 1. Wald tests; where counts occur only at weight 0, likelihood-ratio tests "
      "(separated).\nMarkers and the target's own gene are always tested, others where enough cells express them.\n"
      "Columns: target, gene, log2fc, beta_weight, se_weight, p_weight, p_adj_weight (Benjamini–Hochberg), dispersion, "
      "DE_method,\nseparated; log2fc_GROUP and so on with --split. Rows by rising p of the last group. log2fc is of "
      "(counts + 1) per\ncell, not divided by the cells' totals, as Mixscale in R has it (that of `perturb markers` is "
      "of normalised counts), and\nempty where too few cells express the gene.");
  command->callback([words] { run_de(*words); });
}

}  // namespace scriptorium::cli
