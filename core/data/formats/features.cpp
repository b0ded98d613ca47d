#include "core/data/formats/features.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

/// A column of few different texts as labels, categories in the order in which they come.
Categorical as_labels(const std::vector<std::string>& texts) {
  Categorical out;
  std::map<std::string, std::int32_t> codes;
  for (const std::string& text : texts) {
    const auto [at, is_new] = codes.try_emplace(text, static_cast<std::int32_t>(out.categories.size()));
    if (is_new) out.categories.push_back(text);
    out.codes.push_back(at->second);
  }
  return out;
}

}  // namespace

Table gene_table(const FeatureTable& features, const std::string& file, std::vector<std::string>& notes) {
  Table genes;
  genes.names = features.ids;
  for (const auto* column : {&features.symbols, &features.types, &features.genomes})
    if (!column->empty() && column->size() != features.ids.size())
      throw Error(ErrorCode::BadInput,
                  file + " lists " + std::to_string(features.ids.size()) + " feature ids but " +
                      std::to_string(column->size()) + " entries in another column of features",
                  "Copy or download the file again.");
  if (!features.symbols.empty()) genes.columns.push_back({"symbol", features.symbols, {}});
  if (!features.types.empty()) genes.columns.push_back({"feature_type", as_labels(features.types), {}});
  if (!features.genomes.empty()) genes.columns.push_back({"genome", as_labels(features.genomes), {}});
  make_unique(genes.names, "gene", notes);
  return genes;
}

std::optional<std::vector<std::int64_t>> gene_expression(const FeatureTable& features, const std::string& genome,
                                                         const std::string& file, std::vector<std::string>& notes) {
  static const std::string expression = "Gene Expression";
  const auto n = static_cast<std::int64_t>(features.ids.size());
  const bool mixed = std::find(features.types.begin(), features.types.end(), expression) != features.types.end();
  std::vector<std::int64_t> kept;
  std::map<std::string, std::int64_t> left_out;
  for (std::int64_t g = 0; g < n; ++g) {
    if (mixed && features.types[g] != expression)
      ++left_out[features.types[g]];
    else if (genome.empty() || (!features.genomes.empty() && features.genomes[g] == genome))
      kept.push_back(g);
  }
  if (kept.empty() && !genome.empty()) {
    const std::set<std::string> known(features.genomes.begin(), features.genomes.end());
    throw Error(ErrorCode::BadInput, file + " has no genome " + genome,
                known.empty() ? "The file names no genomes: leave it out."
                              : "Choose one of " + listed({known.begin(), known.end()}, 8, "or") + ".");
  }
  for (const auto& [type, count] : left_out)
    notes.push_back(grouped(count) + " features of type " + (type.empty() ? "“”" : type) +
                    " are left out: only gene expression is counted.");
  if (static_cast<std::int64_t>(kept.size()) == n) return {};
  return kept;
}

}  // namespace scriptorium::data
