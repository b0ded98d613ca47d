// What a chain found, in an anndata file, under the names that pertpy gives it.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/data/put_column.hpp"
#include "core/data/writers/writers.hpp"
#include "core/perturbation/chain.hpp"
#include "core/perturbation/tables.hpp"

namespace scriptorium::perturbation {
namespace {

void put(data::Table& table, const std::string& name, analysis::Labels labels) {
  data::put(table, {name, data::Categorical{std::move(labels.code), std::move(labels.names)}, {}});
}

/// Labels as text: pertpy draws a target's cells in colours by class and wants one for every class of a categorical
/// column, those of other targets too.
void put_text(data::Table& table, const std::string& name, const analysis::Labels& labels) {
  std::vector<std::string> texts;
  std::vector<std::uint8_t> missing;
  for (const std::int32_t code : labels.code) {
    texts.push_back(code < 0 ? std::string() : labels.names[code]);
    missing.push_back(code < 0);
  }
  if (std::find(missing.begin(), missing.end(), 1) == missing.end()) missing.clear();
  data::put(table, {name, std::move(texts), std::move(missing)});
}

/// Columns pvec and, under the name of the screen's own column, of the target or a control; a row a cell, as cells
/// stand in the data; and what is left of `more`, values of the group's cells × names.
template <class Group>
data::Table projection_frame(const Screen& screen, const Group& group, const std::vector<std::string>& cells,
                             const std::string& target_column, const std::vector<std::string>& names = {},
                             const std::vector<double>& more = {}) {
  std::vector<std::size_t> order(group.cells.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return group.cells[a] < group.cells[b]; });
  data::Table table;
  data::Categorical label{{}, {screen.target.names[screen.control], screen.target.names[group.target]}, false};
  std::vector<double> pvec;
  for (const std::size_t i : order) {
    table.names.push_back(cells[group.cells[i]]);
    label.codes.push_back(i < group.n_target);
    pvec.push_back(group.projection[i]);
  }
  table.columns.push_back({"pvec", std::move(pvec), {}});
  table.columns.push_back({target_column, std::move(label), {}});
  for (std::size_t j = 0; j < names.size(); ++j) {
    std::vector<double> values;
    for (const std::size_t i : order) values.push_back(more[i * names.size() + j]);
    table.columns.push_back({names[j], std::move(values), {}});
  }
  return table;
}

/// By target and group the tables that `frame` makes of those that have projections.
template <class Group, class Frame>
data::TableTree projections(const std::string& name, const Screen& screen, const std::vector<Group>& groups,
                            const Frame& frame) {
  data::TableTree out{name, {}, {}};
  std::int32_t last = -1;
  for (const Group& group : groups) {
    if (group.projection.empty()) continue;
    if (group.target != last) out.branches.push_back({screen.target.names[group.target], {}, {}});
    last = group.target;
    out.branches.back().branches.push_back(
        {screen.split.names[group.split], [frame, &group] { return frame(group); }, {}});
  }
  return out;
}

std::vector<std::string> gene_names(const Screen& screen, const std::vector<std::int64_t>& genes) {
  std::vector<std::string> names;
  for (const std::int64_t gene : genes) names.push_back(screen.genes[gene]);
  return names;
}

/// Markers by target and group, which Mixscape finds in each group by itself.
nlohmann::json markers_of_groups(const Screen& screen, const Calls& calls) {
  auto out = nlohmann::json::object();
  for (const GroupCall& group : calls.groups)
    if (!group.markers.empty())
      out[screen.target.names[group.target]][screen.split.names[group.split]] = gene_names(screen, group.markers);
  return out;
}

nlohmann::json marker_lists(const Screen& screen, const Scores& scores) {
  auto out = nlohmann::json::object();
  for (std::size_t t = 0; t < scores.markers.size(); ++t)
    if (!scores.markers[t].empty()) out[screen.target.names[t]] = gene_names(screen, scores.markers[t]);
  return out;
}

nlohmann::json table_json(const report::Table& table) {
  auto out = nlohmann::json::object();
  for (const auto& column : table.columns)
    std::visit(
        [&](const auto& values) {
          using Values = std::decay_t<decltype(values)>;
          if constexpr (std::is_same_v<Values, std::vector<bool>>)
            out[column.name] = std::vector<std::int64_t>(values.begin(), values.end());
          else
            out[column.name] = values;
        },
        column.values);
  return out;
}

/// Coordinates of the cells that were told apart; NaN for the others.
data::WideMatrix discriminant_embedding(const Discriminant& found, std::size_t n_cells) {
  data::WideMatrix out{"X_mixscape_lda", found.axes, {}};
  const auto axes = static_cast<std::size_t>(found.axes);
  out.values.assign(n_cells * axes, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < found.cells.size(); ++i)
    for (std::size_t a = 0; a < axes; ++a) out.values[found.cells[i] * axes + a] = found.coordinates[i * axes + a];
  return out;
}

}  // namespace

std::vector<std::string> write_screening_h5ad(data::Dataset dataset, const Screening& screening, LayerType layer,
                                              const std::string& path, const RunControl& control, bool leave_one_out) {
  const Screen& screen = screening.screen;
  const ChainOptions& options = screening.options;
  const std::string& target_column = options.columns.target;
  const std::vector<std::string> cells = dataset.cells.names;
  const RunControl quiet{control.stop, {}};
  nlohmann::json uns;
  data::H5adExtras extras;
  uns["scriptorium"]["perturbation"] = options;
  if (!screening.notes.empty()) uns["scriptorium"]["notes"] = screening.notes;
  if (!screening.targets.empty()) uns["scriptorium"]["targets"] = table_json(target_table(screen, screening.targets));
  if (!screening.scores.score.empty()) {
    data::put(dataset.cells, {options.score_column, screening.scores.score, {}});
    uns["mixscale_de_genes"] = marker_lists(screen, screening.scores);
    extras.tables.push_back(projections("mixscale", screen, screening.scores.groups, [&](const GroupScore& group) {
      if (!leave_one_out) return projection_frame(screen, group, cells, target_column);
      GroupScore whole = group;
      if (whole.leave_one_out.empty())
        add_leave_one_out(whole, screening.signature, options.score.scale, options.threads, quiet);
      return projection_frame(screen, whole, cells, target_column, gene_names(screen, whole.markers),
                              whole.leave_one_out);
    }));
  }
  control.check();
  if (!screening.calls.state.empty()) {
    const Calls& calls = screening.calls;
    put_text(dataset.cells, options.class_column, calls.classes(screen));
    put(dataset.cells, options.class_column + "_global", calls.global_classes(screen));
    data::put(dataset.cells, {posterior_column(options.class_column, calls), calls.posterior, {}});
    uns["scriptorium"]["mixscape_markers"] = markers_of_groups(screen, calls);
    extras.tables.push_back(projections("mixscape", screen, calls.groups, [&](const GroupCall& group) {
      return projection_frame(screen, group, cells, target_column);
    }));
  }
  control.check();
  if (screening.discriminant && screening.discriminant->axes > 0) {
    const Discriminant& found = *screening.discriminant;
    extras.embeddings.push_back(discriminant_embedding(found, cells.size()));
    std::erase_if(dataset.embeddings,
                  [&](const data::Embedding& old) { return old.name == extras.embeddings.back().name; });
    extras.matrices.push_back({"mixscape_lda", found.axes, found.coordinates});
  }
  if (layer != LayerType::None)
    extras.layers.push_back({"X_pert", layer == LayerType::Float64, [&](std::int64_t first, std::int64_t last) {
                               return screening.signature.rows(first, last, options.threads, quiet);
                             }});
  return data::write_h5ad(dataset, uns, extras, path, control);
}

}  // namespace scriptorium::perturbation
