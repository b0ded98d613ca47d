#pragma once

namespace scriptorium::inference {

/// d ln g / d a of a Gamma(a, 1) draw g = e^log_g held at its quantile (implicit reparameterisation, Figurnov et al.
/// 2018): −∂P(a, g)/∂a / (g · density). a > 0.
double log_gamma_slope(double a, double log_g);

/// ln of the Gamma(a, 1) quantile at 1 − P(a, e^log_g): the other half of an antithetic pair. a > 0.
double opposite_log_gamma(double a, double log_g);

}  // namespace scriptorium::inference
