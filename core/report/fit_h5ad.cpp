#include "core/report/fit_h5ad.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/analysis/agreement.hpp"
#include "core/analysis/assignments.hpp"
#include "core/data/formats/names.hpp"
#include "core/data/put_column.hpp"
#include "core/data/writers/writers.hpp"
#include "core/report/fit_tables.hpp"
#include "core/result/components.hpp"
#include "core/result/likelihood.hpp"

namespace scriptorium::report {
namespace {

void put(data::Table& table, const std::string& name, std::vector<double> values) {
  data::put(table, {name, std::move(values), {}});
}

/// Lays the columns of the table over those that it had, `old`. @return the names of those that gave way
std::vector<std::string> lay_over(data::Table& table, std::vector<data::Column> old) {
  std::vector<std::string> replaced;
  for (auto& column : std::exchange(table.columns, std::move(old))) {
    if (column.name == "n_counts" && table.find(column.name)) continue;
    std::string name = column.name;
    if (data::put(table, std::move(column))) replaced.push_back(std::move(name));
  }
  return replaced;
}

}  // namespace

void add_assignments(data::Dataset& dataset, const result::Fit& fit, const analysis::Assignments& found) {
  const auto k = static_cast<std::size_t>(found.components);
  data::Categorical label;
  for (std::size_t j = 0; j < k; ++j) label.categories.push_back(result::component_name(fit, j));
  label.codes = analysis::assignment(found.probability, found.components);
  std::vector<double> most;
  for (std::size_t c = 0; c < label.codes.size(); ++c)
    most.push_back(label.codes[c] < 0 ? std::nan("")
                                      : found.probability[c * k + static_cast<std::size_t>(label.codes[c])]);
  data::Embedding all{"X_assignment", static_cast<int>(k), {}};
  all.coordinates.assign(found.probability.begin(), found.probability.end());
  data::put(dataset.cells, {"assignment", std::move(label), {}});
  put(dataset.cells, "assignment_prob", std::move(most));
  put(dataset.cells, "assignment_entropy", found.entropy);
  std::erase_if(dataset.embeddings, [&](const data::Embedding& old) { return old.name == all.name; });
  dataset.embeddings.push_back(std::move(all));
}

void add_fit_columns(data::Dataset& dataset, const result::Fit& fit, const result::MapOptions& point,
                     const analysis::Diagnosis* diagnosis, int threads, const RunControl& control) {
  auto &cells = dataset.cells, &genes = dataset.genes;
  if (!cells.find("n_counts")) {
    std::vector<std::int64_t> totals(cells.size(), 0);
    for (std::size_t c = 0; c < totals.size(); ++c)
      for (auto k = dataset.counts.row_start[c]; k < dataset.counts.row_start[c + 1]; ++k)
        totals[c] += dataset.counts.count[static_cast<std::size_t>(k)];
    data::put(cells, {"n_counts", std::move(totals), {}});
  }
  const auto estimates = result::map_estimate(fit, point);
  const auto put_genes = [&](const std::string& name, const std::vector<double>& values) {
    const std::size_t n = genes.size();
    if (values.size() == n) {
      put(genes, name, values);
      return;
    }
    for (std::size_t k = 0; (k + 1) * n <= values.size(); ++k) {  // a component after the other
      const auto first = values.begin() + static_cast<std::ptrdiff_t>(k * n);
      put(genes, name + "_" + result::component_name(fit, k), {first, first + static_cast<std::ptrdiff_t>(n)});
    }
  };
  for (const auto& [name, array] : estimates) {
    if (array.dims == std::vector<std::string>{"cell"}) put(cells, name, array.values);
    if (!array.dims.empty() && array.dims.back() == "gene") put_genes(name + "_map", array.values);
  }
  if (!fit.point_only)
    for (const auto& site : fit.result.posterior.sites) {
      if (site.extent == model::Extent::Scalar) continue;
      control.check();
      std::vector<double> sd;
      sd.reserve(site.arg1.size());
      for (std::size_t i = 0; i < site.arg1.size(); ++i) sd.push_back(result::marginal(site, i).sd());
      if (site.extent == model::Extent::Cell)
        put(cells, site.name + "_sd", std::move(sd));
      else
        put_genes(site.name + "_sd", sd);
    }
  if (fit.model.components > 1) {
    analysis::AssignmentOptions at_point;
    at_point.draws = 0;
    at_point.mean_point = point.mean_everywhere;
    at_point.likelihood.threads = threads;
    at_point.likelihood.missing = &dataset.missing;
    add_assignments(dataset, fit, analysis::assign_cells(fit, dataset.counts, at_point, control));
  }
  const auto likelihood = result::log_likelihood(fit.model, estimates, dataset.counts,
                                                 {.threads = threads, .missing = &dataset.missing}, control);
  put(cells, "loglik", likelihood.by_cell);
  put(genes, "loglik", likelihood.by_gene);
  if (!diagnosis) return;
  std::vector<std::string> verdict(genes.size());
  std::vector<std::uint8_t> missing(genes.size(), 1);
  for (const auto& entry : diagnosis->genes) {
    verdict[static_cast<std::size_t>(entry.gene)] = entry.verdict;
    missing[static_cast<std::size_t>(entry.gene)] = 0;
  }
  data::put(genes, {"verdict", std::move(verdict), std::move(missing)});
}

std::vector<std::string> write_fit_h5ad(data::Dataset dataset, const result::Fit& fit, const result::MapOptions& point,
                                        const analysis::Diagnosis* diagnosis, const std::string& path, int threads,
                                        const RunControl& control) {
  auto cells = std::exchange(dataset.cells.columns, {}), genes = std::exchange(dataset.genes.columns, {});
  add_fit_columns(dataset, fit, point, diagnosis, threads, control);
  auto replaced = lay_over(dataset.cells, std::move(cells));
  std::ranges::copy(lay_over(dataset.genes, std::move(genes)), std::back_inserter(replaced));
  auto description = describe_fit(fit);
  for (const auto& [name, array] : result::map_estimate(fit, point))  // what belongs to no gene or cell
    if (array.dims.empty() || array.dims == std::vector<std::string>{"component"})
      description["estimates"][name] = array.values;
  std::vector<double> loss;
  for (const auto& step : fit.result.trace) loss.push_back(step.loss);
  description["trace"] = std::move(loss);
  if (diagnosis) description["verdict"] = diagnosis->verdict;
  auto notes = data::write_h5ad(dataset, {{"scriptorium", std::move(description)}}, path, control);
  if (!replaced.empty())
    notes.push_back("Columns that the data had already were replaced: " + data::listed(replaced) + ".");
  return notes;
}

}  // namespace scriptorium::report
