#pragma once
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/data/count_matrix.hpp"
#include "core/inference/site_rule.hpp"
#include "core/summary/count_summary.hpp"

namespace scriptorium::inference {

/// A stretch of j in which the tail count T_gj is constant: contributes T · [lnΓ(r + end) − lnΓ(r + begin)].
struct TailRun {
  std::uint32_t begin = 0, length = 0;
  double tail = 0;
};

/// The likelihood part that all parameterizations share, in logarithms:
/// r, φ = (1−p)/p, gate, ν. How the sampled sites give them:
enum class Mean {
  DispersionIsSampled,  ///< canonical: gene site r
  MeanTimesOdds,        ///< mean_prob, mean_odds: gene site μ, r = μ φ
  MeanAndDispersion     ///< mean_disp: gene sites μ and r, φ_g = r/μ
};

/// A matrix of counts as backends take rows; of a transposed one the rows are genes.
inline compute::CsrView rows_of(const data::CountMatrix& m) {
  return {m.n_cells, m.n_genes, m.row_start.data(), m.gene.data(), m.count.data()};
}

/// Whether the likelihood visits the non-zeros beside the summary: zero-inflated capture, and mean_disp with capture.
bool visits_nonzeros(const model::Model& model);

/// A model bound to data: what every solver works on. Cells that share a class share a unit where the model allows.
struct Problem {
  /// `cells_apart`: a unit for every cell, in the order of the cells, even where the model could share them (stochastic
  /// draws differ by cell).
  Problem(const model::Model& model, const summary::CountSummary& summary, const data::CountMatrix* counts,
          bool cells_apart = false);

  model::Model model;
  const summary::CountSummary* summary = nullptr;
  const data::CountMatrix* counts = nullptr;  ///< cells × genes; null where not needed
  const compute::Backend* gpu = nullptr;      ///< where it is to sum over the non-zeros; null: threads do, and so they
                                              ///< may with a backend that is no GPU
  /// Its transpose, where needed: units × genes; copies share it. reweigh() may leave out cells without weight.
  std::shared_ptr<const data::CountMatrix> by_gene, all_by_gene;
  bool zero_inflated = false, capture = false;
  Mean mean = Mean::DispersionIsSampled;
  bool visits_nonzeros = false;  ///< zinbvcp, or mean_disp with capture: cells are units of their own

  std::optional<SiteFamily> scalar;    ///< p or φ
  std::vector<SiteFamily> gene_sites;  ///< r or μ; [μ, r] under mean_disp; then the gate
  std::optional<SiteFamily> cell;      ///< capture
  int gate_at = -1;                    ///< index of the gate in gene_sites

  std::vector<std::int64_t> run_start;  ///< n_genes + 1
  std::vector<TailRun> runs;

  /// Genes that the same patterns of cells measured (CountSummary::patterns) are of one kind. Complete data have one
  /// pattern and one kind.
  std::vector<std::uint32_t> kind_of_gene;   ///< n_genes
  std::vector<std::uint32_t> genes_by_kind;  ///< genes in the order of their kinds
  std::vector<std::vector<bool>> measures;   ///< kinds × patterns
  std::size_t n_kinds() const { return measures.size(); }
  std::size_t n_patterns() const { return summary->patterns.size(); }
  bool complete() const { return n_patterns() == 1 && n_kinds() == 1; }
  /// From sums by pattern (patterns × width) to sums over the patterns that measured each kind (kinds × width), and
  /// from sums by kind to sums over the kinds that each pattern measured.
  std::vector<double> over_measured(const std::vector<double>& by_pattern) const;
  std::vector<double> over_kinds(const std::vector<double>& by_kind) const;
  bool measured(std::size_t gene, std::uint32_t pattern) const { return measures[kind_of_gene[gene]][pattern]; }

  /// Units of the cell site: cells alike in all that the model sees, with how many there are.
  struct Unit {
    double cells = 1, total = 0;
    double prior_shift = 0;     ///< log max(total, 1): what a capture prior subtracts
    std::uint32_t pattern = 0;  ///< of CountSummary::patterns
  };
  std::vector<Unit> units;
  std::vector<std::uint32_t> unit_of_cell;
  /// Where the model visits the non-zeros: the units run from small totals to large ones, so that cells whose capture
  /// is alike are visited one after another.
  std::vector<std::uint32_t> cell_of_unit;

  void find_kinds();
  void find_runs();
  /// Gives every cell a weight (each its own unit, as `cells_apart` and visits to the non-zeros have it), and takes the
  /// sums that such cells make. Cells whose weight is 0 cost next to nothing afterwards.
  void reweigh(const summary::CountSummary& weighted, std::span<const double> weight);

  std::int64_t n_genes() const { return summary->n_genes; }
  std::int64_t n_cells() const { return summary->n_cells; }
  std::span<const TailRun> tail_runs(std::int64_t gene) const {
    return std::span(runs).subspan(static_cast<std::size_t>(run_start[static_cast<std::size_t>(gene)]),
                                   static_cast<std::size_t>(run_start[static_cast<std::size_t>(gene) + 1] -
                                                            run_start[static_cast<std::size_t>(gene)]));
  }
};

/// out_i = Σ_j T_gj ln(r_i + j).
void sum_log_rising(std::span<const TailRun> runs, std::span<const double> r, double* out);
/// Its derivative in r: Σ_j T_gj /(r + j).
double sum_rising_slope(std::span<const TailRun> runs, double r);

}  // namespace scriptorium::inference
