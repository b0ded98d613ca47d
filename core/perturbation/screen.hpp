#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/analysis/agreement.hpp"
#include "core/data/dataset.hpp"

/// Pooled perturbation screens: cells that carry a guide against some target, and control cells that carry one against
/// none.
namespace scriptorium::perturbation {

/// Whose choices are followed where the two reference implementations differ: pertpy's (Py) or Seurat's and Mixscale's
/// (R).
enum class Rule : std::uint8_t { Py, R };
/// "py", "r". @throws Error(BadInput) for another word
Rule rule_from_string(const std::string& text);
std::string to_string(Rule rule);

/// Where the cell table says what was done to a cell.
struct Columns {
  std::string target;   ///< column with the target of each cell
  std::string control;  ///< its label of control cells, e.g. "NT"
  std::string guide;    ///< column with the guide of each cell; empty: none is known
  std::string split;    ///< column of replicates, cell types or conditions; empty: one group "all"
};

/// Cells of a screen by what was done to them. Cells are known by their index only: names may repeat.
struct Screen {
  std::int64_t n_cells = 0;
  std::vector<std::string> genes;
  analysis::Labels target;    ///< code −1: the cell table does not say
  analysis::Labels guide;     ///< no names where no column was given, all codes −1
  analysis::Labels split;     ///< one group "all" where no column was given
  std::int32_t control = -1;  ///< code of the control label in `target`
  bool has_split = false;     ///< a column of groups was given
  std::vector<std::string> notes;

  std::int32_t n_targets() const { return static_cast<std::int32_t>(target.names.size()); }
  std::int32_t n_splits() const { return static_cast<std::int32_t>(split.names.size()); }
  /// Cells of a target (or the control label), ascending; of one group, or of all with `split` −1.
  std::vector<std::int64_t> cells_of(std::int32_t target_code, std::int32_t split_code = -1) const;
  /// Index of a gene by its name, −1 where there is none; the first of equal names.
  std::int64_t gene_index(const std::string& name) const;
  /// Code of a target by its label, −1 where there is none.
  std::int32_t target_code(const std::string& name) const;
};

/// @throws Error(BadInput) for a column that is not there (naming those that are), a control label that no cell has
/// (naming the column and its labels), and when all cells are controls
Screen make_screen(const data::Dataset& dataset, const Columns& columns);
/// The same from tables alone.
Screen make_screen(const data::Table& cells, const std::vector<std::string>& genes, const Columns& columns);

}  // namespace scriptorium::perturbation
