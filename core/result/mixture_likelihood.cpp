#include <algorithm>
#include <cmath>
#include <string>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/math/special.hpp"
#include "core/result/components.hpp"
#include "core/result/likelihood_terms.hpp"

namespace scriptorium::result {
namespace {

void check_weights(std::span<const double> weights, std::int64_t wanted, const char* axis) {
  if (weights.empty() || static_cast<std::int64_t>(weights.size()) == wanted) return;
  throw Error(ErrorCode::BadInput,
              "There are " + std::to_string(weights.size()) + " weights of the " + axis + "s; the data have " +
                  std::to_string(wanted) + " " + axis + "s.",
              std::string("Give one weight a ") + axis + ".");
}

double sum_of(std::span<const double> weights) {
  double sum = 0;
  for (const double w : weights) sum += w;
  return sum;
}

/// From one column a component to rows × components, and the log of the sum over components of each row.
std::vector<double> join(const std::vector<std::vector<double>>& columns, const std::vector<double>& log_weight,
                         double added, std::vector<double>& sums) {
  const std::size_t rows = columns.front().size(), k = columns.size();
  std::vector<double> out(rows * k);
  sums.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < k; ++j) out[i * k + j] = log_weight[j] + columns[j][i] + added;
    sums[i] = math::log_sum_exp(&out[i * k], k);
  }
  return out;
}

/// Σ_c w_c log Σ_k π_k P_k(u_cg) of every gene.
std::vector<double> by_gene(const std::vector<LikelihoodTerms>& terms, const std::vector<double>& log_weight,
                            const data::CountMatrix& counts, const LikelihoodOptions& options,
                            const RunControl& control) {
  const auto genes = static_cast<std::size_t>(counts.n_genes);
  const std::size_t k = terms.size();
  std::vector<EntryValues> values(terms.begin(), terms.end());
  const auto entry = [&](std::vector<double>& work, auto&& value) {
    for (std::size_t j = 0; j < k; ++j) work[j] = log_weight[j] + value(values[j]);
    return math::log_sum_exp(work.data(), k);
  };
  const bool multiply = options.weight_type == WeightType::Multiplicative;
  const auto weight_of = [&](std::size_t c) {
    return multiply && !options.cell_weights.empty() ? options.cell_weights[c] : 1;
  };
  const bool capture = !terms.front().n.empty();
  std::vector<double> gene_zero(capture ? 0 : genes), work(k);
  for (std::size_t g = 0; g < gene_zero.size(); ++g)
    gene_zero[g] = entry(work, [&](const EntryValues& v) { return v.zero(g, 0); });
  const std::int64_t grain = std::max<std::int64_t>(64, (counts.n_cells + 63) / 64);
  std::vector<std::vector<double>> parts(static_cast<std::size_t>(compute::pieces(counts.n_cells, grain)));
  compute::parallel_for(
      counts.n_cells, grain, options.threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
        auto& sum = parts[static_cast<std::size_t>(piece)];
        sum.assign(genes, 0.0);
        std::vector<double> mine(k);
        std::vector<std::uint32_t> row(genes, 0);
        for (auto c = static_cast<std::size_t>(first); c < static_cast<std::size_t>(last); ++c) {
          control.check();
          const double weight = weight_of(c);
          const auto begin = static_cast<std::size_t>(counts.row_start[c]),
                     end = static_cast<std::size_t>(counts.row_start[c + 1]);
          for (auto i = begin; i < end; ++i) row[counts.gene[i]] = counts.count[i];
          const auto zero = [&](std::size_t g) {
            return capture ? entry(mine, [&](const EntryValues& v) { return v.zero(g, c); }) : gene_zero[g];
          };
          for (std::size_t g = 0; g < genes; ++g)
            sum[g] +=
                weight *
                (row[g] == 0 ? zero(g) : entry(mine, [&](const EntryValues& v) { return v.positive(g, c, row[g]); }));
          for (auto i = begin; i < end; ++i) row[counts.gene[i]] = 0;
          if (options.missing)
            for (const std::uint32_t g : options.missing->genes[options.missing->pattern(c)])
              sum[g] -= weight * zero(g);
        }
      });
  std::vector<double> out(genes, multiply ? 0 : sum_of(options.cell_weights));
  for (const auto& part : parts)
    for (std::size_t g = 0; g < genes; ++g) out[g] += part[g];
  return out;
}

}  // namespace

Likelihood mixture_likelihood(const model::Model& model, const model::Values& point, const data::CountMatrix& counts,
                              const LikelihoodOptions& options, const RunControl& control) {
  check_weights(options.gene_weights, counts.n_genes, "gene");
  check_weights(options.cell_weights, counts.n_cells, "cell");
  const auto one = model::component_model(model);
  const auto weights = mixing_weights(model, point);
  std::vector<double> log_weight;
  for (const double w : weights) log_weight.push_back(std::log(w));
  const bool multiply = options.weight_type == WeightType::Multiplicative;
  std::vector<LikelihoodTerms> terms;
  std::vector<std::vector<double>> cells, genes;
  const bool gpu =
      options.backend && options.backend->is_gpu() && options.gene_weights.empty() && options.cell_weights.empty();
  const bool sums_by_gene = options.by_gene && (options.split || options.scribe_by_gene);
  for (std::int64_t k = 0; k < model.components; ++k) {
    auto& t =
        terms.emplace_back(resolve_terms(one, component_values(point, k), counts.n_cells, counts.n_genes, options));
    if (multiply) {
      t.gene_weight.assign(options.gene_weights.begin(), options.gene_weights.end());
      t.cell_weight.assign(options.cell_weights.begin(), options.cell_weights.end());
    }
    if (!options.by_cell && !sums_by_gene) continue;
    auto found = gpu ? evaluate_on(*options.backend, t, counts, options, control)
                     : evaluate_terms(t, counts, options, control, nullptr);
    cells.push_back(std::move(found.by_cell));
    genes.push_back(std::move(found.by_gene));
  }
  Likelihood out;
  if (options.by_cell) {
    out.by_cell_component = join(cells, log_weight, multiply ? 0 : sum_of(options.gene_weights), out.by_cell);
    if (!options.split) out.by_cell_component.clear();
  }
  if (sums_by_gene) {
    out.by_gene_component = join(genes, log_weight, multiply ? 0 : sum_of(options.cell_weights), out.by_gene);
    if (!options.split) out.by_gene_component.clear();
  }
  if (options.by_gene && !options.scribe_by_gene) out.by_gene = by_gene(terms, log_weight, counts, options, control);
  return out;
}

}  // namespace scriptorium::result
