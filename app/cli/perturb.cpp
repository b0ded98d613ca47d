#include "perturb.hpp"

#include <nlohmann/json.hpp>

#include "core/data/formats/names.hpp"
#include "core/data/writers/writers.hpp"
#include "core/error.hpp"
#include "core/perturbation/tables.hpp"

namespace scriptorium::cli {

using namespace perturbation;

namespace {

struct Words : ScreenWords {
  std::string out, projections, targets;
  bool wide = false;
};

/// What every step begins with.
struct Begun {
  ChainOptions options;
  data::Dataset dataset;
  Screen screen;
  std::shared_ptr<const Expression> x;
};
Begun begin(const Words& words, const RunControl& control) {
  Begun job{words.options(), words.read({words.out, words.projections, words.targets}, control), {}, nullptr};
  job.screen = make_screen(job.dataset, job.options.columns);
  job.x = std::make_shared<Expression>(
      Expression::of_counts(job.dataset.counts, job.dataset.missing, words.threads(), control));
  return job;
}
Signature signature_of(const Words& words, const Begun& job, const RunControl& control) {
  return words.signature(job.x, job.dataset, job.screen, job.options.signature, control);
}

/// Cells × genes as a table: for small data.
report::Table signature_table(const Begun& job, const Signature& signature, const RunControl& control) {
  constexpr std::int64_t most_values = 50'000'000;
  const std::int64_t n_cells = signature.n_cells(), n_genes = signature.n_genes();
  if (n_cells * n_genes > most_values)
    throw Error(
        ErrorCode::BadInput,
        "A table of " + data::grouped(n_cells) + " cells and " + data::grouped(n_genes) + " genes would be too large.",
        "Write an h5ad (--out FILE.h5ad), or keep fewer cells.");
  const auto values = signature.rows(0, n_cells, job.options.threads, control);
  report::Table table;
  table.add("cell", job.dataset.cells.names);
  for (std::int64_t g = 0; g < n_genes; ++g) {
    std::vector<double> column;
    for (std::int64_t i = 0; i < n_cells; ++i) column.push_back(values[i * n_genes + g]);
    table.add(job.screen.genes[g], std::move(column));
  }
  return table;
}

void run_signature(const Words& words) {
  std::vector<std::string> notes;
  {
    const auto control = words.control();
    const Begun job = begin(words, control);
    const Signature signature = signature_of(words, job, control);
    notes = job.screen.notes;
    notes.insert(notes.end(), signature.notes().begin(), signature.notes().end());
    if (!words.out.ends_with(".h5ad")) {
      write(signature_table(job, signature, control), words.out);
    } else {
      const data::StreamedLayer layer{"X_pert", words.wide, [&](std::int64_t first, std::int64_t last) {
                                        return signature.rows(first, last, words.threads(), control);
                                      }};
      const nlohmann::json uns{{"scriptorium", {{"perturbation", job.options}}}};
      data::write_h5ad(job.dataset, uns, {layer}, words.out, control);
    }
  }
  tell(notes);
}

/// The test of Mixscale, over all cells, or of Mixscape, within groups.
void run_markers(const Words& words) {
  std::vector<std::string> notes;
  report::Table table;
  {
    const auto control = words.control();
    const Begun job = begin(words, control);
    MarkerOptions options = job.options.score.markers;
    options.threads = words.threads();
    notes = job.screen.notes;
    const bool within = words.method() == "mixscape" && job.screen.has_split;
    const std::int32_t first = within ? 0 : -1, last = within ? job.screen.n_splits() : 0;
    Scores selected;
    if (words.method() != "mixscape") {
      selected = mixscale_markers(*job.x, job.screen, job.options.score, control);
      notes = selected.notes;
    }
    for (std::int32_t split = first; split < last; ++split) {
      const auto tables = markers_of_targets(*job.x, job.screen, split, options, control);
      std::vector<std::vector<std::int64_t>> lists = selected.markers;
      if (words.method() == "mixscape") {
        lists.clear();
        for (const MarkerTable& one : tables) lists.push_back(select_all(one, options));
      }
      append(table, marker_table(job.screen, tables, lists, split));
      for (std::int32_t t = 0; t < job.screen.n_targets(); ++t)
        if (!tables[t].not_tested.empty())
          notes.push_back(job.screen.target.names[t] + (split < 0 ? "" : " in " + job.screen.split.names[split]) +
                          ": " + tables[t].not_tested + ".");
    }
  }
  write(table, words.out);
  tell(notes);
}

void run_score(const Words& words) {
  words.only_method("mixscale", "call");
  std::vector<std::string> notes;
  {
    const auto control = words.control();
    const Begun job = begin(words, control);
    const Signature signature = signature_of(words, job, control);
    const auto tested = words.tested(job.x, job.dataset, control);
    const Scores scores = mixscale(*tested, signature, job.screen, job.options.score, control);
    const auto& cells = job.dataset.cells.names;
    write(score_table(cells, job.screen, scores, job.options.score_column), words.out);
    if (!words.projections.empty()) write(projection_table(cells, job.screen, scores), words.projections);
    if (!words.targets.empty())
      write(target_table(job.screen, judge_targets(*job.x, job.screen, &scores, nullptr, {}, words.threads(), control)),
            words.targets);
    notes = signature.notes();
    notes.insert(notes.end(), scores.notes.begin(), scores.notes.end());
    for (std::int32_t t = 0; t < job.screen.n_targets(); ++t)
      if (!scores.reason[t].empty())
        notes.push_back(job.screen.target.names[t] + " is not scored: " + scores.reason[t] + ".");
  }
  tell(notes);
}

void run_call(const Words& words) {
  words.only_method("mixscape", "score");
  std::vector<std::string> notes;
  {
    const auto control = words.control();
    const Begun job = begin(words, control);
    const Signature signature = signature_of(words, job, control);
    const auto tested = words.tested(job.x, job.dataset, control);
    const Calls calls = mixscape(*tested, signature, job.screen, job.options.call, control);
    write(call_table(job.dataset.cells.names, job.screen, calls, job.options.class_column), words.out);
    if (!words.targets.empty())
      write(target_table(job.screen, judge_targets(*job.x, job.screen, nullptr, &calls, {}, words.threads(), control)),
            words.targets);
    notes = signature.notes();
    notes.insert(notes.end(), calls.notes.begin(), calls.notes.end());
  }
  tell(notes);
}

void run_discriminant(const Words& words) {
  words.only_method("mixscape", "score");
  std::vector<std::string> notes;
  {
    const auto control = words.control();
    const Begun job = begin(words, control);
    const Signature signature = signature_of(words, job, control);
    const auto tested = words.tested(job.x, job.dataset, control);
    const Calls calls = mixscape(*tested, signature, job.screen, job.options.call, control);
    const Discriminant found = discriminant(*job.x, job.screen, calls, job.options.discriminant, control);
    write(discriminant_table(job.dataset.cells.names, job.screen, found), words.out);
    notes = signature.notes();
    notes.insert(notes.end(), calls.notes.begin(), calls.notes.end());
    notes.insert(notes.end(), found.notes.begin(), found.notes.end());
  }
  tell(notes);
}

CLI::App* step(CLI::App& perturb, const std::string& name, const std::string& what, const std::shared_ptr<Words>& words,
               void (*run)(const Words&)) {
  auto* command = perturb.add_subcommand(name, what);
  words->add_data(*command);
  command->callback([words, run] { run(*words); });
  return command;
}

void add_signature_step(CLI::App& perturb) {
  auto words = std::make_shared<Words>();
  auto* command =
      step(perturb, "signature", "What a cell lacks against its reference: expression of control cells − its own",
           words, run_signature);
  words->add_signature(*command);
  command->add_option("--out", words->out, "FILE.h5ad: the data with the layer X_pert; else a table, cells × genes")
      ->required();
  command->add_flag("--float64", words->wide, "the layer in 64-bit numbers");
}

void add_markers_step(CLI::App& perturb) {
  auto words = std::make_shared<Words>();
  auto* command =
      step(perturb, "markers", "Genes that differ between the cells of a target and the controls", words, run_markers);
  words->add_markers(*command);
  add_table_output(*command, words->out);
  command->footer(
      "All cells together as Mixscale takes them, or with --method mixscape within each group of --split.\nColumns: "
      "target, split (where groups are apart), gene, z, p, p_adj, log2fc, pct_target, pct_control, selected (rank "
      "among\nthe target's markers; empty: none).");
}

void add_score_step(CLI::App& perturb) {
  auto words = std::make_shared<Words>();
  auto* command = step(perturb, "score", "Mixscale: how strongly each cell answers its perturbation", words, run_score);
  words->add_signature(*command);
  words->add_markers(*command);
  words->add_score(*command);
  words->add_layers(*command);
  add_table_output(*command, words->out);
  command->add_option("--projections", words->projections, "also a table of the projections of each target and group");
  command->add_option("--targets", words->targets, "also a table of the targets with verdicts");
}

void add_call_steps(CLI::App& perturb) {
  auto words = std::make_shared<Words>();
  auto* command = step(perturb, "call", "Mixscape: which cells of a target are perturbed", words, run_call);
  words->add_signature(*command);
  words->add_markers(*command);
  words->add_score(*command);
  words->add_call(*command);
  words->add_layers(*command);
  add_table_output(*command, words->out);
  command->add_option("--targets", words->targets, "also a table of the targets with verdicts");

  words = std::make_shared<Words>();
  command = step(perturb, "lda", "Perturbed cells along the axes that tell targets apart", words, run_discriminant);
  words->add_signature(*command);
  words->add_markers(*command);
  words->add_score(*command);
  words->add_call(*command);
  words->add_discriminant(*command);
  words->add_layers(*command);
  add_table_output(*command, words->out);
}

}  // namespace

void add_perturb(CLI::App& app) {
  auto* perturb = app.add_subcommand("perturb", "Pooled perturbation screens: Mixscale scores, Mixscape calls");
  perturb->require_subcommand(1);
  add_signature_step(*perturb);
  add_markers_step(*perturb);
  add_score_step(*perturb);
  add_call_steps(*perturb);
  add_perturb_all(*perturb);
  add_perturb_genes(*perturb);
}

}  // namespace scriptorium::cli
