#pragma once
#include <span>
#include <vector>

#include "core/inference/chebyshev_axis.hpp"
#include "core/inference/point_terms.hpp"
#include "core/progress.hpp"

namespace scriptorium::inference {

/// The part of a log likelihood that visits the non-zeros beside the summary: zero-inflated capture, and mean_disp with
/// capture. A gene's function of the cell is interpolated at Chebyshev nodes of one number a cell, t_c = ln ν_c or
/// ln λ_c with λ = −ln(1−p̂); a gene whose function is too sharp for them (a tiny gate) is summed cell by cell.
/// Both passes cost O(non-zeros × nodes); nothing is kept between them but scratch memory.
class VisitingTerms {
 public:
  VisitingTerms(const Problem& problem, int threads) : problem_(&problem), threads_(threads) {}

  /// For each of `cells` (all if empty): its log likelihood but for Σ lnΓ(r + u) − lnΓ(r) − ln u!, and its slope in ln
  /// ν (in a shared ln φ it is minus that).
  void by_cell(const PointTerms& at, std::span<const std::int64_t> cells, std::vector<double>& value,
               std::vector<double>& slope, const RunControl& control);
  /// Adds to the slopes in ln r, the gate's logit and, where genes have their own, ln φ; cells count by their weight
  /// (one for each of `cells`). `by_gene`: by_gene_of() these cells. Weights below 1e-18 count as none.
  void by_gene(const PointTerms& at, std::span<const std::int64_t> cells, const data::CountMatrix& by_gene,
               std::span<const double> weight, TermSlopes& slopes, const RunControl& control);

 private:
  struct Zero {
    double value = 0, log_r = 0, log_phi = 0, gate = 0, t = 0;
  };
  /// A gene's ln P(0) at t with its slopes.
  Zero zero_at(const PointTerms& at, std::size_t gene, double t) const;
  /// Places of the cells on the axis of t, which is set to cover them.
  void place(const PointTerms& at, std::span<const std::int64_t> cells);
  bool too_sharp(const double* coefficients) const;
  std::size_t cell(std::size_t place, std::span<const std::int64_t> cells) const {
    return cells.empty() ? place : static_cast<std::size_t>(cells[place]);
  }

  const Problem* problem_;
  int threads_;
  ChebyshevAxis axis_;
  std::vector<double> t_;                              ///< of each included cell
  std::vector<double> zero_, difference_, per_count_;  ///< genes × polynomials: coefficients
  std::vector<double> moments_;                        ///< cells × polynomials, weighted
};

}  // namespace scriptorium::inference
