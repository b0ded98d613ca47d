#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace scriptorium::inference {

/// Newton's method on one gene given all else, from `at`, which it moves; returns the gene's share of the loss there.
/// Ends when about `enough` nats are left to gain, and early where what it hopes for stays above `out_of_reach`. Gene:
///   double move_to(at)        chooses quadratures for a point and evaluates there, with derivatives
///   double try_at(at)         the loss at another point by the same quadratures; infinite where it is out of bounds
///   const double* gradient()  where it was moved to
///   void newton_step(step)    a direction of descent from there that stays in bounds
template <class Gene>
double descend(Gene& gene, std::span<double> at, double enough,
               double out_of_reach = std::numeric_limits<double>::infinity()) {
  std::vector<double> step(at.size()), trial(at.size());
  double loss = gene.move_to(at);
  for (int iteration = 0; iteration < 40 && std::isfinite(loss); ++iteration) {
    gene.newton_step(step);
    double longest = 1, slope = 0;
    for (std::size_t a = 0; a < at.size(); ++a) longest = std::max(longest, std::fabs(step[a]) / (a % 2 ? 1.0 : 2.0));
    for (std::size_t a = 0; a < at.size(); ++a) slope += (step[a] /= longest) * gene.gradient()[a];
    if (!(slope < -2 * enough) || (iteration > 2 && loss + slope > out_of_reach + 1)) break;
    double t = 1, found = std::numeric_limits<double>::infinity();
    for (int attempt = 0; attempt < 12; ++attempt, t *= 0.4) {
      for (std::size_t a = 0; a < at.size(); ++a) trial[a] = at[a] + t * step[a];
      found = gene.try_at(trial);
      if (found <= loss + 1e-4 * t * slope) break;
    }
    if (!(found < loss)) break;
    std::copy(trial.begin(), trial.end(), at.begin());
    loss = gene.move_to(at);
  }
  return loss;
}

}  // namespace scriptorium::inference
