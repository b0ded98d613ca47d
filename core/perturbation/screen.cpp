#include "core/perturbation/screen.hpp"

#include <algorithm>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::perturbation {
namespace {

const data::Column& column_of(const data::Table& cells, const std::string& name, const std::string& what) {
  if (const data::Column* column = cells.find(name)) return *column;
  std::vector<std::string> have;
  for (const auto& column : cells.columns) have.push_back(column.name);
  throw Error(ErrorCode::BadInput, "The cell table has no column \"" + name + "\" for the " + what + ".",
              have.empty() ? "It has no columns at all; choose other data." : "It has " + data::listed(have, 30) + ".");
}

analysis::Labels labels_in(const data::Table& cells, const std::string& name, const std::string& what) {
  analysis::Labels labels = analysis::labels_of(column_of(cells, name, what), std::max<std::size_t>(cells.size(), 1));
  const auto empty = std::find(labels.names.begin(), labels.names.end(), "");  // how text files write a missing label
  if (empty == labels.names.end()) return labels;
  const auto at = static_cast<std::int32_t>(empty - labels.names.begin());
  labels.names.erase(empty);
  for (std::int32_t& code : labels.code) code = code == at ? -1 : code > at ? code - 1 : code;
  return labels;
}

std::int64_t unlabelled(const analysis::Labels& labels) {
  return std::count(labels.code.begin(), labels.code.end(), -1);
}

void note_missing(const analysis::Labels& labels, const std::string& column, const std::string& fate,
                  std::vector<std::string>& notes) {
  if (const std::int64_t n = unlabelled(labels); n > 0)
    notes.push_back(data::grouped(n) + " cells have no label in " + data::quoted(column) + ": " + fate + ".");
}

}  // namespace

Rule rule_from_string(const std::string& text) {
  if (text == "py") return Rule::Py;
  if (text == "r") return Rule::R;
  throw Error(ErrorCode::BadInput, "\"" + text + "\" is no rule of perturbation screens.", "Use py or r.");
}

std::string to_string(Rule rule) {
  return rule == Rule::Py ? "py" : "r";
}

std::vector<std::int64_t> Screen::cells_of(std::int32_t target_code, std::int32_t split_code) const {
  std::vector<std::int64_t> cells;
  for (std::int64_t i = 0; i < n_cells; ++i)
    if (target.code[i] == target_code && (split_code < 0 || split.code[i] == split_code)) cells.push_back(i);
  return cells;
}

std::int64_t Screen::gene_index(const std::string& name) const {
  const auto at = std::find(genes.begin(), genes.end(), name);
  return at == genes.end() ? -1 : at - genes.begin();
}

std::int32_t Screen::target_code(const std::string& name) const {
  const auto at = std::find(target.names.begin(), target.names.end(), name);
  return at == target.names.end() ? -1 : static_cast<std::int32_t>(at - target.names.begin());
}

Screen make_screen(const data::Table& cells, const std::vector<std::string>& genes, const Columns& columns) {
  Screen screen;
  screen.n_cells = static_cast<std::int64_t>(cells.size());
  screen.genes = genes;
  screen.target = labels_in(cells, columns.target, "target of each cell");
  screen.control = screen.target_code(columns.control);
  if (screen.control < 0)
    throw Error(ErrorCode::BadInput,
                "No cell has the control label \"" + columns.control + "\" in the column \"" + columns.target + "\".",
                screen.target.names.empty() ? "The column is empty; choose another one."
                                            : "Its labels are " + data::listed(screen.target.names, 30) + ".");
  if (screen.target.names.size() < 2)
    throw Error(ErrorCode::BadInput,
                "All cells are control cells: the column \"" + columns.target + "\" has no other label.",
                "Choose the column that names the target of each cell.");
  note_missing(screen.target, columns.target, "they are neither targets nor controls and get no score", screen.notes);
  if (columns.guide.empty()) {
    screen.guide.code.assign(cells.size(), -1);
  } else {
    screen.guide = labels_in(cells, columns.guide, "guide of each cell");
    note_missing(screen.guide, columns.guide, "they count for their target, but for no guide", screen.notes);
  }
  screen.has_split = !columns.split.empty();
  if (screen.has_split) {
    screen.split = labels_in(cells, columns.split, "group of each cell");
    if (screen.split.names.empty())
      throw Error(ErrorCode::BadInput, "No cell has a label in the column \"" + columns.split + "\".",
                  "Choose another column of groups, or none.");
    note_missing(screen.split, columns.split, "they are in no group and get no score", screen.notes);
  } else {
    screen.split.names = {"all"};
    screen.split.code.assign(cells.size(), 0);
  }
  return screen;
}

Screen make_screen(const data::Dataset& dataset, const Columns& columns) {
  return make_screen(dataset.cells, dataset.genes.names, columns);
}

}  // namespace scriptorium::perturbation
