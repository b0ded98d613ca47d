#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/inference/visiting_terms.hpp"

namespace scriptorium::inference {

/// The collapsed, unclipped log likelihood of a Problem at a point, with its gradient: what svi, and any sampler,
/// takes. Never forms cells × genes: histograms of the counts, per-unit terms, and Chebyshev sums where a gene's
/// function of the cell does not separate (a gene whose function is too sharp for them is summed cell by cell).
class LogLikelihood {
 public:
  /// `backend` (null: `threads` of the CPU) sums over the non-zeros of batches.
  LogLikelihood(const Problem& problem, int threads, const compute::Backend* backend = nullptr);
  /// `batch`: cells to include (sorted, each once); empty: all. `scale` multiplies the value and the gradient.
  double evaluate(const Point& z, std::span<const std::int64_t> batch, double scale, PointGradient& gradient,
                  const RunControl& control);

 private:
  double rising_terms(const PointTerms& at, std::span<const std::int64_t> batch, GeneSums& sums,
                      const RunControl& control);
  double shared_capture(const PointTerms& at, std::span<const std::int64_t> batch);
  double visiting(const PointTerms& at, std::span<const std::int64_t> batch, const RunControl& control);
  void gather_batch(std::span<const std::int64_t> batch);

  const Problem* problem_;
  int threads_;
  std::shared_ptr<const compute::Backend> own_;
  const compute::Backend* backend_;
  VisitingTerms visiting_;
  TermSlopes slopes_;                ///< of the evaluation in progress
  std::vector<std::int64_t> batch_;  ///< the cells of by_gene_
  data::CountMatrix by_gene_;        ///< their counts: by_gene_of()
};

/// ln prior density at the point on the same axes (Jacobians included), summed over sites; gradient is added to.
double log_prior(const Problem& problem, const Point& z, PointGradient& gradient);

}  // namespace scriptorium::inference
