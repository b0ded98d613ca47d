#pragma once
#include <optional>
#include <vector>

#include "core/inference/guide.hpp"
#include "core/inference/log_likelihood.hpp"
#include "core/inference/objective.hpp"
#include "core/inference/solver.hpp"

namespace scriptorium::inference {

/// Noisy estimates of −ELBO and its gradient from draws of the guide, over all cells or a minibatch. A mixture's is
/// that of the marginalised likelihood (MixtureLogLikelihood), without responsibilities of its own.
class SviEstimator {
 public:
  SviEstimator(const FitInput& input, const FitOptions& options, const FitControl& control);
  /// Puts x where fits start: SCRIBE's loop at the default priors; ours at moments of the data, mixtures at those of
  /// their clusters (MixtureStarts; of several starts at the one with the lowest loss) or, with Start::Scribe, at the
  /// default priors too. Returns the losses of the starts that were compared.
  std::vector<double> begin();
  /// One noisy loss and its gradient, of `draws` draws keyed by `step`.
  double estimate(std::int64_t step, int draws, std::vector<double>* gradient);
  std::vector<double>& x() { return x_; }
  std::size_t size() const { return guide_.size(); }
  int draws() const { return draws_; }
  /// The posterior at x: the components of a mixture in the order of the annotation, or of falling weight.
  Posterior posterior() const;
  const Problem& problem() const { return problem_; }

 private:
  std::vector<std::int64_t> pick_batch(std::int64_t step);
  std::vector<std::size_t> order() const;
  /// The likelihood of one population or a mixture at z_, with its slopes there.
  double evaluate(const std::vector<std::int64_t>& batch, double scale);
  /// The shared scalar is integrated, not drawn (ours): a draw of the genes shifts the best p, and that shift, linear
  /// in the scalar, would drown the gradient of its concentration. The scalars of a mixture would take a rule each; the
  /// second of two draws has theirs, and the weights, at the opposite quantiles instead, where the same linear part
  /// cancels.
  bool rule_over_scalar() const { return !guide_.scribe() && one_ && problem_.scalar.has_value(); }
  bool mirrors() const { return !guide_.scribe() && mixture_; }
  double expect_over_scalar(const std::vector<std::int64_t>& batch, double scale, int draws,
                            std::vector<double>* gradient);

  const FitInput& input_;
  const FitOptions& options_;
  const SviOptions& svi_;
  const FitControl& control_;
  Problem problem_;
  Guide guide_;
  std::optional<LogLikelihood> one_;
  std::optional<MixtureLogLikelihood> mixture_;
  std::int64_t cells_ = 0, batch_ = 0;
  int draws_ = 1;
  std::vector<double> x_;
  GuideDraw draw_;
  std::vector<double> slopes_, weight_slopes_;
  Point point_;
  PointGradient point_slopes_;
  SiteRule scalar_rule_;
  std::vector<std::int64_t> order_;
};

}  // namespace scriptorium::inference
