#include "core/result/estimates.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/error.hpp"
#include "core/math/special.hpp"
#include "core/result/components.hpp"

namespace scriptorium::result {
namespace {

using model::Array;
using model::Values;

/// Lines up two arrays for an elementwise formula: the axes of `a` and `b` in the order below, where an
/// axis that one of them lacks is repeated.
template <class Formula>
Array combine(const Array& a, const Array& b, Formula formula) {
  Array result;
  for (const char* axis : {"draw", "cell", "component", "gene"})
    for (const Array* from : {&a, &b}) {
      const auto found = std::find(from->dims.begin(), from->dims.end(), axis);
      if (found == from->dims.end()) continue;
      result.dims.push_back(axis);
      result.shape.push_back(from->shape[static_cast<std::size_t>(found - from->dims.begin())]);
      break;
    }
  std::size_t size = 1;
  for (auto length : result.shape) size *= static_cast<std::size_t>(length);
  const auto strides = [&](const Array& from) {
    std::vector<std::size_t> stride(result.dims.size(), 0);
    std::size_t step = 1;
    for (std::size_t i = from.dims.size(); i-- > 0;) {
      const auto at = std::find(result.dims.begin(), result.dims.end(), from.dims[i]) - result.dims.begin();
      stride[static_cast<std::size_t>(at)] = step;
      step *= static_cast<std::size_t>(from.shape[i]);
    }
    return stride;
  };
  const auto stride_a = strides(a), stride_b = strides(b);
  result.values.resize(size);
  std::vector<std::size_t> index(result.dims.size(), 0);
  std::size_t at_a = 0, at_b = 0;
  for (std::size_t i = 0; i < size; ++i) {
    result.values[i] = formula(a.values[at_a], b.values[at_b]);
    for (std::size_t axis = index.size(); axis-- > 0;) {
      at_a += stride_a[axis];
      at_b += stride_b[axis];
      if (++index[axis] < static_cast<std::size_t>(result.shape[axis])) break;
      at_a -= stride_a[axis] * index[axis];
      at_b -= stride_b[axis] * index[axis];
      index[axis] = 0;
    }
  }
  return result;
}

template <class Formula>
Array map_array(const Array& a, Formula formula) {
  Array result = a;
  for (double& value : result.values) value = formula(value);
  return result;
}

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same =
          std::tolower(static_cast<unsigned char>(a[i - 1])) == std::tolower(static_cast<unsigned char>(b[j - 1]));
      const std::size_t next = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1)});
      diagonal = row[j];
      row[j] = next;
    }
  }
  return row[b.size()];
}

std::string nearest_names(const std::vector<std::string>& names, const std::string& wanted) {
  std::vector<std::pair<std::size_t, const std::string*>> ranked;
  for (const auto& name : names) ranked.emplace_back(edit_distance(name, wanted), &name);
  const auto middle = ranked.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(3, ranked.size()));
  std::partial_sort(ranked.begin(), middle, ranked.end());
  std::string text;
  for (auto entry = ranked.begin(); entry != middle; ++entry) text += (text.empty() ? "" : ", ") + *entry->second;
  return text;
}

}  // namespace

Array captured_probability(const Array& p, const Array& p_capture) {
  return combine(p, p_capture, [](double one, double capture) { return one * capture / (1 - one * (1 - capture)); });
}

void add_derived(const model::Model& model, Values& v) {
  const auto kind = model::find_parameterization(model.parameterization).key;
  const auto has = [&](const char* name) { return v.count(name) != 0; };
  if (kind == "canonical" && has("p") && has("r"))
    v["mu"] = combine(v["r"], v["p"], [](double r, double p) { return r * p / std::max(1 - p, 1e-8); });
  if (kind == "mean_prob" && has("p") && has("mu"))
    v["r"] = combine(v["mu"], v["p"], [](double mu, double p) { return mu * (1 - p) / p; });
  if (kind == "mean_odds" && has("phi") && has("mu")) {
    v["p"] = map_array(v["phi"], [](double phi) { return 1 / (1 + phi); });
    v["r"] = combine(v["mu"], v["phi"], [](double mu, double phi) { return mu * phi; });
  }
  if (kind == "mean_disp" && has("mu") && has("r")) {
    v["phi"] = combine(v["r"], v["mu"], [](double r, double mu) { return r / mu; });
    v["p"] = combine(v["mu"], v["r"], [](double mu, double r) { return mu / (mu + r); });
  }
  if (has("eta_capture")) {
    v["p_capture"] = map_array(v["eta_capture"], [](double eta) { return std::exp(-eta); });
    v["phi_capture"] = map_array(v["eta_capture"], [](double eta) { return std::expm1(eta); });
  } else if (has("phi_capture")) {
    v["p_capture"] = map_array(v["phi_capture"], [](double odds) { return 1 / (1 + odds); });
  }
  const bool gene_p = has("p") && std::find(v["p"].dims.begin(), v["p"].dims.end(), "gene") != v["p"].dims.end();
  if (has("p") && has("p_capture") && !gene_p) v["p_hat"] = captured_probability(v["p"], v["p_capture"]);
}

void append_axes(const inference::SitePosterior& site, Array& array) {
  if (site.components > 0) {
    array.dims.push_back("component");
    array.shape.push_back(site.components);
  }
  if (site.extent == model::Extent::Scalar) return;
  array.dims.push_back(model::to_string(site.extent));
  array.shape.push_back(static_cast<std::int64_t>(site.arg1.size()) / std::max<std::int64_t>(1, site.components));
}

Values map_estimate(const model::Model& model, const std::vector<inference::SitePosterior>& sites,
                    const MapOptions& options) {
  Values values;
  for (const auto& site : sites) {
    auto& array = values[site.name];
    append_axes(site, array);
    array.values.resize(site.arg1.size());
    for (std::size_t i = 0; i < site.arg1.size(); ++i) array.values[i] = point(marginal(site, i), options);
  }
  if (options.canonical) add_derived(model, values);
  return values;
}

Values map_estimate(const Fit& fit, const MapOptions& options) {
  return map_estimate(fit.model, fit.result.posterior.sites, options);
}

std::vector<std::int64_t> find_genes(const std::vector<std::string>& names, const std::vector<std::string>& wanted) {
  std::unordered_map<std::string, std::int64_t> index;
  for (std::size_t i = 0; i < names.size(); ++i) index.emplace(names[i], static_cast<std::int64_t>(i));
  std::vector<std::int64_t> found;
  std::string missing, near;
  int count = 0;
  for (const auto& name : wanted) {
    const auto at = index.find(name);
    if (at != index.end()) {
      found.push_back(at->second);
    } else if (++count <= 5) {
      missing += (missing.empty() ? "" : ", ") + name;
      near += (near.empty() ? "" : "; ") + name + ": " + nearest_names(names, name);
    }
  }
  if (count > 0)
    throw Error(ErrorCode::BadInput,
                "There " + std::string(count == 1 ? "is no gene " : "are no genes ") + missing +
                    (count > 5 ? " and " + std::to_string(count - 5) + " more" : "") + ".",
                names.empty() ? std::string() : "The nearest names are — " + near + ".");
  return found;
}

Fit subset_genes(const Fit& fit, const std::vector<std::int64_t>& genes) {
  if (genes.empty()) throw Error(ErrorCode::BadInput, "A subset needs at least one gene.", "Name some genes.");
  const auto n_genes = static_cast<std::int64_t>(fit.genes.size());
  std::vector<std::uint8_t> taken(fit.genes.size(), 0);
  for (auto g : genes) {
    if (g < 0 || g >= n_genes)
      throw Error(ErrorCode::BadInput,
                  "There is no gene number " + std::to_string(g) + "; the fit has " + std::to_string(n_genes) + ".",
                  "Count from 0.");
    if (taken[static_cast<std::size_t>(g)]++)
      throw Error(ErrorCode::BadInput, "The gene " + fit.genes[static_cast<std::size_t>(g)] + " was named twice.",
                  "Name each gene once.");
  }
  const auto pick = [&](const std::vector<double>& from) {
    std::vector<double> result;
    for (auto g : genes) result.push_back(from[static_cast<std::size_t>(g)]);
    return result;
  };
  const auto pick_site = [&](inference::SitePosterior& site) {
    if (site.extent != model::Extent::Gene) return;
    const auto pick_rows = [&](const std::vector<double>& all) {
      std::vector<double> result;
      for (auto row = all.begin(); row != all.end(); row += n_genes)
        for (auto g : genes) result.push_back(row[g]);
      return result;
    };
    site.arg1 = pick_rows(site.arg1);
    site.arg2 = pick_rows(site.arg2);
  };
  Fit result = fit;
  note_part(result);
  for (auto& site : result.result.posterior.sites) pick_site(site);
  if (result.result.posterior.conditional)
    for (auto& node : result.result.posterior.conditional->sites)
      for (auto& site : node) pick_site(site);
  result.genes.clear();
  for (auto g : genes) result.genes.push_back(fit.genes[static_cast<std::size_t>(g)]);

  const auto& from = fit.summary;
  auto& to = result.summary;  // cells, their totals and classes stay those of the full fit
  if (from.gene_start.empty()) return result;
  to.n_genes = static_cast<std::int64_t>(genes.size());
  to.gene_start = {0};
  to.value.clear();
  to.cells.clear();
  to.sum_log_factorial = 0;
  for (auto g : genes) {
    for (auto i = from.gene_start[static_cast<std::size_t>(g)]; i < from.gene_start[static_cast<std::size_t>(g) + 1];
         ++i) {
      const auto at = static_cast<std::size_t>(i);
      to.value.push_back(from.value[at]);
      to.cells.push_back(from.cells[at]);
      to.sum_log_factorial += from.cells[at] * math::log_gamma(from.value[at] + 1.0);
    }
    to.gene_start.push_back(static_cast<std::int64_t>(to.value.size()));
  }
  to.gene_total = pick(from.gene_total);
  to.gene_nonzero = pick(from.gene_nonzero);
  to.gene_measured = pick(from.gene_measured);
  for (auto& pattern : to.patterns) {
    std::vector<std::uint32_t> missing;
    for (std::size_t k = 0; k < genes.size(); ++k)
      if (std::binary_search(pattern.missing_genes.begin(), pattern.missing_genes.end(),
                             static_cast<std::uint32_t>(genes[k])))
        missing.push_back(static_cast<std::uint32_t>(k));
    pattern.missing_genes = std::move(missing);
  }
  return result;
}

}  // namespace scriptorium::result
