// What a chain found, in an anndata file, under the names that pertpy gives it.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/data/put_column.hpp"
#include "core/data/writers/writers.hpp"
#include "core/perturbation/chain.hpp"
#include "core/perturbation/tables.hpp"

namespace scriptorium::perturbation {
namespace {

void put(data::Table& table, const std::string& name, analysis::Labels labels) {
  data::put(table, {name, data::Categorical{std::move(labels.code), std::move(labels.names)}, {}});
}

/// By target and group: projection, rows of the cells, and whether a cell is of the target.
template <class Group>
nlohmann::json projections(const Screen& screen, const std::vector<Group>& groups) {
  auto out = nlohmann::json::object();
  for (const Group& group : groups) {
    if (group.projection.empty()) continue;
    std::vector<std::int64_t> is_target(group.cells.size(), 0);
    std::fill_n(is_target.begin(), group.n_target, 1);
    nlohmann::json entry{{"pvec", group.projection}, {"row", group.cells}, {"is_target", std::move(is_target)}};
    std::vector<std::string> genes;
    for (const std::int64_t gene : group.markers) genes.push_back(screen.genes[gene]);
    entry["markers"] = std::move(genes);
    if constexpr (requires { group.direction; }) entry["vec"] = group.direction;
    out[screen.target.names[group.target]][screen.split.names[group.split]] = std::move(entry);
  }
  return out;
}

nlohmann::json marker_lists(const Screen& screen, const Scores& scores) {
  auto out = nlohmann::json::object();
  for (std::size_t t = 0; t < scores.markers.size(); ++t) {
    std::vector<std::string> genes;
    for (const std::int64_t gene : scores.markers[t]) genes.push_back(screen.genes[gene]);
    if (!genes.empty()) out[screen.target.names[t]] = std::move(genes);
  }
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
data::Embedding discriminant_embedding(const Discriminant& found, std::size_t n_cells) {
  data::Embedding out{"X_mixscape_lda", found.axes, {}};
  const auto axes = static_cast<std::size_t>(found.axes);
  out.coordinates.assign(n_cells * axes, std::numeric_limits<float>::quiet_NaN());
  for (std::size_t i = 0; i < found.cells.size(); ++i)
    for (std::size_t a = 0; a < axes; ++a)
      out.coordinates[found.cells[i] * axes + a] = static_cast<float>(found.coordinates[i * axes + a]);
  return out;
}

}  // namespace

std::vector<std::string> write_screening_h5ad(data::Dataset dataset, const Screening& screening, LayerType layer,
                                              const std::string& path, const RunControl& control) {
  const Screen& screen = screening.screen;
  const ChainOptions& options = screening.options;
  nlohmann::json uns;
  uns["scriptorium"]["perturbation"] = options;
  if (!screening.notes.empty()) uns["scriptorium"]["notes"] = screening.notes;
  if (!screening.targets.empty()) uns["scriptorium"]["targets"] = table_json(target_table(screen, screening.targets));
  if (!screening.scores.score.empty()) {
    data::put(dataset.cells, {options.score_column, screening.scores.score, {}});
    uns["mixscale"] = projections(screen, screening.scores.groups);
    uns["mixscale_de_genes"] = marker_lists(screen, screening.scores);
  }
  control.check();
  if (!screening.calls.state.empty()) {
    const Calls& calls = screening.calls;
    put(dataset.cells, options.class_column, calls.classes(screen));
    put(dataset.cells, options.class_column + "_global", calls.global_classes(screen));
    data::put(dataset.cells, {posterior_column(options.class_column, calls), calls.posterior, {}});
    uns["mixscape"] = projections(screen, calls.groups);
  }
  control.check();
  if (screening.discriminant && screening.discriminant->axes > 0) {
    auto found = discriminant_embedding(*screening.discriminant, dataset.cells.size());
    std::erase_if(dataset.embeddings, [&](const data::Embedding& old) { return old.name == found.name; });
    dataset.embeddings.push_back(std::move(found));
  }
  std::vector<data::StreamedLayer> layers;
  if (layer != LayerType::None)
    layers.push_back({"X_pert", layer == LayerType::Float64, [&](std::int64_t first, std::int64_t last) {
                        return screening.signature.rows(first, last, options.threads, {control.stop, {}});
                      }});
  return data::write_h5ad(dataset, uns, layers, path, control);
}

}  // namespace scriptorium::perturbation
