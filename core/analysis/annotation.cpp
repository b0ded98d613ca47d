#include "core/analysis/annotation.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.hpp"
#include "core/model/model.hpp"

namespace scriptorium::analysis {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// The label of every cell; empty where one of the columns is missing.
std::vector<std::string> labels_of_cells(const data::Table& cells, const std::vector<std::string>& columns) {
  std::vector<std::string> label(cells.size());
  std::vector<bool> missing(cells.size(), false);
  bool first = true;
  for (const auto& name : columns) {
    const data::Column* column = cells.find(name);
    if (!column) {
      std::vector<std::string> have;
      for (const auto& one : cells.columns) have.push_back(one.name);
      throw Error(ErrorCode::BadInput, "The cell table has no column \"" + name + "\" for the annotation.",
                  have.empty() ? "It has no columns at all; choose other data." : "It has " + joined(have) + ".");
    }
    for (std::size_t c = 0; c < label.size(); ++c) {
      const std::string text = column->text(c);
      missing[c] = missing[c] || column->is_missing(c) || text.empty();
      label[c] += (first ? "" : "__") + text;
    }
    first = false;
  }
  for (std::size_t c = 0; c < label.size(); ++c)
    if (missing[c]) label[c].clear();
  return label;
}

}  // namespace

Annotation annotate(const data::Table& cells, const AnnotationOptions& options) {
  if (!(options.confidence > 0) || !std::isfinite(options.confidence))
    throw Error(ErrorCode::BadInput, "The confidence of the annotation must be a number above 0.",
                "SCRIBE uses 3: odds of 20 to 1 for the component of the label.");
  const auto label = labels_of_cells(cells, options.columns);
  std::map<std::string, std::int64_t> size;
  for (const auto& name : label)
    if (!name.empty()) ++size[name];
  const std::string where = "the annotation " + joined(options.columns);
  if (size.empty())
    throw Error(ErrorCode::BadInput, "No cell has a label in " + where + ": all are missing.",
                "Choose another column, or fit without an annotation.");
  Annotation out;
  std::vector<std::string> names;
  for (const auto& [name, count] : size) {
    if (count >= options.min_cells)
      names.push_back(name);
    else
      out.notes.push_back("The label " + name + " has " + std::to_string(count) +
                          " cells, fewer than asked for: they count as cells without a label.");
  }
  if (names.empty())
    throw Error(ErrorCode::BadInput, "No label of " + where + " has " + std::to_string(options.min_cells) + " cells.",
                "Lower --annotation-min-cells.");
  constexpr std::size_t most_labels = model::most_components;
  if (names.size() > most_labels)
    throw Error(ErrorCode::BadInput,
                "There are " + std::to_string(names.size()) + " labels in " + where + ", more than " +
                    std::to_string(most_labels) + ": they name cells or measure them.",
                "Choose a column with a few labels, or leave rare ones out (--annotation-min-cells).");
  if (names.size() == 1 && options.components == 0)
    throw Error(ErrorCode::BadInput,
                "There is only one label in " + where + ", " + names[0] + ": that makes no mixture.",
                "Give the number of components, choose another column, or fit a model without components.");
  if (!options.order.empty()) {
    for (const auto& name : options.order)
      if (std::find(names.begin(), names.end(), name) == names.end())
        throw Error(ErrorCode::BadInput,
                    "The order of the components names \"" + name + "\", which is no label of " + where + ".",
                    "Its labels are " + joined(names) + ".");
    for (const auto& name : names)
      if (std::count(options.order.begin(), options.order.end(), name) != 1)
        throw Error(ErrorCode::BadInput, "The order of the components does not name the label " + name + " once.",
                    "Name every label once: " + joined(names) + ".");
    names = options.order;
  }
  out.components = options.components ? options.components : static_cast<std::int64_t>(names.size());
  if (static_cast<std::int64_t>(names.size()) > out.components)
    throw Error(ErrorCode::BadInput,
                "There are " + std::to_string(names.size()) + " labels in " + where + ", and only " +
                    std::to_string(out.components) + " components.",
                "Give at least as many components, or leave rare labels out (--annotation-min-cells).");
  const auto k = static_cast<std::size_t>(out.components);
  out.logits.assign(label.size() * k, 0.0);
  for (std::size_t c = 0; c < label.size(); ++c) {
    const auto at = label[c].empty() ? names.end() : std::find(names.begin(), names.end(), label[c]);
    out.label.push_back(at == names.end() ? -1 : static_cast<std::int32_t>(at - names.begin()));
    if (at != names.end()) out.logits[c * k + static_cast<std::size_t>(at - names.begin())] = options.confidence;
  }
  out.names = std::move(names);
  while (out.names.size() < k) out.names.push_back("unlabelled " + std::to_string(out.names.size() + 1));
  return out;
}

}  // namespace scriptorium::analysis
