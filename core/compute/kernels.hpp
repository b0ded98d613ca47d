#pragma once
#include <cstddef>
#include <cstdint>

/// Loops over arrays in which the engine spends its time, compiled for several instruction sets and chosen at run time.
/// Every element is computed by the same operations in each, so results do not depend on the machine.
namespace scriptorium::compute {

/// out_i = ln(1 + e^x_i), to about 2 ulp down to x = −200, where it stays at e^−200. `out` may be `x`.
void softplus(const double* x, double* out, std::size_t n);

/// out_i += weight · ln(x_i + shift), x_i + shift > 0 and normal, to about 1 ulp of the logarithm.
void add_log(const double* x, double shift, double weight, double* out, std::size_t n);

/// out_i = ln x_i, x_i > 0 and normal, to about 1 ulp.
void log(const double* x, double* out, std::size_t n);

/// Negative binomials of means μ_i = e^η_i (|η_i| cut at 300) and variances μ + aμ², a ≥ 0: μ_i, the expected and the
/// observed information of η_i, μ/(1 + aμ) and μ(1 + ay)/(1 + aμ)², and the score of η_i, (y − μ)/(1 + aμ).
void nb_terms(const double* eta, const double* y, double a, std::size_t n, double* mean, double* expected,
              double* observed, double* score);

/// What the means μ_i give to the derivative of the log likelihood by ln a, a > 0: [ln(1+z) − z/(1+z)]/a − y z/(1+z)
/// with z = aμ_i, without loss of digits for small z; and the information μ/(1 + aμ).
void nb_dispersion_terms(const double* mean, const double* y, double a, std::size_t n, double* slope, double* expected);

/// out_i = x_i y_i.
void multiply(const double* x, const double* y, double* out, std::size_t n);

/// Σ x_i y_i in four chains; n a multiple of four.
double dot(const double* x, const double* y, std::size_t n);

/// out_i += scale · x_i.
void add_scaled(const double* x, double scale, double* out, std::size_t n);

/// A short row of numbers in a longer one that is zero elsewhere: `width` of them (a multiple of four) at `at` in a
/// pool, standing for the places from `first` on.
struct Window {
  std::size_t at = 0;
  std::int32_t first = 0, width = 0;
};

/// Sparse rows times a table: out[k] += Σ_i scale_i · table[rows_i · stride + k], k < width (a multiple of four).
/// No `scale`: 1.
void add_rows(const std::uint32_t* rows, const std::uint32_t* scale, std::size_t n, const double* table,
              std::size_t stride, double* out, std::size_t width);

/// Sparse rows times a wide matrix: out[k] = Σ_i value_i · matrix[columns_i · stride + k], k < width (a multiple of
/// eight), added in the same order for every k.
void gather_rows(const std::uint32_t* columns, const double* value, std::size_t n, const double* matrix,
                 std::size_t stride, double* out, std::size_t width);

/// Its transpose: matrix[columns_i · stride + k] += value_i · row[k].
void scatter_rows(const std::uint32_t* columns, const double* value, std::size_t n, const double* row, double* matrix,
                  std::size_t stride, std::size_t width);

/// add_rows() for a table whose rows are windows: out[first + k] += Σ_i scale_i · pool[at + k] of windows[rows_i]. Fast
/// where rows with the same window follow each other.
void add_windows(const std::uint32_t* rows, const std::uint32_t* scale, std::size_t n, const Window* windows,
                 const double* pool, double* out);

}  // namespace scriptorium::compute
