// Kinds analysis/ppc_verdict and analysis/panel_gene_selection.
#include <algorithm>
#include <set>

#include "core/analysis/goodness_of_fit.hpp"
#include "core/summary/count_summary.hpp"
#include "golden.hpp"

namespace conformance {

using namespace scriptorium;

namespace {

/// Counts of one gene, from rows (cells) of genes.
std::vector<std::uint32_t> column(const json& rows, std::size_t gene) {
  std::vector<std::uint32_t> counts;
  for (const auto& row : rows) counts.push_back(row.at(gene).get<std::uint32_t>());
  return counts;
}

}  // namespace

void check_ppc_verdict(Case& test) {
  const json& observed = test.inputs().at("observed");
  const double rtol = test.tolerance("rtol");
  const analysis::VerdictRule rule;
  for (const auto& [scenario, wanted] : test.expected().items()) {
    const auto& draws = test.inputs().at(scenario);
    std::map<std::string, double> shares;
    const std::size_t genes = observed.at(0).size();
    for (std::size_t g = 0; g < genes; ++g) {
      const auto data = column(observed, g);
      analysis::BandScore scores[2];
      for (const auto& [index, key, side] : {std::tuple{0, "map_ppc", "map"}, {1, "posterior_ppc", "posterior"}}) {
        std::vector<std::vector<std::uint32_t>> replicates;
        for (const auto& draw : draws.at(key)) replicates.push_back(column(draw, g));
        const auto score = analysis::score_band(result::summarise_replicates(data, replicates, -1),
                                                static_cast<double>(data.size()), rule);
        const auto& expected = wanted.at(side).at(g);
        const std::string where = scenario + " " + side + " gene " + std::to_string(g) + " ";
        test.compare(where + "R", score.ratio, expected.at("R"), rtol, 0);
        test.compare(where + "D", score.spread, expected.at("D"), rtol, 0);
        test.compare(where + "failure", score.failure, expected.at("calibration_failure"), rtol, 0);
        test.check(where + "wide", score.wide == expected.at("wide").get<bool>());
        scores[index] = score;
      }
      const auto verdict = analysis::gene_verdict(scores[0], scores[1], rule);
      test.check(scenario + " verdict of gene " + std::to_string(g), verdict == wanted.at("per_gene").at(g));
      shares[verdict] += 1 / static_cast<double>(genes);
    }
    for (const auto& [verdict, share] : wanted.at("fractions").items())
      test.compare(scenario + " share of " + verdict, shares[verdict], share, rtol, 1e-12);
    test.check(scenario + " overall", analysis::overall_verdict(shares, rule) == wanted.at("verdict"));
  }
}

void check_panel_genes(Case& test) {
  const json& rows = test.inputs().at("counts");
  const auto median_of = [&](std::int64_t gene) {
    auto counts = column(rows, static_cast<std::size_t>(gene));
    std::sort(counts.begin(), counts.end());
    return 0.5 * (counts[(counts.size() - 1) / 2] + counts[counts.size() / 2]);
  };
  for (const auto& [name, wanted] : test.expected().items()) {
    int grid_rows = 0, grid_columns = 0;
    char rest[32] = "";
    if (std::sscanf(name.c_str(), "grid_%dx%d%31s", &grid_rows, &grid_columns, rest) < 2)
      continue;  // other selections of the source
    auto kept = rows;
    if (std::string(rest) == "_exclude_last")
      for (auto& row : kept) row.back() = 0;  // a gene without counts is never chosen
    const auto found = analysis::panel_genes(summary::summarise(counts_of(kept), 1, {}), grid_rows, grid_columns);
    const auto selected = wanted.at("selected").get<std::vector<std::int64_t>>();
    test.check(name + ": number of genes",
               found.size() == selected.size() && std::set(found.begin(), found.end()).size() == found.size());
    // Genes with equal medians may stand for each other.
    std::vector<double> ours, theirs;
    for (auto gene : found) ours.push_back(median_of(gene));
    for (auto gene : selected) theirs.push_back(median_of(gene));
    test.check(name + ": drawn by rising median", std::is_sorted(ours.begin(), ours.end()));
    std::sort(theirs.begin(), theirs.end());
    test.compare(name + ": medians", ours, json(theirs), 0, 1e-12);
  }
}

}  // namespace conformance
