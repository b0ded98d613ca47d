#pragma once
#include <cstdint>

#include "core/math/random.hpp"

/// Replicated counts of one gene, by strata of cells: the same draws, to the last bit, on any device.
namespace scriptorium::math {

/// Cells that a predictive histogram treats alike: they measured the same genes, are of one component and have nearly
/// the same n = ln ν.
/// Their count distribution is the mean over up to three of their values of n, shifted so that the mean of ν is theirs.
struct Stratum {
  std::uint32_t pattern = 0, component = 0;
  int points = 1;
  std::uint64_t cells = 0;
  double n[3] = {0, 0, 0}, weight[3] = {1, 0, 0};
};

/// r and x = logit p of one gene, and its gate (0: none).
struct GenePoint {
  double r = 0, x = 0, gate = 0;
};

/// P(count = k) of a stratum for k = 0, 1, …, one after another.
class CountMasses {
 public:
  SCRIPTORIUM_HD_CALL CountMasses(const GenePoint& gene, const Stratum& stratum)
      : r_(gene.r), gate_(gene.gate), points_(stratum.points) {
    for (int i = 0; i < points_; ++i) {
      const double l = gene.x + stratum.n[i], log_zero = -gene.r * same::softplus(l);
      weight_[i] = stratum.weight[i] * (1 - gene.gate);
      logs_[i] = !(log_zero > -600);  // the first masses underflow: go in logarithms
      p_[i] = same::sigmoid(l);
      log_p_[i] = logs_[i] ? -same::softplus(-l) : 0;
      mass_[i] = logs_[i] ? log_zero : weight_[i] * same::exp(log_zero);
    }
  }
  SCRIPTORIUM_HD double next() {
    double sum = 0;
    for (int i = 0; i < points_; ++i) {
      const double step = (r_ + k_) / (k_ + 1);
      if (logs_[i]) {
        sum += weight_[i] * same::exp(mass_[i]);
        mass_[i] += log_p_[i] + same::log(step);
      } else if (p_[i] >= 0) {
        sum += mass_[i];
        mass_[i] *= p_[i] * step;
        if (mass_[i] < 1e-18 && k_ * (1 - p_[i]) > r_ * p_[i]) p_[i] = -1;  // past the mode and spent
      }
    }
    if (k_ == 0) sum += gate_;
    k_ += 1;
    return sum;
  }

 private:
  double r_, gate_, k_ = 0;
  int points_;
  bool logs_[3] = {};
  double weight_[3] = {}, p_[3] = {}, log_p_[3] = {}, mass_[3] = {};
};

/// Masses that were computed before.
class KnownMasses {
 public:
  SCRIPTORIUM_HD explicit KnownMasses(const double* mass) : mass_(mass) {}
  SCRIPTORIUM_HD double next() { return *mass_++; }

 private:
  const double* mass_;
};

/// Counts of all cells of a stratum as a histogram: bins 0 … single − 1 hold one count each, bin `single` the rest.
/// Binomials bin after bin. `pooled` (may be null) += pooled_weight × the masses.
template <class Masses>
SCRIPTORIUM_HD void draw_stratum(Masses masses, std::uint64_t cells, std::int64_t single, Random& random,
                                 std::uint32_t* histogram, double* pooled, double pooled_weight) {
  double rest = 1;
  for (std::int64_t k = 0; k < single && (cells > 0 || pooled); ++k) {
    const double mass = masses.next();
    if (pooled) pooled[k] += pooled_weight * mass;
    if (mass > 0 && cells > 0) {
      const std::uint64_t here = rest > mass ? random.binomial(cells, mass / rest) : cells;
      histogram[k] += static_cast<std::uint32_t>(here);
      cells -= here;
    }
    rest -= mass;
  }
  histogram[single] += static_cast<std::uint32_t>(cells);
  if (pooled && rest > 0) pooled[single] += pooled_weight * rest;
}

/// The same cell by cell. Of the counts, numbered on from `serial`, every stride-th goes to kept[serial / stride].
/// Returns the serial of the count after the last.
SCRIPTORIUM_HD_CALL inline std::uint64_t draw_cells(const GenePoint& gene, const Stratum& stratum, std::int64_t single,
                                                    Random& random, std::uint32_t* histogram, double* kept,
                                                    std::uint64_t stride, std::uint64_t serial) {
  double upto = 0;
  std::uint64_t done = 0;
  for (int k = 0; k < stratum.points; ++k) {
    upto += stratum.weight[k];
    const std::uint64_t end =
        k + 1 == stratum.points
            ? stratum.cells
            : static_cast<std::uint64_t>(std::floor(upto * static_cast<double>(stratum.cells) + 0.5));
    const double odds = same::exp(gene.x + stratum.n[k]);
    for (; done < end; ++done, ++serial) {
      const bool gated = gene.gate > 0 && random.uniform() < gene.gate;
      const std::uint64_t count = gated ? 0 : random.negative_binomial(gene.r, odds);
      ++histogram[count < static_cast<std::uint64_t>(single) ? count : static_cast<std::uint64_t>(single)];
      if (serial % stride == 0) kept[serial / stride] = static_cast<double>(count);
    }
  }
  return serial;
}

}  // namespace scriptorium::math
