#include <filesystem>

#include "core/perturbation/tables.hpp"
#include "core/storage/atomic_file.hpp"
#include "perturb.hpp"

namespace scriptorium::cli {

using namespace perturbation;

namespace {

struct AllWords : ScreenWords {
  std::string out, tables, layer = "none";
  bool resume = false, no_discriminant = false, no_leave_one_out = false;
};

/// Every table of the screening, as files in a folder that is put in place whole.
void write_tables(const data::Dataset& dataset, const Screening& found, const std::string& folder,
                  const RunControl& control) {
  storage::NewFolder place(folder);
  const auto put = [&](const report::Table& table, const char* name) {
    control.check();
    report::write_table(table, place.aside() + "/" + name);
  };
  const Screen& screen = found.screen;
  const auto& cells = dataset.cells.names;
  if (found.options.with_scores) {
    MarkerOptions markers = found.options.score.markers;
    markers.threads = found.options.threads;
    put(marker_table(screen, markers_of_targets(*found.expression, screen, -1, markers, control), found.scores.markers,
                     -1),
        "markers.tsv");
    put(score_table(cells, screen, found.scores, found.options.score_column), "scores.tsv");
    put(projection_table(cells, screen, found.scores), "projections.tsv");
  }
  if (found.options.with_calls) put(call_table(cells, screen, found.calls, found.options.class_column), "calls.tsv");
  if (found.discriminant) put(discriminant_table(cells, screen, *found.discriminant), "lda.tsv");
  put(target_table(screen, found.targets), "targets.tsv");
  if (!screen.guide.names.empty()) put(guide_table(screen, found.targets), "guides.tsv");
  place.put_in_place();
}

/// One line on standard output.
void summarise(const Screening& found, const std::string& out) {
  std::int64_t effects = 0, perturbed = 0, not_perturbed = 0, controls = 0;
  for (const TargetSummary& target : found.targets)
    effects += target.verdict == TargetVerdict::Effect || target.verdict == TargetVerdict::GuidesDisagree;
  for (const CellState state : found.calls.state) {
    perturbed += state == CellState::Perturbed;
    not_perturbed += state == CellState::NotPerturbed || state == CellState::TooFewPerturbed;
    controls += state == CellState::Control;
  }
  double seconds = 0;
  for (const auto& step : found.steps) seconds += step.seconds;
  std::printf("%s: %lld of %zu targets have an effect", out.c_str(), static_cast<long long>(effects),
              found.targets.size());
  if (found.options.with_calls)
    std::printf("; cells %s %lld, NP %lld, control %lld", found.calls.perturbation_type.c_str(),
                static_cast<long long>(perturbed), static_cast<long long>(not_perturbed),
                static_cast<long long>(controls));
  std::printf("; %.2f s (", seconds);
  for (std::size_t i = 0; i < found.steps.size(); ++i)
    std::printf("%s%s %.2f%s", i == 0 ? "" : ", ", found.steps[i].name.c_str(), found.steps[i].seconds,
                found.steps[i].resumed ? " resumed" : "");
  std::printf(")\n");
}

void run_all(const AllWords& words) {
  check_new_folder(words.tables, "--tables");
  std::vector<std::string> notes;
  Screening found;
  {
    const auto control = words.control();
    ChainOptions options = words.options();
    options.with_discriminant = !words.no_discriminant;
    data::Dataset dataset = words.read({words.out}, control);
    const std::string state = words.out + ".state";
    found = run_chain(dataset, options, state, words.resume, control);
    if (!words.tables.empty()) write_tables(dataset, found, words.tables, control);
    const auto layer = words.layer == "float32"   ? LayerType::Float32
                       : words.layer == "float64" ? LayerType::Float64
                                                  : LayerType::None;
    notes = found.notes;
    for (auto& note :
         write_screening_h5ad(std::move(dataset), found, layer, words.out, control, !words.no_leave_one_out))
      notes.push_back(std::move(note));
    std::error_code ignored;
    std::filesystem::remove(state, ignored);  // all it held is in the results
  }
  summarise(found, words.out);
  tell(notes);
}

}  // namespace

void add_perturb_all(CLI::App& perturb) {
  auto words = std::make_shared<AllWords>();
  auto* command =
      perturb.add_subcommand("all", "The whole chain: signature, scores, calls, discriminant axes, verdicts");
  words->add_data(*command);
  words->add_signature(*command);
  words->add_markers(*command);
  words->add_score(*command);
  words->add_call(*command);
  words->add_discriminant(*command);
  command->add_option("--out", words->out, "FILE.h5ad: the data with what was found, under pertpy's names")
      ->required()
      ->check([](const std::string& name) {
        return name.ends_with(".h5ad") ? std::string() : "\"" + name + "\" is not a name of an h5ad file (.h5ad)";
      });
  command->add_option("--tables", words->tables,
                      "folder for tables: markers, scores, projections, calls, lda, targets, guides");
  command->add_option("--signature", words->layer, "also the layer X_pert: none, float32 or float64")
      ->transform(one_of({"none", "float32", "float64"}))
      ->capture_default_str();
  command->add_flag("--no-lda", words->no_discriminant, "leave the discriminant analysis out");
  command->add_flag("--no-leave-one-out", words->no_leave_one_out,
                    "uns mixscale without the projections that leave one marker out: a smaller file");
  command->add_flag("--resume", words->resume, "go on behind the steps that a stopped run finished (OUT.state)");
  command->callback([words] { run_all(*words); });
}

}  // namespace scriptorium::cli
