#include "core/perturbation/z_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "core/error.hpp"
#include "core/perturbation/nb_regression.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Rows of a table that pass in one of its groups, the `most` of smallest p.
std::vector<std::size_t> passing(const WeightedDe& de, std::size_t group, const ZOptions& options) {
  std::vector<std::size_t> rows;
  const auto log_p = [&](std::size_t r) { return de.log_p[r * de.columns.size() + de.weight_column(group)]; };
  for (std::size_t r = 0; r < de.rows(); ++r)
    if (log_p(r) <= std::log(options.p) && std::fabs(de.log2fc[r * de.groups.size() + group]) >= options.log2fc)
      rows.push_back(r);
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) { return log_p(a) < log_p(b); });
  if (options.most > 0 && rows.size() > static_cast<std::size_t>(options.most))
    rows.resize(static_cast<std::size_t>(options.most));
  return rows;
}

void standardise(ZMatrix& matrix, std::size_t column, const CleanOptions& options) {
  const std::size_t n = matrix.genes.size(), p = matrix.targets.size();
  double mean = 0, squares = 0;
  for (std::size_t r = 0; r < n; ++r) mean += matrix.at(r, column);
  mean /= static_cast<double>(n);
  for (std::size_t r = 0; r < n; ++r) squares += std::pow(matrix.at(r, column) - (options.center ? mean : 0), 2);
  const double sd = std::sqrt(squares / static_cast<double>(n - 1));
  for (std::size_t r = 0; r < n; ++r) {
    double& value = matrix.z[r * p + column];
    if (options.center) value -= mean;
    if (options.scale && sd > 0) value /= sd;
  }
}

}  // namespace

std::vector<ZMatrix> z_matrices(std::span<const WeightedDe> tables, const std::vector<std::string>& genes,
                                const ZOptions& options) {
  std::vector<std::string> groups;
  std::set<std::int64_t> rows;
  std::vector<const WeightedDe*> kept;
  for (const auto& de : tables) {
    bool any = false;
    for (std::size_t g = 0; g < de.groups.size(); ++g) {
      if (std::find(groups.begin(), groups.end(), de.groups[g]) == groups.end()) groups.push_back(de.groups[g]);
      for (const std::size_t r : passing(de, g, options)) {
        rows.insert(de.gene[r]);
        any = true;
      }
    }
    if (any) kept.push_back(&de);
  }
  if (kept.empty()) return {};
  std::vector<ZMatrix> matrices;
  std::map<std::int64_t, std::size_t> place;
  for (const std::int64_t gene : rows) place.emplace(gene, place.size());
  for (const auto& group : groups) {
    ZMatrix matrix;
    matrix.group = group;
    for (const std::int64_t gene : rows) matrix.genes.push_back(genes[static_cast<std::size_t>(gene)]);
    for (const auto* de : kept) matrix.targets.push_back(de->target);
    matrix.z.assign(matrix.genes.size() * matrix.targets.size(), none);
    for (std::size_t t = 0; t < kept.size(); ++t) {
      const WeightedDe& de = *kept[t];
      const auto found = std::find(de.groups.begin(), de.groups.end(), group);
      if (found == de.groups.end()) continue;
      const std::size_t column = de.weight_column(static_cast<std::size_t>(found - de.groups.begin()));
      for (std::size_t r = 0; r < de.rows(); ++r) {
        const auto at = place.find(de.gene[r]);
        if (at == place.end()) continue;
        const std::size_t value = r * de.columns.size() + column;
        matrix.z[at->second * kept.size() + t] = std::copysign(z_of_log_p(de.log_p[value]), de.coefficient[value]);
      }
    }
    matrices.push_back(std::move(matrix));
  }
  return matrices;
}

std::vector<ZMatrix> clean(std::vector<ZMatrix> matrices, const CleanOptions& options) {
  const double beyond = z_of_p(options.p);
  std::vector<ZMatrix> result;
  for (ZMatrix& matrix : matrices) {
    const std::size_t p = matrix.targets.size();
    std::vector<std::size_t> columns;
    for (std::size_t t = 0; t < p; ++t) {
      std::int64_t significant = 0;
      for (std::size_t r = 0; r < matrix.genes.size(); ++r) {
        double& value = matrix.z[r * p + t];
        if (std::isnan(value) || (options.mask_target && matrix.genes[r] == matrix.targets[t])) value = 0;
        value = std::clamp(value, -options.cap, options.cap);
        significant += std::fabs(value) > beyond;
      }
      if (significant >= options.min_sig) columns.push_back(t);
    }
    if (columns.size() < 2) continue;
    matrix = select_columns(matrix, columns);
    for (std::size_t t = 0; t < columns.size() && (options.center || options.scale); ++t)
      standardise(matrix, t, options);
    result.push_back(std::move(matrix));
  }
  return result;
}

ZMatrix select_columns(const ZMatrix& matrix, std::span<const std::size_t> columns) {
  ZMatrix some{matrix.group, matrix.genes, {}, {}};
  for (const std::size_t t : columns) some.targets.push_back(matrix.targets[t]);
  for (std::size_t r = 0; r < matrix.genes.size(); ++r)
    for (const std::size_t t : columns) some.z.push_back(matrix.at(r, t));
  return some;
}

}  // namespace scriptorium::perturbation
