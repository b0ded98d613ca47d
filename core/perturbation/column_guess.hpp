#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/perturbation/screen.hpp"

/// Which columns of a cell table describe a screen.
namespace scriptorium::perturbation {

/// A label of a column and how many cells have it.
struct LabelCount {
  std::string label;
  std::int64_t cells = 0;
};
/// In the order of analysis::labels_of(). @throws Error(BadInput) as it does
std::vector<LabelCount> count_labels(const data::Column& column);

/// Whether a label is one that screens use for control cells: NT, NTC, non-targeting, control, ctrl, safe, …, whatever
/// the case and with or without spaces, hyphens and underscores.
bool is_control_label(const std::string& label);
/// Whether a column may say what was done to a cell: text, labels or few whole numbers, that repeat.
bool may_be_labels(const data::Column& column);
/// Columns that look like a screen's: the target's has a control label (preferably more labels than two, and a name
/// with "target", "gene" or "perturb" in it); the guide's has more labels, each in one target. What is not found stays
/// empty; groups are never guessed.
Columns guess_columns(const data::Table& cells);

}  // namespace scriptorium::perturbation
