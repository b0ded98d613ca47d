#pragma once
#include <span>
#include <vector>

#include "core/inference/problem.hpp"

/// A point of parameter space in the likelihood's own terms, and what both likelihoods of points (LogLikelihood,
/// MixtureLogLikelihood) take from it.
namespace scriptorium::inference {

/// Gradient on the axes of the sites' guides (z): one number a site element.
struct PointGradient {
  double scalar = 0;
  std::vector<double> genes;  ///< genes × sites
  std::vector<double> units;
};

/// A point in parameter space on the same axes. Units: see Problem.
struct Point {
  double scalar = 0;
  std::vector<double> genes;
  std::vector<double> units;
};

/// ln r_g, ln φ (shared: one; or one a gene), the gate's logit, ln ν of a unit.
struct PointTerms {
  std::vector<double> log_r, log_phi, gate, log_nu;
  bool own_p = false;  ///< φ differs by gene
  double log_phi_of(std::size_t gene) const { return log_phi[own_p ? gene : 0]; }
};
PointTerms terms_at(const Problem& problem, const Point& z);

/// Derivatives of a log likelihood in those terms.
struct TermSlopes {
  std::vector<double> log_r, log_phi, gate, log_nu;
  void clear(const PointTerms& at);  ///< zeros, in the shape of `at`
};
/// The chain rule to the axes of z, times `scale`.
void to_axes(const Problem& problem, const Point& z, const TermSlopes& slopes, double scale, PointGradient& gradient);

/// Sums over cells, which may be weighted, of what a gene's likelihood without capture reads beside Σ lnΓ-ratios.
struct GeneSums {
  std::vector<double> nonzero, total;  ///< genes: cells with a count, counts
  std::vector<double> measured;        ///< kinds of genes: cells that measured them
};
/// A gene's zero, and what a cell with a count has instead of it, without capture and but for lnΓ-ratio and count · ln
/// p: both as a cell has them.
struct ZeroTerms {
  double zero = 0, positive = 0, log_p = 0;
};
ZeroTerms zero_terms(const PointTerms& at, std::size_t gene);
/// The log likelihood without capture but for the lnΓ-ratios; its slopes are added.
double without_capture(const Problem& problem, const PointTerms& at, const GeneSums& sums, TermSlopes& slopes);

/// A cell under capture with a shared p: r·ln(1−p̂) of all genes together and its total's ln p̂.
struct CapturedCell {
  double value = 0, slope = 0;  ///< slope in ln ν; in ln φ it is −slope
  double zero = 0;              ///< −ln(1−p̂)
};
CapturedCell captured_cell(double log_odds, double sum_r, double total);
/// Patterns: Σ r over the genes that they measured.
std::vector<double> sums_of_r(const Problem& problem, const PointTerms& at);

/// The rows of `cells` (all if empty; ascending), one row a gene: `gene` holds places in `cells`.
data::CountMatrix by_gene_of(const data::CountMatrix& counts, std::span<const std::int64_t> cells);

}  // namespace scriptorium::inference
