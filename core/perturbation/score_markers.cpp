// Which genes a target is scored by.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <unordered_map>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/perturbation/score.hpp"

namespace scriptorium::perturbation {
namespace {

using Lists = std::vector<std::vector<std::int64_t>>;

/// A set of cells of a target that is compared with controls: all of them (guide −1), or those of one guide.
struct Compared {
  std::int32_t target = -1, guide = -1;
};

/// All targets, or their guides in the order in which the cell table has them.
std::vector<Compared> compared_of(const Screen& screen, bool by_guide) {
  std::vector<Compared> out;
  std::vector<std::vector<std::int32_t>> guides(static_cast<std::size_t>(screen.n_targets()));
  for (std::int64_t i = 0; by_guide && i < screen.n_cells; ++i) {
    const std::int32_t target = screen.target.code[i], guide = screen.guide.code[i];
    if (target < 0 || guide < 0) continue;
    if (std::find(guides[target].begin(), guides[target].end(), guide) == guides[target].end())
      guides[target].push_back(guide);
  }
  for (std::int32_t t = 0; t < screen.n_targets(); ++t) {
    if (t == screen.control) continue;
    if (!by_guide) out.push_back({t, -1});
    for (const std::int32_t guide : guides[t]) out.push_back({t, guide});
  }
  return out;
}

/// Groups of the sets [first, last) against `controls`.
Groups groups_of(const Screen& screen, std::span<const Compared> sets, std::span<const std::int64_t> controls,
                 bool by_guide) {
  Groups groups;
  groups.n_groups = static_cast<std::int32_t>(sets.size());
  groups.of_cell.assign(static_cast<std::size_t>(screen.n_cells), -1);
  std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> group;
  for (std::size_t j = 0; j < sets.size(); ++j)
    group[{sets[j].target, sets[j].guide}] = static_cast<std::int32_t>(j) + 1;
  for (std::int64_t i = 0; i < screen.n_cells; ++i) {
    const auto at = group.find({screen.target.code[i], by_guide ? screen.guide.code[i] : -1});
    if (at != group.end()) groups.of_cell[i] = at->second;
  }
  for (const std::int64_t cell : controls) groups.of_cell[cell] = 0;
  return groups;
}

/// `n` of `pool`, without replacement, ascending.
std::vector<std::int64_t> drawn(std::vector<std::int64_t> pool, std::int64_t n, math::Random random) {
  n = std::min(n, static_cast<std::int64_t>(pool.size()));
  for (std::int64_t i = 0; i < n; ++i) {
    const auto left = static_cast<double>(static_cast<std::int64_t>(pool.size()) - i);
    std::swap(pool[i], pool[i + static_cast<std::int64_t>(random.uniform() * left)]);
  }
  pool.resize(static_cast<std::size_t>(n));
  std::sort(pool.begin(), pool.end());
  return pool;
}

/// Codes of the groups in the order in which the cell table has them.
std::vector<std::int32_t> splits_by_appearance(const Screen& screen) {
  std::vector<std::int32_t> order;
  for (const std::int32_t split : screen.split.code)
    if (split >= 0 && std::find(order.begin(), order.end(), split) == order.end()) {
      order.push_back(split);
      if (static_cast<std::int32_t>(order.size()) == screen.n_splits()) break;
    }
  return order;
}

/// The controls that a target is compared with.
std::vector<std::int64_t> controls_of(const Screen& screen, std::int32_t target, const ScoreOptions& options) {
  if (const auto given = options.drawn_controls.find(screen.target.names[target]);
      given != options.drawn_controls.end()) {
    for (const std::int64_t cell : given->second)
      if (cell < 0 || cell >= screen.n_cells || screen.target.code[cell] != screen.control)
        throw Error(ErrorCode::BadInput,
                    "Row " + std::to_string(cell) + " is drawn as a control of " + screen.target.names[target] +
                        " and is no control cell.",
                    "Give rows of control cells, counted from 0.");
    return given->second;
  }
  const auto order = splits_by_appearance(screen);
  std::vector<std::int64_t> of_target, of_controls;
  for (const std::int32_t split : order) {
    of_target.push_back(static_cast<std::int64_t>(screen.cells_of(target, split).size()));
    of_controls.push_back(static_cast<std::int64_t>(screen.cells_of(screen.control, split).size()));
  }
  const auto sizes = harmonised_sizes(of_target, of_controls, options.harmonize_min_proportion);
  if (!sizes) return screen.cells_of(screen.control);
  std::vector<std::int64_t> out;
  for (std::size_t j = 0; j < order.size(); ++j) {
    const auto some = drawn(screen.cells_of(screen.control, order[j]), (*sizes)[j],
                            math::Random(options.seed, math::Purpose::Minibatch, static_cast<std::uint64_t>(target),
                                         static_cast<std::uint64_t>(order[j])));
    out.insert(out.end(), some.begin(), some.end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// Tables of all sets, each against its target's controls.
std::vector<MarkerTable> tables_of(const Expression& x, const Screen& screen, std::span<const Compared> sets,
                                   const ScoreOptions& options, bool own_controls, const RunControl& control) {
  const auto controls = screen.cells_of(screen.control);
  if (!own_controls)
    return test_markers(x, groups_of(screen, sets, controls, options.fine_mode), options.markers, control);
  std::vector<MarkerTable> out;
  for (std::size_t first = 0; first < sets.size();) {
    std::size_t last = first;
    while (last < sets.size() && sets[last].target == sets[first].target) ++last;
    const auto some = controls_of(screen, sets[first].target, options);
    auto tables = test_markers(x, groups_of(screen, sets.subspan(first, last - first), some, options.fine_mode),
                               options.markers, control);
    std::move(tables.begin(), tables.end(), std::back_inserter(out));
    first = last;
  }
  return out;
}

std::string too_few(std::size_t n, const MarkerOptions& options) {
  return "too few marker genes: " + std::to_string(n) + " where " + std::to_string(options.min_de_genes) +
         " are needed";
}

/// Lists of the user, as gene indices. R takes them as they are, twice a gene if it stands there twice.
void take_lists(Scores& out, const Screen& screen, const ScoreOptions& options) {
  std::unordered_map<std::string, std::int64_t> index;
  for (std::size_t g = screen.genes.size(); g-- > 0;) index[screen.genes[g]] = static_cast<std::int64_t>(g);
  for (const auto& [target, genes] : *options.de_genes_by_target)
    if (const std::int32_t code = screen.target_code(target); code < 0 || code == screen.control)
      out.notes.push_back("There are marker genes for " + data::quoted(target) + ", which is no target of the screen.");
  for (std::int32_t t = 0; t < screen.n_targets(); ++t) {
    if (t == screen.control) continue;
    const auto entry = options.de_genes_by_target->find(screen.target.names[t]);
    if (entry == options.de_genes_by_target->end()) {
      out.reason[t] = "no marker genes were given for it";
      out.notes.push_back("No marker genes were given for " + screen.target.names[t] + ": it is not scored.");
      continue;
    }
    std::vector<std::int64_t> genes;
    std::vector<std::string> unknown;
    for (const std::string& name : entry->second) {
      const auto found = index.find(name);
      if (found == index.end())
        unknown.push_back(name);
      else if (options.rule == Rule::R || std::find(genes.begin(), genes.end(), found->second) == genes.end())
        genes.push_back(found->second);
    }
    if (!unknown.empty())
      out.notes.push_back("Marker genes of " + screen.target.names[t] +
                          " that the data do not have are left out: " + data::listed(unknown) + ".");
    const std::size_t n = genes.size();
    out.markers[t] = limited(std::move(genes), options.markers);
    if (out.markers[t].empty()) out.reason[t] = too_few(n, options.markers);
  }
}

void check(const Screen& screen, const ScoreOptions& options) {
  if (options.fine_mode && screen.guide.names.empty())
    throw Error(ErrorCode::BadInput, "Fine mode compares guides, and no column of guides was given.",
                "Choose the column with the guide of each cell (--guide), or leave fine mode out.");
  if (options.harmonize && !screen.has_split)
    throw Error(ErrorCode::BadInput, "Harmonised controls need a column of groups.",
                "Choose one (--split), or leave harmonisation out.");
}

}  // namespace

std::optional<std::vector<std::int64_t>> harmonised_sizes(std::vector<std::int64_t> target,
                                                          std::vector<std::int64_t> controls, double min_proportion) {
  const auto sum = [](const std::vector<std::int64_t>& n, const std::vector<std::size_t>& of) {
    double all = 0;
    for (const std::size_t s : of) all += static_cast<double>(n[s]);
    return all;
  };
  std::vector<std::size_t> groups(target.size());
  std::iota(groups.begin(), groups.end(), 0);
  while (groups.size() > 1) {
    for (const std::size_t s : groups)
      if (target[s] == 0 || controls[s] == 0) return {};
    const double all_target = sum(target, groups);
    double total = std::numeric_limits<double>::infinity();
    for (const std::size_t s : groups)
      total = std::min(total, static_cast<double>(controls[s]) / (static_cast<double>(target[s]) / all_target));
    total = std::floor(total);
    if (total >= min_proportion * sum(controls, groups)) {
      std::vector<std::int64_t> out(target.size(), 0);
      for (const std::size_t s : groups)
        out[s] = std::min(controls[s],
                          static_cast<std::int64_t>(std::floor(total * (static_cast<double>(target[s]) / all_target))));
      return out;
    }
    groups.erase(std::min_element(groups.begin(), groups.end(),
                                  [&](std::size_t a, std::size_t b) { return controls[a] < controls[b]; }));
  }
  return {};
}

Scores mixscale_markers(const Expression& x, const Screen& screen, const ScoreOptions& options,
                        const RunControl& control) {
  Scores out;
  out.markers.resize(static_cast<std::size_t>(screen.n_targets()));
  out.reason.resize(out.markers.size());
  out.notes = screen.notes;
  if (options.de_genes_by_target) {
    take_lists(out, screen, options);
    return out;
  }
  check(screen, options);
  const bool harmonize = options.harmonize && options.rule == Rule::Py;
  if (options.harmonize && !harmonize)
    out.notes.emplace_back("R's rule does not harmonise controls over one column of groups: all controls are taken.");
  MarkerOptions markers = options.markers;
  markers.threads = options.threads;
  const auto sets = compared_of(screen, options.fine_mode);
  ScoreOptions tested = options;
  tested.markers = markers;
  const auto tables = tables_of(x, screen, sets, tested, harmonize || !options.drawn_controls.empty(), control);

  for (std::size_t j = 0; j < sets.size(); ++j) {
    auto& list = out.markers[sets[j].target];
    if (!tables[j].not_tested.empty()) {
      out.reason[sets[j].target] = tables[j].not_tested;
      continue;
    }
    for (const std::int64_t gene : select_ordered(tables[j], options.markers, false))
      if (std::find(list.begin(), list.end(), gene) == list.end()) list.push_back(gene);
  }
  for (std::int32_t t = 0; t < screen.n_targets(); ++t) {
    if (t == screen.control) continue;
    const std::size_t n = out.markers[t].size();
    out.markers[t] = limited(std::move(out.markers[t]), options.markers);
    if (!out.markers[t].empty())
      out.reason[t].clear();
    else if (n > 0 || out.reason[t].empty())
      out.reason[t] = too_few(n, options.markers);
  }
  return out;
}

}  // namespace scriptorium::perturbation
