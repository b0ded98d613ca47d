#include "core/result/components.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/math/special.hpp"

namespace scriptorium::result {
namespace {

using model::Array;

void check_mixture(const Fit& fit) {
  if (fit.model.components < 2)
    throw Error(ErrorCode::BadInput, "This fit is no mixture: it has no components.",
                "Fit with --components K, or leave the component out.");
}

void check_component(const Fit& fit, std::int64_t component) {
  if (component < 0 || component >= fit.model.components)
    throw Error(ErrorCode::BadInput, "There is no component number " + std::to_string(component + 1) + ".",
                "The fit has components 1 to " + std::to_string(fit.model.components) + ".");
}

/// The rows `components` of a site with a component axis.
void pick(inference::SitePosterior& site, const std::vector<std::int64_t>& components) {
  const auto length = static_cast<std::ptrdiff_t>(site.arg1.size()) / site.components;
  const inference::SitePosterior from = site;
  site.arg1.clear();
  site.arg2.clear();
  for (const auto k : components) {
    site.arg1.insert(site.arg1.end(), from.arg1.begin() + k * length, from.arg1.begin() + (k + 1) * length);
    site.arg2.insert(site.arg2.end(), from.arg2.begin() + k * length, from.arg2.begin() + (k + 1) * length);
  }
  site.components = static_cast<std::int64_t>(components.size());
  if (site.law != model::Law::Dirichlet) return;
  double all = 0;
  for (const double a : site.arg1) all += a;
  for (std::size_t k = 0; k < site.arg1.size(); ++k) site.arg2[k] = all - site.arg1[k];
}

}  // namespace

Array component_slice(const Array& array, std::int64_t component) {
  const auto found = std::find(array.dims.begin(), array.dims.end(), "component");
  if (found == array.dims.end()) return array;
  const auto axis = found - array.dims.begin();
  Array out;
  std::int64_t before = 1, after = 1;
  const std::int64_t length = array.shape[static_cast<std::size_t>(axis)];
  for (std::ptrdiff_t i = 0; i < static_cast<std::ptrdiff_t>(array.dims.size()); ++i) {
    const auto size = array.shape[static_cast<std::size_t>(i)];
    if (i == axis) continue;
    (i < axis ? before : after) *= size;
    out.dims.push_back(array.dims[static_cast<std::size_t>(i)]);
    out.shape.push_back(size);
  }
  for (std::int64_t i = 0; i < before; ++i) {
    const auto from = array.values.begin() + (i * length + component) * after;
    out.values.insert(out.values.end(), from, from + after);
  }
  return out;
}

model::Values component_values(const model::Values& values, std::int64_t component) {
  model::Values out;
  for (const auto& [name, array] : values)
    if (name != "mixing_weights") out[name] = component_slice(array, component);
  return out;
}

std::vector<double> mixing_weights(const model::Model& model, const model::Values& point) {
  const auto found = point.find("mixing_weights");
  if (found == point.end())
    throw Error(ErrorCode::BadInput, "The parameter mixing_weights is missing.", "A mixture needs one a component.");
  auto weights = found->second.values;
  if (static_cast<std::int64_t>(weights.size()) != model.components)
    throw Error(ErrorCode::BadInput,
                "The parameter mixing_weights has " + std::to_string(weights.size()) + " values; the model has " +
                    std::to_string(model.components) + " components.",
                "Give one a component.");
  double sum = 0;
  for (const double w : weights) {
    if (!(w >= 0) || !std::isfinite(w))
      throw Error(ErrorCode::BadInput, "The parameter mixing_weights holds " + std::to_string(w) + ".",
                  "Weights are shares: none below 0, and not all of them 0.");
    sum += w;
  }
  if (!(sum > 0))
    throw Error(ErrorCode::BadInput, "All mixing weights are 0.", "Give shares of the components that sum to 1.");
  for (double& w : weights) w /= sum;
  return weights;
}

std::vector<double> annotated_weights(const std::vector<double>& weights, const double* logits) {
  std::vector<double> out;
  for (std::size_t k = 0; k < weights.size(); ++k) out.push_back(std::log(weights[k] + 1e-8) + logits[k]);
  math::softmax(out.data(), out.size());
  return out;
}

void note_part(Fit& part) {
  const std::string note = "A part of a fit: its loss and convergence are those of the whole.";
  auto& notes = part.result.convergence.notes;
  if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
}

Fit get_component(const Fit& fit, std::int64_t component) {
  check_mixture(fit);
  check_component(fit, component);
  Fit out = fit;
  auto& sites = out.result.posterior.sites;
  std::erase_if(sites, [](const auto& site) { return site.name == "mixing_weights"; });
  for (auto& site : sites) {
    if (site.components == 0) continue;
    pick(site, {component});
    site.components = 0;
  }
  out.model = model::component_model(fit.model);
  out.component_names.clear();
  note_part(out);
  return out;
}

Fit get_components(const Fit& fit, const std::vector<std::int64_t>& components) {
  check_mixture(fit);
  if (components.size() < 2)
    throw Error(ErrorCode::BadInput, "A mixture needs at least two components.", "Name two, or take one alone.");
  for (std::size_t i = 0; i < components.size(); ++i) {
    check_component(fit, components[i]);
    if (std::find(components.begin(), components.begin() + static_cast<std::ptrdiff_t>(i), components[i]) !=
        components.begin() + static_cast<std::ptrdiff_t>(i))
      throw Error(ErrorCode::BadInput,
                  "The component " + component_name(fit, static_cast<std::size_t>(components[i])) + " was named twice.",
                  "Name each component once.");
  }
  Fit out = fit;
  for (auto& site : out.result.posterior.sites)
    if (site.components > 0) pick(site, components);
  out.model.components = static_cast<std::int64_t>(components.size());
  const auto prior = fit.model.mixing_prior;
  if (prior.size() > 1) {
    out.model.mixing_prior.clear();
    for (const auto k : components) out.model.mixing_prior.push_back(prior[static_cast<std::size_t>(k)]);
  }
  out.component_names.clear();
  for (const auto k : components) out.component_names.push_back(component_name(fit, static_cast<std::size_t>(k)));
  note_part(out);
  return out;
}

Fit select_cells(const Fit& fit, const std::vector<std::int64_t>& cells, summary::CountSummary summary) {
  if (cells.empty()) throw Error(ErrorCode::BadInput, "A selection needs at least one cell.", "Name some cells.");
  if (summary.n_cells != static_cast<std::int64_t>(cells.size()) || summary.n_genes != fit.summary.n_genes)
    throw Error(ErrorCode::BadInput, "The cells chosen and the summary of their counts have different sizes.", {});
  Fit out = fit;
  const auto taken = [&](const auto& all) {
    std::decay_t<decltype(all)> some;
    for (const auto c : cells) some.push_back(all.at(static_cast<std::size_t>(c)));
    return some;
  };
  const auto take_in = [&](std::vector<inference::SitePosterior>& sites) {
    for (auto& site : sites) {
      if (site.extent != model::Extent::Cell) continue;
      site.arg1 = taken(site.arg1);
      site.arg2 = taken(site.arg2);
    }
  };
  take_in(out.result.posterior.sites);
  if (out.result.posterior.conditional)
    for (auto& sites : out.result.posterior.conditional->sites) take_in(sites);
  if (!fit.cell_logits.empty()) {
    out.cell_logits.clear();
    for (const auto c : cells) {
      const auto row = fit.cell_logits.begin() + c * fit.model.components;
      out.cell_logits.insert(out.cell_logits.end(), row, row + fit.model.components);
    }
  }
  out.cells = taken(fit.cells);
  out.summary = std::move(summary);
  return out;
}

std::string component_name(const Fit& fit, std::size_t component) {
  return component < fit.component_names.size() ? fit.component_names[component] : std::to_string(component + 1);
}

std::vector<std::string> component_names(const Fit& fit) {
  std::vector<std::string> out;
  for (std::int64_t k = 0; k < fit.model.components; ++k)
    out.push_back(component_name(fit, static_cast<std::size_t>(k)));
  return out;
}

std::int64_t find_component(const Fit& fit, const std::string& name) {
  check_mixture(fit);
  std::string names;
  for (std::int64_t k = 0; k < fit.model.components; ++k) {
    const std::string its = component_name(fit, static_cast<std::size_t>(k));
    if (its == name) return k;
    names += (names.empty() ? "" : ", ") + its;
  }
  for (std::int64_t k = 0; k < fit.model.components; ++k)
    if (std::to_string(k + 1) == name) return k;
  throw Error(ErrorCode::BadInput, "There is no component \"" + name + "\".", "The components are " + names + ".");
}

}  // namespace scriptorium::result
