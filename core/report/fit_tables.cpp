#include "core/report/fit_tables.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/result/components.hpp"
#include "core/result/settings_json.hpp"

namespace scriptorium::report {
namespace {

/// stem1 … stemK from the columns of `values` (rows × k).
void add_by_component(Table& table, const std::string& stem, const std::vector<double>& values, std::size_t k) {
  for (std::size_t j = 0; j < k; ++j) {
    std::vector<double> column;
    for (std::size_t i = j; i < values.size(); i += k) column.push_back(values[i]);
    table.add(stem + std::to_string(j + 1), std::move(column));
  }
}

/// The index columns that `map` and `distributions` share.
struct IndexColumns {
  std::vector<std::string> parameter, gene, cell, component;
  /// `dims` of "component", "cell", "gene", at most one each, and the index of a number in that order of axes.
  void add(const result::Fit& fit, const std::string& name, const std::vector<std::string>& dims, std::size_t index) {
    parameter.push_back(name);
    gene.emplace_back();
    cell.emplace_back();
    component.emplace_back();
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      const auto components = static_cast<std::size_t>(fit.model.components);
      const std::size_t length = dims[axis] == "gene"   ? fit.genes.size()
                                 : dims[axis] == "cell" ? fit.cells.size()
                                                        : components;
      const std::size_t at = index % length;
      index /= length;
      if (dims[axis] == "gene") gene.back() = fit.genes.at(at);
      if (dims[axis] == "cell") cell.back() = fit.cells.at(at);
      if (dims[axis] == "component") component.back() = result::component_name(fit, at);
    }
  }
  void into(Table& table) {
    table.add("parameter", std::move(parameter));
    table.add("gene", std::move(gene));
    table.add("cell", std::move(cell));
    table.add("component", std::move(component));
  }
};

std::string shown_name(const std::string& name, bool descriptive) {
  return descriptive ? model::descriptive_name(name) : name;
}

nlohmann::json finite(double value) {
  if (std::isfinite(value)) return value;
  return number_text(value);
}

}  // namespace

Table loss_table(const result::Fit& fit) {
  std::vector<std::int64_t> iteration;
  std::vector<double> seconds, loss, decrement;
  for (const auto& point : fit.result.trace) {
    iteration.push_back(point.iteration);
    seconds.push_back(point.seconds);
    loss.push_back(point.loss);
    decrement.push_back(point.decrement < 0 ? NAN : point.decrement);
  }
  Table table;
  const bool has_decrement = std::any_of(decrement.begin(), decrement.end(), [](double d) { return !std::isnan(d); });
  table.add("iteration", std::move(iteration));
  table.add("time", std::move(seconds));
  table.add("loss", std::move(loss));
  if (has_decrement) table.add("decrement", std::move(decrement));
  return table;
}

Table values_table(const result::Fit& fit, const model::Values& values, bool descriptive) {
  IndexColumns index;
  std::vector<double> value;
  for (const auto& [name, array] : values) {
    for (std::size_t i = 0; i < array.values.size(); ++i) {
      index.add(fit, shown_name(name, descriptive), array.dims, i);
      value.push_back(array.values[i]);
    }
  }
  Table table;
  index.into(table);
  table.add("value", std::move(value));
  return table;
}

Table distributions_table(const result::Fit& fit, bool descriptive) {
  if (fit.point_only)
    throw Error(ErrorCode::BadInput, "These are point estimates; they have no posterior distributions.", "Give a fit.");
  IndexColumns index;
  std::vector<std::string> family;
  std::vector<double> arg1, arg2, mean, sd, q025, q975;
  for (const auto& site : fit.result.posterior.sites) {
    model::Array axes;
    result::append_axes(site, axes);
    for (std::size_t i = 0; i < site.arg1.size(); ++i) {
      const auto marginal = result::marginal(site, i);
      index.add(fit, shown_name(site.name, descriptive), axes.dims, i);
      family.push_back(site.law == model::Law::TransformedNormal ? model::to_string(site.transform) + "_normal"
                                                                 : model::to_string(site.law));
      arg1.push_back(marginal.arg1);
      arg2.push_back(marginal.arg2);
      mean.push_back(marginal.mean());
      sd.push_back(marginal.sd());
      q025.push_back(marginal.quantile(0.025));
      q975.push_back(marginal.quantile(0.975));
    }
  }
  Table table;
  index.into(table);
  table.add("family", std::move(family));
  table.add("arg1", std::move(arg1));
  table.add("arg2", std::move(arg2));
  table.add("mean", std::move(mean));
  table.add("sd", std::move(sd));
  table.add("q025", std::move(q025));
  table.add("q975", std::move(q975));
  return table;
}

Table bands_table(const result::Fit& fit, const std::vector<result::GenePredictive>& genes) {
  std::vector<std::string> gene;
  std::vector<std::int64_t> count;
  std::vector<double> lower, median, upper, observed;
  std::vector<bool> and_above;
  for (const auto& entry : genes)
    for (int bin = 0; bin < entry.bins(); ++bin) {
      const auto b = static_cast<std::size_t>(bin);
      gene.push_back(fit.genes.at(static_cast<std::size_t>(entry.gene)));
      count.push_back(bin);
      lower.push_back(entry.band[0][0][b]);
      median.push_back(entry.median[b]);
      upper.push_back(entry.band[0][1][b]);
      observed.push_back(entry.observed[b]);
      and_above.push_back(bin + 1 == entry.bins());
    }
  Table table;
  table.add("gene", std::move(gene));
  table.add("count", std::move(count));
  table.add("lower", std::move(lower));
  table.add("median", std::move(median));
  table.add("upper", std::move(upper));
  table.add("observed", std::move(observed));
  table.add("and_above", std::move(and_above));
  return table;
}

Table diagnosis_table(const result::Fit& fit, const analysis::Diagnosis& diagnosis) {
  std::vector<std::string> gene, verdict, reason;
  std::vector<double> mean, numbers[6];
  for (const auto& entry : diagnosis.genes) {
    gene.push_back(fit.genes.at(static_cast<std::size_t>(entry.gene)));
    mean.push_back(entry.mean_count);
    const double row[6] = {entry.map.ratio,       entry.map.spread,       entry.map.failure,
                           entry.posterior.ratio, entry.posterior.spread, entry.posterior.failure};
    for (std::size_t i = 0; i < 6; ++i) numbers[i].push_back(row[i]);
    verdict.push_back(entry.verdict);
    reason.push_back(analysis::explain(entry.verdict, fit.model).reason);
    // The verdict tolerates some misfit (its rule); a reader of the table should see how much there is.
    const double outside = std::max(entry.map.failure, entry.posterior.failure);
    if (entry.verdict == "fine" && outside > 0.1)
      reason.back() +=
          " Of the counts that occur " + std::to_string(std::lround(100 * outside)) + " % lie outside their 95 % band.";
  }
  Table table;
  table.add("gene", std::move(gene));
  table.add("mean_count", std::move(mean));
  const char* names[6] = {"map_R", "map_D", "map_failure", "post_R", "post_D", "post_failure"};
  for (std::size_t i = 0; i < 6; ++i) table.add(names[i], std::move(numbers[i]));
  table.add("verdict", std::move(verdict));
  table.add("reason", std::move(reason));
  return table;
}

Table named_values_table(const std::string& axis, const std::vector<std::string>& names, const std::string& column,
                         const std::vector<double>& values) {
  Table table;
  table.add(axis, names);
  table.add(column, values);
  return table;
}

Table likelihood_table(const std::string& axis, const std::vector<std::string>& names,
                       const std::vector<double>& values) {
  return named_values_table(axis, names, "loglik", values);
}

Table split_likelihood_table(const std::string& axis, const std::vector<std::string>& names,
                             const std::vector<double>& values, const std::vector<double>& by_component) {
  Table table = likelihood_table(axis, names, values);
  add_by_component(table, "loglik_", by_component, by_component.size() / std::max<std::size_t>(names.size(), 1));
  return table;
}

Table composition_table(const result::Fit& fit, const analysis::Composition& of, const analysis::Labels& labels) {
  const auto columns = static_cast<std::size_t>(of.assigned.columns);
  std::vector<std::string> component, label;
  std::vector<std::int64_t> cells;
  std::vector<double> share;
  for (std::size_t k = 0; k < static_cast<std::size_t>(of.assigned.rows); ++k) {
    std::int64_t all = 0;
    for (std::size_t l = 0; l < columns; ++l) all += of.assigned.cells[k * columns + l];
    for (std::size_t l = 0; l < columns; ++l) {
      component.push_back(result::component_name(fit, k));
      label.push_back(labels.names[l]);
      cells.push_back(of.assigned.cells[k * columns + l]);
      share.push_back(static_cast<double>(cells.back()) / static_cast<double>(all));  // NaN: no cells, no shares
    }
  }
  Table table;
  table.add("component", std::move(component));
  table.add("label", std::move(label));
  table.add("cells", std::move(cells));
  table.add("share", std::move(share));
  table.add("expected", of.expected);
  return table;
}

Table mixing_table(const result::Fit& fit, const analysis::EmpiricalWeights& weights) {
  Table table;
  table.add("component", result::component_names(fit));
  table.add("weight", weights.weights);
  table.add("concentration", weights.concentrations);
  table.add("effective_count", weights.effective_counts);
  table.add("prior", weights.prior_concentrations);
  return table;
}

Table assignment_table(const result::Fit& fit, const analysis::Assignments& found) {
  const auto k = static_cast<std::size_t>(found.components);
  std::vector<std::string> assigned;
  for (const auto j : analysis::assignment(found.probability, found.components))
    assigned.push_back(j < 0 ? std::string() : result::component_name(fit, static_cast<std::size_t>(j)));
  Table table;
  table.add("cell", fit.cells);
  table.add("assignment", std::move(assigned));
  add_by_component(table, "p_", found.probability, k);
  table.add("entropy", found.entropy);
  if (!found.concentration.empty()) add_by_component(table, "concentration_", found.concentration, k);
  return table;
}

Table gene_evidence_table(const result::Fit& fit, const analysis::GeneEvidence& of,
                          const std::vector<std::int64_t>& genes, const analysis::EntropyMap& map) {
  std::vector<std::string> names;
  std::vector<double> separation;
  for (const auto g : genes) {
    names.push_back(fit.genes[static_cast<std::size_t>(g)]);
    separation.push_back(of.separation[static_cast<std::size_t>(g)]);
  }
  Table table;
  table.add("gene", std::move(names));
  table.add("separation", std::move(separation));
  const std::size_t k = of.components();
  for (const auto& [stem, values] :
       {std::pair{"entropy_", &map.entropy}, std::pair{"evidence_", &map.evidence}, std::pair{"count_", &map.count}})
    add_by_component(table, stem, *values, k);
  return table;
}

Table density_table(const result::Density& density, const std::vector<std::string>& sites) {
  std::vector<std::string> names = sites;
  std::vector<double> values;
  for (const auto& site : sites) values.push_back(density.log_prior.at(site));
  names.insert(names.end(), {"counts", "log_joint"});
  values.insert(values.end(), {density.log_likelihood, density.log_joint});
  Table table;
  table.add("site", std::move(names));
  table.add("log_prob", std::move(values));
  return table;
}

Table gradient_table(const result::Density& density, const std::vector<std::string>& sites) {
  std::vector<std::string> names;
  std::vector<std::int64_t> index;
  std::vector<double> gradient;
  for (const auto& site : sites) {
    const auto& values = density.gradient_unconstrained.at(site);
    for (std::size_t i = 0; i < values.size(); ++i) {
      names.push_back(site);
      index.push_back(static_cast<std::int64_t>(i));
      gradient.push_back(values[i]);
    }
  }
  Table table;
  table.add("site", std::move(names));
  table.add("index", std::move(index));
  table.add("gradient", std::move(gradient));
  return table;
}

nlohmann::json describe_fit(const result::Fit& fit) {
  const auto& trace = fit.result.trace;
  double best = INFINITY;
  for (const auto& point : trace) best = std::min(best, point.loss);
  nlohmann::json loss = nullptr;
  if (!trace.empty())
    loss = {{"first", finite(trace.front().loss)},
            {"last", finite(trace.back().loss)},
            {"best", finite(best)},
            {"final", finite(fit.result.loss)},
            {"standard_error", finite(fit.result.loss_error)},
            {"points", trace.size()}};
  auto sites = nlohmann::json::array();
  for (const auto& site : fit.result.posterior.sites)
    sites.push_back({{"name", site.name},
                     {"descriptive", model::descriptive_name(site.name)},
                     {"shape", model::to_string(site.extent)},
                     {"by_component", site.components > 0},
                     {"size", site.arg1.size()},
                     {"family", model::to_string(site.law)},
                     {"transform", model::to_string(site.transform)}});
  return {
      {"name", fit.name},
      {"model", fit.model},
      {"options", fit.options},
      {"n_cells", fit.cells.size()},
      {"n_genes", fit.genes.size()},
      {"data", {{"path", fit.data_path}, {"layer", fit.data_layer}, {"id", fit.data_id}, {"filter", fit.data_filter}}},
      {"loss", loss},
      {"convergence", fit.result.convergence},
      {"seconds", fit.result.seconds},
      {"seed", fit.options.seed},
      {"device", fit.device},
      {"version", fit.version},
      {"created_at", fit.created_at},
      {"point_only", fit.point_only},
      {"component_names", fit.component_names},
      {"annotation", fit.annotation},
      {"coupled", fit.result.posterior.conditional.has_value()},
      {"sites", sites}};
}

}  // namespace scriptorium::report
