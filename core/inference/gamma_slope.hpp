#pragma once

namespace scriptorium::inference {

/// d ln g / d a of a Gamma(a, 1) draw g = e^log_g held at its quantile (implicit reparameterisation, Figurnov et al.
/// 2018): −∂P(a, g)/∂a / (g · density). a > 0.
double log_gamma_slope(double a, double log_g);

}  // namespace scriptorium::inference
