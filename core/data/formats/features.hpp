#pragma once
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

/// Leaves out antibodies, guides and other features beside "Gene Expression", with a note, and the genes of other
/// genomes when one is asked for. @throws Error when that genome is not there
Dataset keep_gene_expression(Dataset dataset, const FeatureTable& features, const std::string& genome);

}  // namespace scriptorium::data
