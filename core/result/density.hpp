#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/result/likelihood.hpp"

namespace scriptorium::result {

/// The log joint density of a model at a point, evaluated directly: the reference for what solvers use.
/// Maps are keyed by site; arrays have the site's elements in order.
struct Density {
  std::map<std::string, double> log_prior;  ///< summed over the elements of each site, on the natural scale
  std::vector<double> log_likelihood_by_cell;
  double log_likelihood = 0;
  double log_joint = 0;                                         ///< priors and likelihood, without Jacobian terms
  std::map<std::string, double> log_jacobian;                   ///< Σ ln |dx/dz| of each site's bijection
  double potential() const;                                     ///< −(log joint + Σ log Jacobian)
  std::map<std::string, std::vector<double>> gradient_natural;  ///< of the log joint, by natural values
  /// Of log joint + log Jacobian by the points on the unconstrained axis (minus the gradient of the potential).
  std::map<std::string, std::vector<double>> gradient_unconstrained;
};

/// `point` holds natural values of every sampled site. With Guards::Fitting the values are SCRIBE's, clips included.
/// `library_sizes` (one a cell) are the L_c of a capture prior where `counts` holds only some of the genes; empty: the
/// totals of `counts`.
/// @throws Error(BadInput) if a site is missing, has the wrong length or lies outside its support.
Density density(const model::Model& model, const model::Values& point, const data::CountMatrix& counts,
                const LikelihoodOptions& options, const RunControl& control,
                const std::vector<double>& library_sizes = {});

}  // namespace scriptorium::result
