#include "core/result/likelihood_terms.hpp"

#include <algorithm>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/math/nb_entry.hpp"

namespace scriptorium::result {
namespace {

using Entry = math::NbEntry;

/// Sums over the cells of one piece of the matrix, per gene.
struct GeneSums {
  std::vector<double> value, dr, dl, dgate;
  void resize(std::size_t genes, bool slopes, bool gate) {
    value.assign(genes, 0.0);
    if (slopes) {
      dr.assign(genes, 0.0);
      dl.assign(genes, 0.0);
      if (gate) dgate.assign(genes, 0.0);
    }
  }
  void add(std::size_t g, const Entry& e, double sign) {
    value[g] += sign * e.value;
    if (dr.empty()) return;
    dr[g] += sign * e.dr;
    dl[g] += sign * e.dl;
    if (!dgate.empty()) dgate[g] += sign * e.dgate;
  }
};

class Evaluator {
 public:
  Evaluator(const LikelihoodTerms& terms, bool slopes) : t_(terms), slopes_(slopes) {}

  /// logit p̂ and whether it is free to move.
  double logit(std::size_t g, std::size_t c, double& free) const {
    const double raw = t_.x[t_.gene_p() ? g : 0] + (t_.n.empty() ? 0 : t_.n[c]);
    free = raw < t_.low || raw > t_.high ? 0 : 1;
    return std::clamp(raw, t_.low, t_.high);
  }
  Entry zero(std::size_t g, double l, double free) const {
    return math::nb_zero(t_.r[g], l, gated(), gated() ? t_.gate[g] : 0, slopes_, free);
  }
  Entry positive(std::size_t g, std::uint64_t u, double l, double free) const {
    return math::nb_positive(t_.r[g], u, l, gated(), gated() ? t_.gate[g] : 0, slopes_, free);
  }

 private:
  bool gated() const { return !t_.gate.empty(); }
  const LikelihoodTerms& t_;
  bool slopes_;
};

}  // namespace

double EntryValues::logit(std::size_t gene, std::size_t cell) const {
  return std::clamp(t_.x[t_.gene_p() ? gene : 0] + (t_.n.empty() ? 0 : t_.n[cell]), t_.low, t_.high);
}
double EntryValues::zero(std::size_t gene, std::size_t cell) const {
  const bool gated = !t_.gate.empty();
  return math::nb_zero(t_.r[gene], logit(gene, cell), gated, gated ? t_.gate[gene] : 0, false, 1).value;
}
double EntryValues::positive(std::size_t gene, std::size_t cell, std::uint64_t count) const {
  const bool gated = !t_.gate.empty();
  return math::nb_positive(t_.r[gene], count, logit(gene, cell), gated, gated ? t_.gate[gene] : 0, false, 1).value;
}

Likelihood evaluate_terms(const LikelihoodTerms& t, const data::CountMatrix& counts, const LikelihoodOptions& options,
                          const RunControl& control, LikelihoodSlopes* slopes) {
  const auto cells = static_cast<std::size_t>(counts.n_cells), genes = static_cast<std::size_t>(counts.n_genes);
  const Evaluator evaluate(t, slopes != nullptr);
  const bool capture = !t.n.empty(), gate = !t.gate.empty();
  const bool zeros_by_gene = !capture;                         // a zero of gene g is the same in every cell
  const bool zeros_by_cell = capture && !gate && !t.gene_p();  // r_g times something of the cell
  Likelihood result;
  result.by_cell.assign(cells, 0.0);
  if (slopes) {
    slopes->n.assign(t.n.size(), 0.0);
    slopes->x.assign(t.x.size(), 0.0);
  }

  std::vector<Entry> gene_zero(zeros_by_gene ? genes : 0);
  double all_zero = 0, sum_r = 0;
  for (std::size_t g = 0; g < gene_zero.size(); ++g) {
    double free = 1;
    const double l = evaluate.logit(g, 0, free);
    all_zero += t.weight_of_gene(g) * (gene_zero[g] = evaluate.zero(g, l, free)).value;
  }
  for (std::size_t g = 0; g < genes; ++g) sum_r += t.weight_of_gene(g) * t.r[g];

  // At most 64 pieces, so that their per-gene sums stay small; the cut depends on the data only.
  const std::int64_t grain = std::max<std::int64_t>(64, (counts.n_cells + 63) / 64);
  std::vector<GeneSums> sums(static_cast<std::size_t>(compute::pieces(counts.n_cells, grain)));
  compute::parallel_for(
      counts.n_cells, grain, options.threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
        GeneSums& sum = sums[static_cast<std::size_t>(piece)];
        sum.resize(genes, slopes != nullptr, gate);
        for (auto c = static_cast<std::size_t>(first); c < static_cast<std::size_t>(last); ++c) {
          if (c % 16 == 0) control.check();
          double cell = 0, cell_dl = 0;
          const double weight = t.weight_of_cell(c);
          const auto count = [&](std::size_t g, const Entry& e, double sign) {
            const double by = sign * t.weight_of_gene(g);
            cell += by * e.value;
            cell_dl += by * e.dl;
          };
          const auto begin = counts.row_start[c], end = counts.row_start[c + 1];
          double free = 1;
          const double shared = t.gene_p() ? 0 : evaluate.logit(0, c, free);
          if (zeros_by_gene) cell = all_zero;
          if (zeros_by_cell) {
            cell = -sum_r * math::softplus(shared);
            cell_dl = -sum_r * math::sigmoid(shared) * free;
          }
          if (!zeros_by_gene && !zeros_by_cell) {
            for (std::size_t g = 0; g < genes; ++g) {
              const double l = t.gene_p() ? evaluate.logit(g, c, free) : shared;
              const Entry e = evaluate.zero(g, l, free);
              count(g, e, 1);
              sum.add(g, e, weight);
            }
          }
          for (auto i = begin; i < end; ++i) {
            const std::size_t g = counts.gene[static_cast<std::size_t>(i)];
            const double l = t.gene_p() ? evaluate.logit(g, c, free) : shared;
            const Entry here = evaluate.positive(g, counts.count[static_cast<std::size_t>(i)], l, free);
            // What the baseline above said of this entry is taken back.
            const Entry instead = zeros_by_gene ? gene_zero[g] : evaluate.zero(g, l, free);
            count(g, here, 1);
            count(g, instead, -1);
            sum.add(g, here, weight);
            sum.add(g, instead, -weight);
          }
          if (options.missing)  // neither zero nor anything else
            for (const std::uint32_t g : options.missing->genes[options.missing->pattern(c)]) {
              const double l = t.gene_p() ? evaluate.logit(g, c, free) : shared;
              const Entry instead = zeros_by_gene ? gene_zero[g] : evaluate.zero(g, l, free);
              count(g, instead, -1);
              sum.add(g, instead, -weight);
            }
          result.by_cell[c] = cell;
          if (slopes && capture) slopes->n[c] = weight * cell_dl * t.n_free[c];
        }
      });

  GeneSums total;
  total.resize(genes, slopes != nullptr, gate);
  double zero_value = 0, zero_dl = 0;  // per unit of r: what every gene gets from the zeros of all cells
  double all_cells = 0;
  for (std::size_t c = 0; c < cells; ++c) {
    const double weight = t.weight_of_cell(c);
    all_cells += weight;
    if (!zeros_by_cell) continue;
    double free = 1;
    const double l = evaluate.logit(0, c, free);
    zero_value -= weight * math::softplus(l);
    zero_dl -= weight * math::sigmoid(l) * free;
  }
  for (std::size_t g = 0; g < genes; ++g) {
    if (zeros_by_gene) total.add(g, gene_zero[g], all_cells);
    if (zeros_by_cell) total.add(g, {t.r[g] * zero_value, zero_value, t.r[g] * zero_dl, 0}, 1);
    for (const auto& sum : sums) {
      total.value[g] += sum.value[g];
      if (!slopes) continue;
      total.dr[g] += sum.dr[g];
      total.dl[g] += sum.dl[g];
      if (gate) total.dgate[g] += sum.dgate[g];
    }
  }
  result.by_gene = std::move(total.value);
  if (slopes) {
    for (std::size_t g = 0; g < genes; ++g) {
      const std::size_t at = t.gene_p() ? g : 0;
      slopes->x[at] += total.dl[g] * t.x_free[at];
      total.dr[g] *= t.r_free[g];
    }
    slopes->r = std::move(total.dr);
    slopes->gate = std::move(total.dgate);
  }
  return result;
}

}  // namespace scriptorium::result
