#include "core/perturbation/column_guess.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>

#include "core/error.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr std::size_t kMostLabels = 100'000;  ///< of a column of guides
constexpr std::size_t kLookedAt = 2000;       ///< rows that tell whether a column repeats
constexpr std::size_t kFewNumbers = 60;

/// In lower case, letters and digits only.
std::string bare(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)))
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool names_one_of(const std::string& column, std::initializer_list<std::string_view> words) {
  const std::string name = bare(column);
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return name.find(word) != name.npos; });
}

/// Whether nearly all cells of each label of `inner` lie in one label of `outer`.
bool nested(const analysis::Labels& inner, const analysis::Labels& outer) {
  const analysis::Contingency table = analysis::contingency(inner, outer);
  std::int64_t within = 0;
  for (std::int64_t r = 0; r < table.rows; ++r) {
    const auto row = table.cells.begin() + r * table.columns;
    within += *std::max_element(row, row + table.columns);
  }
  return table.total > 0 && static_cast<double>(within) >= 0.95 * static_cast<double>(table.total);
}

}  // namespace

std::vector<LabelCount> count_labels(const data::Column& column) {
  const analysis::Labels labels = analysis::labels_of(column, kMostLabels);
  std::vector<LabelCount> out;
  for (const std::string& name : labels.names) out.push_back({name, 0});
  for (const std::int32_t code : labels.code)
    if (code >= 0) ++out[static_cast<std::size_t>(code)].cells;
  return out;
}

bool is_control_label(const std::string& label) {
  static constexpr std::array<std::string_view, 18> known{
      "nt",       "ntc",  "nontarget", "nontargeting", "nontargetingcontrol", "control",
      "controls", "ctrl", "neg",       "negctrl",      "negcontrol",          "negativecontrol",
      "negative", "safe", "scramble",  "mock",         "scrambled",           "unperturbed"};
  const std::string word = bare(label);
  return std::find(known.begin(), known.end(), word) != known.end() || word.starts_with("nontargeting") ||
         word.starts_with("safetarget") || word.starts_with("safeharb");
}

bool may_be_labels(const data::Column& column) {
  const std::string type = column.type();
  if (type == "number") return false;
  const std::size_t rows = std::min(column.size(), kLookedAt);
  if (const auto* labels = std::get_if<data::Categorical>(&column.values))
    return labels->categories.size() <= std::min(kMostLabels, std::max<std::size_t>(column.size() / 2, 2));
  std::set<std::string> seen;
  for (std::size_t i = 0; i < rows; ++i) seen.insert(column.text(i));
  return seen.size() <= (type == "integer" ? std::min(kFewNumbers, rows / 2) : std::max<std::size_t>(rows / 2, 2));
}

Columns guess_columns(const data::Table& cells) {
  struct Candidate {
    const data::Column* column;
    analysis::Labels labels;
  };
  std::vector<Candidate> candidates;
  for (const data::Column& column : cells.columns) {
    if (!may_be_labels(column) || column.type() == "boolean" || column.type() == "integer") continue;
    try {
      candidates.push_back({&column, analysis::labels_of(column, kMostLabels)});
    } catch (const Error&) {  // too many values: no labels
    }
  }
  Columns out;
  const Candidate* target = nullptr;
  std::array<std::int64_t, 3> best{};
  for (const Candidate& one : candidates) {
    const auto control = std::find_if(one.labels.names.begin(), one.labels.names.end(), is_control_label);
    if (control == one.labels.names.end() || one.labels.names.size() < 2) continue;
    const bool named = names_one_of(one.column->name, {"target", "gene", "perturb"});
    const std::array<std::int64_t, 3> worth{one.labels.names.size() > 2, named,
                                            -static_cast<std::int64_t>(one.labels.names.size())};
    if (target && worth <= best) continue;
    best = worth;
    target = &one;
    out.target = one.column->name;
    out.control = *control;
  }
  if (!target) return out;
  const Candidate* guide = nullptr;
  bool guide_named = false;
  for (const Candidate& one : candidates) {
    if (one.labels.names.size() <= target->labels.names.size() || !nested(one.labels, target->labels)) continue;
    const bool named = names_one_of(one.column->name, {"guide", "grna", "sgrna", "spacer"});
    const bool more = guide && one.labels.names.size() > guide->labels.names.size();
    if (guide && !(named && !guide_named) && !(named == guide_named && more)) continue;
    guide = &one;
    guide_named = named;
  }
  if (guide) out.guide = guide->column->name;
  return out;
}

}  // namespace scriptorium::perturbation
