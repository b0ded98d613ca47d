#include "core/perturbation/markers.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::perturbation {
namespace {

const std::map<std::string, Test>& tests() {
  static const std::map<std::string, Test> all = {{"wilcoxon", Test::RankSum},
                                                  {"t-test", Test::Welch},
                                                  {"t-test_overestim_var", Test::WelchOverestimated},
                                                  {"lr", Test::LikelihoodRatio}};
  return all;
}

/// Rows that pass both thresholds. Fold changes are compared as the 32-bit floats that the reference stores, but for
/// the likelihood ratio, whose source has doubles.
std::vector<std::size_t> passing(const MarkerTable& table, const MarkerOptions& options) {
  std::vector<std::size_t> rows;
  const bool as_float = options.test != Test::LikelihoodRatio;
  for (std::size_t i = 0; i < table.gene.size(); ++i) {
    const double size = std::fabs(table.log2fc[i]);
    const bool large = as_float ? static_cast<float>(size) >= static_cast<float>(options.logfc_threshold)
                                : size >= options.logfc_threshold;
    if (large && table.p_adj[i] < options.pval_cutoff) rows.push_back(i);
  }
  return rows;
}

}  // namespace

Test test_from_string(const std::string& text) {
  if (const auto at = tests().find(text); at != tests().end()) return at->second;
  std::vector<std::string> known;
  for (const auto& [name, test] : tests()) known.push_back(name);
  throw Error(ErrorCode::BadInput, "\"" + text + "\" is no test of marker genes.",
              "Known are " + data::listed(known) + ".");
}

std::string to_string(Test test) {
  for (const auto& [name, value] : tests())
    if (value == test) return name;
  return {};
}

void to_json(nlohmann::json& json, const MarkerOptions& options) {
  json = {{"test_method", to_string(options.test)},
          {"pval_cutoff", options.pval_cutoff},
          {"logfc_threshold", options.logfc_threshold},
          {"min_de_genes", options.min_de_genes},
          {"max_de_genes", options.max_de_genes},
          {"tie_correction", options.tie_correction},
          {"min_pct", options.min_pct}};
}

void from_json(const nlohmann::json& json, MarkerOptions& options) {
  const MarkerOptions standard = options;
  options.test = test_from_string(json.value("test_method", to_string(standard.test)));
  options.pval_cutoff = json.value("pval_cutoff", standard.pval_cutoff);
  options.logfc_threshold = json.value("logfc_threshold", standard.logfc_threshold);
  options.min_de_genes = json.value("min_de_genes", standard.min_de_genes);
  options.max_de_genes = json.value("max_de_genes", standard.max_de_genes);
  options.tie_correction = json.value("tie_correction", standard.tie_correction);
  options.min_pct = json.value("min_pct", standard.min_pct);
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  const std::size_t n = p.size();
  std::vector<double> value(p.begin(), p.end()), out(n);
  for (double& one : value)
    if (std::isnan(one)) one = 1;
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return value[a] < value[b]; });
  double least = 1;
  for (std::size_t rank = n; rank-- > 0;) {
    least = std::min(least, value[order[rank]] * static_cast<double>(n) / static_cast<double>(rank + 1));
    out[order[rank]] = least;
  }
  return out;
}

std::vector<std::int64_t> limited(std::vector<std::int64_t> genes, const MarkerOptions& options) {
  const auto n = static_cast<std::int64_t>(genes.size());
  if (n > options.max_de_genes) genes.resize(static_cast<std::size_t>(std::max<std::int64_t>(options.max_de_genes, 0)));
  if (static_cast<std::int64_t>(genes.size()) < options.min_de_genes) genes.clear();
  return genes;
}

std::vector<std::int64_t> select_ordered(const MarkerTable& table, const MarkerOptions& options, bool limit) {
  auto rows = passing(table, options);
  const bool by_z = options.test != Test::LikelihoodRatio;  // whose ties stand in gene order
  std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    if (table.p[a] != table.p[b]) return table.p[a] < table.p[b];
    if (by_z && table.z[a] != table.z[b]) return table.z[a] > table.z[b];
    return table.gene[a] < table.gene[b];
  });
  std::vector<std::int64_t> genes;
  for (const std::size_t row : rows) genes.push_back(table.gene[row]);
  return limit ? limited(std::move(genes), options) : genes;
}

std::vector<std::int64_t> select_all(const MarkerTable& table, const MarkerOptions& options) {
  std::vector<std::int64_t> genes;
  for (const std::size_t row : passing(table, options)) genes.push_back(table.gene[row]);
  if (static_cast<std::int64_t>(genes.size()) < options.min_de_genes) return {};
  std::sort(genes.begin(), genes.end());
  return genes;
}

void visit_markers_of_targets(const Expression& x, const Screen& screen, std::int32_t split,
                              const MarkerOptions& options, const std::function<void(std::int32_t, MarkerTable)>& visit,
                              const RunControl& control) {
  // The control is group 0; targets keep their order behind it.
  Groups groups;
  groups.of_cell.assign(static_cast<std::size_t>(screen.n_cells), -1);
  groups.n_groups = screen.n_targets() - 1;
  for (std::int64_t i = 0; i < screen.n_cells; ++i) {
    const std::int32_t target = screen.target.code[i];
    if (target < 0 || (split >= 0 && screen.split.code[i] != split)) continue;
    groups.of_cell[i] = target == screen.control ? 0 : target < screen.control ? target + 1 : target;
  }
  visit_markers(
      x, groups, options,
      [&](std::int32_t group, MarkerTable table) {
        visit(group <= screen.control ? group - 1 : group, std::move(table));
      },
      control);
}

std::vector<MarkerTable> markers_of_targets(const Expression& x, const Screen& screen, std::int32_t split,
                                            const MarkerOptions& options, const RunControl& control) {
  std::vector<MarkerTable> out(static_cast<std::size_t>(screen.n_targets()));
  visit_markers_of_targets(
      x, screen, split, options, [&](std::int32_t target, MarkerTable table) { out[target] = std::move(table); },
      control);
  return out;
}

}  // namespace scriptorium::perturbation
