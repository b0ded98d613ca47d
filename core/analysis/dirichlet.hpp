#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace scriptorium::analysis {

/// What a Dirichlet fit needs of draws of shares: their means, means of squares and mean logs. Streams: no draw is
/// kept.
struct ShareMoments {
  explicit ShareMoments(std::size_t shares = 0) : sum(shares), squares(shares), logs(shares), scribe_logs(shares) {}
  double draws = 0;
  std::vector<double> sum, squares, logs;  ///< of x, x², ln x (at least ln 1e-12)
  std::vector<double> scribe_logs;         ///< of ln(x + 1e-10)
  void add(std::span<const double> x);     ///< one draw; shares that sum to 1
};

struct DirichletFit {
  std::vector<double> concentration;
  bool capped = false;  ///< the draws were all equal: Σα is 1e8 for want of a bound
};

/// The concentrations of largest likelihood: Newton's method with the rank-one Hessian (Minka 2000), from moments.
DirichletFit fit_dirichlet(const ShareMoments& moments);
/// SCRIBE's: Minka's fixed point from ones, until the largest change is below 1e-7 or after 1000 rounds; it can stop
/// short of the optimum of concentrated draws.
DirichletFit fit_dirichlet_as_scribe(const ShareMoments& moments);
/// ψ⁻¹(y) by five Newton steps, as the fixed point above takes it.
double inverse_digamma(double y);

}  // namespace scriptorium::analysis
