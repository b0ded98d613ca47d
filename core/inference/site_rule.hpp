#pragma once
#include <array>
#include <vector>

#include "core/math/quadrature.hpp"
#include "core/model/model.hpp"

namespace scriptorium::inference {

/// A quadrature rule for one site under its current marginal q, with what differentiates an expectation:
///   E f = Σ w_i f_i,   ∂_k E f = Σ w_i S_k,i f_i,   ∂_kl E f = Σ w_i H_kl,i f_i
/// for the site's two coordinates k (see SiteFamily). Only values of f are needed, for any likelihood: Stein's identity
/// for the Normal, differentiated node weights for the Beta.
struct SiteRule {
  std::vector<double> value;                     ///< what enters the likelihood, at the nodes (see Read)
  std::vector<double> weight;                    ///< sums to one
  std::array<std::vector<double>, 2> score;      ///< S_1, S_2
  std::array<std::vector<double>, 3> curvature;  ///< H_11, H_12, H_22
  std::size_t size() const { return value.size(); }
};

/// Value, gradient and Hessian of something in a site's two coordinates.
struct Second {
  double value = 0;
  std::array<double, 2> gradient{};
  std::array<double, 3> hessian{};  ///< 11, 12, 22
  Second& operator+=(const Second& other);
};

/// What a node's value stands for when it enters a likelihood.
enum class Read {
  LogValue,    ///< ln of a positive parameter (r, μ)
  LogOdds,     ///< ln φ of the shared scalar, from p or φ
  LogCapture,  ///< ln ν of a cell, from p_capture, phi_capture or eta_capture
  Logit        ///< z itself: the logit of a gate
};

/// One site's variational family and its coordinates: Normal (loc, ln scale); Beta (ln α/β, ln(α+β)).
class SiteFamily {
 public:
  SiteFamily() = default;
  SiteFamily(const model::Site& site, Read read);

  /// Coordinates of the start values, which are the default prior's pair (or the capture prior's).
  std::array<double, 2> start() const { return start_; }
  /// Coordinates of a marginal around the value that reads as `what` (see Read), with about sd `spread` on the axis of
  /// z.
  void place(double what, double spread, double* coordinates) const;
  /// (α, β) or (loc, scale) from coordinates, and back.
  std::array<double, 2> arguments(double x1, double x2) const;
  std::array<double, 2> coordinates(double arg1, double arg2) const;
  /// A rule with `nodes` nodes at these coordinates, written into `rule` (its memory is reused).
  void make_rule(double x1, double x2, int nodes, bool with_curvature, SiteRule& rule) const {
    make_rule_reading(read_, x1, x2, nodes, with_curvature, rule);
  }
  /// Nodes that integrate softplus-like functions of the site to about 1e-8 relative.
  int nodes_for(double x1, double x2) const;
  /// The same rule with z itself as value.
  void make_axis_rule(double x1, double x2, int nodes, SiteRule& rule) const {
    make_rule_reading(Read::Logit, x1, x2, nodes, false, rule);
  }
  /// KL(q ‖ prior). `prior_shift` is subtracted from a truncated Normal's loc (the cell's log library size).
  Second divergence(double x1, double x2, double prior_shift) const;
  /// ln prior density of z on the unconstrained axis, Jacobian included.
  double log_prior(double z, double prior_shift) const;
  /// The value that enters likelihoods, from z on the unconstrained axis; its derivative.
  double read(double z) const { return read_as(read_, z); }
  double read_slope(double z) const;
  /// d ln prior / dz by the same formula.
  double log_prior_slope(double z, double prior_shift) const;

  bool beta() const { return beta_; }
  const model::Site& site() const { return site_; }
  /// Transform whose axis z lives on (logit for Beta and BetaPrime).
  model::Transform transform() const { return transform_; }

 private:
  void make_rule_reading(Read what, double x1, double x2, int nodes, bool with_curvature, SiteRule& rule) const;
  double read_as(Read what, double z) const;

  model::Site site_;
  Read read_ = Read::LogValue;
  bool beta_ = false;
  model::Transform transform_ = model::Transform::Exp;
  std::array<double, 2> start_{};
};

/// Gauss–Hermite rules by number of nodes, made once.
const math::Rule& hermite_rule(int nodes);

}  // namespace scriptorium::inference
