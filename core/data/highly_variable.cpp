#include "core/data/highly_variable.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace scriptorium::data {
namespace {

constexpr double span_of_genes = 0.3;
constexpr double cell_share = 0.2;    ///< of the span: most points in a cell of the tree
constexpr double box_margin = 0.005;  ///< of the range, beyond the outermost points

struct Vertex {
  double x, value, slope;
};

/// Weighted quadratic through the points near `at`: value and slope there. Falls back to a lower degree where the
/// points do not determine it.
Vertex fit_at(double at, std::span<const double> x, std::span<const double> y, std::size_t nearest,
              std::vector<double>& scratch) {
  scratch.resize(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) scratch[i] = std::abs(x[i] - at);
  std::nth_element(scratch.begin(), scratch.begin() + static_cast<std::ptrdiff_t>(nearest - 1), scratch.end());
  const double reach = scratch[nearest - 1];
  std::array<double, 5> moment{};  // Σ w z^k with z = (x − at)/reach
  std::array<double, 3> right{};   // Σ w z^k y
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double z = reach > 0 ? (x[i] - at) / reach : x[i] == at ? 0 : 2;
    if (std::abs(z) >= 1) continue;
    const double cube = std::abs(z * z * z), w = (1 - cube) * (1 - cube) * (1 - cube);
    double power = w;
    for (std::size_t k = 0; k < 5; ++k, power *= z) {
      moment[k] += power;
      if (k < 3) right[k] += power * y[i];
    }
  }
  for (std::size_t terms = 3; terms > 0; --terms) {
    std::array<std::array<double, 4>, 3> a{};
    for (std::size_t r = 0; r < terms; ++r) {
      for (std::size_t c = 0; c < terms; ++c) a[r][c] = moment[r + c];
      a[r][3] = right[r];
    }
    bool solved = true;
    for (std::size_t p = 0; p < terms && solved; ++p) {  // symmetric and positive: no pivoting
      solved = a[p][p] > 1e-10 * moment[2 * p] && a[p][p] > 0;
      for (std::size_t r = 0; solved && r < terms; ++r) {
        if (r == p) continue;
        const double factor = a[r][p] / a[p][p];
        for (std::size_t c = p; c < 4; ++c) a[r][c] -= factor * a[p][c];
      }
    }
    if (solved) return {at, a[0][3] / a[0][0], terms > 1 ? a[1][3] / a[1][1] / reach : 0};
  }
  // No point within reach but on its rim: their mean.
  double sum = 0;
  std::size_t n = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::abs(x[i] - at) <= reach) sum += y[i], ++n;
  return {at, sum / static_cast<double>(n), 0};
}

/// Cuts [first, last) of the sorted points in the middle until a cell holds few enough; collects the cuts.
void cut(std::span<const double> sorted, std::size_t most, double low, double high, std::vector<double>& cuts) {
  if (sorted.size() <= most || sorted.size() < 2) return;
  const std::size_t half = (sorted.size() + 1) / 2;
  const double at = (sorted[half - 1] + sorted[half]) / 2;
  if (at == low || at == high) return;
  cuts.push_back(at);
  cut(sorted.first(half), most, low, at, cuts);
  cut(sorted.subspan(half), most, at, high, cuts);
}

}  // namespace

std::vector<double> local_regression(std::span<const double> x, std::span<const double> y, double span) {
  std::vector<double> sorted(x.begin(), x.end());
  std::sort(sorted.begin(), sorted.end());
  const auto n = static_cast<double>(x.size());
  const auto nearest = std::clamp<std::size_t>(static_cast<std::size_t>(n * span + 1e-5), 1, x.size());
  const double margin = box_margin * (sorted.back() - sorted.front()) + 1e-12;
  std::vector<double> cuts{sorted.front() - margin, sorted.back() + margin};
  cut(sorted, static_cast<std::size_t>(n * span * cell_share), cuts[0], cuts[1], cuts);
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<double> scratch;
  std::vector<Vertex> vertices;
  for (const double at : cuts) vertices.push_back(fit_at(at, x, y, nearest, scratch));
  std::vector<double> out;
  out.reserve(x.size());
  for (const double at : x) {
    const auto above = std::upper_bound(cuts.begin() + 1, cuts.end() - 1, at) - cuts.begin();
    const Vertex &a = vertices[above - 1], &b = vertices[above];
    const double h = b.x - a.x, t = (at - a.x) / h, s = 1 - t;
    out.push_back(a.value * s * s * (1 + 2 * t) + b.value * t * t * (3 - 2 * t) +
                  h * t * s * (a.slope * s - b.slope * t));
  }
  return out;
}

std::vector<double> standardised_variance(std::int64_t cells, std::int64_t genes, const CountSource& counts) {
  const auto n_genes = static_cast<std::size_t>(genes);
  const auto n = static_cast<double>(cells);
  std::vector<double> out(n_genes, 0), mean(n_genes, 0), variance(n_genes, 0);
  if (cells < 2) return out;
  for_each_entry(counts, [&](std::size_t, std::size_t gene, Count count) {
    const double u = count;
    mean[gene] += u;
    variance[gene] += u * u;
  });
  std::vector<double> log_mean, log_variance;
  std::vector<std::size_t> varying;
  for (std::size_t g = 0; g < n_genes; ++g) {
    mean[g] /= n;
    variance[g] = (variance[g] - n * mean[g] * mean[g]) / (n - 1);
    if (variance[g] <= 1e-12 * mean[g] * mean[g]) continue;
    varying.push_back(g);
    log_mean.push_back(std::log10(mean[g]));
    log_variance.push_back(std::log10(variance[g]));
  }
  if (varying.empty()) return out;
  const std::vector<double> expected = local_regression(log_mean, log_variance, span_of_genes);
  std::vector<double> sd(n_genes, 1), most(n_genes, 0), sum(n_genes, 0), squares(n_genes, 0);
  for (std::size_t i = 0; i < varying.size(); ++i) {
    sd[varying[i]] = std::sqrt(std::pow(10.0, expected[i]));
    most[varying[i]] = mean[varying[i]] + sd[varying[i]] * std::sqrt(n);
  }
  for_each_entry(counts, [&](std::size_t, std::size_t gene, Count count) {
    const double u = std::min<double>(count, most[gene]);
    sum[gene] += u;
    squares[gene] += u * u;
  });
  for (const std::size_t g : varying)
    out[g] = (n * mean[g] * mean[g] + squares[g] - 2 * sum[g] * mean[g]) / ((n - 1) * sd[g] * sd[g]);
  return out;
}

}  // namespace scriptorium::data
