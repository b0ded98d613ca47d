#include <algorithm>

#include "core/inference/problem.hpp"
#include "core/result/likelihood_terms.hpp"

namespace scriptorium::result {
Likelihood evaluate_on(const compute::Backend& backend, const LikelihoodTerms& t, const data::CountMatrix& counts,
                       const LikelihoodOptions& options, const RunControl& control) {
  const auto cells = static_cast<std::size_t>(counts.n_cells), genes = static_cast<std::size_t>(counts.n_genes);
  const bool capture = !t.n.empty(), gate = !t.gate.empty();
  const bool separate = capture && !gate && !t.gene_p();  // a zero is r_g times something of the cell
  const bool each_zero = capture && !separate;            // no formula shared: every zero is visited
  const data::Missing complete;
  const data::Missing& missing = options.missing ? *options.missing : complete;
  const auto patterns = missing.genes.size();

  compute::EntryLikelihood job;
  job.genes = counts.n_genes;
  job.cells = counts.n_cells;
  job.gene_p = t.gene_p();
  job.r = t.r.data();
  job.x = t.x.data();
  job.n = capture ? t.n.data() : nullptr;
  job.gate = gate ? t.gate.data() : nullptr;
  job.low = t.low;
  job.high = t.high;
  std::vector<std::uint8_t> measured;
  if (each_zero && !missing.none()) {
    measured.assign(patterns * genes, 1);
    for (std::size_t k = 0; k < patterns; ++k)
      for (const auto g : missing.genes[k]) measured[k * genes + g] = 0;
    job.pattern = missing.pattern_of_cell.data();
    job.measured = measured.data();
    job.patterns = static_cast<std::int64_t>(patterns);
  }

  // The zeros of a row of a pattern, Σ_g factor_g · of_cell_c, where they share such a formula.
  std::vector<double> factor, of_cell;
  if (!each_zero) {
    of_cell.assign(cells, 1.0);
    for (std::size_t g = 0; g < genes; ++g)
      factor.push_back(separate ? t.r[g] : job.zero(static_cast<std::int64_t>(g), 0));
    for (std::size_t c = 0; separate && c < cells; ++c)
      of_cell[c] = -math::softplus(job.logit(0, static_cast<std::int64_t>(c)));
  }

  Likelihood result;
  if (options.by_cell) {
    result.by_cell.assign(cells, 0.0);
    backend.likelihood(*backend.hold(inference::rows_of(counts)), job, each_zero, result.by_cell.data(), control);
    std::vector<double> sum(patterns, 0.0);
    for (std::size_t k = 0; k < patterns && !each_zero; ++k) {
      for (const double f : factor) sum[k] += f;
      for (const auto g : missing.genes[k]) sum[k] -= factor[g];
    }
    for (std::size_t c = 0; c < cells && !each_zero; ++c) result.by_cell[c] += sum[missing.pattern(c)] * of_cell[c];
  }
  if (options.by_gene) {
    result.by_gene.assign(genes, 0.0);
    control.check();
    const data::CountMatrix by_gene = counts.transposed();
    job.rows_are_genes = true;
    backend.likelihood(*backend.hold(inference::rows_of(by_gene)), job, each_zero, result.by_gene.data(), control);
    if (!each_zero) {
      std::vector<double> sum(patterns, 0.0), lacked(genes, 0.0);
      for (std::size_t c = 0; c < cells; ++c) sum[missing.pattern(c)] += of_cell[c];
      double all = 0;
      for (std::size_t k = 0; k < patterns; ++k) {
        all += sum[k];
        for (const auto g : missing.genes[k]) lacked[g] += sum[k];
      }
      for (std::size_t g = 0; g < genes; ++g) result.by_gene[g] += factor[g] * (all - lacked[g]);
    }
  }
  return result;
}

}  // namespace scriptorium::result
