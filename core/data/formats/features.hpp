#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"

namespace scriptorium::data {

/// What Cell Ranger says of each feature; lists other than `ids` may be empty.
struct FeatureTable {
  std::vector<std::string> ids, symbols, types, genomes;
};

/// Genes named by their ids, with the columns symbol, feature_type and genome where known.
/// @throws Error when the lists differ in length
Table gene_table(const FeatureTable& features, const std::string& file, std::vector<std::string>& notes);

/// The features to keep where not all are: without antibodies, guides and others beside "Gene Expression" (a note says
/// so), and without genes of other genomes when one is asked for. @throws Error when that genome is not there
std::optional<std::vector<std::int64_t>> gene_expression(const FeatureTable& features, const std::string& genome,
                                                         const std::string& file, std::vector<std::string>& notes);

}  // namespace scriptorium::data
