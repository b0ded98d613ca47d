#pragma once
#include <cstddef>
#include <span>
#include <vector>

/// Negative-binomial regression of the counts of one gene on covariates of the cells, and Wald tests.
namespace scriptorium::perturbation {

/// Covariates: cells × columns.
class NbDesign {
 public:
  /// @param columns  each one value a cell
  /// @throws Error(BadInput) for no column, no cell, columns of different lengths or values that are not finite
  explicit NbDesign(const std::vector<std::vector<double>>& columns);

  std::size_t cells() const { return cells_; }
  std::size_t columns() const { return columns_; }
  /// Values of a column, with zeros after the last cell up to `padded()`, a multiple of four.
  const double* column(std::size_t j) const { return values_.data() + j * padded_; }
  std::size_t padded() const { return padded_; }
  /// Columns that estimates are made for: those that are no combination of columns before them.
  std::span<const std::size_t> kept() const { return kept_; }
  /// The same cells with another column j.
  NbDesign with_column(std::size_t j, std::span<const double> values) const;
  NbDesign without_column(std::size_t j) const;

  /// XᵀWX over the kept columns, row-major; `scratch` has padded() elements.
  void products(const double* weight, double* scratch, std::vector<double>& out) const;
  /// Xᵀv over the kept columns.
  void sums(const double* v, std::vector<double>& out) const;
  /// The least-squares coefficients (kept columns) of one value a cell, padded.
  std::vector<double> least_squares(std::span<const double> v) const;

 private:
  void find_kept();
  std::size_t cells_ = 0, columns_ = 0, padded_ = 0;
  std::vector<double> values_;
  std::vector<std::size_t> kept_;
  std::vector<std::size_t> from_, to_;  // of each column: the cells outside of which it is zero
  std::vector<double> gram_;            // inverse of XᵀX over the kept columns
};

/// Coefficients of one gene, means μ = exp(Xb), Var = μ + aμ².
struct NbFit {
  enum class State {
    Fitted,
    Empty,      ///< no cell has a count: nothing is estimated
    Separated,  ///< a coefficient runs off to infinity (counts only where a covariate is zero): it stands where it was
    Stopped     ///< the steps did not come to an end within the limit
  };
  State state = State::Empty;
  std::vector<double> coefficient;  ///< per column; NaN where there is no estimate
  std::vector<double> mean;         ///< per cell, padded
  int iterations = 0;
};

/// Maximum likelihood for a given dispersion a ≥ 0 by Newton's method (the log likelihood is concave in b): until the
/// Newton decrement √(gᵀH⁻¹g), the distance to the optimum in standard errors, is below 1e-10.
/// @param counts  one a cell, padded with zeros to design.padded(); whole numbers ≥ 0
/// @param start   coefficients per column to begin from; empty: least squares of ln(1 + counts)
NbFit fit_nb(const NbDesign& design, std::span<const double> counts, double dispersion,
             std::span<const double> start = {});

/// The dispersion of largest Cox–Reid-adjusted likelihood at given means:
/// Σ ln NB(y; μ, a) − (weight/2) ln det(XᵀWX), W = μ/(1 + aμ). 0 where the likelihood falls from a = 1e-8 on; within
/// [1e-8, 1e8]. Relative accuracy 1e-9.
/// @param start   where the search begins (> 0): of several maxima, the one uphill from there
/// @param weight  1 is Cox and Reid's; glmGamPoi takes 0.99
double cox_reid_dispersion(const NbDesign& design, std::span<const double> counts, std::span<const double> means,
                           double start, double weight = 1);
/// Its derivative by ln a.
double cox_reid_slope(const NbDesign& design, std::span<const double> counts, std::span<const double> means, double a,
                      double weight = 1);

/// (variance − mean)/mean² of the counts of all cells, at least 0; 0 for a gene without counts.
double moment_dispersion(std::span<const double> counts, std::size_t n_cells);

/// A fit whose dispersion is its own: means and dispersion are fitted in turn until ln a moves by less than 1e-7.
struct NbOwnFit {
  NbFit fit;
  double dispersion = 0;
};
NbOwnFit fit_nb_with_dispersion(const NbDesign& design, std::span<const double> counts);

/// Per column √diag((XᵀWX)⁻¹) at means μ and dispersion a; NaN for columns without an estimate, and where XᵀWX is
/// singular to working precision.
std::vector<double> standard_errors(const NbDesign& design, std::span<const double> means, double dispersion);

/// Σ ln NB(y; μ, a) over the cells, without the terms that hold y alone; Poisson at a = 0.
double nb_log_likelihood(std::span<const double> counts, std::span<const double> means, std::size_t n_cells, double a);

/// ln P(χ²₁ > z²): the two-sided p of a standard normal z, for any z.
double log_two_sided_p(double z);
/// The z ≥ 0 with that log p: √ of the upper χ²₁ quantile. p = 1 gives 0; log p down to −1e300 is no trouble.
double z_of_log_p(double log_p);
double z_of_p(double p);

}  // namespace scriptorium::perturbation
