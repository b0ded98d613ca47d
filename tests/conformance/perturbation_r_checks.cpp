// Kinds perturbation/r_mixscale and perturbation/r_mixscape: answers of Mixscale and Seurat in R.
#include <algorithm>

#include "perturbation_files.hpp"

namespace conformance {

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

const json& run_named(const json& runs, const std::string& name) {
  for (const json& run : runs)
    if (run.at("name") == name) return run;
  throw json::other_error::create(500, "no run " + name, nullptr);
}

/// R leaves cells out of its answers where it has none for them.
void compare_scores(Case& test, const std::string& what, const Scores& found, const json& wanted, double tolerance) {
  compare_all(test, what + " score", found.score, numbers(wanted.at("scores")), tolerance);
}

/// Projections of the group of a target, of its cells by name, and those without its first marker.
void check_leave_one_out(Case& test, const ScreenFile& file, const Screen& screen, const Scores& found,
                         const std::string& target, const json& wanted) {
  const auto group = std::find_if(found.groups.begin(), found.groups.end(),
                                  [&](const GroupScore& one) { return screen.target.names[one.target] == target; });
  test.check(target + " is scored", group != found.groups.end());
  if (group == found.groups.end()) return;
  test.check(target + ": first marker", file.names({group->markers.front()}).front() == wanted.at("gene"));
  const auto cells = file.inputs.at("cells").get<std::vector<std::string>>();
  std::map<std::string, std::size_t> place;
  for (std::size_t i = 0; i < group->cells.size(); ++i) place[cells[group->cells[i]]] = i;
  std::vector<double> pvec, without_first;
  for (const json& cell : wanted.at("cells")) {
    const std::size_t i = place.at(cell);
    pvec.push_back(group->projection[i]);
    without_first.push_back(group->leave_one_out[i * group->markers.size()]);
  }
  const double tolerance = test.tolerance("same_markers_scores_abs");
  compare_all(test, target + " pvec", pvec, numbers(wanted.at("pvec")), tolerance);
  compare_all(test, target + " loo", without_first, numbers(wanted.at("loo")), tolerance);
}

void check_same_markers(Case& test, const ScreenFile& file) {
  const json theirs = test.sibling(test.inputs().at("same_markers_as"));
  for (const auto& [name, wanted] : test.expected().at("same_markers").items()) {
    const json& run = run_named(theirs.at("expected"), name);
    const Screen screen = file.screen(run.at("parameters").value("split_by", json()));
    auto options = run.at("parameters").get<ScoreOptions>();
    options.rule = Rule::R;
    options.de_genes_by_target =
        run.at("expected").at("markers").get<std::map<std::string, std::vector<std::string>>>();
    options.leave_one_out = true;
    options.threads = 1;
    const Scores found = mixscale(*file.x, signature_file(test, run.at("signature")), screen, options);
    compare_scores(test, name, found, wanted, test.tolerance("same_markers_scores_abs"));
    const json groups = wanted.value("loo_first_gene", json::object());
    for (const auto& [target, values] : groups.items())
      check_leave_one_out(test, file, screen, found, target, values);
  }
}

void check_own_markers(Case& test, const ScreenFile& file) {
  for (const auto& [name, wanted] : test.expected().at("own_markers").items()) {
    const bool split = name.find("split") != std::string::npos;
    const Screen screen = file.screen(split ? json("replicate") : json());
    ScoreOptions options = score_defaults(Rule::R);
    options.fine_mode = name.find("fine") != std::string::npos;
    options.threads = 1;
    const auto signature = signature_file(test, test.inputs().at(split ? "signature_split" : "signature_nosplit"));
    const Scores found = mixscale(*file.x, signature, screen, options);
    compare_scores(test, name, found, wanted, test.tolerance("own_scores_abs"));
    for (std::int32_t t = 0; t < screen.n_targets(); ++t)
      if (t != screen.control)
        test.check(
            name + " markers of " + screen.target.names[t],
            json(file.names(found.markers[t])) == wanted.at("markers").value(screen.target.names[t], json::array()));
  }
}

void check_tables(Case& test, const ScreenFile& file) {
  const Screen screen = file.screen(nullptr);
  MarkerOptions options = score_defaults(Rule::R).markers;
  options.threads = 1;
  const auto tables = markers_of_targets(*file.x, screen, -1, options);
  for (const auto& [target, wanted] : test.expected().at("lr_tables").items()) {
    const MarkerTable& table = tables.at(static_cast<std::size_t>(screen.target_code(target)));
    test.check(target + ": genes tested, in order", json(file.names(table.gene)) == wanted.at("genes"));
    test.compare(target + " p", table.p, wanted.at("p"), test.tolerance("lr_p_rel"), 0);
    test.compare(target + " adjusted p", table.p_adj, wanted.at("p_bonferroni"), test.tolerance("lr_p_rel"), 0);
    const double tolerance = test.tolerance("lr_log2fc_abs");
    compare_all(test, target + " log2fc", table.log2fc, numbers(wanted.at("log2fc")), tolerance);
    compare_all(test, target + " pct", table.pct_target, numbers(wanted.at("pct_target")), tolerance);
    compare_all(test, target + " pct of controls", table.pct_control, numbers(wanted.at("pct_control")), tolerance);
  }
}

}  // namespace

void check_r_mixscale(Case& test) {
  const ScreenFile file = screen_file(test);
  check_same_markers(test, file);
  check_own_markers(test, file);
  check_tables(test, file);
}

void check_r_mixscape(Case& test) {
  const ScreenFile file = screen_file(test);
  for (const auto& [name, wanted] : test.expected().items()) {
    const bool split = name.find("split") != std::string::npos;
    const Screen screen = file.screen(split ? json("replicate") : json());
    CallOptions options = call_defaults(Rule::R);
    options.markers.min_de_genes = test.inputs().value("min_de_genes", options.markers.min_de_genes);
    options.min_cells = options.markers.min_de_genes;
    options.iterations = test.inputs().value("max_iterations", options.iterations);
    options.threads = 1;
    const auto signature = signature_file(test, test.inputs().at(split ? "signature_split" : "signature_nosplit"));
    const Calls found = mixscape(*file.x, signature, screen, options);
    compare_texts(test, name + " class", texts(found.classes(screen)), wanted.at("class"));
    auto global = texts(found.global_classes(screen));
    for (std::size_t i = 0; i < global.size(); ++i)  // R takes the bare "NP" for the control: ours is NP
      if (found.state[i] == CellState::TooFewPerturbed && wanted.at("global").at(i) == test.inputs().at("control"))
        global[i] = test.inputs().at("control");
    compare_texts(test, name + " global class", global, wanted.at("global"));
    compare_all(test, name + " posterior", found.posterior, numbers(wanted.at("posterior")),
                test.tolerance("posterior_abs"));
  }
}

}  // namespace conformance
