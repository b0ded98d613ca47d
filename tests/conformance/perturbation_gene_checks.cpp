// Kinds perturbation/r_wald, r_weighted_de and r_set_tests: answers of Mixscale and glmGamPoi in R.
#include <algorithm>
#include <cmath>

#include "core/perturbation/nb_regression.hpp"
#include "core/perturbation/set_tests.hpp"
#include "core/perturbation/z_matrix.hpp"
#include "perturbation_files.hpp"

namespace conformance {

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

/// |log10 found − log10 wanted|.
void compare_log10(Case& test, const std::string& what, double log_p, double wanted, double tolerance) {
  if (wanted <= 0) return test.check(what + ": far below 1e-300", log_p < -690);
  test.limit(what, std::fabs(log_p / std::log(10.0) - std::log10(wanted)), tolerance);
}

/// One number, or as many as there are genes.
double of_gene(const json& value, std::size_t gene) {
  return value.is_array() ? value.at(gene).get<double>() : value.get<double>();
}

void check_wald_gene(Case& test, const NbDesign& design, const std::vector<double>& counts, std::size_t g) {
  const json &in = test.inputs(), &expected = test.expected();
  const std::string gene = in.at("genes").at(g);
  const auto fitted_at = [&](const std::string& what, double dispersion, double dispersion_of_error,
                             const std::string& prefix) {
    const auto fit = fit_nb(design, counts, dispersion);
    const auto wanted = numbers(expected.at(prefix + "beta").at(g));
    compare_all(test, gene + what + " beta", fit.coefficient, wanted, test.tolerance("beta_abs"));
    std::vector<double> means(design.padded(), 0.0);
    for (std::size_t i = 0; i < design.cells(); ++i) {
      double eta = 0;
      for (std::size_t j = 0; j < wanted.size(); ++j) eta += wanted[j] * design.column(j)[i];
      means[i] = std::exp(eta);
    }
    test.compare(gene + what + " se", standard_errors(design, means, dispersion_of_error),
                 expected.at(prefix + "se").at(g), test.tolerance("se_rel_at_given_beta"), 0);
    return fit;
  };
  const double of_error = of_gene(in.at("dispersion_for_se"), g);
  const auto fit = fitted_at("", of_gene(in.at("dispersion_for_beta"), g), of_error, "");
  const auto error = standard_errors(design, fit.mean, of_error);
  const auto wanted = numbers(expected.at("p").at(g));
  for (std::size_t j = 0; j < wanted.size(); ++j)
    compare_log10(test, gene + " p " + std::to_string(j), log_two_sided_p(fit.coefficient[j] / error[j]), wanted[j],
                  test.tolerance("p_log10_abs"));
  if (expected.contains("no_shrinkage_beta")) {
    const double own = of_gene(in.at("dispersion_no_shrinkage"), g);
    fitted_at(", no shrinkage", own, own, "no_shrinkage_");
  }
  const double tolerance = test.tolerance("cox_reid_dispersion_rel");
  const json& dispersion = expected.at("cox_reid_dispersion").at(g);
  test.compare(gene + " dispersion", fit_nb_with_dispersion(design, counts).dispersion, dispersion, tolerance, 1e-6);
  const double rough = moment_dispersion(counts, design.cells());
  test.compare(gene + " dispersion, glmGamPoi's steps",
               cox_reid_dispersion(design, counts, fit_nb(design, counts, rough).mean, rough, 0.99), dispersion,
               tolerance, 1e-6);
}

/// Runs of one answer file: where scores come from and whether cells are parted.
struct Run {
  ScreenFile file;
  Screen screen;
  std::vector<WeightedDe> tables;
};

Run weighted_run(const Case& test, const std::string& name, bool r_compatible) {
  // "pert_r_mixscale.json own_default / own_split"
  const std::string words = test.inputs().at("scores");
  const json scores_file = test.sibling(words.substr(0, words.find(' ')));
  const bool split = name == "split";
  Run run{screen_file(test), {}, {}};
  run.screen = run.file.screen(split ? json("replicate") : json());
  const json& own = scores_file.at("expected").at("own_markers").at(split ? "own_split" : "own_default");
  ScoreOptions scoring = score_defaults(Rule::R);
  scoring.de_genes_by_target = own.at("markers").get<std::map<std::string, std::vector<std::string>>>();
  scoring.leave_one_out = true;
  scoring.threads = 1;
  const auto signature =
      signature_file(test, scores_file.at("inputs").at(split ? "signature_split" : "signature_nosplit"));
  const Scores scores = mixscale(*run.file.x, signature, run.screen, scoring);
  const auto counts = counts_of(run.file.inputs.at("counts"));
  std::vector<double> total(static_cast<std::size_t>(counts.n_cells), 0.0);
  for (std::size_t i = 0; i < total.size(); ++i)
    for (auto k = counts.row_start[i]; k < counts.row_start[i + 1]; ++k) total[i] += counts.count[k];
  DeOptions options;
  const json& in = test.inputs();
  options.logfc_threshold = in.value("log2fc_min", options.logfc_threshold);
  options.min_pct = in.value("pct_min", options.min_pct);
  options.min_cells = in.value("min_cells_group", options.min_cells);
  options.r_compatible = r_compatible;
  options.threads = 1;
  const auto by_gene = counts.transposed();
  for (std::int32_t t = 0; t < run.screen.n_targets(); ++t) {
    if (t == run.screen.control) continue;
    run.tables.push_back(
        weighted_de(run.screen.target.names[t], de_cells(run.screen, t, scores.groups), by_gene, total, options));
  }
  return run;
}

/// Names of R's columns of coefficients: beta_<column>.
std::string column_in_r(const std::string& column, bool groups) {
  return groups && column != "log_ct" ? "cell_type" + column : column;
}

void compare_table(Case& test, const std::string& what, const Run& run, const WeightedDe& de, const json& wanted,
                   double beta, double log10_p) {
  const auto genes = wanted.at("gene").get<std::vector<std::string>>();
  std::map<std::string, std::size_t> row;
  for (std::size_t r = 0; r < de.rows(); ++r) row[run.file.names({de.gene[r]}).front()] = r;
  test.check(what + ": " + std::to_string(de.rows()) + " genes where " + std::to_string(genes.size()) + " are expected",
             genes.size() == de.rows());
  const bool groups = de.groups.size() > 1;
  const bool scored = std::count(de.weight.begin(), de.weight.end(), DeWeight::Score) > 0;
  for (std::size_t i = 0; i < genes.size(); ++i) {
    const auto found = row.find(genes[i]);
    test.check(what + " lacks " + genes[i], found != row.end());
    if (found == row.end()) continue;
    const std::size_t r = found->second;
    for (std::size_t j = 0; j < de.columns.size(); ++j) {
      const std::string column = column_in_r(de.columns[j], groups), place = what + " " + genes[i] + " " + column;
      test.compare(place, de.coefficient[r * de.columns.size() + j], wanted.at("beta_" + column).at(i), 0, beta);
      compare_log10(test, place + " p", de.log_p[r * de.columns.size() + j],
                    wanted.at("p_" + column).at(i).get<double>(), log10_p);
    }
    for (std::size_t g = 0; g < de.groups.size(); ++g)
      compare_all(test, what + " " + genes[i] + " log2fc", {de.log2fc[r * de.groups.size() + g]},
                  numbers(wanted.at(groups ? "log2FC_" + de.groups[g] : "log2FC").at(i)), test.tolerance("log2fc_abs"));
    if (wanted.contains("DE_method"))
      test.check(what + " " + genes[i] + " method", wanted["DE_method"].at(i) == (scored ? "weighted" : "standard"));
  }
}

void compare_z(Case& test, const std::vector<ZMatrix>& found, const json& wanted) {
  for (const auto& [group, matrix] : wanted.items()) {
    const auto ours = std::find_if(found.begin(), found.end(), [&](const ZMatrix& one) { return one.group == group; });
    test.check("Z of " + group, ours != found.end());
    if (ours == found.end()) continue;
    const auto genes = matrix.at("genes").get<std::vector<std::string>>();
    const auto targets = matrix.at("targets").get<std::vector<std::string>>();
    test.check("Z of " + group + ": genes", ours->genes == genes);
    test.check("Z of " + group + ": targets", ours->targets == targets);
    for (std::size_t i = 0; i < genes.size(); ++i)
      for (std::size_t t = 0; t < targets.size(); ++t) {
        const auto row = std::find(ours->genes.begin(), ours->genes.end(), genes[i]);
        const auto column = std::find(ours->targets.begin(), ours->targets.end(), targets[t]);
        if (row == ours->genes.end() || column == ours->targets.end()) continue;
        const double z = ours->at(static_cast<std::size_t>(row - ours->genes.begin()),
                                  static_cast<std::size_t>(column - ours->targets.begin()));
        const json& theirs = matrix.at("z").at(i).at(t);
        if (theirs.is_null()) {
          test.check("Z of " + group + ", " + genes[i] + ": not tested", std::isnan(z));
          continue;
        }
        const double log10_p = log_two_sided_p(theirs.get<double>()) / std::log(10.0);
        const std::string place = "Z of " + group + ", " + genes[i] + " and " + targets[t];
        test.limit(place, std::fabs(log_two_sided_p(z) / std::log(10.0) - log10_p), test.tolerance("log10_p_abs"));
        test.check(place + ": sign", std::fabs(z) < 0.3 || (z > 0) == (theirs.get<double>() > 0));
      }
  }
}

}  // namespace

void check_r_wald(Case& test) {
  const json& in = test.inputs();
  const auto& rows = in.at("counts");
  const std::size_t n = rows.size();
  const NbDesign design({std::vector<double>(n, 1.0), numbers(in.at("weight")), numbers(in.at("log10_total"))});
  for (std::size_t g = 0; g < in.at("genes").size(); ++g) {
    std::vector<double> counts(design.padded(), 0.0);
    for (std::size_t i = 0; i < n; ++i) counts[i] = rows.at(i).at(g);
    check_wald_gene(test, design, counts, g);
  }
}

void check_r_weighted_de(Case& test) {
  for (const bool r_compatible : {true, false})
    for (const std::string name : {"no_split", "split"}) {
      if (!test.expected().contains(name)) continue;
      const Run run = weighted_run(test, name, r_compatible);
      const double beta = r_compatible ? test.tolerance("beta_abs") : test.tolerance("default_mode_beta_abs", 0.1);
      const double p = r_compatible ? test.tolerance("log10_p_abs") : test.tolerance("default_mode_log10_p_abs", 0.4);
      for (const auto& de : run.tables)
        if (test.expected().at(name).contains(de.target))
          compare_table(test, name + (r_compatible ? ", as R, " : ", ") + de.target, run, de,
                        test.expected().at(name).at(de.target), beta, p);
      if (name == "split" && r_compatible && test.expected().contains("z_matrices"))
        compare_z(test, z_matrices(run.tables, run.screen.genes), test.expected().at("z_matrices"));
    }
}

void check_r_set_tests(Case& test) {
  const json& in = test.inputs();
  const auto list = in.at("input").get<std::vector<std::string>>();
  const auto background = in.at("background").get<std::vector<std::string>>();
  std::vector<GeneSet> sets;
  for (const json& one : test.expected().at("ease_switch_true")) {  // the sets' order
    const std::string name = one.at("GO_term");
    sets.push_back({name, in.at("sets").at(name).get<std::vector<std::string>>()});
  }
  // The switch of the source is the other way round.
  for (const bool ease : {true, false}) {
    const std::string key = ease ? "ease_switch_false" : "ease_switch_true";
    const auto found = fisher_tests(list, background, sets, {.ease = ease});
    for (const json& wanted : test.expected().at(key)) {
      const auto one = std::find_if(found.begin(), found.end(),
                                    [&](const FisherResult& result) { return result.set == wanted.at("GO_term"); });
      test.check(key + ": a set that was not given", one != found.end());
      if (one == found.end()) continue;
      const auto number = [](const json& value) {
        return value.is_string() ? json(std::stod(value.get<std::string>())) : value;
      };
      const std::string what = key + " " + one->set;
      const double rtol = test.tolerance("odds_ratio_rel");
      test.compare(what + " p", one->p, wanted.at("Pval"), test.tolerance("p_rel"), 0);
      test.check(what + " overlap", wanted.at("num_LH") == one->overlap && wanted.at("num_PH") == one->in_set &&
                                        wanted.at("n_GO_term") == one->set_size);
      const double odds = number(wanted.at("OR")).get<double>();
      if (std::isinf(odds)) {
        test.check(what + " odds ratio", std::isinf(one->odds_ratio) && std::isinf(one->combined));
        continue;
      }
      test.compare(what + " odds ratio", one->odds_ratio, json(odds), rtol, 1e-12);
      test.compare(what + " combined score", one->combined, number(wanted.at("combined_score")), rtol, 1e-6);
    }
  }
  const auto rbo = numbers(test.expected().at("rbo"));
  for (std::size_t i = 0; i < sets.size() && i < rbo.size(); ++i)
    test.limit("rank-biased overlap with " + sets[i].name,
               std::fabs(rank_biased_overlap(list, sets[i].genes, in.at("rbo_p"), in.at("rbo_depth")) - rbo[i]),
               test.tolerance("rbo_abs"));
}

}  // namespace conformance
