// Kinds perturbation/screen, signature, de, mixscale, mixscape and lda: answers of pertpy.
#include <algorithm>
#include <cmath>

#include "core/perturbation/discriminant.hpp"
#include "perturbation_files.hpp"

namespace conformance {

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

/// Columns of `found` with the signs of `wanted`'s.
std::vector<double> with_signs(std::vector<double> found, const std::vector<double>& wanted, std::size_t columns) {
  if (found.size() != wanted.size()) return found;
  for (std::size_t j = 0; j < columns; ++j) {
    double product = 0;
    for (std::size_t i = j; i < found.size(); i += columns) product += found[i] * wanted[i];
    for (std::size_t i = j; product < 0 && i < found.size(); i += columns) found[i] = -found[i];
  }
  return found;
}

/// The entry of a file's `expected` that holds principal components: "pca_scores_15", …
const json& components_of(const json& expected) {
  for (const auto& [key, value] : expected.items())
    if (key.rfind("pca_scores", 0) == 0) return value;
  throw json::other_error::create(500, "no principal components", nullptr);
}

double sum_of(const data::CountMatrix& counts, std::size_t cell) {
  double sum = 0;
  for (auto k = counts.row_start[cell]; k < counts.row_start[cell + 1]; ++k) sum += counts.count[k];
  return sum;
}

}  // namespace

void check_screen(Case& test) {
  const auto counts = counts_of(test.inputs().at("counts"));
  const auto x = Expression::of_counts(counts, {}, 1, {}, test.inputs().value("scale_factor", 1e4));
  std::vector<double> values, totals;
  for (std::int64_t i = 0; i < x.n_cells(); ++i) {
    totals.push_back(sum_of(counts, static_cast<std::size_t>(i)));
    for (std::int64_t g = 0; g < x.n_genes(); ++g) values.push_back(x.at(i, g));
  }
  compare_all(test, "total", totals, numbers(test.expected().at("total_counts")), 0);
  compare_all(test, "x", values, numbers(test.expected().at("lognorm")), test.tolerance("lognorm_abs"));

  const json& scores = components_of(test.expected());
  const std::size_t dims = scores.at(0).size();
  SignatureOptions options;
  options.dims = static_cast<int>(dims);
  options.representation = "pca";
  const Points points = points_of(x, options);
  const auto wanted = numbers(scores);
  compare_all(test, "score", with_signs(points.values, wanted, dims), wanted,
              test.tolerance("pca_scores_abs_up_to_column_sign"));
  const auto variance = numbers(test.expected().at("pca_explained_variance"));
  for (std::size_t j = 0; j < variance.size() && j < dims; ++j) {
    double squares = 0;  // columns are centred
    for (std::size_t i = j; i < points.values.size(); i += dims) squares += points.values[i] * points.values[i];
    test.compare("variance of component " + std::to_string(j), squares / static_cast<double>(x.n_cells() - 1),
                 json(variance[j]), test.tolerance("pca_variance_rel"), 0);
  }
}

void check_signature(Case& test) {
  const ScreenFile file = screen_file(test);
  const json& inputs = test.inputs();
  const Screen screen = file.screen(inputs.at("split_by"));
  SignatureOptions options;
  options.reference = reference_from_string(inputs.at("mode"));
  options.neighbours = inputs.at("n_neighbors");
  options.dims = inputs.at("n_dims");
  Signature signature;
  if (options.reference == Reference::SplitMean) {
    signature = Signature::by_split_mean(file.x, screen);
  } else {
    Points points;
    if (inputs.value("representation", "").rfind("pca", 0) == 0) {
      const json& scores = components_of(file.expected);
      points.dims =
          static_cast<int>(std::min<std::size_t>(scores.at(0).size(), static_cast<std::size_t>(options.dims)));
      for (const json& row : scores)
        for (int d = 0; d < points.dims; ++d) points.values.push_back(row.at(static_cast<std::size_t>(d)));
    } else {
      options.representation = "X";
      points = points_of(*file.x, options);
    }
    signature = Signature::by_neighbours(file.x, screen, points, options);
  }
  if (inputs.contains("neighbours") && inputs["neighbours"].is_array()) {
    const json& wanted = inputs["neighbours"];
    const auto k = static_cast<std::size_t>(signature.k());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      auto theirs = wanted[i].get<std::vector<std::int32_t>>();
      std::vector<std::int32_t> ours;
      for (std::size_t j = i * k; j < (i + 1) * k; ++j)
        if (signature.neighbours()[j] >= 0) ours.push_back(signature.neighbours()[j]);
      std::sort(theirs.begin(), theirs.end());
      std::sort(ours.begin(), ours.end());
      test.check("neighbours of cell " + std::to_string(i), ours == theirs);
    }
  }
  const auto wanted = numbers(test.expected().at("signature"));
  const double tolerance = test.tolerance("signature_abs");
  compare_all(test, "signature by rows", signature.rows(0, file.n_cells, 1), wanted, tolerance);
  std::vector<std::int64_t> cells, genes;
  for (std::int64_t i = 0; i < file.n_cells; ++i) cells.push_back(i);
  for (std::int64_t g = 0; g < file.x->n_genes(); ++g) genes.push_back(g);
  compare_all(test, "signature by columns", signature.columns(cells, genes), wanted, tolerance);
}

void check_markers(Case& test) {
  const ScreenFile file = screen_file(test);
  const Screen screen = file.screen(nullptr);
  MarkerOptions options;
  options.logfc_threshold = test.inputs().value("log2fc_min", options.logfc_threshold);
  options.pval_cutoff = test.inputs().value("p_adj_max", options.pval_cutoff);
  options.threads = 1;
  const auto tables = markers_of_targets(*file.x, screen, -1, options);
  for (const auto& [target, wanted] : test.expected().at("tables").items()) {
    const MarkerTable& table = tables.at(static_cast<std::size_t>(screen.target_code(target)));
    compare_all(test, target + " z", table.z, numbers(wanted.at("z")), test.tolerance("z_abs"));
    test.compare(target + " p", table.p, wanted.at("p"), test.tolerance("p_rel"), 0);
    test.compare(target + " p_adj", table.p_adj, wanted.at("p_adj"), test.tolerance("p_adj_rel"), 0);
    compare_all(test, target + " log2fc", table.log2fc, numbers(wanted.at("log2fc")), test.tolerance("log2fc_abs"));
    test.check(target + " markers in order",
               json(file.names(select_ordered(table, options, false))) == wanted.at("selected_in_order"));
  }
}

namespace {

void check_group(Case& test, const std::string& where, const GroupScore& group, const json& wanted) {
  const auto rows = wanted.at("rows").get<std::vector<std::int64_t>>();
  const std::size_t m = group.markers.size();
  std::vector<std::size_t> at;  // places of the file's rows in the group
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto found = std::find(group.cells.begin(), group.cells.end(), rows[i]);
    test.check(where + ": cell " + std::to_string(rows[i]), found != group.cells.end());
    if (found == group.cells.end()) return;
    at.push_back(static_cast<std::size_t>(found - group.cells.begin()));
    if (wanted.contains("is_target"))
      test.check(
          where + ": side of cell " + std::to_string(rows[i]),
          (at.back() < group.n_target) == (wanted["is_target"].at(i) != 0 && wanted["is_target"].at(i) != false));
  }
  test.check(where + ": number of cells", rows.size() == group.cells.size());
  compare_all(test, where + " direction", group.direction, numbers(wanted.at("vec")), test.tolerance("vec_abs"));
  std::vector<double> projection, leave_one_out;
  for (const std::size_t i : at) {
    projection.push_back(group.projection[i]);
    for (std::size_t j = 0; j < m; ++j) leave_one_out.push_back(group.leave_one_out[i * m + j]);
  }
  const double tolerance = test.tolerance("pvec_abs");
  compare_all(test, where + " pvec", projection, numbers(wanted.at("pvec")), tolerance);
  test.compare(where + " control mean", group.control_mean, wanted.at("control_mean"), 0, tolerance);
  test.compare(where + " control sd", group.control_sd, wanted.at("control_sd"), 0, tolerance);
  if (wanted.contains("loo") && wanted["loo"].is_array())
    compare_all(test, where + " loo", leave_one_out, numbers(wanted["loo"]), test.tolerance("loo_abs"));
}

/// Numbers that harmonisation draws, from the numbers the file states.
void check_drawn(Case& test, const std::string& where, const json& drawn, double min_proportion) {
  if (!drawn.contains("per_group")) return;
  std::vector<std::int64_t> target, controls;
  for (const auto& [split, n] : drawn.at("available").items()) {
    controls.push_back(n);
    target.push_back(drawn.at("target").value(split, std::int64_t{0}));
  }
  const auto sizes = harmonised_sizes(target, controls, min_proportion);
  std::size_t at = 0;
  for (const auto& [split, n] : drawn.at("available").items()) {
    test.check(where + ": controls drawn in " + split,
               (sizes ? (*sizes)[at] : controls[at]) == drawn["per_group"].value(split, std::int64_t{0}));
    ++at;
  }
}

}  // namespace

void check_mixscale(Case& test) {
  const ScreenFile file = screen_file(test);
  for (const json& run : test.expected()) {
    const std::string name = run.at("name");
    const json& parameters = run.at("parameters");
    const Screen screen = file.screen(parameters.value("split_by", json()));
    auto options = parameters.get<ScoreOptions>();
    options.threads = 1;
    options.leave_one_out = true;
    const json all_drawn = run.value("drawn_controls", json::object());
    for (const auto& [target, drawn] : all_drawn.items()) {
      options.drawn_controls[target] = drawn.at("cells").get<std::vector<std::int64_t>>();
      check_drawn(test, name + " " + target, drawn, options.harmonize_min_proportion);
    }
    const Scores found = mixscale(*file.x, signature_file(test, run.at("signature")), screen, options);
    const json& wanted = run.at("expected");
    compare_all(test, name + " score", found.score, numbers(wanted.at("scores")), test.tolerance("scores_abs"));
    for (std::int32_t t = 0; t < screen.n_targets(); ++t) {
      if (t == screen.control) continue;
      const std::string& target = screen.target.names[t];
      test.check(name + " markers of " + target,
                 json(file.names(found.markers[t])) == wanted.at("markers").value(target, json::array()));
    }
    if (!wanted.contains("detail") || wanted["detail"].is_null()) continue;
    std::size_t groups = 0;
    for (const auto& [target, by_split] : wanted["detail"].items())
      for (const auto& [split, detail] : by_split.items()) {
        ++groups;
        const auto group = std::find_if(found.groups.begin(), found.groups.end(), [&](const GroupScore& one) {
          return screen.target.names[one.target] == target && screen.split.names[one.split] == split;
        });
        test.check(name + " has " + target + " in " + split, group != found.groups.end());
        if (group != found.groups.end()) check_group(test, name + " " + target + " " + split, *group, detail);
      }
    test.check(name + ": number of groups scored", groups == found.groups.size());
  }
}

namespace {

/// The weights that each mixture fit of the reference began with.
InitialWeights weights_of(const json& trace, const Screen& screen) {
  return [&](std::int32_t target, std::int32_t split, int iteration) -> std::optional<std::array<double, 2>> {
    const auto at = trace.find(screen.target.names[target]);
    if (at == trace.end() || !at->contains(screen.split.names[split])) return {};
    const json& iterations = at->at(screen.split.names[split]).at("iterations");
    if (static_cast<std::size_t>(iteration) >= iterations.size()) return {};
    return iterations[static_cast<std::size_t>(iteration)].at("initial_weights").get<std::array<double, 2>>();
  };
}

void check_trace(Case& test, const std::string& where, const GroupCall& group, const json& wanted) {
  const json& iterations = wanted.at("iterations");
  test.check(where + ": rounds", iterations.size() == group.iterations.size());
  const double tolerance = test.tolerance("posterior_abs");
  for (std::size_t r = 0; r < iterations.size() && r < group.iterations.size(); ++r) {
    const CallIteration& ours = group.iterations[r];
    const json& theirs = iterations[r];
    const std::string round = where + " round " + std::to_string(r) + " ";
    test.check(round + "cells of the direction", ours.n_direction == theirs.at("n_used_for_direction"));
    test.check(round + "cells called", ours.n_called == theirs.at("n_called"));
    compare_all(test, round + "weights", {ours.fit.weight.begin(), ours.fit.weight.end()},
                numbers(theirs.at("weights")), tolerance);
    compare_all(test, round + "means", {ours.fit.mean.begin(), ours.fit.mean.end()}, numbers(theirs.at("means")),
                tolerance);
    compare_all(test, round + "sds", {ours.fit.sd.begin(), ours.fit.sd.end()}, numbers(theirs.at("sds")), tolerance);
    compare_all(test, round + "posterior", ours.posterior, numbers(theirs.at("posterior")), tolerance);
  }
}

}  // namespace

void check_mixscape(Case& test) {
  const ScreenFile file = screen_file(test);
  for (const json& run : test.expected()) {
    const std::string name = run.at("name");
    const json& parameters = run.at("parameters");
    const json& wanted = run.at("expected");
    const Screen screen = file.screen(parameters.value("split_by", json()));
    auto options = parameters.get<CallOptions>();
    // One number is both in the reference: the fewest markers, and the fewest cells called.
    if (!parameters.contains("min_cells")) options.min_cells = options.markers.min_de_genes;
    options.threads = 1;
    options.trace = true;
    const json trace = wanted.value("trace", json::object());
    options.initial_weights = weights_of(trace, screen);
    const Calls found = mixscape(*file.x, signature_file(test, run.at("signature")), screen, options);
    compare_texts(test, name + " class", texts(found.classes(screen)), wanted.at("mixscape_class"));
    compare_texts(test, name + " global class", texts(found.global_classes(screen)),
                  wanted.at("mixscape_class_global"));
    compare_all(test, name + " posterior", found.posterior, numbers(wanted.at("posterior")),
                test.tolerance("posterior_abs"));
    for (const GroupCall& group : found.groups) {
      const std::string &target = screen.target.names[group.target], &split = screen.split.names[group.split];
      auto genes = wanted.at("markers").value(split + "|" + target, std::vector<std::string>{});
      std::sort(genes.begin(), genes.end());
      auto ours = file.names(group.markers);
      std::sort(ours.begin(), ours.end());
      test.check(name + " markers of " + target + " in " + split, ours == genes);
      if (trace.contains(target) && trace[target].contains(split))
        check_trace(test, name + " " + target + " " + split, group, trace[target][split]);
    }
  }
}

void check_discriminant(Case& test) {
  const ScreenFile file = screen_file(test);
  const Screen screen = file.screen(nullptr);
  std::vector<std::int32_t> label, targets;
  for (const json& name : test.inputs().at("labels")) label.push_back(screen.target_code(name));
  for (const json& name : test.inputs().at("marker_targets")) targets.push_back(screen.target_code(name));
  DiscriminantOptions options;
  options.components = test.inputs().value("n_pcs", options.components);
  options.threads = 1;
  const auto found = discriminant(*file.x, test.inputs().at("rows").get<std::vector<std::int64_t>>(), label,
                                  screen.control, targets, options);
  const auto wanted = numbers(test.expected().at("coordinates"));
  compare_all(test, "coordinate", with_signs(found.coordinates, wanted, static_cast<std::size_t>(found.axes)), wanted,
              test.tolerance("abs_up_to_column_sign"));
}

}  // namespace conformance
