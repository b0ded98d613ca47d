#include "core/inference/problem.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "core/compute/kernels.hpp"
#include "core/error.hpp"

namespace scriptorium::inference {

bool visits_nonzeros(const model::Model& model) {
  const auto& info = model::find_likelihood(model.likelihood);
  const auto sites = model::layout(model);
  const bool own_probability =
      std::none_of(sites.begin(), sites.end(), [](const auto& site) { return site.extent == model::Extent::Scalar; });
  return info.variable_capture && (info.zero_inflated || own_probability);
}

Problem::Problem(const model::Model& m, const summary::CountSummary& s, const data::CountMatrix* matrix,
                 bool cells_apart)
    : model(m), summary(&s), counts(matrix) {
  if (s.n_cells == 0 || s.n_genes == 0)
    throw Error(ErrorCode::BadInput,
                "there is nothing to fit: the data have " + std::to_string(s.n_cells) + " cells and " +
                    std::to_string(s.n_genes) + " genes",
                "Loosen the filters or choose another layer.");
  if (s.total() == 0)
    throw Error(ErrorCode::BadInput, "every count is zero: there is nothing to fit",
                "Choose another layer, or other data.");
  find_kinds();
  const auto& info = model::find_likelihood(model.likelihood);
  zero_inflated = info.zero_inflated;
  capture = info.variable_capture;
  for (const auto& site : model::layout(model)) {
    switch (site.extent) {
      case model::Extent::Scalar:
        scalar.emplace(site, Read::LogOdds);
        break;
      case model::Extent::Cell:
        cell.emplace(site, Read::LogCapture);
        break;
      case model::Extent::Gene:
        if (site.name == "gate") gate_at = static_cast<int>(gene_sites.size());
        gene_sites.emplace_back(site, site.name == "gate" ? Read::Logit : Read::LogValue);
    }
  }
  if (!scalar)
    mean = Mean::MeanAndDispersion;
  else
    mean = gene_sites.front().site().name == "r" ? Mean::DispersionIsSampled : Mean::MeanTimesOdds;
  visits_nonzeros = inference::visits_nonzeros(model);
  if (visits_nonzeros) {
    if (!counts)
      throw Error(
          ErrorCode::BadInput,
          model.likelihood + " with " + model.parameterization + " needs the counts again, and they are not at hand",
          "Open the data that the summary was made from.");
    if (counts->n_cells != s.n_cells || counts->n_genes != s.n_genes)
      throw Error(ErrorCode::BadInput, "the counts and their summary have different sizes");
    for (std::uint32_t c = 0; c < static_cast<std::uint32_t>(s.n_cells); ++c) cell_of_unit.push_back(c);
    if (!cells_apart)
      std::stable_sort(cell_of_unit.begin(), cell_of_unit.end(),
                       [&](std::uint32_t a, std::uint32_t b) { return s.cell_total(a) < s.cell_total(b); });
    by_gene = all_by_gene = std::make_shared<const data::CountMatrix>(counts->transposed(cell_of_unit));
  }

  find_runs();

  if (capture && !visits_nonzeros && !cells_apart) {
    for (const auto& k : s.classes)
      units.push_back(
          {k.cells, static_cast<double>(k.total), std::log(std::max(1.0, static_cast<double>(k.total))), k.pattern});
    unit_of_cell = s.class_of_cell;
  } else if (capture) {
    unit_of_cell.resize(static_cast<std::size_t>(s.n_cells));
    for (std::uint32_t u = 0; u < unit_of_cell.size(); ++u) {
      const std::uint32_t c = visits_nonzeros ? cell_of_unit[u] : u;
      const auto total = static_cast<double>(s.cell_total(c));
      units.push_back({1, total, std::log(std::max(1.0, total)), s.classes[s.class_of_cell[c]].pattern});
      unit_of_cell[c] = u;
    }
  }
}

void Problem::find_runs() {
  const auto& s = *summary;
  run_start.assign(1, 0);
  runs.clear();
  for (std::int64_t g = 0; g < s.n_genes; ++g) {
    double tail = s.gene_nonzero[static_cast<std::size_t>(g)];
    std::uint32_t begin = 0;
    for (auto e = static_cast<std::size_t>(s.gene_start[static_cast<std::size_t>(g)]);
         e < static_cast<std::size_t>(s.gene_start[static_cast<std::size_t>(g) + 1]); ++e) {
      if (s.cells[e] == 0) continue;  // a count that this component has none of
      runs.push_back({begin, s.value[e] - begin, tail});
      tail -= s.cells[e];
      begin = s.value[e];
    }
    run_start.push_back(static_cast<std::int64_t>(runs.size()));
  }
}

void Problem::reweigh(const summary::CountSummary& weighted, std::span<const double> weight) {
  summary = &weighted;
  find_runs();
  for (std::size_t c = 0; c < unit_of_cell.size(); ++c) units[unit_of_cell[c]].cells = weight[c];
  if (!all_by_gene) return;
  by_gene = all_by_gene;
  const auto& all = *all_by_gene;  // its `gene` holds units
  const auto weighs = [&](std::uint32_t unit) { return units[unit].cells > 0; };
  if (2 * std::ranges::count_if(all.gene, weighs) > all.nnz()) return;
  auto some = std::make_shared<data::CountMatrix>();
  some->n_cells = all.n_cells;
  some->n_genes = all.n_genes;
  for (std::size_t row = 0; row + 1 < all.row_start.size(); ++row) {
    for (auto i = static_cast<std::size_t>(all.row_start[row]); i < static_cast<std::size_t>(all.row_start[row + 1]);
         ++i)
      if (weighs(all.gene[i])) {
        some->gene.push_back(all.gene[i]);
        some->count.push_back(all.count[i]);
      }
    some->row_start.push_back(some->nnz());
  }
  by_gene = std::move(some);
}

void Problem::find_kinds() {
  const auto genes = static_cast<std::size_t>(n_genes());
  std::vector<std::vector<bool>> of(genes, std::vector<bool>(n_patterns(), true));
  for (std::size_t k = 0; k < n_patterns(); ++k)
    for (const std::uint32_t g : summary->patterns[k].missing_genes) of[g][k] = false;
  std::map<std::vector<bool>, std::uint32_t> kinds;
  for (std::size_t g = 0; g < genes; ++g) {
    const auto [at, is_new] = kinds.try_emplace(of[g], static_cast<std::uint32_t>(measures.size()));
    if (is_new) measures.push_back(of[g]);
    kind_of_gene.push_back(at->second);
    genes_by_kind.push_back(static_cast<std::uint32_t>(g));
  }
  std::stable_sort(genes_by_kind.begin(), genes_by_kind.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return kind_of_gene[a] < kind_of_gene[b]; });
}

std::vector<double> Problem::over_measured(const std::vector<double>& by_pattern) const {
  const std::size_t width = by_pattern.size() / n_patterns();
  std::vector<double> out(n_kinds() * width, 0.0);
  for (std::size_t kind = 0; kind < n_kinds(); ++kind)
    for (std::size_t pattern = 0; pattern < n_patterns(); ++pattern)
      for (std::size_t i = 0; i < width && measures[kind][pattern]; ++i)
        out[kind * width + i] += by_pattern[pattern * width + i];
  return out;
}

std::vector<double> Problem::over_kinds(const std::vector<double>& by_kind) const {
  const std::size_t width = by_kind.size() / n_kinds();
  std::vector<double> out(n_patterns() * width, 0.0);
  for (std::size_t kind = 0; kind < n_kinds(); ++kind)
    for (std::size_t pattern = 0; pattern < n_patterns(); ++pattern)
      for (std::size_t i = 0; i < width && measures[kind][pattern]; ++i)
        out[pattern * width + i] += by_kind[kind * width + i];
  return out;
}

void sum_log_rising(std::span<const TailRun> runs, std::span<const double> r, double* out) {
  std::fill_n(out, r.size(), 0.0);
  for (const auto& run : runs) {
    if (run.length == 1) {
      compute::add_log(r.data(), run.begin, run.tail, out, r.size());
    } else {
      for (std::size_t i = 0; i < r.size(); ++i) out[i] += run.tail * math::log_rising(r[i] + run.begin, run.length);
    }
  }
}

double sum_rising_slope(std::span<const TailRun> runs, double r) {
  double sum = 0;
  for (const auto& run : runs) sum += run.tail * math::digamma_rising(r + run.begin, run.length);
  return sum;
}

}  // namespace scriptorium::inference
