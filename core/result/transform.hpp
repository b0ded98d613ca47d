#pragma once
#include <cmath>

#include "core/math/special.hpp"
#include "core/model/model.hpp"

namespace scriptorium::result {

/// Natural value of a point on the real axis.
inline double to_natural(model::Transform transform, double z) {
  switch (transform) {
    case model::Transform::Sigmoid:
      return math::sigmoid(z);
    case model::Transform::Exp:
      return std::exp(z);
    case model::Transform::Softplus:
      return math::softplus(z);
    default:
      return z;
  }
}
/// The real-axis point of a natural value.
inline double to_real(model::Transform transform, double x) {
  switch (transform) {
    case model::Transform::Sigmoid:
      return std::log(x) - std::log1p(-x);
    case model::Transform::Exp:
      return std::log(x);
    case model::Transform::Softplus:
      return math::inverse_softplus(x);
    default:
      return x;
  }
}
/// ln T'(z).
inline double log_derivative(model::Transform transform, double z) {
  switch (transform) {
    case model::Transform::Sigmoid:
      return -math::softplus(z) - math::softplus(-z);
    case model::Transform::Exp:
      return z;
    case model::Transform::Softplus:
      return -math::softplus(-z);
    default:
      return 0;
  }
}
/// d ln T'(z) / dz.
inline double log_derivative_slope(model::Transform transform, double z) {
  switch (transform) {
    case model::Transform::Sigmoid:
      return 1 - 2 * math::sigmoid(z);
    case model::Transform::Exp:
      return 1;
    case model::Transform::Softplus:
      return math::sigmoid(-z);
    default:
      return 0;
  }
}

}  // namespace scriptorium::result
