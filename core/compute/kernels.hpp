#pragma once
#include <cstddef>

/// Loops over arrays in which the engine spends its time, compiled for several instruction sets and chosen at run time.
/// Every element is computed by the same operations in each, so results do not depend on the machine.
namespace scriptorium::compute {

/// out_i = ln(1 + e^x_i), to about 2 ulp. `out` may be `x`.
void softplus(const double* x, double* out, std::size_t n);

/// out_i += weight · ln(x_i + shift), x_i + shift > 0 and normal, to about 1 ulp of the logarithm.
void add_log(const double* x, double shift, double weight, double* out, std::size_t n);

}  // namespace scriptorium::compute
