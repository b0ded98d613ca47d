#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/perturbation/call.hpp"

namespace scriptorium::perturbation {

struct DiscriminantOptions {
  int components = 10;      ///< principal components of each target
  std::uint64_t seed = 42;  ///< of the start of the components' search: the result does not depend on it
  int threads = 0;
};
void to_json(nlohmann::json& json, const DiscriminantOptions& options);
void from_json(const nlohmann::json& json, DiscriminantOptions& options);

/// Called cells and controls along the axes that tell targets apart.
struct Discriminant {
  std::vector<std::int64_t> cells;  ///< ascending
  std::vector<std::int32_t> label;  ///< target code of each
  int axes = 0;                     ///< classes − 1
  std::vector<double> coordinates;  ///< cells × axes, row-major; columns up to sign
  std::vector<double> explained;    ///< share of the variance between classes of each axis
  std::vector<std::string> notes;
};

/// For each of `targets`: principal components of all genes, scaled, of its cells and the controls; all of `cells`,
/// centred, projected on their loadings; a linear discriminant analysis of all projections together (by singular
/// values, priors as the classes' frequencies).
/// @param cells, label  perturbed cells and controls, and their target codes
/// @throws Error(BadInput) with fewer than two classes, or no target; Cancelled
Discriminant discriminant(const Expression& x, std::span<const std::int64_t> cells, std::span<const std::int32_t> label,
                          std::int32_t control_code, std::span<const std::int32_t> targets,
                          const DiscriminantOptions& options, const RunControl& control = {});
/// The same from calls: cells called perturbed and controls; targets that have markers in some group and a perturbed
/// cell.
Discriminant discriminant(const Expression& x, const Screen& screen, const Calls& calls,
                          const DiscriminantOptions& options, const RunControl& control = {});

/// Linear discriminant analysis by singular values, as scikit-learn's solver "svd" scales it (within-class scatter over
/// n). @param values  rows × columns, row-major; label 0 … classes − 1
/// @returns rows × (classes − 1); `explained` likewise
std::vector<double> linear_discriminant(std::span<const double> values, std::size_t columns,
                                        std::span<const std::int32_t> label, std::int32_t classes,
                                        std::vector<double>* explained = nullptr, int threads = 1,
                                        const RunControl& control = {});

}  // namespace scriptorium::perturbation
