#pragma once
#include <nlohmann/json_fwd.hpp>

#include "core/data/open.hpp"

namespace scriptorium::data {
/// Facts of a data set under the keys of the command-line contract (counts_at, n_cells, …, top_gene_total) and more:
/// format, layers with verdicts, obs and var columns with types, embeddings, data_id, notes.
nlohmann::json inspect_json(const Dataset& dataset);
}  // namespace scriptorium::data
