#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"

/// How far two divisions of the same cells agree.
namespace scriptorium::analysis {

/// A division of cells into named groups.
struct Labels {
  std::vector<std::int32_t> code;  ///< of each cell: index into `names`, −1 where there is none
  std::vector<std::string> names;
};
/// A column of the cell table as labels, empty categories left out, in the order of categories or of sorted values.
/// @throws Error(BadInput) when it has more than `most` different values
Labels labels_of(const data::Column& column, std::size_t most = 1000);

/// The same of a column by its name. @throws Error(BadInput) naming the columns there are when there is none such
Labels labels_of(const data::Table& cells, const std::string& column);

/// Cells by pairs of labels.
struct Contingency {
  std::int64_t rows = 0, columns = 0;
  std::vector<std::int64_t> cells;  ///< rows × columns, row-major
  std::int64_t total = 0;           ///< cells that have both labels
};
/// @pre one code a cell in both; −1 leaves the cell out
Contingency contingency(std::span<const std::int32_t> a, std::int64_t rows, std::span<const std::int32_t> b,
                        std::int64_t columns);
Contingency contingency(const Labels& a, const Labels& b);

/// Adjusted Rand index (Hubert and Arabie 1985): 1 for the same division, 0 expected by chance, may be negative. 1
/// where both divisions are trivial (one group, or every cell its own); NaN without cells.
double adjusted_rand_index(const Contingency& table);
/// Mutual information over the mean of the two entropies, 0 … 1; 1 where both have one group; NaN without cells.
double normalised_mutual_information(const Contingency& table);

/// What each component is made of.
struct Composition {
  Contingency assigned;          ///< components × labels: cells by their most probable component
  std::vector<double> expected;  ///< the same layout: sums of probabilities
};
/// @param probability  cells × components, row-major; the first of equal ones is the most probable. Cells without a
///                     label, or whose probabilities are not finite, are left out.
Composition composition(std::span<const double> probability, std::int64_t components, const Labels& labels);

/// The most probable component of each cell, −1 where a probability is not finite.
std::vector<std::int32_t> assignment(std::span<const double> probability, std::int64_t components);

}  // namespace scriptorium::analysis
